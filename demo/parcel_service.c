/* parcel_service: a service that leaks messages of a format nobody has a rule for. It is what
 * docs/writing-rules.md is about: two parcels of three are delivered, and their messages are freed,
 * the others are kept for good; each has a record of pointers and numbers, and some have a token of
 * their customer.
 *
 * usage: parcel_service [PARCELS]     20000 without; says READY and its pid, then waits for the end
 * of its input */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How far a parcel is. */
enum state { QUEUED = 1, SORTED, ON_ROUTE, DELIVERED };

static const char *const states[] = { "", "queued", "sorted", "on-route", "delivered" };

struct parcel {
	struct parcel *next;
	char *message;
	uint32_t magic;
	uint32_t state;
	uint64_t number;
	void *reserved;
};

static uint32_t seed = 20240601;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

static char *copy(const char *text)
{
	char *made = malloc(strlen(text) + 1);

	if (!made)
		exit(1);
	return strcpy(made, text);
}

/* "PARCEL/2 id=4711 route=hub-3/lane-12 state=queued note=...". */
static char *make_message(uint64_t number, enum state state)
{
	char note[64] = "", text[256];

	memset(note, '.', 8 + any(40));
	snprintf(text, sizeof text, "PARCEL/2 id=%llu route=hub-%u/lane-%u state=%s note=%s",
			 (unsigned long long)number, 1 + any(4), 1 + any(20), states[state], note);
	return copy(text);
}

/* What must not be seen: a header with a token. */
static char *make_token(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	char text[64] = "Authorization: Bearer ";

	for (size_t i = strlen(text); i < 54; i++)
		text[i] = letters[any(sizeof letters - 1)];
	return copy(text);
}

static struct parcel *add_parcel(struct parcel *before, uint64_t number)
{
	struct parcel *parcel = calloc(1, sizeof *parcel);
	enum state state = (enum state)(QUEUED + any(3));

	if (!parcel)
		exit(1);
	parcel->next = before;
	parcel->message = make_message(number, state);
	parcel->magic = 0xc0dec0de;
	parcel->state = state;
	parcel->number = number;
	return parcel;
}

int main(int count, char **arguments)
{
	static struct parcel *parcels;
	static char *tokens[1000];
	uint64_t parcels_wanted = count > 1 ? strtoull(arguments[1], NULL, 10) : 20000;
	char byte, **delivered = calloc(2 * parcels_wanted, sizeof *delivered);

	for (uint64_t i = 0; delivered && i < parcels_wanted; i++) {
		delivered[2 * i] = make_message(3 * i + 1, DELIVERED);
		parcels = add_parcel(parcels, 3 * i + 2);
		delivered[2 * i + 1] = make_message(3 * i + 3, DELIVERED);
		if (i % 20 == 0 && i / 20 < 1000)
			tokens[i / 20] = make_token();
	}
	for (uint64_t i = 0; delivered && i < 2 * parcels_wanted; i++)
		free(delivered[i]);
	/* without stdio's buffers, which would lie where a message was */
	dprintf(STDOUT_FILENO, "READY %d\n", (int)getpid());
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return tokens[0] && parcels ? 0 : 1;
}

#include "tests/support/proof.h"

#include "analyze/content/validators.h"

#include <stdlib.h>
#include <string.h>

size_t proof_run(const char *name, struct span bytes, struct match *match)
{
	static uint8_t *copy;
	const struct validator *validator = validator_find(name);

	free(copy);
	copy = malloc(bytes.size ? bytes.size : 1);
	if (!validator || !copy)
		abort();
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	*match = (struct match){ .bytes = bytes.size > 0 };
	match->extent = match->bytes;
	return validator->run(span_make(copy, bytes.size), match) ? match->extent : 0;
}

bool proof_captured(const struct match *match, const char *name, const char *text)
{
	const struct match_capture *capture = match_find(match, name);

	return capture && span_equal(capture->text, span_string(text));
}

bool proof_survives(const char *name, struct span good, int rounds)
{
	struct match match;
	bool sound = true;

	for (size_t size = 0; size <= good.size; size++)
		sound &= proof_run(name, span_part(good, 0, size), &match) <= size;
	srand(9);
	while (rounds--) {
		uint8_t *bytes = malloc(good.size);

		memcpy(bytes, good.data, good.size);
		for (int flips = 1 + rand() % 3; flips; flips--)
			bytes[(size_t)rand() % good.size] ^= (uint8_t)(1 << rand() % 8);
		sound &= proof_run(name, span_make(bytes, good.size), &match) <= good.size;
		free(bytes);
	}
	return sound;
}

size_t proof_accepts_noise(const char *name, struct span start, int rounds)
{
	size_t accepted = 0;
	uint8_t bytes[256];
	struct match match;

	srand(10);
	while (rounds--) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(rand() >> 7);
		memcpy(bytes, start.data, start.size);
		accepted += proof_run(name, span_make(bytes, sizeof bytes), &match) > 0;
	}
	return accepted;
}

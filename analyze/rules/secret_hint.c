#include "analyze/rules/secret_hint.h"

#include "analyze/validators/text_run.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { LAST = 3 };

/* The fixed bytes of each alternative of redact.c's pattern that has some, in its order. */
static const char *const in_case[] = {
	"-----BEGIN",    "eyJ",        "AKIA",   "ASIA",   "AGPA",      "AIDA",      "AROA",
	"ANPA",          "ANVA",       "gho_",   "ghp_",   "ghr_",      "ghs_",      "ghu_",
	"_pat_",         "glpat-",     "npm_",   "hf_",    "xox",       "xapp-",     "AIza",
	"ya29.",         "k_live",     "k-live", "k_test", "k-test",    "sk-",       "hsec_",
	"SG.",           "CSPX-",      "hvs.",   "hvb.",   "q0atp-",    "q0csp-",    "pypi-Ag",
	"slack.com/ser", "/webhooks/", "$1$",    "$5$",    "$6$",       "$y$",       "$2a$",
	"$2b$",          "$2x$",       "$2y$",   "$apr1$", "$argon2i$", "$argon2d$", "$argon2id$",
	"://",           "/\\/",       "/\\\\/", "thin:",
};
static const char *const in_any_case[] = { "bearer", "basic", "digest", "identified",
										   "mailto", "pw=",   "pw:",    "pw\"",
										   "pw'",    "pw\\",  "pw " };
/* A sign of assignment follows these, behind the rest of the word. */
static const char *const names[] = {
	"sess", "auth",     "sig",      "sid", "otp",  "pin",    "jwt",  "cvv", "cvc",
	"csrf", "code_ver", "remember", "ssn", "iban", "cookie", "code", "key",
};
/* … or a blank. */
static const char *const spoken[] = { "pass",       "pwd",    "kennwort", "secret",  "token",
									  "credential", "apikey", "api key",  "api_key", "api-key" };

#define COUNT(table) (sizeof(table) / sizeof *(table))
_Static_assert(COUNT(in_case) + COUNT(in_any_case) + COUNT(names) + COUNT(spoken) <= SECRET_PIECES,
			   "room for each piece");

/* Multiplicative hashing (Knuth, TAOCP 3, 6.4) of the last three bytes. */
static unsigned hash_of(uint32_t last)
{
	return last * UINT32_C(0x9e3779b1) >> (32 - SECRET_HINT_BITS);
}

static uint32_t push(uint32_t last, uint8_t byte)
{
	return (last << 8 | byte) & 0xffffff;
}

/* By its last bytes; letters whose bit in `upper` is set are taken in upper case. */
static void add_last(struct secret_hint *hint, const char *end, unsigned upper)
{
	uint32_t last = 0;
	unsigned hash;

	for (int i = -LAST; i < 0; i++)
		last = push(last, (uint8_t)(end[i] & ~(upper >> (i + LAST) & 1 ? 32 : 0)));
	hash = hash_of(last);
	hint->hashes[hash / 8] = (uint8_t)(hint->hashes[hash / 8] | 1 << hash % 8);
}

static void add(struct secret_hint *hint, struct secret_piece piece)
{
	piece.size = strlen(piece.text);
	for (unsigned upper = 0; upper < (piece.caseless ? 1 << LAST : 1); upper++)
		add_last(hint, piece.text + piece.size, upper);
	hint->pieces[hint->count++] = piece;
}

void secret_hint_init(struct secret_hint *hint)
{
	*hint = (struct secret_hint){ 0 };
	for (size_t i = 0; i < COUNT(in_case); i++)
		add(hint, (struct secret_piece){ .text = in_case[i] });
	for (size_t i = 0; i < COUNT(in_any_case); i++)
		add(hint, (struct secret_piece){ .text = in_any_case[i], .caseless = true });
	for (size_t i = 0; i < COUNT(names); i++)
		add(hint, (struct secret_piece){ .text = names[i], .caseless = true, .assigned = true });
	for (size_t i = 0; i < COUNT(spoken); i++)
		add(hint, (struct secret_piece){
					  .text = spoken[i], .caseless = true, .assigned = true, .spoken = true });
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

/* Can "=", ":" or "->" follow a name, or a blank one that is spoken? Left open where that takes too
 * long to tell. */
static bool is_followed(const struct secret_piece *piece, struct span rest)
{
	enum { FAR = 64 };
	size_t i = 0;

	while (i < rest.size && i < FAR &&
		   (text_is_letter(rest.data[i]) || text_is_digit(rest.data[i]) ||
			is_one_of(rest.data[i], "_-+\\\"' \t\n\v\f\r"))) {
		if (piece->spoken && isspace(rest.data[i]))
			return true;
		i++;
	}
	return i == FAR || (i < rest.size && is_one_of(rest.data[i], "=:>"));
}

/* Is there a piece of a secret that ends at that offset? */
static bool ends_piece(const struct secret_hint *hint, struct span value, size_t offset)
{
	const char *end = (const char *)value.data + offset;

	for (size_t i = 0; i < hint->count; i++) {
		const struct secret_piece *piece = &hint->pieces[i];

		if (((piece->text[piece->size - 1] ^ end[-1]) & ~32) || piece->size > offset)
			continue;
		if ((piece->caseless ? strncasecmp : strncmp)(end - piece->size, piece->text,
													  piece->size) == 0 &&
			(!piece->assigned || is_followed(piece, span_part(value, offset, value.size))))
			return true;
	}
	return false;
}

/* [\w+=-] of the pattern's long tokens. */
static bool is_token_byte(uint8_t c)
{
	return text_is_letter(c) || text_is_digit(c) || c == '_' || c == '+' || c == '=' || c == '-';
}

size_t secret_hint_find(const struct secret_hint *hint, struct span value)
{
	/* BEFORE: the most that an alternative has from its start to the end of its piece, as in
	 * "private_key" and "github_pat_". In a mail address one byte before the sign is enough. */
	enum { LONG_TOKEN = 16, BEFORE = 16 };
	uint32_t last = 0;
	size_t run = 0;
	bool digit = false;

	for (size_t i = 0; i < value.size; i++) {
		uint8_t c = value.data[i];
		unsigned hash = hash_of(last = push(last, c));

		run = is_token_byte(c) ? run + 1 : 0;
		digit = run && (digit || text_is_digit(c));
		if (c == '@' || (run >= LONG_TOKEN && digit) ||
			(hint->hashes[hash / 8] >> hash % 8 & 1 && ends_piece(hint, value, i + 1)))
			return i + 1 - (run > BEFORE ? run : i + 1 > BEFORE ? BEFORE : i + 1);
	}
	return value.size;
}

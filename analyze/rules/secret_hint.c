#include "analyze/rules/secret_hint.h"

#include "analyze/validators/text_run.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { LAST = 3 };

/* The fixed bytes of each alternative of redact.c's pattern that has some, in its order. */
static const char *const in_case[] = {
	"-----BEGIN",    "eyJ",        "AKIA",   "ASIA",     "AGPA",      "AIDA",      "AROA",
	"ANPA",          "ANVA",       "gho_",   "ghp_",     "ghr_",      "ghs_",      "ghu_",
	"_pat_",         "glpat-",     "npm_",   "hf_",      "xox",       "xapp-",     "AIza",
	"ya29.",         "k_live",     "k-live", "k_test",   "k-test",    "sk-",       "hsec_",
	"SG.",           "CSPX-",      "hvs.",   "hvb.",     "q0atp-",    "q0csp-",    "pypi-Ag",
	"slack.com/ser", "/webhooks/", "$1$",    "$5$",      "$6$",       "$y$",       "$2a$",
	"$2b$",          "$2x$",       "$2y$",   "$apr1$",   "$argon2i$", "$argon2d$", "$argon2id$",
	"://",           "/\\/",       "/\\\\/", "thin:",    "$7$",       "$P$",       "$S$",
	"$H$",           "$gy$",       "$sha1$", "$scrypt$", "$bcrypt",   "pbkdf2",    "SCRAM-SHA",
	"{SHA",          "{SSHA",      "xmpp:",  "acct:",    "sip:",      "sips:",
};
static const char *const in_any_case[] = { "bearer",   "basic",     "digest",     "identified",
										   "mailto",   "pw=",       "pw:",        "pw\"",
										   "pw'",      "pw\\",      "pw ",        "/reset/",
										   "/verify/", "/invite/",  "/activate/", "/confirm/",
										   "/unlock/", "/recover/", "/magic/",    "/unsubscribe/" };
/* A sign of assignment follows these, behind the rest of the word. */
static const char *const names[] = {
	"sess",     "auth",     "sig", "sid",  "otp",    "pin",  "jwt", "cvv",      "cvc",  "csrf",
	"code_ver", "remember", "ssn", "iban", "cookie", "code", "key", "mnemonic", "hmac",
};
/* … or a blank, a slash or the bracket of a call. */
static const char *const spoken[] = { "pass",
									  "pwd",
									  "kennwort",
									  "secret",
									  "token",
									  "credential",
									  "apikey",
									  "api key",
									  "api_key",
									  "api-key",
									  "pswd",
									  "contrasena",
									  "contrase\xc3\xb1"
									  "a",
									  "senha",
									  "wachtwoord",
									  "\xd0\xbb\xd1\x8c",
									  "\xe5\xaf\x86\xe7\xa0\x81",
									  "\xe5\xaf\x86\xe7\xa2\xbc" };

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
		last = push(
			last, (uint8_t)(upper >> (i + LAST) & 1 ? toupper((uint8_t)end[i]) : (uint8_t)end[i]));
	hash = hash_of(last);
	hint->hashes[hash / 8] = (uint8_t)(hint->hashes[hash / 8] | 1 << hash % 8);
}

static void add(struct secret_hint *hint, struct secret_piece piece)
{
	piece.size = strlen(piece.text);
	for (size_t i = piece.size - LAST; i < piece.size; i++)
		piece.last = push(piece.last, (uint8_t)piece.text[i]);
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

/* Can "=", ":" or "->" follow a name, or a blank, "/" or "(" one that is spoken? Left open where
 * that takes too long to tell. */
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
	return i == FAR || (i < rest.size && is_one_of(rest.data[i], piece->spoken ? "=:>/(" : "=:>"));
}

/* Is there a piece of a secret that ends at that offset? `last` are the bytes before it. */
static bool ends_piece(const struct secret_hint *hint, struct span value, size_t offset,
					   uint32_t last)
{
	enum { BUT_CASE = 0xdfdfdf };
	const char *end = (const char *)value.data + offset;

	for (size_t i = 0; i < hint->count; i++) {
		const struct secret_piece *piece = &hint->pieces[i];

		if (((piece->last ^ last) & BUT_CASE) || piece->size > offset)
			continue;
		if ((piece->caseless ? strncasecmp : strncmp)(end - piece->size, piece->text,
													  piece->size) == 0 &&
			(!piece->assigned || is_followed(piece, span_part(value, offset, value.size))))
			return true;
	}
	return false;
}

/* Bytes of the pattern's long tokens, [\w+=-], and of its base64. */
enum { TOKEN = 1, BASE64 = 2, BOTH = TOKEN | BASE64 };

static const uint8_t token_bytes[256] = {
	['0' ... '9'] = BOTH, ['A' ... 'Z'] = BOTH, ['a' ... 'z'] = BOTH, ['+'] = BOTH,
	['/'] = BASE64,       ['_'] = TOKEN,        ['='] = TOKEN,        ['-'] = TOKEN,
};

enum { LONG_TOKEN = 16, LONG_BASE64 = 36 };

/* Bytes of these kinds right in front of an offset, not before `start`. */
static size_t token_before(struct span value, size_t start, size_t offset, unsigned kinds)
{
	size_t at = offset;

	while (at > start && token_bytes[value.data[at - 1]] & kinds)
		at--;
	return offset - at;
}

/* Offset of a run of so many bytes of the kind, from `start` on; value.size where there is none.
 * Only where one is long enough are all of its bytes looked at: else the search goes on behind the
 * last byte that is none. */
static size_t find_run(struct span value, size_t start, size_t least, unsigned kind)
{
	while (value.size - start >= least) {
		size_t length = token_before(value, start, start + least, kind);

		if (length == least)
			return start;
		start += least - length;
	}
	return value.size;
}

/* Offset of the byte with which a long token with a digit is complete, or value.size. */
static size_t find_token(struct span value)
{
	size_t start = find_run(value, 0, LONG_TOKEN, TOKEN);

	while (start < value.size) {
		size_t at = start;

		while (at < value.size && token_bytes[value.data[at]] & TOKEN)
			if (text_is_digit(value.data[at++]))
				return at < start + LONG_TOKEN ? start + LONG_TOKEN - 1 : at - 1;
		start = find_run(value, at, LONG_TOKEN, TOKEN);
	}
	return value.size;
}

/* Offset of the fifth capital of a long run of base64, which paths seldom have, or value.size. */
static size_t find_base64(struct span value)
{
	enum { CAPITALS = 5 };
	size_t at = find_run(value, 0, LONG_BASE64, BASE64);

	while (at < value.size) {
		int capitals = 0;

		for (; at < value.size && token_bytes[value.data[at]] & BASE64; at++) {
			capitals += value.data[at] >= 'A' && value.data[at] <= 'Z';
			if (capitals == CAPITALS)
				return at;
		}
		at = find_run(value, at, LONG_BASE64, BASE64);
	}
	return value.size;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Offset of the last byte of the first piece that ends before `limit`, or `limit`. */
static size_t find_piece(const struct secret_hint *hint, struct span value, size_t limit)
{
	uint32_t last = 0;

	for (size_t i = 0; i < limit; i++) {
		unsigned hash = hash_of(last = push(last, value.data[i]));

		if (hint->hashes[hash / 8] >> hash % 8 & 1 && ends_piece(hint, value, i + 1, last))
			return i;
	}
	return limit;
}

static size_t find_mail_sign(struct span value)
{
	const uint8_t *sign = value.size ? memchr(value.data, '@', value.size) : NULL;

	return sign ? (size_t)(sign - value.data) : value.size;
}

size_t secret_hint_find(const struct secret_hint *hint, struct span value)
{
	/* the most that an alternative has from its start to the end of its piece, as in "private_key"
	 * and "github_pat_"; in a mail address one byte before the sign is enough */
	enum { BEFORE = 16 };
	struct span front = span_part(value, 0, find_mail_sign(value));
	size_t token = smaller(find_token(front), find_base64(front));
	size_t end = find_piece(hint, value, token) + 1, before;

	if (end > value.size)
		return value.size;
	before = token_before(value, 0, end, TOKEN | BASE64);
	if (before < BEFORE)
		before = end < BEFORE ? end : BEFORE;
	return end - before;
}

/* secret_hint: what no secret is without: a word like "token" or the fixed bytes of a key's form,
 * or a long run of token bytes with a digit. Most values have neither, and need not be matched
 * against all forms of secrets, which takes fifty times as long. */
#ifndef ANALYZE_RULES_SECRET_HINT_H
#define ANALYZE_RULES_SECRET_HINT_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECRET_HINT_BITS = 16, SECRET_PIECES = 160 };

struct secret_piece {
	const char *text;
	size_t size;
	uint32_t last; /* its last three bytes */
	bool caseless; /* the text is in lower case */
	bool assigned; /* a sign of assignment follows */
	bool spoken;   /* … or a blank, a slash or a bracket */
};

struct secret_hint {
	uint8_t
		hashes[1 << (SECRET_HINT_BITS - 3)]; /* a bit for what the last bytes of a piece hash to */
	struct secret_piece pieces[SECRET_PIECES];
	size_t count;
};

void secret_hint_init(struct secret_hint *hint);

/* Where the first of redact.c's secrets may begin: none begins before. value.size: it holds none.
 */
size_t secret_hint_find(const struct secret_hint *hint, struct span value);

#endif

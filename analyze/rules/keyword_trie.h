/* keyword_trie: finds keywords in a text read byte by byte (Aho, Corasick 1975): one state, one
 * step a byte. */
#ifndef ANALYZE_RULES_KEYWORD_TRIE_H
#define ANALYZE_RULES_KEYWORD_TRIE_H

#include "base/span.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdint.h>

/* State 0 is the start. Symbols stand for the bytes that occur in keywords; symbol 0 for every
 * other byte. */
struct keyword_trie {
	uint8_t symbol[256]; /* of each byte */
	uint8_t byte[256];   /* of each symbol above 0 */
	size_t symbols;
	VEC(uint32_t) go;      /* next state: [state * symbols + symbol] */
	VEC(uint32_t) keyword; /* per state: length of the longest keyword that ends here, or 0 */
	VEC(uint32_t) number;  /* per state: which keyword that is, the first of equal ones */
};

/* Takes about 1 KiB for each byte of the keywords at worst. */
void keyword_trie_init(struct keyword_trie *trie, const struct span *keywords, size_t count);
void keyword_trie_deinit(struct keyword_trie *trie);

#endif

#include "analyze/rules/keyword_trie.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static uint32_t trie_add_state(struct keyword_trie *trie)
{
	for (size_t i = 0; i < trie->symbols; i++)
		*vec_add(&trie->go) = 0;
	*vec_add(&trie->keyword) = 0;
	*vec_add(&trie->number) = 0;
	return (uint32_t)trie->keyword.count - 1;
}

static void trie_add(struct keyword_trie *trie, struct span keyword, uint32_t number)
{
	uint32_t state = 0;

	for (size_t i = 0; i < keyword.size; i++) {
		size_t slot = state * trie->symbols + trie->symbol[keyword.data[i]];

		if (!trie->go.items[slot]) {
			uint32_t added = trie_add_state(trie);

			trie->go.items[slot] = added;
		}
		state = trie->go.items[slot];
	}
	if (trie->keyword.items[state])
		return;
	trie->keyword.items[state] = (uint32_t)keyword.size;
	trie->number.items[state] = number;
}

/* Breadth first: a state's missing edges are those of the longest proper suffix. */
static void trie_link(struct keyword_trie *trie)
{
	uint32_t *queue = mem_zeroed(trie->keyword.count, sizeof *queue);
	uint32_t *suffix = mem_zeroed(trie->keyword.count, sizeof *suffix);
	size_t head = 0, tail = 0;

	queue[tail++] = 0;
	while (head < tail) {
		uint32_t state = queue[head++];

		for (size_t s = 0; s < trie->symbols; s++) {
			uint32_t *slot = &trie->go.items[state * trie->symbols + s];
			uint32_t fallback = state ? trie->go.items[suffix[state] * trie->symbols + s] : 0;

			if (*slot) {
				suffix[*slot] = fallback;
				if (!trie->keyword.items[*slot]) {
					trie->keyword.items[*slot] = trie->keyword.items[fallback];
					trie->number.items[*slot] = trie->number.items[fallback];
				}
				queue[tail++] = *slot;
			} else {
				*slot = fallback;
			}
		}
	}
	free(queue);
	free(suffix);
}

void keyword_trie_init(struct keyword_trie *trie, const struct span *keywords, size_t count)
{
	memset(trie, 0, sizeof *trie);
	trie->symbols = 1;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < keywords[i].size; j++) {
			uint8_t byte = keywords[i].data[j];

			if (!trie->symbol[byte] && trie->symbols < 256) {
				trie->byte[trie->symbols] = byte;
				trie->symbol[byte] = (uint8_t)trie->symbols++;
			}
		}
	trie_add_state(trie);
	for (size_t i = 0; i < count; i++)
		trie_add(trie, keywords[i], (uint32_t)i);
	trie_link(trie);
}

void keyword_trie_deinit(struct keyword_trie *trie)
{
	vec_deinit(&trie->go);
	vec_deinit(&trie->keyword);
	vec_deinit(&trie->number);
}

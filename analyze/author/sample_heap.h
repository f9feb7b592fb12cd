/* sample_heap: a heap made up of the chunk that a rule's sample is in and those its words point to,
 * as a scan and an explanation take it. */
#ifndef ANALYZE_AUTHOR_SAMPLE_HEAP_H
#define ANALYZE_AUTHOR_SAMPLE_HEAP_H

#include "analyze/content/runs.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "analyze/rules/rule.h"
#include "base/vaddr.h"

#include <stddef.h>
#include <stdint.h>

enum { SAMPLE_HEAP_OTHERS = 16 }; /* chunks that words point to; what is beyond is left out */

struct sample_heap {
	vaddr start; /* its address; the sample's chunk is the first */
	uint8_t *memory;
	uint64_t bytes;
	struct image image;
	struct chunk_table chunks;
	struct runs runs;
	uint32_t offsets[SAMPLE_HEAP_OTHERS + 2]; /* of the chunks, ascending */
	enum chunk_state states[SAMPLE_HEAP_OTHERS + 2];
	size_t count;
};

/* Lays out the sample of one of the rule's tests. The heap may not move; the caller ends with
 * sample_heap_deinit. */
void sample_heap_init(struct sample_heap *heap, const struct rule *rule,
					  const struct rule_test *test);
void sample_heap_deinit(struct sample_heap *heap);

/* Bytes of a pointer in samples of the rule: those of x86_64 where it leaves the machine open. */
unsigned sample_pointer_bytes(const struct rule *rule);

/* Bytes of the word at that offset, as the rule reads it; of a pointer where it does not look. */
unsigned sample_word_bytes(const struct rule *rule, uint32_t at);

#endif

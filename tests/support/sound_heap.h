/* sound_heap: whole heaps with some of everything in them, built by hand or captured, and what is
 * known of them: what tests of damage start from.
 *
 *     sound_heap_build(&heap, row, 300);
 *     sound_heap_examine(&heap);
 *     specimen_set(&heap.specimen, address, value);
 *     heap_walked_init(&walked, &heap);
 *     … compare walked.heap with heap.truth …
 *     heap_walked_deinit(&walked);
 *     specimen_heal(&heap.specimen);
 *     sound_heap_deinit(&heap); */
#ifndef TESTS_SUPPORT_SOUND_HEAP_H
#define TESTS_SUPPORT_SOUND_HEAP_H

#include "analyze/heap/heap.h"
#include "base/err.h"
#include "tests/support/heap_builder.h"
#include "tests/support/specimen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All buckets of the report's memory table. */
struct heap_walked_sums {
	uint64_t virtual_bytes, resident_bytes;
};

/* May not be moved once it was examined. */
struct sound_heap {
	const char *name;
	struct heap_builder builder;
	struct core core;
	struct image image;
	struct regions regions;
	struct specimen specimen; /* to be damaged */
	struct heap truth;        /* of the sound one */
	struct heap_walked_sums sums;
	bool built;
};

/* Builds heap number `row`, below sound_heap_rows(): several layouts, one to three arenas of which
 * one has two heaps, `chunks` chunks and half as many again in each arena (at most 300), in use, in
 * caches and in bins, mmapped ones, pages that are not resident. */
size_t sound_heap_rows(void);
void sound_heap_build(struct sound_heap *heap, size_t row, unsigned chunks);

/* Or opens a core. The caller ends with sound_heap_deinit in every case. */
bool sound_heap_open(struct sound_heap *heap, const char *path, struct err *err);
void sound_heap_deinit(struct sound_heap *heap);

/* Walks it and fills specimen, truth and sums. False where it is not sound: no heap, or one that
 * was built and has anomalies. */
bool sound_heap_examine(struct sound_heap *heap);

/* What the analysis makes of the specimen as it is now. */
struct heap_walked {
	struct heap heap;
	struct anomalies anomalies;
	struct heap_walked_sums sums;
};
void heap_walked_init(struct heap_walked *walked, const struct sound_heap *sound);
void heap_walked_deinit(struct heap_walked *walked);

/* What holds of the heap of any memory, damaged or not: NULL, or what is broken (in a buffer of the
 * caller). Chunks tile their blocks; blocks do not overlap; of each arena the sums, the chunks and
 * the blocks have the same bytes. */
enum { HEAP_PROMISE_BYTES = 160 };
const char *heap_promise_broken(const struct heap *heap, char text[HEAP_PROMISE_BYTES]);

#endif

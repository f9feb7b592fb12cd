/* attribute_builder: a small process by hand, as the stages below attribution leave it: regions, a
 * page map, an image and a heap of chunks. */
#ifndef TESTS_SUPPORT_ATTRIBUTE_BUILDER_H
#define TESTS_SUPPORT_ATTRIBUTE_BUILDER_H

#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/owners.h"
#include "analyze/memory/regions.h"

/* Zero-initialise with attribute_builder_init. What is added must come by ascending address. */
struct attribute_builder {
	struct core core;
	struct image image;
	struct regions regions;
	struct owners owners; /* none */
	struct heap heap;
};

void attribute_builder_init(struct attribute_builder *builder);
void attribute_builder_deinit(struct attribute_builder *builder);

/* A region whose first `resident` bytes are resident (pages of 4096). */
struct region *attribute_builder_region(struct attribute_builder *builder, struct range range,
										enum region_kind kind, uint64_t resident);

/* Captured bytes; `data` must outlive the builder. */
void attribute_builder_piece(struct attribute_builder *builder, struct range range,
							 const uint8_t *data);

/* An arena whose one block is tiled by `count` chunks of the given sizes and states; adds a heap
 * block over it, and its sums to the arena. Gives the arena. */
struct heap_arena *attribute_builder_arena(struct attribute_builder *builder, vaddr start,
										   const struct chunk *chunks, size_t count);

/* A mmapped chunk. */
void attribute_builder_mmapped(struct attribute_builder *builder, vaddr address, uint64_t bytes);

/* The same, freed into a tcache. */
void attribute_builder_mmapped_cached(struct attribute_builder *builder, vaddr address,
									  uint64_t bytes);

/* The `status` document of /proc/PID. */
void attribute_builder_status(struct attribute_builder *builder, const char *text);

#endif

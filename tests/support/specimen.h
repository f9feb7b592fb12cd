/* specimen: a sound process image that is damaged and healed again, for tests of what damage costs.
 *
 *     specimen_init(&specimen, &image, &regions, &core);
 *     specimen_set(&specimen, chunk + 8, 0);
 *     specimen_drop(&specimen, page);
 *     heap_walk(&heap, &specimen.image, …);
 *     specimen_heal(&specimen);
 *     specimen_deinit(&specimen); */
#ifndef TESTS_SUPPORT_SPECIMEN_H
#define TESTS_SUPPORT_SPECIMEN_H

#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdint.h>

struct specimen_change {
	uint8_t *at;
	uint64_t old;
};

struct specimen {
	struct image image; /* of bytes of its own */
	const struct regions *regions;
	const struct core *core;
	VEC(struct piece) sound; /* the pieces as they were */
	VEC(struct specimen_change) changes;
};

/* Copies the image's bytes; regions and core must outlive the specimen. */
void specimen_init(struct specimen *specimen, const struct image *image,
				   const struct regions *regions, const struct core *core);
void specimen_deinit(struct specimen *specimen);

/* A word of the memory; what was not captured is 0, and setting it does nothing. */
uint64_t specimen_get(const struct specimen *specimen, vaddr address);
void specimen_set(struct specimen *specimen, vaddr address, uint64_t value);

/* Takes the range out of the image: it was not captured. */
void specimen_drop(struct specimen *specimen, struct range range);

/* Undoes every change and drop. */
void specimen_heal(struct specimen *specimen);

#endif

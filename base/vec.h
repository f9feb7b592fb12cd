/* vec: a growing array, typed by the macro that declares it.
 *
 *     VEC(struct region) regions = { 0 };
 *     *vec_add(&regions) = region;
 *     for (size_t i = 0; i < regions.count; i++) use(&regions.items[i]);
 *     vec_deinit(&regions);
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define VEC(type)        \
	struct {             \
		type *items;     \
		size_t count;    \
		size_t capacity; \
	}

/* Room for one more item of `size` bytes: doubles the array where it is full. */
static inline void *vec_grow_(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity ? *capacity * 2 : 16;
	return mem_resize(items, *capacity, size);
}

/* Adds a zeroed item and gives its address, valid until the next add. */
#define vec_add(vec)                                                                               \
	((vec)->items = vec_grow_((vec)->items, (vec)->count, &(vec)->capacity, sizeof *(vec)->items), \
	 memset(&(vec)->items[(vec)->count], 0, sizeof *(vec)->items), &(vec)->items[(vec)->count++])

/* Sorts with a qsort comparison. */
#define vec_sort(vec, compare) \
	((vec)->count ? qsort((vec)->items, (vec)->count, sizeof *(vec)->items, compare) : (void)0)

/* Frees the array (not what its items own) and leaves an empty vec. */
#define vec_deinit(vec) (free((vec)->items), memset((vec), 0, sizeof *(vec)))

#endif

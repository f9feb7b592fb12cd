/* lone: the layout of a main arena of which only the bins are certain: its ring leads to memory
 * that was not captured or was overwritten, so that no other arena confirms where it starts. */
#ifndef ANALYZE_HEAP_LONE_H
#define ANALYZE_HEAP_LONE_H

#include "analyze/heap/layout.h"
#include "analyze/memory/image.h"
#include "base/vaddr.h"

/* The row by whose bins offset the most words of writable memory hold the start of the malloc_state
 * with its bins at the address: each thread's thread_arena does (malloc/arena.c), and the last
 * arena's `next`. Rows with the same offset are one: the first is given. NULL where no word points
 * to any start, or as many to one as to another. */
const struct layout_state *lone_row(const struct image *image, vaddr bins);

#endif

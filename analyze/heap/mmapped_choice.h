/* mmapped_choice: which of the mappings found are malloc's, by the number and the bytes that it
 * counts. Others look like them: bytes of a program that happen to be headers, and chunks that were
 * freed and whose mapping stayed: munmap refuses a part of a huge page, which is what free asks for
 * where realloc has shrunk a chunk in huge pages (glibc 2.35 to 2.44, malloc.c, mremap_chunk and
 * munmap_chunk; Linux mm/hugetlb.c, hugetlb_vm_op_split). */
#ifndef ANALYZE_HEAP_MMAPPED_CHOICE_H
#define ANALYZE_HEAP_MMAPPED_CHOICE_H

#include "analyze/heap/layout.h"
#include "analyze/heap/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the bytes are what malloc counts; since 2.43 each mremap adds two words too much. */
bool mmapped_bytes_agree(const struct layout *layout, uint64_t mmapped_mem, uint64_t bytes);

/* Of the ranges of `count` mappings, more than malloc counts: sets in `drop`, which is all false,
 * those without which number and bytes are right, if exactly one choice does that. With huge pages
 * it is first made of what can have stayed there: what begins with a huge page and does not end
 * with one. False where no choice is right, several are, or it takes too long to tell. */
bool mmapped_choose(const struct layout *layout, const struct params *params,
					const struct range *ranges, size_t count, bool *drop);

#endif

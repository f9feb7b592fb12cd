/* tcache: a thread's cache of freed chunks (since 2.26). Its chunks look used to the walk.
 * Source: glibc malloc/malloc.c, struct tcache_perthread_struct, tcache_put, csize2tidx. */
#ifndef ANALYZE_HEAP_TCACHE_H
#define ANALYZE_HEAP_TCACHE_H

#include "analyze/heap/blocks.h"
#include "analyze/heap/layout.h"
#include "analyze/heap/links.h"
#include "analyze/heap/marks.h"
#include "analyze/memory/anomaly.h"
#include "base/vec.h"

/* One found: its struct is the user area of a chunk. */
struct tcache {
	vaddr address; /* of the struct, not of its chunk */
	uint32_t tid;  /* 0: not known */
	const struct layout_tcache *form;
};

typedef VEC(struct tcache) tcaches;

/* The form of the struct at the address by the size of its chunk, which must be in an arena; NULL
 * where it can be none. */
const struct layout_tcache *tcache_form(struct reader *reader, const struct layout *layout,
										const arena_blocks *blocks, vaddr address);

/* How sure the struct's own content is that it is one: -1 it is none, 0 all lists are empty, else
 * the number of lists whose first entry is a chunk of the right size. */
int tcache_belief(struct reader *reader, const struct layout *layout, const arena_blocks *blocks,
				  vaddr address, const struct layout_tcache *form);

/* What the first link of each list says of the links' form. */
void tcache_vote(const struct image *image, const struct layout *layout, const tcaches *found,
				 const arena_blocks *blocks, struct links_votes *votes);

/* Marks all entries CHUNK_TCACHE and the structs' chunks CHUNK_OVERHEAD. A list that breaks keeps
 * what led there and costs an anomaly, which ends with `cause`, "" or what explains it. Also
 * decides layout->key. */
void tcache_mark(const struct image *image, struct layout *layout, const tcaches *found,
				 struct chunk_table *chunks, const char *cause, struct anomalies *anomalies);

/* Finds structs by their content alone, among walked chunks of the right sizes: for cores that do
 * not tell the threads' pointers. Appends those that are not in `found` yet. */
void tcache_scan(const struct image *image, const struct layout *layout, const arena_blocks *blocks,
				 const struct chunk_table *chunks, tcaches *found);

#endif

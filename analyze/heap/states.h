/* states: recognises one malloc_state by its own content and reads it.
 *
 * Source: glibc malloc/malloc.c (struct malloc_state, malloc_init_state, bin_at) and
 * malloc/arena.c (heap_info, arena_for_chunk). */
#ifndef ANALYZE_HEAP_STATES_H
#define ANALYZE_HEAP_STATES_H

#include "analyze/heap/arenas.h"
#include "analyze/heap/layout.h"
#include "analyze/heap/reader.h"

/* What the search for arenas knows while it looks at one address after another. */
struct states {
	struct reader reader;
	unsigned word;
	unsigned steps;         /* states_is_arena may still look at; then it gives false */
	unsigned lone_searches; /* that may still be made */
	uint32_t page_size;
	const struct layout_state *row; /* any row with the bins offset in question */
};

/* Whether most bins are empty or lead to memory, and one at least is empty: only its links tell the
 * bins' place exactly. Not more is asked: in a live capture almost no list is whole, yet every head
 * is some chunk's address. */
bool states_is_arena(struct states *states, vaddr address);

/* The heap_info row by which the address is a secondary arena: it stands right behind the heap_info
 * at an aligned address, which says so or has the page size where it must be. NULL for a main
 * arena.
 */
const struct layout_heap_info *states_heap_info(struct states *states, vaddr address);

/* Whether the address is a secondary arena beyond doubt: its heap_info says so. Any run of empty
 * bins looks like a state that is some bins off its place. */
bool states_is_certain(struct states *states, vaddr address);

/* Whether bin 127, which is never used, is where the row puts it, and no bin behind it. */
bool states_has_last_bin(struct states *states, vaddr address);

/* Whether it is a main arena beyond doubt, under the row in `states`: top and system_mem fit each
 * other, top ends on a page, and chunks follow each other from the start of brk memory. Some bins
 * off its place there is no such top. From bins on all classes of a word size look alike: where
 * malloc_state starts is told by its alignment. Compilers give 32 bytes to a variable of that size
 * on x86 (GCC, ix86_data_alignment); never true elsewhere, or of an arena that is not contiguous.
 */
bool states_is_certain_main(struct states *states, vaddr address);

/* What the malloc_state says if its class is the row's. */
struct arena states_read(struct states *states, const struct layout_state *row, vaddr address);

/* How the fields make sense under the row: 2 all, 1 system_mem but not top, 0 they do not tell, -1
 * not at all. */
int states_vote(struct states *states, const struct layout_state *row, vaddr address);

/* How well chunks stand where the row would have them: for rows whose malloc_state looks alike (B16
 * and C8) but whose alignment and fastbins differ. Compared among such rows; means nothing alone.
 */
int states_chunks(struct states *states, const struct layout_state *row, vaddr address);

#endif

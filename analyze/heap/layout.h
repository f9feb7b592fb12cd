/* layout: where glibc's malloc keeps what, for every release from 2.6 to 2.44, as rows of tables.
 *
 * A release number does not tell the layout (distributions and stable branches port changes back),
 * so nothing here is chosen by one: each stage finds by evidence which rows fit. Offsets and sizes
 * are bytes. Sources: glibc malloc/malloc.c (struct malloc_state, malloc_par,
 * tcache_perthread_struct, malloc_chunk) and malloc/arena.c (heap_info) of each release. */
#ifndef ANALYZE_HEAP_LAYOUT_H
#define ANALYZE_HEAP_LAYOUT_H

#include "base/pool.h"
#include "base/vaddr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Generations of malloc_state, as bits. */
enum layout_class {
	LAYOUT_A0 = 1,
	LAYOUT_A1 = 2,
	LAYOUT_B = 4,
	LAYOUT_B16 = 8,
	LAYOUT_C8 = 16,
	LAYOUT_C = 32,
	LAYOUT_D = 64,
};

/* struct malloc_state. */
struct layout_state {
	enum layout_class class;
	const char *name;
	uint8_t word;           /* 4 or 8 */
	uint8_t alignment;      /* MALLOC_ALIGNMENT of the ABIs that have the row */
	uint8_t fastbins;       /* NFASTBINS; 0: removed */
	uint8_t fastbins_at;    /* fastbinsY */
	uint8_t fast_shift;     /* fastbin index = (size >> fast_shift) - 2 */
	uint16_t bins_at;       /* bins[0]; top is two words before it */
	uint16_t next_at;       /* ring of all arenas */
	uint16_t system_mem_at; /* max_system_mem is the word behind it */
	uint16_t bytes;
	uint8_t mapped_tail; /* bytes of a mmapped chunk's mapping behind the chunk */
};

/* struct heap_info: ar_ptr, prev, size, mprotect_size are its first four words. */
struct layout_heap_info {
	uint8_t word;
	uint8_t bytes;        /* = offset of the malloc_state in an arena's first heap */
	uint8_t page_size_at; /* pagesize; 0: no such field */
	bool recent;          /* 2.35 and later */
};

/* struct tcache_perthread_struct. */
enum layout_counts {
	LAYOUT_NO_TCACHE = 1, /* 2.25 and earlier, or switched off */
	LAYOUT_COUNTS_8 = 2,
	LAYOUT_COUNTS_16 = 4,
	LAYOUT_SLOTS = 8, /* num_slots counts down */
};
struct layout_tcache {
	enum layout_counts counts;
	uint8_t word;
	uint8_t bins;
	uint8_t count_bytes;
	uint16_t entries_at;
	uint16_t bytes;
};

/* struct malloc_par. int fields have 4 bytes, all others a word. top_pad is the second word. */
struct layout_params {
	uint8_t shape; /* bits; rows of both word sizes share them */
	uint8_t word;
	uint8_t n_mmaps_at; /* n_mmaps, n_mmaps_max, max_n_mmaps, no_dyn_threshold */
	uint8_t mmapped_mem_at;
	uint8_t sbrk_base_at;
	uint8_t tcache_count_at; /* 0: no such field */
	uint8_t bytes;
	uint8_t thp_page_at; /* thp_pagesize, hp_pagesize; 0: no such fields */
};

/* How links between cached chunks are stored. */
enum layout_links { LAYOUT_LINKS_PLAIN = 1, LAYOUT_LINKS_SAFE = 2 };

/* What the second word of a tcache entry holds. */
enum layout_key { LAYOUT_KEY_NONE = 1, LAYOUT_KEY_OWNER = 2, LAYOUT_KEY_RANDOM = 4 };

/* What is known of a process. A null row: the evidence does not tell. Zero links or key: likewise.
 */
struct layout {
	unsigned word;
	unsigned header; /* bytes from a chunk's address to the program's pointer */
	unsigned alignment;
	unsigned min_bytes; /* MINSIZE */
	uint32_t page_size;
	const struct layout_state *state;
	const struct layout_heap_info *heap_info;
	const struct layout_tcache *tcache;
	const struct layout_params *params;
	enum layout_links links;
	enum layout_key key;
	uint64_t heap_max; /* HEAP_MAX_SIZE in force */
};

/* The rows of the table; gives their number. Rows of one word size stand in the order in which they
 * are to be tried: oldest first. */
size_t layout_states(const struct layout_state **rows);
size_t layout_heap_infos(const struct layout_heap_info **rows);
size_t layout_tcaches(const struct layout_tcache **rows);
size_t layout_params(const struct layout_params **rows);

/* HEAP_MAX_SIZE values in use with the word size, most common first, 0-terminated: the constant,
 * and 4 huge pages where glibc.malloc.hugetlb=2 was in force (2.35 to 2.41). */
const uint64_t *layout_heap_maxima(unsigned word);

/* Takes the row and fills what follows from it. */
void layout_choose(struct layout *layout, const struct layout_state *row, uint32_t page_size);

/* Whether a chunk can be at the address: its user pointer is aligned. */
static inline bool layout_aligned(const struct layout *layout, vaddr chunk)
{
	return ((chunk + layout->header) & (layout->alignment - 1)) == 0;
}

/* The first address at or behind `from` where a chunk can be. */
static inline vaddr layout_chunk_from(const struct layout *layout, vaddr from)
{
	uint64_t mask = layout->alignment - 1;

	return ((from + layout->header + mask) & ~mask) - layout->header;
}

/* Flags in the low bits of a chunk's size word (malloc.c, "size field"). */
enum {
	LAYOUT_PREV_IN_USE = 1,
	LAYOUT_IS_MMAPPED = 2,
	LAYOUT_NON_MAIN = 4,
	LAYOUT_FLAGS = 7,
};

/* The shapes of malloc_par that releases have which fit all that is known; bits. */
unsigned layout_params_shapes(const struct layout *layout);

/* The releases that fit all that is known, "glibc 2.35-2.41"; "glibc" where no row does. The text
 * needs LAYOUT_NAME_BYTES. */
enum { LAYOUT_NAME_BYTES = 32 };
void layout_generation(const struct layout *layout, char text[LAYOUT_NAME_BYTES]);

/* What the layout was told by, one line in the pool. */
const char *layout_basis(const struct layout *layout, struct pool *pool);

#endif

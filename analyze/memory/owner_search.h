/* owner_search: what the recognisers of owners share: where to look, how to look there, how to
 * claim. For owners.c and the owner_*.c files, and nobody else. */
#ifndef ANALYZE_MEMORY_OWNER_SEARCH_H
#define ANALYZE_MEMORY_OWNER_SEARCH_H

#include "analyze/memory/owners.h"

typedef VEC(struct range) owner_runs; /* by ascending address */

struct owner_search {
	const struct image *image;
	const struct regions *regions;
	const struct core *core;
	struct owners *owners;
	owner_runs memory;   /* neighbouring regions with memory, joined */
	owner_runs reserved; /* those, and anonymous regions without access between them */
	bool full;           /* no more claims are taken */
};

/* Fills memory and reserved from the regions. */
void owner_search_init(struct owner_search *search);
void owner_search_deinit(struct owner_search *search);

/* Private anonymous memory with access, brk memory included, that no earlier stage has explained.
 */
bool owner_is_memory(const struct region *region);

/* True where [start, start + bytes) lies in such memory, in one run of neighbouring regions. */
bool owner_has_memory(const struct owner_search *search, vaddr start, uint64_t bytes);

/* Calls `visit` with each address of that memory that is a multiple of `alignment` (and with the
 * start of each region) and has `bytes` captured bytes in one piece. */
typedef void (*owner_visit)(void *context, vaddr address, const uint8_t *bytes);
void owner_each_aligned(const struct owner_search *search, uint64_t alignment, uint64_t bytes,
						owner_visit visit, void *context);

/* Calls `visit` with each run of captured bytes of modules' writable data, until they are
 * OWNER_MODULE_DATA_MAX in all. Runs begin at a page. */
#define OWNER_MODULE_DATA_MAX (UINT64_C(256) << 20)
typedef void (*owner_visit_data)(void *context, vaddr address, struct span bytes);
void owner_each_module_data(const struct owner_search *search, owner_visit_data visit,
							void *context);

/* Claims a range, up to where anonymous memory ends. */
void owner_claim(struct owner_search *search, enum owner_kind kind, struct range range);

/* Says what was seen of the owner. */
void owner_seen(struct owner_search *search, enum owner_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A little-endian word of bytes that are there. */
uint64_t owner_u64(const uint8_t *bytes);
uint32_t owner_u32(const uint8_t *bytes);

/* A word of the image; 0 where it was not captured. */
uint64_t owner_word(const struct owner_search *search, vaddr address);

/* The recognisers, a file each. */
void owner_find_jemalloc(struct owner_search *search);
void owner_find_tcmalloc(struct owner_search *search);
void owner_find_mimalloc(struct owner_search *search);
void owner_find_cpython(struct owner_search *search);
void owner_find_v8(struct owner_search *search);
void owner_find_go(struct owner_search *search);
void owner_find_jvm(struct owner_search *search);

#endif

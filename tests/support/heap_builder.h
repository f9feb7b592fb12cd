/* heap_builder: hand-built malloc heaps, for tests of everything that reads one.
 *
 *     struct heap_builder builder;
 *     heap_builder_init(&builder, "C", 8);
 *     vaddr used = heap_builder_chunk(&builder, 0, 48, HEAP_USED);
 *     heap_builder_chunk(&builder, 0, 160, HEAP_BINNED);
 *     heap_builder_finish(&builder);
 *     … builder.image, builder.regions and builder.core are ready …
 *     heap_builder_deinit(&builder);
 *
 * The offsets are written down here a second time, on purpose: a typing error in the tables under
 * test must not cancel out. Source: glibc malloc/malloc.c and malloc/arena.c of each release. */
#ifndef TESTS_SUPPORT_HEAP_BUILDER_H
#define TESTS_SUPPORT_HEAP_BUILDER_H

#include "analyze/input/core.h"
#include "analyze/heap/layout.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum heap_key { HEAP_KEY_NONE, HEAP_KEY_OWNER, HEAP_KEY_RANDOM };

/* A generation of malloc, with everything that goes with it. */
struct heap_class {
	const char *name;
	unsigned word, alignment;
	unsigned fastbins_at, fastbins; /* 0 fastbins: removed */
	unsigned bins_at, next_at, attached_at, system_mem_at, bytes;
	unsigned heap_info_bytes, page_size_at;
	unsigned tcache_bytes; /* of the struct; 0: no tcache */
	unsigned count_bytes;
	unsigned entries_at, tcache_bins;
	unsigned slots; /* tcache_count where counts count down, else 0 */
	bool safe_links;
	enum heap_key key;
	unsigned mapped_tail;
	unsigned params_bytes, n_mmaps_at, mmapped_mem_at, sbrk_base_at, tcache_count_at;
};

enum heap_kind { HEAP_USED, HEAP_BINNED, HEAP_FASTBIN };

struct heap_area {
	struct range range;
	uint8_t *bytes;
};

struct heap_builder_arena {
	vaddr address, heap;            /* malloc_state; start of the newest heap or region */
	vaddr end;                      /* main arena: of its newest region */
	vaddr cursor;                   /* where the next chunk goes */
	uint64_t system_mem, free_size; /* of the chunk before the cursor, if binned; else 0 */
};

struct heap_builder {
	const struct heap_class *class;
	struct image image;
	struct regions regions;
	struct core core; /* only its threads */
	VEC(struct heap_area) areas;
	VEC(struct heap_builder_arena) arenas; /* 0: main */
	vaddr params, next_heap, next_mapping, next_tls;
	uint64_t heap_max; /* HEAP_MAX_SIZE, from one heap to the next */
	uint64_t key;
};

/* From the thread pointer; the second pair where builder.image.machine is EM_AARCH64. */
enum { HEAP_BUILDER_TLS_ARENA = -0x38, HEAP_BUILDER_TLS_TCACHE = -0x58 };
enum { HEAP_BUILDER_TLS_ABOVE_ARENA = 0x60, HEAP_BUILDER_TLS_ABOVE_TCACHE = 0x30 };

/* Begins with a main arena that has brk memory of 1 MiB. `word` is 4 or 8; the machine is an x86
 * until builder->image.machine is set to another. */
void heap_builder_init(struct heap_builder *builder, const char *class, unsigned word);
void heap_builder_deinit(struct heap_builder *builder);

/* The layout of the builder's class, as it is before anything else was found. */
void heap_builder_layout(const struct heap_builder *builder, struct layout *layout);

/* A secondary arena with one heap; gives its index. */
size_t heap_builder_arena(struct heap_builder *builder, uint64_t heap_bytes);

/* Ends the arena's newest heap with fenceposts and begins another one. */
void heap_builder_heap(struct heap_builder *builder, size_t arena, uint64_t heap_bytes);

/* Somebody else's sbrk: fenceposts end the main arena's region, `bytes` of zeros that are nobody's
 * follow, then the arena goes on. */
void heap_builder_foreign(struct heap_builder *builder, uint64_t bytes);

/* The main arena goes on in a mapping: it is not contiguous any more. */
void heap_builder_region(struct heap_builder *builder, uint64_t bytes);

/* Appends a chunk to the arena's newest heap; binned ones go to the unsorted bin. Gives the chunk's
 * address. Two binned chunks must not be neighbours. */
vaddr heap_builder_chunk(struct heap_builder *builder, size_t arena, uint64_t bytes,
						 enum heap_kind kind);

/* A tcache struct in a chunk of the arena; gives the struct's address. */
vaddr heap_builder_tcache(struct heap_builder *builder, size_t arena);

/* Puts a used or, since 2.43, mmapped chunk into the tcache. */
void heap_builder_cache(struct heap_builder *builder, vaddr tcache, vaddr chunk);

/* A thread whose TLS has the arena (SIZE_MAX: none) and the tcache (0: none). */
void heap_builder_thread(struct heap_builder *builder, uint32_t tid, size_t arena, vaddr tcache);

/* A mapping with a mmapped chunk, `before` bytes behind its start (a first header stays there, as
 * memalign leaves it). Mappings touch each other. Gives the chunk's address. */
vaddr heap_builder_mmapped(struct heap_builder *builder, uint64_t mapping_bytes, uint64_t before);

/* Writes tops and sums. Nothing may be added after it. */
void heap_builder_finish(struct heap_builder *builder);

/* A word of the memory, for checks and damage, before and after finish. */
uint64_t heap_builder_get(const struct heap_builder *builder, vaddr address);
void heap_builder_set(struct heap_builder *builder, vaddr address, uint64_t value);

/* An extra area of zeros; the kind is its region's. */
void heap_builder_area(struct heap_builder *builder, struct range range, enum region_kind kind);

/* Takes the range, which lies in one piece, out of the image: it was not captured. */
void heap_builder_drop(struct heap_builder *builder, struct range range);

#endif

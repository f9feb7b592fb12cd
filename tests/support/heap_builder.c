#include "tests/support/heap_builder.h"

#include "base/mem.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, BRK_BYTES = 1 << 20, DATA_BYTES = 0x8000, TLS_BYTES = 0x2000 };
enum { PREV_IN_USE = 1, MMAPPED = 2, NON_MAIN = 4 };

/* Parts of the rows below, in the order of struct heap_class. malloc_state: word, alignment,
 * fastbinsY, NFASTBINS, bins, next, attached_threads, system_mem, size. */
#define STATE_A0_64 8, 16, 8, 10, 104, 2152, 0, 2160, 2176
#define STATE_A1_64 8, 16, 8, 10, 104, 2152, 0, 2168, 2184
#define STATE_B_64 8, 16, 8, 10, 104, 2152, 2168, 2176, 2192
#define STATE_C_64 8, 16, 16, 10, 112, 2160, 2176, 2184, 2200
#define STATE_D_64 8, 16, 0, 0, 24, 2072, 2088, 2096, 2112
#define STATE_A0_32 4, 8, 8, 10, 56, 1088, 0, 1092, 1100
#define STATE_A1_32 4, 8, 8, 10, 56, 1088, 0, 1096, 1104
#define STATE_B_32 4, 8, 8, 10, 56, 1088, 1096, 1100, 1108
#define STATE_B16_32 4, 16, 8, 11, 60, 1092, 1100, 1104, 1112
#define STATE_C8_32 4, 8, 12, 10, 60, 1092, 1100, 1104, 1112
#define STATE_C16_32 4, 16, 12, 11, 64, 1096, 1104, 1108, 1116
#define STATE_D_32 4, 16, 0, 0, 16, 1048, 1056, 1060, 1068
/* heap_info: size, pagesize. */
#define INFO_OLD_64 0x20, 0
#define INFO_35_64 0x30, 32
#define INFO_OLD_8_32 0x10, 0 /* 32-bit, by MALLOC_ALIGNMENT */
#define INFO_OLD_16_32 0x18, 0
#define INFO_35_32 0x18, 16
/* tcache_perthread_struct: size, bytes of a count, entries, bins, slots (tcache_count). */
#define NO_TCACHE 0, 0, 0, 0, 0
#define COUNTS_8_64 576, 1, 64, 64, 0
#define COUNTS_16_64 640, 2, 128, 64, 0
#define SLOTS_64(count) 760, 2, 152, 76, count
#define COUNTS_8_32 320, 1, 64, 64, 0
#define COUNTS_16_32 384, 2, 128, 64, 0
#define SLOTS_32(count) 456, 2, 152, 76, count
/* Links of cached chunks, and what the second word of a tcache entry holds. */
#define PLAIN false, HEAP_KEY_NONE
#define PLAIN_OWNER false, HEAP_KEY_OWNER
#define SAFE_OWNER true, HEAP_KEY_OWNER
#define SAFE_RANDOM true, HEAP_KEY_RANDOM
/* malloc_par: size, n_mmaps, mmapped_mem, sbrk_base, tcache_count. */
#define PARAMS_14_64 80, 24, 48, 72, 0
#define PARAMS_14_PER_THREAD_64 96, 40, 64, 88, 0
#define PARAMS_15_64 88, 40, 56, 80, 0
#define PARAMS_24_64 80, 40, 56, 72, 0
#define PARAMS_26_64 112, 40, 56, 72, 96
#define PARAMS_35_64 136, 60, 80, 96, 120
#define PARAMS_43_64 144, 68, 88, 104, 128
#define PARAMS_44_64 136, 68, 88, 104, 128
#define PARAMS_14_32 48, 12, 32, 44, 0
#define PARAMS_14_PER_THREAD_32 56, 20, 40, 52, 0
#define PARAMS_15_32 52, 20, 36, 48, 0
#define PARAMS_24_32 48, 20, 36, 44, 0
#define PARAMS_26_32 64, 20, 36, 44, 56
#define PARAMS_35_32 80, 32, 48, 56, 68
#define PARAMS_43_32 80, 36, 52, 60, 72

/* The number behind the tail of a mmapped chunk's mapping. A name without a release is the usual
 * form of its class. */
static const struct heap_class classes[] = {
	{ "A0", STATE_A0_64, INFO_OLD_64, NO_TCACHE, PLAIN, 0, PARAMS_14_64 },
	{ "A1-2.12", STATE_A1_64, INFO_OLD_64, NO_TCACHE, PLAIN, 0, PARAMS_14_PER_THREAD_64 },
	{ "A1", STATE_A1_64, INFO_OLD_64, NO_TCACHE, PLAIN, 0, PARAMS_15_64 },
	{ "B-2.23", STATE_B_64, INFO_OLD_64, NO_TCACHE, PLAIN, 0, PARAMS_15_64 },
	{ "B", STATE_B_64, INFO_OLD_64, NO_TCACHE, PLAIN, 0, PARAMS_24_64 },
	{ "B-2.26", STATE_B_64, INFO_OLD_64, COUNTS_8_64, PLAIN, 0, PARAMS_26_64 },
	{ "C-2.26", STATE_C_64, INFO_OLD_64, COUNTS_8_64, PLAIN, 0, PARAMS_26_64 },
	{ "C-2.29", STATE_C_64, INFO_OLD_64, COUNTS_8_64, PLAIN_OWNER, 0, PARAMS_26_64 },
	{ "C-2.31", STATE_C_64, INFO_OLD_64, COUNTS_16_64, PLAIN_OWNER, 0, PARAMS_26_64 },
	{ "C-2.33", STATE_C_64, INFO_OLD_64, COUNTS_16_64, SAFE_OWNER, 0, PARAMS_26_64 },
	{ "C-2.34", STATE_C_64, INFO_OLD_64, COUNTS_16_64, SAFE_RANDOM, 0, PARAMS_26_64 },
	{ "C-2.37", STATE_C_64, INFO_35_64, COUNTS_16_64, SAFE_RANDOM, 0, PARAMS_26_64 },
	{ "C", STATE_C_64, INFO_35_64, COUNTS_16_64, SAFE_RANDOM, 0, PARAMS_35_64 },
	{ "C-2.42", STATE_C_64, INFO_35_64, SLOTS_64(7), SAFE_RANDOM, 0, PARAMS_35_64 },
	{ "D", STATE_D_64, INFO_35_64, SLOTS_64(16), SAFE_RANDOM, 16, PARAMS_43_64 },
	{ "D-2.44", STATE_D_64, INFO_35_64, SLOTS_64(16), SAFE_RANDOM, 16, PARAMS_44_64 },
	{ "A0", STATE_A0_32, INFO_OLD_8_32, NO_TCACHE, PLAIN, 0, PARAMS_14_32 },
	{ "A1-2.12", STATE_A1_32, INFO_OLD_8_32, NO_TCACHE, PLAIN, 0, PARAMS_14_PER_THREAD_32 },
	{ "A1", STATE_A1_32, INFO_OLD_8_32, NO_TCACHE, PLAIN, 0, PARAMS_15_32 },
	{ "B-2.23", STATE_B_32, INFO_OLD_8_32, NO_TCACHE, PLAIN, 0, PARAMS_15_32 },
	{ "B", STATE_B_32, INFO_OLD_8_32, NO_TCACHE, PLAIN, 0, PARAMS_24_32 },
	{ "B-2.26", STATE_B_32, INFO_OLD_8_32, COUNTS_8_32, PLAIN, 0, PARAMS_26_32 },
	{ "B16-2.23", STATE_B16_32, INFO_OLD_16_32, NO_TCACHE, PLAIN, 0, PARAMS_15_32 },
	{ "B16", STATE_B16_32, INFO_OLD_16_32, COUNTS_8_32, PLAIN, 0, PARAMS_26_32 },
	{ "C8-2.29", STATE_C8_32, INFO_OLD_8_32, COUNTS_8_32, PLAIN_OWNER, 0, PARAMS_26_32 },
	{ "C8-2.33", STATE_C8_32, INFO_OLD_8_32, COUNTS_16_32, SAFE_OWNER, 0, PARAMS_26_32 },
	{ "C8", STATE_C8_32, INFO_35_32, COUNTS_16_32, SAFE_RANDOM, 0, PARAMS_35_32 },
	{ "C8-2.42", STATE_C8_32, INFO_35_32, SLOTS_32(7), SAFE_RANDOM, 0, PARAMS_35_32 },
	{ "C-2.27", STATE_C16_32, INFO_OLD_16_32, COUNTS_8_32, PLAIN, 0, PARAMS_26_32 },
	{ "C-2.31", STATE_C16_32, INFO_OLD_16_32, COUNTS_16_32, PLAIN_OWNER, 0, PARAMS_26_32 },
	{ "C-2.34", STATE_C16_32, INFO_OLD_16_32, COUNTS_16_32, SAFE_RANDOM, 0, PARAMS_26_32 },
	{ "C", STATE_C16_32, INFO_35_32, COUNTS_16_32, SAFE_RANDOM, 0, PARAMS_35_32 },
	{ "C-2.42", STATE_C16_32, INFO_35_32, SLOTS_32(7), SAFE_RANDOM, 0, PARAMS_35_32 },
	{ "D", STATE_D_32, INFO_35_32, SLOTS_32(16), SAFE_RANDOM, 8, PARAMS_43_32 },
};

/* Where the areas lie; chosen as the kernel would. */
struct places {
	vaddr brk, data, heaps, mappings, tls;
	uint64_t heap_max;
};

static struct places places_of(unsigned word)
{
	if (word == 8)
		return (struct places){ 0x555555600000, 0x7ffff7f00000, 0x7fff80000000,
								0x7ffff0000000, 0x7ffff6000000, 64 << 20 };
	return (struct places){ 0x56600000, 0xf7f00000, 0xe0000000, 0xf0000000, 0xf6000000, 1 << 20 };
}

static struct heap_area *area_of(const struct heap_builder *builder, vaddr address)
{
	for (size_t i = 0; i < builder->areas.count; i++)
		if (range_holds(builder->areas.items[i].range, address))
			return &builder->areas.items[i];
	return NULL;
}

uint64_t heap_builder_get(const struct heap_builder *builder, vaddr address)
{
	const struct heap_area *area = area_of(builder, address);
	uint64_t value = 0;

	memcpy(&value, area->bytes + (address - area->range.start), builder->class->word);
	return value;
}

void heap_builder_set(struct heap_builder *builder, vaddr address, uint64_t value)
{
	struct heap_area *area = area_of(builder, address);

	memcpy(area->bytes + (address - area->range.start), &value, builder->class->word);
}

/* A count of one or two bytes, or an int. */
static void add_small(struct heap_builder *builder, vaddr address, unsigned size, int delta)
{
	struct heap_area *area = area_of(builder, address);
	uint8_t *at = area->bytes + (address - area->range.start);
	uint32_t value = 0;

	memcpy(&value, at, size);
	value += (uint32_t)delta;
	memcpy(at, &value, size);
}

static int compare_pieces(const void *left, const void *right)
{
	const struct piece *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

static int compare_regions(const void *left, const void *right)
{
	const struct region *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

void heap_builder_area(struct heap_builder *builder, struct range range, enum region_kind kind)
{
	struct heap_area area = { .range = range, .bytes = mem_zeroed(range_bytes(range), 1) };
	struct region region = {
		.range = range, .protection = MAPPING_READ | MAPPING_WRITE, .kind = kind, .path = ""
	};

	*vec_add(&builder->areas) = area;
	*vec_add(&builder->regions.items) = region;
	*vec_add(&builder->image.pieces) = (struct piece){ range, area.bytes, true };
	vec_sort(&builder->regions.items, compare_regions);
	vec_sort(&builder->image.pieces, compare_pieces);
}

void heap_builder_drop(struct heap_builder *builder, struct range range)
{
	struct piece behind;
	size_t at = image_find(&builder->image, range.start);

	behind = builder->image.pieces.items[at];
	behind.data += range.end - behind.range.start;
	behind.range.start = range.end;
	builder->image.pieces.items[at].range.end = range.start;
	*vec_add(&builder->image.pieces) = behind;
	vec_sort(&builder->image.pieces, compare_pieces);
}

/* First address at or behind `from` whose user pointer is aligned. */
static vaddr chunk_from(const struct heap_class *class, vaddr from)
{
	uint64_t header = 2 * class->word, mask = class->alignment - 1;

	return ((from + header + mask) & ~mask) - header;
}

static void init_state(struct heap_builder *builder, vaddr state)
{
	const struct heap_class *class = builder->class;

	for (unsigned i = 1; i <= 127; i++) {
		vaddr header = state + class->bins_at + 2 * class->word * (i - 1) - 2 * class->word;

		heap_builder_set(builder, header + 2 * class->word, header);
		heap_builder_set(builder, header + 3 * class->word, header);
	}
	heap_builder_set(builder, state + class->next_at, state);
	if (class->attached_at)
		heap_builder_set(builder, state + class->attached_at, 1);
}

static const struct heap_class *class_named(const char *name, unsigned word)
{
	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (classes[i].word == word && strcmp(classes[i].name, name) == 0)
			return &classes[i];
	abort();
}

void heap_builder_init(struct heap_builder *builder, const char *class, unsigned word)
{
	struct places places = places_of(word);
	vaddr main_arena = places.data + 0x4c60;

	*builder = (struct heap_builder){ .class = class_named(class, word),
									  .key = 0x5bd1e995a7c3d421,
									  .params = main_arena - 0x900,
									  .next_heap = places.heaps,
									  .next_mapping = places.mappings,
									  .next_tls = places.tls,
									  .heap_max = places.heap_max };
	builder->image.word = word;
	builder->image.machine = word == 8 ? EM_X86_64 : EM_386;
	builder->image.page_size = PAGE;
	builder->regions.from_proc = true;
	heap_builder_area(builder, (struct range){ places.data, places.data + DATA_BYTES },
					  REGION_MODULE);
	heap_builder_area(builder, (struct range){ places.brk, places.brk + BRK_BYTES }, REGION_BRK);
	init_state(builder, main_arena);
	*vec_add(&builder->arenas) = (struct heap_builder_arena){
		.address = main_arena,
		.heap = places.brk,
		.cursor = chunk_from(builder->class, places.brk),
		.end = places.brk + BRK_BYTES,
		.system_mem = BRK_BYTES,
	};
	heap_builder_set(builder, builder->params, 128 << 10); /* trim_threshold */
	heap_builder_set(builder, builder->params + builder->class->sbrk_base_at, places.brk);
	heap_builder_set(builder, builder->params + 2 * word, 128 << 10); /* mmap_threshold */
	add_small(builder, builder->params + builder->class->n_mmaps_at + 4, 4, 65536);
	if (builder->class->tcache_count_at)
		heap_builder_set(builder, builder->params + builder->class->tcache_count_at,
						 builder->class->slots ? builder->class->slots : 7);
}

void heap_builder_deinit(struct heap_builder *builder)
{
	for (size_t i = 0; i < builder->areas.count; i++)
		free(builder->areas.items[i].bytes);
	vec_deinit(&builder->areas);
	vec_deinit(&builder->arenas);
	vec_deinit(&builder->image.pieces);
	vec_deinit(&builder->regions.items);
	vec_deinit(&builder->core.threads);
}

/* Maps a heap and writes its heap_info. */
static vaddr new_heap(struct heap_builder *builder, vaddr state, vaddr previous, uint64_t bytes)
{
	const struct heap_class *class = builder->class;
	vaddr heap = builder->next_heap;

	builder->next_heap += builder->heap_max;
	heap_builder_area(builder, (struct range){ heap, heap + bytes }, REGION_ANONYMOUS);
	heap_builder_set(builder, heap, state ? state : heap + class->heap_info_bytes);
	heap_builder_set(builder, heap + class->word, previous);
	heap_builder_set(builder, heap + 2 * class->word, bytes);
	heap_builder_set(builder, heap + 3 * class->word, bytes);
	if (class->page_size_at)
		heap_builder_set(builder, heap + class->page_size_at, PAGE);
	return heap;
}

void heap_builder_layout(const struct heap_builder *builder, struct layout *layout)
{
	const struct heap_class *class = builder->class;
	const struct layout_state *rows;
	size_t count = layout_states(&rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].word == class->word && rows[i].bins_at == class->bins_at &&
			rows[i].system_mem_at == class->system_mem_at) {
			layout_choose(layout, &rows[i], PAGE);
			return;
		}
	abort();
}

size_t heap_builder_arena(struct heap_builder *builder, uint64_t heap_bytes)
{
	const struct heap_class *class = builder->class;
	vaddr heap = new_heap(builder, 0, 0, heap_bytes), state = heap + class->heap_info_bytes;
	vaddr main_next = builder->arenas.items[0].address + class->next_at;

	init_state(builder, state);
	add_small(builder, state + 4, 4, 2); /* NONCONTIGUOUS_BIT */
	heap_builder_set(builder, state + class->next_at, heap_builder_get(builder, main_next));
	heap_builder_set(builder, main_next, state);
	*vec_add(&builder->arenas) = (struct heap_builder_arena){
		.address = state,
		.heap = heap,
		.cursor = chunk_from(class, state + class->bytes),
		.system_mem = heap_bytes,
	};
	return builder->arenas.count - 1;
}

/* Flags of a chunk at the cursor: whether the one before it is used, and whose it is. */
static uint64_t flags_here(const struct heap_builder *builder, size_t arena, bool used)
{
	return (builder->arenas.items[arena].free_size ? 0 : PREV_IN_USE) |
		   (used && arena ? NON_MAIN : 0);
}

/* Ends a region with fenceposts; the size of the second one is given. sysmalloc frees the old top
 * but for them: here it stays a used chunk. */
static void end_region(struct heap_builder *builder, size_t arena, vaddr end, uint64_t last)
{
	const struct heap_class *class = builder->class;
	unsigned two = 2 * class->word;
	vaddr fence = end - (class->alignment == two ? 2 * two : 24);

	heap_builder_chunk(builder, arena, fence - builder->arenas.items[arena].cursor, HEAP_USED);
	heap_builder_set(builder, fence + class->word, two | PREV_IN_USE);
	heap_builder_set(builder, fence + two + class->word, last | PREV_IN_USE);
}

void heap_builder_foreign(struct heap_builder *builder, uint64_t bytes)
{
	struct heap_builder_arena *owner = &builder->arenas.items[0];
	vaddr end = (owner->cursor + 2 * PAGE) & -(vaddr)PAGE;

	end_region(builder, 0, end, 2 * builder->class->word);
	owner->cursor = chunk_from(builder->class, end + bytes);
}

void heap_builder_region(struct heap_builder *builder, uint64_t bytes)
{
	struct heap_builder_arena *owner = &builder->arenas.items[0];
	bool contiguous = owner->system_mem == BRK_BYTES && owner->end == owner->heap + BRK_BYTES;

	end_region(builder, 0, owner->end, 2 * builder->class->word);
	if (contiguous)
		add_small(builder, owner->address + 4, 4, 2); /* NONCONTIGUOUS_BIT */
	owner->heap = builder->next_mapping;
	owner->end = owner->heap + bytes;
	owner->cursor = chunk_from(builder->class, owner->heap);
	owner->system_mem += bytes;
	builder->next_mapping += bytes;
	heap_builder_area(builder, (struct range){ owner->heap, owner->end }, REGION_ANONYMOUS);
}

void heap_builder_heap(struct heap_builder *builder, size_t arena, uint64_t heap_bytes)
{
	const struct heap_class *class = builder->class;
	struct heap_builder_arena *owner = &builder->arenas.items[arena];

	end_region(builder, arena,
			   owner->heap + heap_builder_get(builder, owner->heap + 2 * class->word), 0);
	owner->heap = new_heap(builder, owner->address, owner->heap, heap_bytes);
	owner->cursor = chunk_from(class, owner->heap + class->heap_info_bytes);
	owner->system_mem += heap_bytes;
}

static void add_to_unsorted(struct heap_builder *builder, size_t arena, vaddr chunk)
{
	const struct heap_class *class = builder->class;
	unsigned two = 2 * class->word;
	vaddr header = builder->arenas.items[arena].address + class->bins_at - two;
	vaddr first = heap_builder_get(builder, header + two);

	heap_builder_set(builder, chunk + two, first);
	heap_builder_set(builder, chunk + two + class->word, header);
	heap_builder_set(builder, first + two + class->word, chunk);
	heap_builder_set(builder, header + two, chunk);
}

static uint64_t mangle(const struct heap_builder *builder, vaddr at, vaddr target)
{
	return builder->class->safe_links ? (at >> 12) ^ target : target;
}

static void add_to_fastbin(struct heap_builder *builder, size_t arena, vaddr chunk, uint64_t bytes)
{
	const struct heap_class *class = builder->class;
	uint64_t bin = (bytes >> (class->word == 8 ? 4 : 3)) - 2;
	vaddr head = builder->arenas.items[arena].address + class->fastbins_at + bin * class->word;
	vaddr link = chunk + 2 * class->word;

	heap_builder_set(builder, link, mangle(builder, link, heap_builder_get(builder, head)));
	heap_builder_set(builder, head, chunk);
}

vaddr heap_builder_chunk(struct heap_builder *builder, size_t arena, uint64_t bytes,
						 enum heap_kind kind)
{
	const struct heap_class *class = builder->class;
	struct heap_builder_arena *owner = &builder->arenas.items[arena];
	vaddr chunk = owner->cursor;

	heap_builder_set(builder, chunk + class->word,
					 bytes | flags_here(builder, arena, kind != HEAP_BINNED));
	if (owner->free_size)
		heap_builder_set(builder, chunk, owner->free_size);
	if (kind == HEAP_BINNED)
		add_to_unsorted(builder, arena, chunk);
	if (kind == HEAP_FASTBIN)
		add_to_fastbin(builder, arena, chunk, bytes);
	owner->free_size = kind == HEAP_BINNED ? bytes : 0;
	owner->cursor += bytes;
	return chunk;
}

vaddr heap_builder_tcache(struct heap_builder *builder, size_t arena)
{
	const struct heap_class *class = builder->class;
	uint64_t mask = class->alignment - 1;
	uint64_t bytes = (class->tcache_bytes + class->word + mask) & ~mask;
	vaddr tcache = heap_builder_chunk(builder, arena, bytes, HEAP_USED) + 2 * class->word;

	for (unsigned i = 0; class->slots && i < class->tcache_bins; i++)
		add_small(builder, tcache + i * class->count_bytes, class->count_bytes, (int)class->slots);
	return tcache;
}

/* malloc.c: csize2tidx, and since 2.42 large_csize2tidx: a bin for each power of two from 1 KiB on.
 */
static unsigned tcache_bin(const struct heap_class *class, uint64_t bytes)
{
	unsigned bin = (unsigned)((bytes - 4 * class->word) / class->alignment);

	if (bin < 64)
		return bin;
	return 64 + (63 - (unsigned)__builtin_clzll(bytes)) - 10;
}

void heap_builder_cache(struct heap_builder *builder, vaddr tcache, vaddr chunk)
{
	const struct heap_class *class = builder->class;
	uint64_t bytes = heap_builder_get(builder, chunk + class->word) & ~UINT64_C(7);
	unsigned bin = tcache_bin(class, bytes);
	vaddr user = chunk + 2 * class->word, head = tcache + class->entries_at + bin * class->word;

	heap_builder_set(builder, user, mangle(builder, user, heap_builder_get(builder, head)));
	heap_builder_set(builder, user + class->word,
					 class->key == HEAP_KEY_OWNER    ? tcache
					 : class->key == HEAP_KEY_RANDOM ? builder->key
													 : 0x1000 + chunk);
	heap_builder_set(builder, head, user);
	add_small(builder, tcache + bin * class->count_bytes, class->count_bytes,
			  class->slots ? -1 : 1);
}

/* x86: tcbhead_t (tcb and self), then struct pthread; static TLS is below. */
static void write_control_block(struct heap_builder *builder, vaddr tp, uint32_t tid)
{
	heap_builder_set(builder, tp, tp);
	heap_builder_set(builder, tp + 2 * builder->class->word, tp);
	add_small(builder, tp + (builder->class->word == 8 ? 0x2d0 : 0x68), 4, (int)tid);
}

void heap_builder_thread(struct heap_builder *builder, uint32_t tid, size_t arena, vaddr tcache)
{
	bool above = builder->image.machine == EM_AARCH64;
	vaddr start = builder->next_tls, tp = start + TLS_BYTES - PAGE / 2;
	vaddr arena_at = tp + (above ? HEAP_BUILDER_TLS_ABOVE_ARENA : (vaddr)HEAP_BUILDER_TLS_ARENA);
	vaddr tcache_at = tp + (above ? HEAP_BUILDER_TLS_ABOVE_TCACHE : (vaddr)HEAP_BUILDER_TLS_TCACHE);

	builder->next_tls += 2 * TLS_BYTES;
	heap_builder_area(builder, (struct range){ start, start + TLS_BYTES }, REGION_STACK);
	if (arena < builder->arenas.count)
		heap_builder_set(builder, arena_at, builder->arenas.items[arena].address);
	heap_builder_set(builder, tcache_at, tcache);
	if (above)
		heap_builder_set(builder, tp, start); /* tcbhead_t: dtv */
	else
		write_control_block(builder, tp, tid);
	*vec_add(&builder->core.threads) = (struct core_thread){ .tid = tid, .tp = tp };
}

vaddr heap_builder_mmapped(struct heap_builder *builder, uint64_t mapping_bytes, uint64_t before)
{
	const struct heap_class *class = builder->class;
	vaddr start = builder->next_mapping, first = chunk_from(class, start), chunk = start + before;
	uint64_t flags = MMAPPED, tail = class->mapped_tail;

	builder->next_mapping += mapping_bytes;
	heap_builder_area(builder, (struct range){ start, start + mapping_bytes }, REGION_ANONYMOUS);
	if (chunk < first)
		chunk = first;
	for (int live = 0; live <= 1; live++) {
		vaddr at = live ? chunk : first;

		heap_builder_set(builder, at, at - start);
		heap_builder_set(builder, at + class->word, (start + mapping_bytes - at - tail) | flags);
	}
	add_small(builder, builder->params + class->n_mmaps_at, 4, 1);
	add_small(builder, builder->params + class->n_mmaps_at + 8, 4, 1);
	for (unsigned i = 0; i <= 1; i++) {
		vaddr at = builder->params + class->mmapped_mem_at + i * class->word;

		heap_builder_set(builder, at, heap_builder_get(builder, at) + mapping_bytes);
	}
	return chunk;
}

void heap_builder_finish(struct heap_builder *builder)
{
	const struct heap_class *class = builder->class;

	for (size_t i = 0; i < builder->arenas.count; i++) {
		struct heap_builder_arena *arena = &builder->arenas.items[i];
		vaddr end =
			i ? arena->heap + heap_builder_get(builder, arena->heap + 2 * class->word) : arena->end;
		vaddr top_field = arena->address + class->bins_at - 2 * class->word;

		if (arena->free_size)
			heap_builder_chunk(builder, i, 4 * class->word, HEAP_USED);
		heap_builder_set(builder, arena->cursor + class->word, (end - arena->cursor) | PREV_IN_USE);
		heap_builder_set(builder, top_field, arena->cursor);
		heap_builder_set(builder, arena->address + class->system_mem_at, arena->system_mem);
		heap_builder_set(builder, arena->address + class->system_mem_at + class->word,
						 arena->system_mem + PAGE);
	}
}

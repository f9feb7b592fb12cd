/* Every layout that malloc has had, hand-built: those of releases that cannot be run too. Each row
 * is asked for the whole truth: every chunk's state, the sums, arenas, heaps, threads, the release,
 * and that nothing looks odd. */
#include "tests/unit/unit.h"

#include "analyze/heap/heap.h"
#include "tests/support/heap_builder.h"

#include <elf.h>
#include <string.h>

struct row {
	const char *class;
	unsigned word;
	uint16_t machine; /* 0: the x86 of the word */
	const char *generation;
};

static const struct row rows[] = {
	{ "A0", 8, 0, "glibc 2.6-2.14" },
	{ "A1-2.12", 8, 0, "glibc 2.6-2.14" },
	{ "A1", 8, 0, "glibc 2.15-2.22" },
	{ "B-2.23", 8, 0, "glibc 2.22-2.23" },
	{ "B", 8, 0, "glibc 2.24-2.25" },
	{ "B-2.26", 8, 0, "glibc 2.26" },
	{ "C-2.26", 8, 0, "glibc 2.26-2.28" },
	{ "C-2.29", 8, 0, "glibc 2.27-2.29" },
	{ "C-2.31", 8, 0, "glibc 2.28-2.31" },
	{ "C-2.33", 8, 0, "glibc 2.32-2.33" },
	{ "C-2.34", 8, 0, "glibc 2.34" },
	{ "C-2.37", 8, 0, "glibc 2.35-2.37" }, /* built without tunables */
	{ "C", 8, 0, "glibc 2.35-2.41" },
	{ "C-2.42", 8, 0, "glibc 2.42" },
	{ "D", 8, 0, "glibc 2.43-2.44" },
	{ "D-2.44", 8, 0, "glibc 2.43-2.44" }, /* the word behind it may be anything */
	{ "A1", 8, EM_AARCH64, "glibc 2.15-2.22" },
	{ "C-2.31", 8, EM_AARCH64, "glibc 2.28-2.31" },
	{ "C", 8, EM_AARCH64, "glibc 2.35-2.41" },
	{ "D", 8, EM_AARCH64, "glibc 2.43-2.44" },
	{ "A0", 4, 0, "glibc 2.6-2.14" },
	{ "A1-2.12", 4, 0, "glibc 2.6-2.14" },
	{ "A1", 4, 0, "glibc 2.15-2.22" },
	{ "B-2.23", 4, 0, "glibc 2.22-2.23" },
	{ "B", 4, 0, "glibc 2.24-2.25" },
	{ "B-2.26", 4, 0, "glibc 2.26" },
	{ "B16-2.23", 4, 0, "glibc 2.23" },
	{ "B16", 4, 0, "glibc 2.26" },
	{ "C8-2.29", 4, 0, "glibc 2.27-2.29" },
	{ "C8-2.33", 4, 0, "glibc 2.32-2.33" },
	{ "C8", 4, 0, "glibc 2.35-2.41" },
	{ "C8-2.42", 4, 0, "glibc 2.42" },
	{ "C-2.27", 4, 0, "glibc 2.26-2.28" },
	{ "C-2.31", 4, 0, "glibc 2.28-2.31" },
	{ "C-2.34", 4, 0, "glibc 2.34" },
	{ "C", 4, 0, "glibc 2.35-2.41" },
	{ "C-2.42", 4, 0, "glibc 2.42" },
	{ "D", 4, 0, "glibc 2.43-2.44" },
};

/* What may be special about a heap; each is tried with every row. */
enum shape {
	SHAPE_ONE_ARENA,
	SHAPE_ARENAS,     /* two more, the second of three heaps */
	SHAPE_HUGE_HEAPS, /* as those, in heaps of four huge pages */
	SHAPE_FOREIGN,    /* somebody else's sbrk between two regions */
	SHAPE_REGIONS,    /* main arena not contiguous: one region and two mapped ones */
	SHAPES,
};

enum { ROWS = sizeof rows / sizeof rows[0], KEPT_MAX = 256, ARENAS_MAX = 3, THREADS = 5 };

struct kept {
	vaddr chunk;
	enum chunk_state state;
};

struct world {
	const struct row *row;
	enum shape shape;
	struct heap_builder builder;
	vaddr tcaches[THREADS];
	size_t arena_of[THREADS];
	unsigned threads;
	struct kept kept[KEPT_MAX];
	size_t count;
	size_t expected[ARENAS_MAX][CHUNK_STATES]; /* chunks */
	unsigned heaps[ARENAS_MAX];
	struct heap heap;
	struct anomalies anomalies;
};

static vaddr keep(struct world *world, size_t arena, uint64_t bytes, enum heap_kind kind)
{
	static const enum chunk_state states[] = {
		[HEAP_USED] = CHUNK_IN_USE,
		[HEAP_BINNED] = CHUNK_BINNED,
		[HEAP_FASTBIN] = CHUNK_FASTBIN,
	};
	vaddr chunk = heap_builder_chunk(&world->builder, arena, bytes, kind);

	world->kept[world->count++] = (struct kept){ chunk, states[kind] };
	world->expected[arena][states[kind]]++;
	return chunk;
}

static void cache(struct world *world, size_t arena, vaddr tcache, uint64_t bytes)
{
	keep(world, arena, bytes, HEAP_USED);
	world->expected[arena][CHUNK_IN_USE]--;
	world->expected[arena][CHUNK_TCACHE]++;
	world->kept[world->count - 1].state = CHUNK_TCACHE;
	heap_builder_cache(&world->builder, tcache, world->kept[world->count - 1].chunk);
}

/* What memalign leaves: a free rest before the aligned chunk and one behind it. */
static void keep_aligned(struct world *world, size_t arena)
{
	struct heap_builder *builder = &world->builder;
	uint64_t header = 2 * builder->class->word, align = 512;
	vaddr at = builder->arenas.items[arena].cursor;
	vaddr aligned = ((at + header + 0x40 + align) & -align) - header;

	keep(world, arena, aligned - at, HEAP_BINNED);
	keep(world, arena, 0x200, HEAP_USED);
	keep(world, arena, 0x90, HEAP_BINNED);
	keep(world, arena, 0x40, HEAP_USED);
}

/* Some of everything, in the arena's newest region. */
static void fill(struct world *world, size_t arena, vaddr tcache)
{
	const struct heap_class *class = world->builder.class;
	uint64_t small = 2 * class->alignment;

	keep(world, arena, small * 3, HEAP_USED);
	keep(world, arena, small * 40, HEAP_BINNED);
	keep(world, arena, small, HEAP_USED);
	for (unsigned i = 0; class->fastbins && i < 4; i++)
		keep(world, arena, small + i / 2 * 16, HEAP_FASTBIN);
	keep(world, arena, 0x3000, HEAP_BINNED);
	for (unsigned i = 0; tcache && i < 4; i++)
		cache(world, arena, tcache, small * 2 + i / 2 * 0x100);
	keep_aligned(world, arena);
}

/* A thread that uses the arena; its tcache struct is malloc's own. */
static vaddr add_thread(struct world *world, size_t arena)
{
	struct heap_builder *builder = &world->builder;
	unsigned number = world->threads++;

	world->arena_of[number] = arena;
	if (builder->class->tcache_bytes) {
		world->tcaches[number] = heap_builder_tcache(builder, arena);
		world->expected[arena][CHUNK_OVERHEAD]++;
	}
	heap_builder_thread(builder, 100 + number, arena, world->tcaches[number]);
	return world->tcaches[number];
}

static void add_arenas(struct world *world)
{
	struct heap_builder *builder = &world->builder;

	for (int i = 0; i < 2; i++) {
		size_t arena = heap_builder_arena(builder, 0x21000);

		world->heaps[arena] = 1;
		add_thread(world, arena);
		fill(world, arena, add_thread(world, arena));
	}
	for (uint64_t bytes = 0x21000; bytes <= 0x42000; bytes += 0x21000) {
		heap_builder_heap(builder, 2, bytes);
		world->expected[2][CHUNK_IN_USE]++; /* what is before the fenceposts */
		fill(world, 2, world->tcaches[world->threads - 1]);
		world->heaps[2]++;
	}
}

/* The main arena goes on behind what ends its region. */
static void go_on(struct world *world, void (*end)(struct heap_builder *builder, uint64_t bytes),
				  uint64_t bytes)
{
	end(&world->builder, bytes);
	world->expected[0][CHUNK_IN_USE]++;
	for (int i = 0; i < 4; i++)
		fill(world, 0, world->tcaches[0]);
}

static void build(struct world *world, const struct row *row, enum shape shape, bool odd)
{
	struct heap_builder *builder = &world->builder;

	*world = (struct world){ .row = row, .shape = shape, .heaps = { 1 } };
	heap_builder_init(builder, row->class, row->word);
	if (row->machine)
		builder->image.machine = row->machine;
	if (shape == SHAPE_HUGE_HEAPS) {
		builder->heap_max = 8 << 20;
		builder->next_heap = (builder->next_heap + (8 << 20)) & ~(vaddr)((8 << 20) - 1);
	}
	fill(world, 0, add_thread(world, 0));
	if (shape == SHAPE_ARENAS || shape == SHAPE_HUGE_HEAPS)
		add_arenas(world);
	if (shape == SHAPE_FOREIGN)
		go_on(world, heap_builder_foreign, 0x1330);
	for (int i = 0; i < 2 && shape == SHAPE_REGIONS; i++)
		go_on(world, heap_builder_region, 0x101000);
	/* Where the alignment is 8, tops are as often as not aligned to 16. */
	keep(world, 0, 4 * row->word + (odd ? 2 * row->word : 0), HEAP_USED);
	heap_builder_mmapped(builder, 0x42000, 0);
	heap_builder_mmapped(builder, 0x42000, 0x1000 - 2 * row->word);
	heap_builder_finish(builder);
}

static void forget(struct world *world)
{
	heap_deinit(&world->heap);
	anomalies_deinit(&world->anomalies);
	heap_builder_deinit(&world->builder);
}

/* Says which row and shape: a check of the macros below would only say the line. */
static void expect(struct world *world, const char *what, uint64_t got, uint64_t wanted)
{
	if (got != wanted)
		fail_msg("class %s of %u bytes, shape %d: %s is %" PRIu64 ", not %" PRIu64 "%s%s",
				 world->row->class, world->row->word, (int)world->shape, what, got, wanted,
				 world->anomalies.rows.count ? "; " : "",
				 world->anomalies.rows.count ? world->anomalies.rows.items[0].what : "");
}

static void check_chunks(struct world *world)
{
	for (size_t i = 0; i < world->count; i++) {
		struct chunk chunk = { 0 };

		chunk_table_find(&world->heap.chunks, world->kept[i].chunk, &chunk);
		expect(world, "a chunk's address", chunk.address, world->kept[i].chunk);
		expect(world, "a chunk's state", chunk.state, world->kept[i].state);
	}
}

/* Arenas of the builder are in the order of their making, those of the ring newest first. */
static size_t ringed(const struct world *world, size_t arena)
{
	return arena ? world->heap.arenas.count - arena : 0;
}

static void check_arena(struct world *world, size_t arena)
{
	const struct heap_arena *found = &world->heap.arenas.items[ringed(world, arena)];
	uint64_t owned = 0, tiled = 0;

	expect(world, "an arena's address", found->address, world->builder.arenas.items[arena].address);
	expect(world, "an arena's kind", found->main, arena == 0);
	expect(world, "an arena's heaps", found->heaps, world->heaps[arena]);
	expect(world, "an arena's system_mem", found->system_bytes,
		   world->builder.arenas.items[arena].system_mem);
	for (int state = 0; state < CHUNK_STATES; state++) {
		tiled += found->states[state].bytes;
		if (state != CHUNK_OVERHEAD && state != CHUNK_TOP)
			expect(world, "chunks of a state", found->states[state].chunks,
				   world->expected[arena][state]);
	}
	expect(world, "tops", found->states[CHUNK_TOP].chunks, 1);
	for (size_t i = 0; i < world->heap.blocks.count; i++)
		if ((size_t)world->heap.blocks.items[i].arena == ringed(world, arena))
			owned += range_bytes(world->heap.blocks.items[i].range);
	expect(world, "memory of the blocks", owned, found->system_bytes);
	if (world->shape != SHAPE_FOREIGN)
		expect(world, "sum of the states", tiled, owned);
}

static void check(struct world *world)
{
	struct progress progress = { 0 };

	heap_walk(&world->heap, &world->builder.image, &world->builder.regions, &world->builder.core,
			  NULL, 1, &progress, &world->anomalies);
	expect(world, "a heap", world->heap.found, true);
	expect(world, "arenas", world->heap.arenas.count, world->builder.arenas.count);
	check_chunks(world);
	for (size_t i = 0; i < world->heap.arenas.count; i++)
		check_arena(world, i);
	for (size_t i = 0; i < world->threads; i++)
		expect(world, "a thread's arena", (uint64_t)world->heap.threads.items[i].arena,
			   ringed(world, world->arena_of[i]));
	expect(world, "mmapped chunks", world->heap.mmapped.chunks, 2);
	expect(world, "anomalies", world->anomalies.rows.count, 0);
}

/* malloc_par is read: with one chunk more than there is, or a page more, something is odd. */
static void check_params(struct world *world)
{
	struct heap_builder *builder = &world->builder;
	const struct heap_class *class = builder->class;
	vaddr at[] = { builder->params + class->n_mmaps_at, builder->params + class->mmapped_mem_at };

	for (size_t i = 0; i < 2; i++) {
		struct progress progress = { 0 };
		uint64_t value = heap_builder_get(builder, at[i]);

		heap_deinit(&world->heap);
		heap_builder_set(builder, at[i], i ? value - 4096 : 3 | (value & ~UINT64_C(0xffffffff)));
		heap_builder_set(builder, at[0] + 8, 3);
		heap_walk(&world->heap, &builder->image, &builder->regions, &builder->core, NULL, 1,
				  &progress, &world->anomalies);
		heap_builder_set(builder, at[i], value);
		expect(world, "what is odd", world->anomalies.rows.count, 1 + i);
	}
}

static void check_all(enum shape shape)
{
	for (size_t i = 0; i < ROWS; i++)
		for (int odd = 0; odd <= (rows[i].word == 4 && rows[i].class[0] != 'D'); odd++) {
			struct world world;

			build(&world, &rows[i], shape, odd);
			odd = world.builder.class->alignment == 8 ? odd : 1;
			check(&world);
			/* One arena has no heap_info, mapped regions no sbrk_base to find malloc_par by. */
			if (shape == SHAPE_ARENAS && strcmp(world.heap.generation, rows[i].generation) != 0)
				fail_msg("class %s of %u bytes is taken for %s, not %s", rows[i].class,
						 rows[i].word, world.heap.generation, rows[i].generation);
			check_params(&world);
			forget(&world);
		}
}

static void one_arena(void **state)
{
	(void)state;
	check_all(SHAPE_ONE_ARENA);
}

static void arenas_of_several_heaps(void **state)
{
	(void)state;
	check_all(SHAPE_ARENAS);
}

static void heaps_of_huge_pages(void **state)
{
	(void)state;
	check_all(SHAPE_HUGE_HEAPS);
}

static void foreign_memory_in_brk(void **state)
{
	(void)state;
	check_all(SHAPE_FOREIGN);
}

static void mapped_regions(void **state)
{
	(void)state;
	check_all(SHAPE_REGIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_arena),           cmocka_unit_test(arenas_of_several_heaps),
		cmocka_unit_test(heaps_of_huge_pages), cmocka_unit_test(foreign_memory_in_brk),
		cmocka_unit_test(mapped_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

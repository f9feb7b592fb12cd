#include "tests/unit/unit.h"

#include "analyze/attribute/root_chain.h"
#include "analyze/attribute/holders.h"
#include "analyze/attribute/reach.h"
#include "analyze/attribute/references.h"
#include "analyze/attribute/unseen.h"
#include "archive/proc_text.h"
#include "base/mem.h"
#include "tests/support/attribute_builder.h"
#include "tests/support/heap_builder.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, HEADER = 16 };
static const vaddr HEAP = 0x100000, DATA = 0x10000;

/* A heap of chunks behind a module's data of one page. */
struct scene {
	struct attribute_builder process;
	uint8_t *data, *heap;
	uint64_t heap_bytes;
	struct chunk *chunks; /* their addresses set */
	size_t count;
	struct roots roots;
	struct reach reach;
};

static struct progress silent;

static void scene_begin(struct scene *scene, size_t count, uint64_t chunk_bytes)
{
	*scene = (struct scene){ .count = count };
	attribute_builder_init(&scene->process);
	scene->chunks = mem_zeroed(count, sizeof *scene->chunks);
	for (size_t i = 0; i < count; i++)
		scene->chunks[i] = (struct chunk){ .address = HEAP + i * chunk_bytes,
										   .bytes = chunk_bytes,
										   .state = CHUNK_IN_USE };
	scene->heap_bytes = (count * chunk_bytes + PAGE - 1) / PAGE * PAGE + PAGE;
	scene->data = mem_zeroed(1, PAGE);
	scene->heap = mem_zeroed(1, scene->heap_bytes);
	attribute_builder_region(&scene->process, (struct range){ DATA, DATA + PAGE }, REGION_MODULE,
							 PAGE);
	attribute_builder_piece(&scene->process, (struct range){ DATA, DATA + PAGE }, scene->data);
	attribute_builder_region(&scene->process, (struct range){ HEAP, HEAP + scene->heap_bytes },
							 REGION_BRK, scene->heap_bytes);
	attribute_builder_piece(&scene->process, (struct range){ HEAP, HEAP + scene->heap_bytes },
							scene->heap);
}

static vaddr user(const struct scene *scene, size_t chunk)
{
	return scene->chunks[chunk].address + HEADER;
}

static void store(struct scene *scene, vaddr at, uint64_t value)
{
	memcpy(at >= HEAP ? scene->heap + (at - HEAP) : scene->data + (at - DATA), &value, 8);
}

static void scene_walk(struct scene *scene, unsigned workers)
{
	if (!scene->process.heap.arenas.count) {
		attribute_builder_arena(&scene->process, HEAP, scene->chunks, scene->count);
		chunk_table_seal(&scene->process.heap.chunks);
	}
	roots_init(&scene->roots, &scene->process.core, &scene->process.regions, &scene->process.heap);
	reach_init(&scene->reach, &scene->process.core, &scene->process.image, &scene->roots,
			   &scene->process.heap.chunks, workers, &silent);
}

static void scene_forget(struct scene *scene)
{
	reach_deinit(&scene->reach);
	roots_deinit(&scene->roots);
}

static void scene_end(struct scene *scene)
{
	scene_forget(scene);
	attribute_builder_deinit(&scene->process);
	free(scene->chunks);
	free(scene->data);
	free(scene->heap);
}

static bool anchored(const struct scene *scene, size_t chunk)
{
	return reach_has(&scene->reach, REACH_ANCHORED, 0, chunk);
}

static size_t count_anchored(const struct scene *scene)
{
	size_t count = 0;

	for (size_t i = 0; i < scene->count; i++)
		count += anchored(scene, i);
	return count;
}

/* Which address leads to which chunk: usable bytes begin behind the header and end a word into the
 * next chunk. */
static void borders_of_a_chunk(void **state)
{
	static const struct {
		int64_t offset; /* from the start of chunk 1 */
		int chunk;      /* that is anchored; -1: none */
	} rows[] = {
		{ 0, 0 },                            /* a header: last word of the chunk before */
		{ 7, 0 },   { 8, -1 },   { 15, -1 }, /* size word */
		{ 16, 1 },  { 17, 1 },   { 63, 1 },   { 64, 1 },
		{ 71, 1 }, /* first word of chunk 2 */
		{ 72, -1 }, { -64, -1 }, { -65, -1 }, { 1 << 20, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene scene;

		scene_begin(&scene, 3, 64);
		store(&scene, DATA + 8, HEAP + 64 + (uint64_t)rows[i].offset);
		scene_walk(&scene, 1);
		for (int j = 0; j < 3; j++)
			if (anchored(&scene, (size_t)j) != (j == rows[i].chunk))
				fail_msg("offset %d, chunk %d", (int)rows[i].offset, j);
		if (rows[i].chunk >= 0)
			assert_int_equal(reach_has(&scene.reach, REACH_EXACT, 0, (size_t)rows[i].chunk),
							 rows[i].offset == 16);
		scene_end(&scene);
	}
}

/* A chain against the order of addresses, longer than any stack and budget. */
static void a_long_chain(void **state)
{
	enum { COUNT = 60000 };

	(void)state;
	for (unsigned workers = 1; workers <= 4; workers++) {
		struct scene scene;

		scene_begin(&scene, COUNT, 32);
		for (size_t i = 1; i < COUNT; i++)
			store(&scene, user(&scene, i), user(&scene, i - 1));
		store(&scene, DATA, user(&scene, COUNT - 2)); /* the last one is held by nothing */
		scene_walk(&scene, workers);
		assert_int_equal(count_anchored(&scene), COUNT - 1);
		assert_false(anchored(&scene, COUNT - 1));
		assert_int_equal(scene.reach.sums[ROOT_MODULE].chunks, COUNT - 1);
		assert_int_equal(scene.reach.sums[ROOT_MODULE].chunk_bytes, (COUNT - 1) * 32);
		assert_int_equal(scene.reach.sums[ROOT_MODULE].references, 1);
		assert_int_equal(scene.reach.sums[ROOT_MODULE].bytes, PAGE);
		scene_end(&scene);
	}
}

/* One chunk that points to more than a stack holds, each of which points to the next. */
static void a_wide_tree(void **state)
{
	enum { COUNT = 60000 };

	(void)state;
	for (unsigned workers = 1; workers <= 4; workers++) {
		struct scene scene;
		uint64_t wide = COUNT * 8 + 64;

		scene_begin(&scene, 2 * COUNT, 32);
		for (size_t i = wide / 32; i < 2 * COUNT; i++)
			store(&scene, user(&scene, i), user(&scene, i > COUNT ? i - 1 : i));
		/* its bytes are those of the first chunks */
		scene.chunks[0].bytes = wide;
		for (size_t i = 1; i + wide / 32 - 1 < 2 * COUNT; i++)
			scene.chunks[i] = scene.chunks[i + wide / 32 - 1];
		scene.count = 2 * COUNT - wide / 32 + 1;
		for (size_t i = 0; i < COUNT && i + 1 < scene.count; i++)
			store(&scene, user(&scene, 0) + 8 * i, user(&scene, i + 1));
		store(&scene, DATA, user(&scene, 0));
		scene_walk(&scene, workers);
		assert_int_equal(count_anchored(&scene), COUNT + 1);
		scene_end(&scene);
	}
}

/* Any graph: against a plain search, with loops, and the same for any number of workers. */
static void random_graphs(void **state)
{
	enum { COUNT = 5000, BYTES = 48 };

	(void)state;
	srand(5);
	for (unsigned round = 0; round < 12; round++) {
		unsigned edges = COUNT / 2 + (unsigned)rand() % COUNT;
		unsigned(*edge)[2] = mem_zeroed(edges, sizeof *edge);
		bool *wanted = mem_zeroed(COUNT, sizeof *wanted), changed = true;
		struct scene scene;

		scene_begin(&scene, COUNT, BYTES);
		for (unsigned i = 0; i < edges; i++) {
			edge[i][0] = (unsigned)rand() % COUNT;
			edge[i][1] = (unsigned)rand() % COUNT;
			store(&scene, user(&scene, edge[i][0]) + (i % 4) * 8,
				  user(&scene, edge[i][1]) + (unsigned)rand() % 40);
		}
		for (unsigned i = 0; i < 10; i++)
			store(&scene, DATA + 16 * i, user(&scene, i * 7));
		/* what was overwritten is no edge: read back */
		for (unsigned i = 0; i < 10; i++)
			wanted[i * 7] = true;
		while (changed) {
			changed = false;
			for (size_t i = 0; i < COUNT; i++)
				for (unsigned k = 0; wanted[i] && k < 4; k++) {
					uint64_t value;

					memcpy(&value, scene.heap + (user(&scene, i) - HEAP) + 8 * k, 8);
					if (value && !wanted[(value - HEAP - HEADER) / BYTES])
						changed = wanted[(value - HEAP - HEADER) / BYTES] = true;
				}
		}
		for (unsigned workers = 1; workers <= 3; workers++) {
			scene_walk(&scene, workers);
			for (size_t i = 0; i < COUNT; i++)
				assert_int_equal(anchored(&scene, i), wanted[i]);
			if (workers < 3)
				scene_forget(&scene);
		}
		scene_end(&scene);
		free(edge);
		free(wanted);
	}
}

/* Only live chunks are reached, and only through live chunks. */
static void freed_chunks_hold_nothing(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, 6, 64);
	for (size_t i = 0; i < 5; i++)
		store(&scene, user(&scene, i), user(&scene, i + 1));
	scene.chunks[2].state = CHUNK_BINNED;
	scene.chunks[4].state = CHUNK_OVERHEAD;
	store(&scene, DATA, user(&scene, 0));
	scene_walk(&scene, 2);
	assert_true(anchored(&scene, 1));
	assert_false(anchored(&scene, 2));
	assert_false(anchored(&scene, 3));
	assert_false(anchored(&scene, 5));
	scene_end(&scene);
}

/* A mmapped chunk that nothing holds is no root, though its mapping is like any other. */
static void mmapped_chunks_are_chunks(void **state)
{
	(void)state;
	for (unsigned held = 0; held < 2; held++) {
		const vaddr mapped = 0x40000000;
		uint64_t content[PAGE / 8] = { 0 };
		struct scene scene;

		scene_begin(&scene, 2, 64);
		content[9] = user(&scene, 1);
		attribute_builder_region(&scene.process, (struct range){ mapped, mapped + PAGE },
								 REGION_ANONYMOUS, PAGE);
		attribute_builder_piece(&scene.process, (struct range){ mapped, mapped + PAGE },
								(const uint8_t *)content);
		attribute_builder_arena(&scene.process, HEAP, scene.chunks, scene.count);
		attribute_builder_mmapped(&scene.process, mapped, PAGE);
		chunk_table_seal(&scene.process.heap.chunks);
		if (held)
			store(&scene, DATA, mapped + HEADER + 100);
		scene_walk(&scene, 2);
		assert_int_equal(anchored(&scene, 1), held);
		assert_int_equal(reach_has(&scene.reach, REACH_ANCHORED, 1, 0), held);
		scene_end(&scene);
	}
}

/* What cannot be walked may hold chunks. */
static void damage_holds(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, 3, 64);
	scene.chunks[0].state = CHUNK_UNWALKABLE;
	store(&scene, HEAP + 24, user(&scene, 2));
	attribute_builder_region(&scene.process, (struct range){ 0x40000000, 0x40001000 },
							 REGION_ANONYMOUS, 0);
	scene_walk(&scene, 2);
	assert_non_null(roots_find(&scene.roots, HEAP + 24));
	assert_int_equal(roots_find(&scene.roots, HEAP + 24)->kind, ROOT_UNWALKABLE);
	assert_int_equal(roots_find(&scene.roots, 0x40000000)->kind, ROOT_ANONYMOUS);
	assert_true(anchored(&scene, 2));
	assert_int_equal(scene.reach.sums[ROOT_UNWALKABLE].chunks, 1);
	scene_end(&scene);
}

/* Lost ones: a cycle has no head, a tree has one, a chunk that points to itself is one. */
static void heads_of_what_is_lost(void **state)
{
	static const bool held[] = { true, true, false, true, true, false };
	struct scene scene;
	struct report_references references = { 0 };
	struct findings findings = { 0 };
	struct pool pool = { 0 };

	(void)state;
	scene_begin(&scene, 7, 64);
	store(&scene, user(&scene, 0), user(&scene, 1));
	store(&scene, user(&scene, 1), user(&scene, 0));
	store(&scene, user(&scene, 2), user(&scene, 3));
	store(&scene, user(&scene, 2) + 8, user(&scene, 4) + 5);
	store(&scene, user(&scene, 5), user(&scene, 5));
	store(&scene, DATA, user(&scene, 6));
	scene_walk(&scene, 2);
	for (size_t i = 0; i < 6; i++) {
		assert_false(anchored(&scene, i));
		assert_int_equal(reach_has(&scene.reach, REACH_HELD, 0, i), held[i]);
	}
	references_fill(&references, &scene.reach, &findings, 2, false, &pool);
	assert_int_equal(references.anchored.chunks, 1);
	assert_int_equal(references.unreachable.chunks, 6);
	assert_int_equal(references.unreachable.bytes, 6 * 64);
	assert_int_equal(references.heads.chunks, 2);
	assert_int_equal(references.rules.count, 1);
	assert_string_equal(references.rules.items[0].id, "");
	assert_int_equal(references.largest.count, 6);
	vec_deinit(&references.roots);
	vec_deinit(&references.sizes);
	vec_deinit(&references.rules);
	vec_deinit(&references.largest);
	pool_deinit(&pool);
	scene_end(&scene);
}

/* Unreachable chunks count once, for the hit that precedes. */
static void rules_of_what_is_lost(void **state)
{
	struct scene scene;
	struct report_references references = { 0 };
	struct findings findings = { 0 };
	struct pool pool = { 0 };

	(void)state;
	scene_begin(&scene, 4, 64);
	store(&scene, DATA, user(&scene, 3));
	*vec_add(&findings.rules) = (struct finding_rule){ .id = "a.low", .priority = 1 };
	*vec_add(&findings.rules) = (struct finding_rule){ .id = "a.high", .priority = 9 };
	for (uint32_t i = 0; i < 2; i++)
		*vec_add(&findings.hits) = (struct hit){ .start = user(&scene, 0) + i,
												 .bytes = 4,
												 .chunk = HEAP,
												 .rule = 1 - i,
												 .group = HIT_NO_GROUP,
												 .live = true };
	*vec_add(&findings.hits) = (struct hit){
		.start = user(&scene, 1), .bytes = 4, .chunk = HEAP + 64, .group = HIT_NO_GROUP
	};
	*vec_add(&findings.hits) = (struct hit){
		.start = user(&scene, 3), .bytes = 4, .chunk = HEAP + 3 * 64, .group = HIT_NO_GROUP
	};
	scene_walk(&scene, 1);
	references_fill(&references, &scene.reach, &findings, 1, false, &pool);
	assert_int_equal(references.rules.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(references.rules.items[i].sum.chunks, 1);
	assert_string_equal(references.rules.items[1].id, "a.high");
	assert_string_equal(references.rules.items[2].id, "a.low");
	vec_deinit(&references.roots);
	vec_deinit(&references.sizes);
	vec_deinit(&references.rules);
	vec_deinit(&references.largest);
	vec_deinit(&findings.rules);
	vec_deinit(&findings.hits);
	pool_deinit(&pool);
	scene_end(&scene);
}

static void set_registers(struct core_thread *thread, uint64_t *registers, unsigned set,
						  uint64_t value)
{
	memset(registers, 0, 27 * 8);
	for (unsigned i = 0; i < set; i++)
		registers[20 - i] = 0x33;
	registers[3] = value; /* r12 */
	thread->registers = span_make(registers, 27 * 8);
}

static void registers_hold_where_they_are_known(void **state)
{
	uint64_t registers[27];

	(void)state;
	for (unsigned known = 0; known < 2; known++) {
		struct scene scene;
		struct core_thread *thread;

		scene_begin(&scene, 2, 64);
		thread = vec_add(&scene.process.core.threads);
		thread->tid = 7;
		set_registers(thread, registers, known ? 5 : 1, user(&scene, 1));
		scene_walk(&scene, 1);
		assert_int_equal(anchored(&scene, 1), known);
		assert_int_equal(scene.reach.sums[ROOT_REGISTER].bytes, known ? 27 * 8 : 0);
		scene_end(&scene);
	}
}

/* Below the stack pointer and its red zone is nothing that counts, unless the pointer is of another
 * moment than the memory. */
static void stacks_begin_at_their_pointers(void **state)
{
	static const struct {
		unsigned known; /* registers that are set */
		vaddr sp, at;   /* from the region's start; where the pointer is stored */
		bool holds;
	} rows[] = {
		{ 5, 2048, 2048, true },
		{ 5, 2048, 4088, true },
		{ 5, 2048, 2048 - 128, true },
		{ 5, 2048, 2048 - 136, false },
		{ 5, 2048, 0, false },
		{ 1, 2048, 0, true },
		{ 5, 64, 0, true },
		{ 5, 9000, 0, true },
	};
	uint64_t registers[27];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene scene;
		struct core_thread *thread;

		scene_begin(&scene, 2, 64);
		scene.process.regions.items.items[0].kind = REGION_STACK;
		thread = vec_add(&scene.process.core.threads);
		thread->sp = DATA + rows[i].sp;
		set_registers(thread, registers, rows[i].known, 0);
		store(&scene, DATA + rows[i].at, user(&scene, 1));
		scene_walk(&scene, 1);
		if (anchored(&scene, 1) != rows[i].holds)
			fail_msg("row %zu", i);
		scene_end(&scene);
	}
}

static void regions_that_are_no_roots(void **state)
{
	static const struct {
		enum region_kind kind;
		unsigned protection;
		bool holds;
	} rows[] = {
		{ REGION_MODULE, MAPPING_READ | MAPPING_WRITE, true },
		{ REGION_MODULE, MAPPING_READ, false },
		{ REGION_MODULE, MAPPING_READ | MAPPING_EXECUTE, false },
		{ REGION_FILE, MAPPING_READ, false },
		{ REGION_FILE, MAPPING_READ | MAPPING_WRITE, true },
		{ REGION_SHARED, MAPPING_READ | MAPPING_WRITE, true },
		{ REGION_ANONYMOUS, MAPPING_READ, true },
		{ REGION_ANONYMOUS, 0, false },
		{ REGION_JAVA_HEAP, MAPPING_READ | MAPPING_WRITE, true },
		{ REGION_JVM_CODE, MAPPING_READ | MAPPING_EXECUTE, true },
		{ REGION_KERNEL, MAPPING_READ | MAPPING_WRITE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene scene;

		scene_begin(&scene, 2, 64);
		scene.process.regions.items.items[0].kind = rows[i].kind;
		scene.process.regions.items.items[0].protection = rows[i].protection;
		store(&scene, DATA + 32, user(&scene, 1));
		scene_walk(&scene, 1);
		if (anchored(&scene, 1) != rows[i].holds)
			fail_msg("row %zu", i);
		scene_end(&scene);
	}
}

/* main_arena in libc's data leads to headers of freed chunks: the chunks before them are not held.
 */
static void main_arena_holds_nothing(void **state)
{
	(void)state;
	for (unsigned inside = 0; inside < 2; inside++) {
		struct scene scene;

		scene_begin(&scene, 3, 64);
		scene.process.heap.state_bytes = 200;
		store(&scene, DATA + 512 + (inside ? 192 : 200), scene.chunks[1].address);
		store(&scene, DATA + 512 - (inside ? 0 : 8), scene.chunks[2].address);
		attribute_builder_arena(&scene.process, HEAP, scene.chunks, scene.count);
		chunk_table_seal(&scene.process.heap.chunks);
		scene.process.heap.arenas.items[0].address = DATA + 512;
		scene_walk(&scene, 1);
		assert_int_equal(count_anchored(&scene), inside ? 0 : 2);
		scene_end(&scene);
	}
}

/* A heap as glibc leaves it: nothing of malloc's own holds a chunk, neither lists nor top nor the
 * struct of a tcache. */
static void nothing_of_malloc_holds(void **state)
{
	static const char *const classes[] = { "C", "D" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct heap_builder builder;
		struct heap heap;
		struct anomalies anomalies = { 0 };
		struct roots roots;
		struct reach reach;
		vaddr cached, tcache, slot;
		size_t arena;

		heap_builder_init(&builder, classes[i], 8);
		arena = heap_builder_arena(&builder, 1 << 20);
		for (size_t j = 0; j < 2; j++) {
			heap_builder_chunk(&builder, j ? arena : 0, 160, HEAP_USED);
			heap_builder_chunk(&builder, j ? arena : 0, 2000 / 16 * 16, HEAP_BINNED);
			heap_builder_chunk(&builder, j ? arena : 0, 96, HEAP_USED);
		}
		tcache = heap_builder_tcache(&builder, 0);
		cached = heap_builder_chunk(&builder, 0, 64, HEAP_USED);
		slot = heap_builder_chunk(&builder, 0, 64, HEAP_USED);
		heap_builder_cache(&builder, tcache, cached);
		heap_builder_thread(&builder, 11, 0, tcache);
		heap_builder_set(&builder, slot + 16, slot + 16);
		heap_builder_finish(&builder);
		builder.core.word = 8;
		heap_walk(&heap, &builder.image, &builder.regions, &builder.core, NULL, 2, &silent,
				  &anomalies);
		assert_true(heap.found);
		roots_init(&roots, &builder.core, &builder.regions, &heap);
		reach_init(&reach, &builder.core, &builder.image, &roots, &heap.chunks, 2, &silent);
		for (unsigned kind = 0; kind < ROOT_KINDS; kind++)
			assert_int_equal(reach.sums[kind].chunks, 0);
		reach_deinit(&reach);
		roots_deinit(&roots);
		heap_deinit(&heap);
		anomalies_deinit(&anomalies);
		heap_builder_deinit(&builder);
	}
}

/* A heap with damage anywhere: whatever is walked of it, every live chunk is anchored or not, and
 * what kinds of roots anchor adds up. */
static void damaged_heaps(void **state)
{
	enum { SEEDS = 200, CHUNKS = 60 };

	(void)state;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct heap_builder builder;
		struct heap heap;
		struct anomalies anomalies = { 0 };
		struct roots roots;
		struct reach reach;
		vaddr chunks[CHUNKS];
		uint64_t sum = 0, bits = 0;

		srand(seed);
		heap_builder_init(&builder, seed & 1 ? "C" : "D", 8);
		for (unsigned i = 0; i < CHUNKS; i++)
			chunks[i] = heap_builder_chunk(&builder, 0, 32 + 16 * ((unsigned)rand() % 40),
										   i % 5 == 3 ? HEAP_BINNED : HEAP_USED);
		for (unsigned i = 0; i < CHUNKS; i += 5)
			heap_builder_set(&builder, chunks[i] + 16, chunks[(unsigned)rand() % CHUNKS] + 16);
		heap_builder_finish(&builder);
		builder.core.word = 8;
		for (unsigned i = 0; i < 8; i++)
			heap_builder_set(&builder,
							 chunks[(unsigned)rand() % CHUNKS] + 8 * ((unsigned)rand() % 3),
							 chunks[(unsigned)rand() % CHUNKS] + (unsigned)rand() % 64);
		heap_walk(&heap, &builder.image, &builder.regions, &builder.core, NULL, 2, &silent,
				  &anomalies);
		roots_init(&roots, &builder.core, &builder.regions, &heap);
		reach_init(&reach, &builder.core, &builder.image, &roots, &heap.chunks, 2, &silent);
		for (unsigned kind = 0; kind < ROOT_KINDS; kind++)
			sum += reach.sums[kind].chunks;
		for (size_t i = 0; i < heap.chunks.blocks.count; i++)
			for (size_t j = 0; j < heap.chunks.blocks.items[i].count; j++) {
				bool is_anchored = reach_has(&reach, REACH_ANCHORED, i, j);

				bits += is_anchored;
				assert_true(!is_anchored ||
							chunk_is_live(chunk_block_get(&heap.chunks.blocks.items[i], j).state));
				assert_int_equal(is_anchored, reach_has(&reach, REACH_READ, i, j));
			}
		assert_int_equal(sum, bits);
		reach_deinit(&reach);
		roots_deinit(&roots);
		heap_deinit(&heap);
		anomalies_deinit(&anomalies);
		heap_builder_deinit(&builder);
	}
}

/* 32-bit words: read as such, and said to be weak by who asks. */
static void words_of_four_bytes(void **state)
{
	struct scene scene;
	uint32_t value;

	(void)state;
	scene_begin(&scene, 2, 64);
	scene.process.core.word = scene.process.image.word = 4;
	scene.process.core.machine = scene.process.image.machine = EM_386;
	scene.process.heap.chunks.header_bytes = 8;
	value = (uint32_t)(HEAP + 64 + 8);
	memcpy(scene.data + 4, &value, 4);
	scene_walk(&scene, 1);
	assert_true(anchored(&scene, 1));
	assert_true(reach_has(&scene.reach, REACH_EXACT, 0, 1));
	assert_false(anchored(&scene, 0));
	scene_end(&scene);
}

/* Ranges that no sane file has: they cost neither memory nor time. */
static void hostile_ranges(void **state)
{
	static uint8_t odd[100];
	struct scene scene;

	(void)state;
	scene_begin(&scene, 2, 64);
	memset(odd, 0xff, sizeof odd);
	attribute_builder_region(&scene.process, (struct range){ 1 << 30, UINT64_C(1) << 46 },
							 REGION_ANONYMOUS, 0);
	attribute_builder_piece(&scene.process, (struct range){ (1 << 30) + 3, (1 << 30) + 90 }, odd);
	*vec_add(&scene.process.regions.items) =
		(struct region){ .range = { UINT64_MAX - 90, UINT64_MAX },
						 .protection = MAPPING_READ | MAPPING_WRITE,
						 .path = "" };
	attribute_builder_piece(&scene.process, (struct range){ UINT64_MAX - 90, UINT64_MAX }, odd);
	scene_walk(&scene, 2);
	assert_int_equal(count_anchored(&scene), 0);
	assert_true(scene.reach.sums[ROOT_ANONYMOUS].bytes <= 200 + scene.heap_bytes);
	scene_end(&scene);
}

static void no_chunks_at_all(void **state)
{
	struct attribute_builder builder;
	struct roots roots;
	struct reach reach;

	(void)state;
	attribute_builder_init(&builder);
	roots_init(&roots, &builder.core, &builder.regions, &builder.heap);
	reach_init(&reach, &builder.core, &builder.image, &roots, &builder.heap.chunks, 0, &silent);
	assert_int_equal(reach.words, 0);
	reach_deinit(&reach);
	roots_deinit(&roots);
	attribute_builder_deinit(&builder);
}

/* A shortest chain, where there is a longer one from a kind of root that comes first. */
static void the_shortest_chain(void **state)
{
	struct scene scene;
	struct root_chain chain;
	struct pointers pointers;

	(void)state;
	scene_begin(&scene, 8, 64);
	store(&scene, DATA + 8, user(&scene, 0));
	store(&scene, user(&scene, 0), user(&scene, 5));
	store(&scene, user(&scene, 0) + 8, user(&scene, 1));
	store(&scene, user(&scene, 1), user(&scene, 2));
	store(&scene, user(&scene, 2), user(&scene, 6));
	store(&scene, user(&scene, 5) + 16, user(&scene, 6) + 3);
	store(&scene, user(&scene, 6), user(&scene, 0));
	scene_walk(&scene, 1);
	root_chain_find(&chain, &scene.process.core, &scene.process.image, &scene.roots,
					&scene.process.heap.chunks, (struct chunk_place){ 0, 6 }, &silent);
	assert_true(chain.known);
	assert_int_equal(chain.at, DATA + 8);
	assert_int_equal(chain.chunks.count, 3);
	assert_int_equal(chain.chunks.items[0].index, 0);
	assert_int_equal(chain.chunks.items[1].index, 5);
	assert_int_equal(chain.chunks.items[2].index, 6);
	pointers = pointers_make(&scene.process.image, &scene.process.heap.chunks);
	assert_int_equal(root_chain_word(&pointers, chain.chunks.items[1], chain.chunks.items[2]),
					 user(&scene, 5) + 16);
	root_chain_deinit(&chain);
	root_chain_find(&chain, &scene.process.core, &scene.process.image, &scene.roots,
					&scene.process.heap.chunks, (struct chunk_place){ 0, 7 }, &silent);
	assert_int_equal(chain.chunks.count, 0);
	root_chain_deinit(&chain);
	scene_end(&scene);
}

static void holders_of_a_chunk(void **state)
{
	uint64_t registers[27];

	(void)state;
	for (unsigned workers = 1; workers < 4; workers++) {
		struct scene scene;
		struct holders holders;
		struct core_thread *thread;
		struct range range;

		scene_begin(&scene, 8, 64);
		scene.chunks[2].state = CHUNK_TCACHE;
		scene.process.heap.state_bytes = 64;
		thread = vec_add(&scene.process.core.threads);
		set_registers(thread, registers, 5, user(&scene, 4));
		for (size_t i = 0; i < 4; i++)
			store(&scene, user(&scene, i), user(&scene, 4) + i);
		store(&scene, DATA + 24, user(&scene, 4) + 47);
		store(&scene, DATA + 32, user(&scene, 4) + 48 + 8);
		store(&scene, DATA + 2048, user(&scene, 4)); /* as if in main_arena */
		attribute_builder_arena(&scene.process, HEAP, scene.chunks, scene.count);
		chunk_table_seal(&scene.process.heap.chunks);
		scene.process.heap.arenas.items[0].address = DATA + 2048;
		scene_walk(&scene, 1);
		range = pointers_usable(&scene.process.heap.chunks, &scene.chunks[4]);
		thread = &scene.process.core.threads.items[0];
		thread->sp = 1;
		holders_find(&holders, &scene.process.core, &scene.process.image, &scene.roots,
					 &scene.process.heap.chunks, range, 2, workers, &silent);
		assert_int_equal(holders.total, 5);
		assert_int_equal(holders.stale, 1);
		assert_int_equal(holders.registers.count, 1);
		assert_int_equal(holders.registers.items[0].index, 3);
		assert_int_equal(holders.roots.count, 1);
		assert_int_equal(holders.roots.items[0].at, DATA + 24);
		assert_int_equal(holders.chunks.count, 2);
		assert_int_equal(holders.chunks.items[1].at, user(&scene, 1));
		holders_deinit(&holders);
		scene_end(&scene);
	}
}

static bool says(const report_lines *lines, const char *text)
{
	for (size_t i = 0; i < lines->count; i++)
		if (strstr(lines->items[i], text))
			return true;
	return false;
}

/* A Java heap that was left out, registers and a stack that are not there; never a page that was
 * never touched. */
static void what_was_not_captured_is_said(void **state)
{
	struct scene scene;
	struct pool pool = { 0 };
	report_lines lines = { 0 };

	(void)state;
	scene_begin(&scene, 2, 64);
	attribute_builder_region(&scene.process, (struct range){ 0x40000000, 0x50000000 },
							 REGION_ANONYMOUS, 0); /* never touched */
	scene_walk(&scene, 1);
	unseen_describe(&scene.process.core, &scene.process.image, &scene.process.regions,
					&scene.process.heap, &scene.roots, &pool, &lines);
	assert_int_equal(lines.count, 1);
	assert_true(says(&lines, "No thread's registers"));
	vec_deinit(&lines);
	scene_forget(&scene);

	attribute_builder_region(&scene.process, (struct range){ 0x60000000, 0x70000000 },
							 REGION_JAVA_HEAP, 3 << 20);
	vec_add(&scene.process.core.threads)->sp = 0x90000000;
	scene_walk(&scene, 1);
	unseen_describe(&scene.process.core, &scene.process.image, &scene.process.regions,
					&scene.process.heap, &scene.roots, &pool, &lines);
	assert_true(says(&lines, "3.00 MiB of the Java heap are not in the file"));
	assert_true(says(&lines, "The registers of 1 of 1 thread are not"));
	assert_true(says(&lines, "The stacks of 1 of 1 thread are not"));
	assert_int_equal(lines.count, 3);
	vec_deinit(&lines);
	pool_deinit(&pool);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(borders_of_a_chunk),
		cmocka_unit_test(a_long_chain),
		cmocka_unit_test(a_wide_tree),
		cmocka_unit_test(random_graphs),
		cmocka_unit_test(freed_chunks_hold_nothing),
		cmocka_unit_test(mmapped_chunks_are_chunks),
		cmocka_unit_test(damage_holds),
		cmocka_unit_test(heads_of_what_is_lost),
		cmocka_unit_test(rules_of_what_is_lost),
		cmocka_unit_test(registers_hold_where_they_are_known),
		cmocka_unit_test(stacks_begin_at_their_pointers),
		cmocka_unit_test(regions_that_are_no_roots),
		cmocka_unit_test(main_arena_holds_nothing),
		cmocka_unit_test(nothing_of_malloc_holds),
		cmocka_unit_test(damaged_heaps),
		cmocka_unit_test(words_of_four_bytes),
		cmocka_unit_test(hostile_ranges),
		cmocka_unit_test(no_chunks_at_all),
		cmocka_unit_test(the_shortest_chain),
		cmocka_unit_test(holders_of_a_chunk),
		cmocka_unit_test(what_was_not_captured_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include "analyze/attribute/buckets.h"
#include "tests/support/attribute_builder.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

static uint8_t bytes[16 * PAGE];

static struct report_memory fill(struct attribute_builder *builder, struct pool *pool)
{
	struct report_memory memory = { 0 };

	chunk_table_seal(&builder->heap.chunks);
	buckets_fill(&memory, &builder->core, &builder->image, &builder->regions, &builder->owners,
				 &builder->heap, pool);
	return memory;
}

static void finish(struct attribute_builder *builder, struct report_memory *memory,
				   struct pool *pool)
{
	vec_deinit(&memory->buckets);
	vec_deinit(&memory->owners);
	pool_deinit(pool);
	attribute_builder_deinit(builder);
}

static void check_closed(const struct report_memory *memory)
{
	int64_t sum = memory->residual_bytes;
	uint64_t virtual = 0;

	for (size_t i = 0; i < memory->buckets.count; i++) {
		sum += (int64_t)memory->buckets.items[i].resident_bytes;
		virtual += memory->buckets.items[i].virtual_bytes;
	}
	assert_int_equal(sum, memory->resident_bytes);
	assert_int_equal(virtual, memory->virtual_bytes);
}

static uint64_t virtual_of(const struct report_memory *memory, const char *id)
{
	const struct report_bucket *bucket = buckets_find(memory, id);

	assert_non_null(bucket);
	return bucket->virtual_bytes;
}

/* An arena of four pages in a region of six, of which three pages are resident. */
static void add_heap(struct attribute_builder *builder)
{
	static const struct chunk chunks[] = {
		{ .bytes = 48, .state = CHUNK_OVERHEAD },       { .bytes = PAGE, .state = CHUNK_IN_USE },
		{ .bytes = PAGE - 48, .state = CHUNK_BINNED },  { .bytes = 64, .state = CHUNK_TCACHE },
		{ .bytes = 2 * PAGE - 64, .state = CHUNK_TOP },
	};

	attribute_builder_region(builder, (struct range){ 0x10000, 0x16000 }, REGION_BRK, 3 * PAGE);
	attribute_builder_arena(builder, 0x10000, chunks, 5);
	attribute_builder_piece(builder, (struct range){ 0x10000, 0x16000 }, bytes);
}

static void the_heap_is_shared_out_by_state(void **state)
{
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	add_heap(&builder);
	attribute_builder_status(&builder, "VmRSS:\t      13 kB\nVmSwap:\t 8 kB\n");
	memory = fill(&builder, &pool);
	assert_true(memory.has_resident);
	assert_int_equal(memory.resident_bytes, 13 * 1024);
	assert_int_equal(memory.swapped_bytes, 8 * 1024);
	assert_int_equal(memory.residual_bytes, 1024);
	assert_int_equal(buckets_bytes(&memory, "heap.in_use"), PAGE);
	assert_int_equal(buckets_bytes(&memory, "heap.binned"), PAGE - 48);
	assert_int_equal(buckets_bytes(&memory, "heap.tcache"), 64);
	assert_int_equal(buckets_bytes(&memory, "heap.overhead"), 48);
	assert_int_equal(buckets_bytes(&memory, "heap.top"), PAGE - 64);
	assert_int_equal(virtual_of(&memory, "heap.top"), 2 * PAGE - 64);
	assert_int_equal(virtual_of(&memory, "anonymous.brk"), 2 * PAGE);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

static void regions_go_where_they_belong(void **state)
{
	static const struct {
		enum region_kind kind;
		const char *id;
	} rows[] = {
		{ REGION_ANONYMOUS, "anonymous.unknown" },
		{ REGION_STACK, "stack" },
		{ REGION_MODULE, "module" },
		{ REGION_FILE, "file" },
		{ REGION_SHARED, "shared" },
		{ REGION_KERNEL, "kernel" },
		{ REGION_JAVA_HEAP, "java.heap" },
		{ REGION_JVM_CLASS_SPACE, "jvm.class_space" },
		{ REGION_JVM_CODE, "jvm.code" },
	};
	enum { ROWS = sizeof rows / sizeof *rows };
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	for (size_t i = 0; i < ROWS; i++) {
		vaddr start = 0x100000 * (i + 1);

		attribute_builder_region(&builder, (struct range){ start, start + 4 * PAGE }, rows[i].kind,
								 PAGE);
		attribute_builder_piece(&builder, (struct range){ start, start + 4 * PAGE }, bytes);
	}
	memory = fill(&builder, &pool);
	for (size_t i = 0; i < ROWS; i++) {
		assert_int_equal(buckets_bytes(&memory, rows[i].id), PAGE);
		assert_int_equal(virtual_of(&memory, rows[i].id), 4 * PAGE);
	}
	assert_int_equal(memory.residual_bytes, 0);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

static void named_and_reserved_memory_has_its_owner(void **state)
{
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	attribute_builder_region(&builder, (struct range){ 0x10000, 0x12000 }, REGION_ANONYMOUS, 0)
		->protection = 0;
	attribute_builder_region(&builder, (struct range){ 0x20000, 0x21000 }, REGION_ANONYMOUS, 0)
		->path = "[anon:My Cache\x1b[31m v2]";
	memory = fill(&builder, &pool);
	assert_int_equal(virtual_of(&memory, "anonymous.reserved"), 2 * PAGE);
	assert_int_equal(virtual_of(&memory, "anonymous.my-cache-31m-v2"), PAGE);
	finish(&builder, &memory, &pool);
}

/* A mmapped chunk of two pages less 16 bytes that begins 16 bytes into its mapping; behind it a
 * page that is resident but was not captured. */
static void what_was_not_captured_is_said(void **state)
{
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	attribute_builder_region(&builder, (struct range){ 0x30000, 0x33000 }, REGION_ANONYMOUS,
							 3 * PAGE);
	attribute_builder_piece(&builder, (struct range){ 0x30000, 0x32000 }, bytes);
	attribute_builder_mmapped(&builder, 0x30010, 2 * PAGE - 16);
	memory = fill(&builder, &pool);
	assert_int_equal(buckets_bytes(&memory, "heap.mmapped"), 2 * PAGE - 16);
	assert_int_equal(buckets_bytes(&memory, "heap.overhead"), 16);
	assert_int_equal(buckets_bytes(&memory, "not_captured"), PAGE);
	assert_int_equal(buckets_bytes(&memory, "anonymous.unknown"), 0);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

static void a_mapping_that_a_tcache_keeps_is_in_its_bucket(void **state)
{
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	attribute_builder_region(&builder, (struct range){ 0x30000, 0x32000 }, REGION_ANONYMOUS,
							 2 * PAGE);
	attribute_builder_piece(&builder, (struct range){ 0x30000, 0x32000 }, bytes);
	attribute_builder_mmapped_cached(&builder, 0x30000, 2 * PAGE);
	memory = fill(&builder, &pool);
	assert_int_equal(buckets_bytes(&memory, "heap.tcache"), 2 * PAGE);
	assert_int_equal(buckets_bytes(&memory, "heap.mmapped"), 0);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

/* A mapping of memalign: what it leaves before the chunk and behind it is the heap stage's, in the
 * chunk's own block, and no arena's. */
static void leftovers_of_memalign_are_overhead(void **state)
{
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;
	struct chunk_block *block;

	(void)state;
	attribute_builder_init(&builder);
	attribute_builder_region(&builder, (struct range){ 0x30000, 0x34000 }, REGION_ANONYMOUS,
							 3 * PAGE);
	attribute_builder_piece(&builder, (struct range){ 0x30000, 0x34000 }, bytes);
	block =
		chunk_table_add(&builder.heap.chunks, (struct range){ 0x30000, 0x34000 }, CHUNK_NO_ARENA);
	block->packed = calloc(3, sizeof *block->packed);
	block->packed[block->count++] = CHUNK_OVERHEAD;
	block->packed[block->count++] = (2 * PAGE - 16) | CHUNK_MMAPPED;
	block->packed[block->count++] = (4 * PAGE - 16) | CHUNK_OVERHEAD;
	builder.heap.mmapped = (struct chunk_sum){ 1, 2 * PAGE, PAGE + 16 };
	builder.heap.mmapped_overhead = (struct chunk_sum){ 2, 2 * PAGE, 2 * PAGE - 16 };
	memory = fill(&builder, &pool);
	assert_int_equal(virtual_of(&memory, "heap.overhead"), 2 * PAGE);
	assert_int_equal(buckets_bytes(&memory, "heap.overhead"), 2 * PAGE - 16);
	assert_int_equal(memory.resident_bytes, 3 * PAGE);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

/* Huge pages are in the page map, and the kernel's VmRSS leaves them out. */
static void huge_pages_are_added_to_the_rss(void **state)
{
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	attribute_builder_region(&builder, (struct range){ 0x200000, 0x600000 }, REGION_ANONYMOUS,
							 0x200000)
		->path = "/anon_hugepage (deleted)";
	attribute_builder_piece(&builder, (struct range){ 0x200000, 0x400000 }, bytes);
	attribute_builder_status(&builder, "VmRSS:\t 12 kB\nHugetlbPages:\t 2048 kB\n");
	memory = fill(&builder, &pool);
	assert_int_equal(memory.hugetlb_bytes, 0x200000);
	assert_int_equal(memory.resident_bytes, 0x200000 + 12 * 1024);
	assert_int_equal(memory.residual_bytes, 12 * 1024);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

static void names_beyond_measure_share_a_bucket(void **state)
{
	enum { NAMES = 500 };
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	for (unsigned i = 0; i < NAMES; i++)
		attribute_builder_region(&builder,
								 (struct range){ 0x10000 + i * PAGE, 0x10000 + (i + 1) * PAGE },
								 REGION_ANONYMOUS, 0)
			->path = pool_printf(&pool, "[anon:cache %u]", i);
	memory = fill(&builder, &pool);
	assert_true(memory.buckets.count < 60);
	assert_int_equal(virtual_of(&memory, "anonymous.cache-0"), PAGE);
	assert_true(virtual_of(&memory, "anonymous.more-names") > (NAMES - 40) * PAGE);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

static void without_a_page_map_nothing_is_resident(void **state)
{
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	add_heap(&builder);
	builder.core.has_page_map = false;
	memory = fill(&builder, &pool);
	assert_false(memory.has_resident);
	assert_int_equal(memory.resident_bytes, 0);
	assert_int_equal(buckets_bytes(&memory, "heap.top"), 2 * PAGE - 64); /* virtual */
	finish(&builder, &memory, &pool);
}

/* The page map has every mapping: one that only smaps, which is older, has was unmapped meanwhile.
 */
static void what_was_unmapped_before_the_stop_is_not_resident(void **state)
{
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	add_heap(&builder);
	*vec_add(&builder.regions.items) = (struct region){ .range = { 0x7f0000, 0x7f4000 },
														.protection = MAPPING_READ,
														.kind = REGION_ANONYMOUS,
														.path = "",
														.has_counts = true,
														.resident_bytes = 3 * PAGE };
	memory = fill(&builder, &pool);
	assert_int_equal(buckets_bytes(&memory, "anonymous.unknown"), 0);
	assert_int_equal(memory.resident_bytes, 3 * PAGE);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

/* Chunks stay malloc's, reserved memory stays reserved, the rest goes to who claims it. */
static void claimed_memory_has_its_owner(void **state)
{
	static const struct owner_claim claims[] = { { { 0x10000, 0x20000 }, OWNER_JEMALLOC },
												 { { 0x710000, 0x712000 }, OWNER_V8 },
												 { { 0x800000, 0x810000 }, OWNER_V8 } };
	struct attribute_builder builder;
	struct pool pool = { 0 };
	struct report_memory memory;

	(void)state;
	attribute_builder_init(&builder);
	attribute_builder_region(&builder, (struct range){ 0x10000, 0x14000 }, REGION_ANONYMOUS,
							 4 * PAGE);
	attribute_builder_region(&builder, (struct range){ 0x700000, 0x714000 }, REGION_ANONYMOUS,
							 0x11000);
	attribute_builder_region(&builder, (struct range){ 0x800000, 0x810000 }, REGION_ANONYMOUS, 0)
		->protection = 0;
	attribute_builder_piece(&builder, (struct range){ 0x10000, 0x14000 }, bytes);
	for (size_t i = 0; i < 3; i++)
		*vec_add(&builder.owners.claims) = claims[i];
	builder.owners.findings[OWNER_JEMALLOC].structure = "its blocks";
	builder.owners.findings[OWNER_V8].name = "[anon:v8]";
	builder.regions.items.items[1].protection = MAPPING_READ;
	memory = fill(&builder, &pool);
	assert_int_equal(virtual_of(&memory, "anonymous.jemalloc"), 4 * PAGE);
	assert_int_equal(virtual_of(&memory, "anonymous.v8"),
					 PAGE); /* the other page is not captured */
	assert_int_equal(virtual_of(&memory, "anonymous.reserved"), 0x10000);
	assert_int_equal(memory.owners.count, 2);
	assert_string_equal(memory.owners.items[0].id, "jemalloc");
	assert_string_equal(memory.owners.items[0].certainty, "likely");
	assert_int_equal(memory.owners.items[0].resident_bytes, 4 * PAGE);
	assert_int_equal(memory.owners.items[0].regions, 1);
	check_closed(&memory);
	finish(&builder, &memory, &pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heap_is_shared_out_by_state),
		cmocka_unit_test(regions_go_where_they_belong),
		cmocka_unit_test(named_and_reserved_memory_has_its_owner),
		cmocka_unit_test(what_was_not_captured_is_said),
		cmocka_unit_test(a_mapping_that_a_tcache_keeps_is_in_its_bucket),
		cmocka_unit_test(leftovers_of_memalign_are_overhead),
		cmocka_unit_test(huge_pages_are_added_to_the_rss),
		cmocka_unit_test(names_beyond_measure_share_a_bucket),
		cmocka_unit_test(without_a_page_map_nothing_is_resident),
		cmocka_unit_test(what_was_unmapped_before_the_stop_is_not_resident),
		cmocka_unit_test(claimed_memory_has_its_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include "analyze/memory/owners.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* Addresses of the fabricated process; areas of it are added in this order. */
#define MODULE UINT64_C(0x7f0000000000)
#define MEMORY UINT64_C(0x7f1000000000) /* a multiple of every alignment */
#define MIB (UINT64_C(1) << 20)
#define KIB (UINT64_C(1) << 10)

struct process {
	struct core core;
	struct image image;
	struct regions regions;
	struct owners owners;
	VEC(uint8_t *) areas;
};

static uint8_t *add(struct process *process, vaddr start, uint64_t bytes, enum region_kind kind,
					const char *path)
{
	struct range range = { start, start + bytes };
	uint8_t *data = calloc(1, bytes);

	*vec_add(&process->areas) = data;
	*vec_add(&process->image.pieces) = (struct piece){ range, data, true };
	*vec_add(&process->regions.items) = (struct region){
		.range = range, .protection = MAPPING_READ | MAPPING_WRITE, .kind = kind, .path = path
	};
	return data;
}

static void init(struct process *process)
{
	*process = (struct process){ .image = { .word = 8, .machine = EM_X86_64, .page_size = 4096 } };
	process->core.word = 8;
}

static void look(struct process *process)
{
	owners_deinit(&process->owners);
	owners_find(&process->owners, &process->image, &process->regions, &process->core);
}

static void finish(struct process *process)
{
	owners_deinit(&process->owners);
	for (size_t i = 0; i < process->areas.count; i++)
		free(process->areas.items[i]);
	vec_deinit(&process->areas);
	vec_deinit(&process->image.pieces);
	vec_deinit(&process->regions.items);
}

static void put(uint8_t *bytes, uint64_t offset, uint64_t value)
{
	memcpy(bytes + offset, &value, sizeof value);
}

static void put_u32(uint8_t *bytes, uint64_t offset, uint32_t value)
{
	memcpy(bytes + offset, &value, sizeof value);
}

static uint64_t claimed(const struct process *process, enum owner_kind kind)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < process->owners.claims.count; i++)
		if (process->owners.claims.items[i].kind == kind)
			bytes += range_bytes(process->owners.claims.items[i].range);
	return bytes;
}

static void expect(struct process *process, enum owner_kind kind, enum owner_certainty certainty,
				   uint64_t bytes)
{
	look(process);
	assert_int_equal(owners_certainty(&process->owners, kind), certainty);
	assert_int_equal(claimed(process, kind), bytes);
	for (enum owner_kind other = 0; other < OWNER_KINDS; other++)
		if (other != kind)
			assert_int_equal(claimed(process, other), 0);
}

/* --- jemalloc --- */

/* A base block of 2 MiB whose unused end begins at 1 MiB, and a descriptor of an extent. */
static void add_base_block(uint8_t *block, vaddr address, vaddr extent, uint64_t extent_bytes)
{
	put(block, 0, 2 * MIB);
	put(block, 24, address + MIB);
	put(block, 32, MIB);
	put(block, 1280 + 8, extent);
	put(block, 1280 + 16, extent_bytes | 7); /* the low bits are a serial number */
}

static void jemalloc_is_known_by_its_base_blocks(void **state)
{
	struct process process;
	uint8_t *block;

	(void)state;
	init(&process);
	block = add(&process, MEMORY, 2 * MIB, REGION_ANONYMOUS, "");
	add(&process, MEMORY + 16 * MIB, 8 * MIB, REGION_ANONYMOUS, "");
	add_base_block(block, MEMORY, MEMORY + 17 * MIB, MIB);
	expect(&process, OWNER_JEMALLOC, OWNER_LIKELY, 3 * MIB);
	put(block, 1280 + 8, MEMORY + 23 * MIB); /* ends behind the mapping */
	put(block, 1280 + 16, 2 * MIB);
	expect(&process, OWNER_JEMALLOC, OWNER_LIKELY, 2 * MIB);
	put(block, 32, MIB - 8); /* does not end where the block ends */
	expect(&process, OWNER_JEMALLOC, OWNER_ABSENT, 0);
	finish(&process);
}

/* --- mimalloc --- */

#define KEY UINT64_C(0x09b92be5252b8f86)

static void add_segment(uint8_t *bytes, vaddr address)
{
	put(bytes, 216, address ^ KEY);
	put(bytes, 224, 32 * MIB / (64 * KIB));
	put(bytes, 232, 1);
}

static void mimalloc_is_known_by_its_cookies(void **state)
{
	struct process process;
	uint8_t *memory;

	(void)state;
	init(&process);
	memory = add(&process, MEMORY, 96 * MIB, REGION_ANONYMOUS, "");
	add_segment(memory, MEMORY);
	expect(&process, OWNER_MIMALLOC, OWNER_ABSENT, 0); /* one alone proves nothing */
	add_segment(memory + 32 * MIB, MEMORY + 32 * MIB);
	expect(&process, OWNER_MIMALLOC, OWNER_LIKELY, 64 * MIB);
	put(memory, 216, MEMORY ^ KEY ^ 2); /* another number */
	expect(&process, OWNER_MIMALLOC, OWNER_ABSENT, 0);
	finish(&process);
}

static void one_segment_and_the_number_in_a_module_are_mimalloc(void **state)
{
	struct process process;
	uint8_t *module;

	(void)state;
	init(&process);
	module = add(&process, MODULE, 8 * KIB, REGION_MODULE, "/usr/lib/libmimalloc.so.2");
	add_segment(add(&process, MEMORY, 32 * MIB, REGION_ANONYMOUS, ""), MEMORY);
	expect(&process, OWNER_MIMALLOC, OWNER_HINT, 0);
	put(module, 4096 + 64, KEY);
	expect(&process, OWNER_MIMALLOC, OWNER_CERTAIN, 32 * MIB);
	finish(&process);
}

/* A segment that claims more than is mapped has what is mapped. */
static void a_segment_ends_where_its_mapping_ends(void **state)
{
	struct process process;
	uint8_t *memory;

	(void)state;
	init(&process);
	memory = add(&process, MEMORY, 64 * MIB, REGION_ANONYMOUS, "");
	add_segment(memory, MEMORY);
	add_segment(memory + 32 * MIB, MEMORY + 32 * MIB);
	put(memory, 32 * MIB + 224, UINT32_MAX - 1);
	expect(&process, OWNER_MIMALLOC, OWNER_LIKELY, 64 * MIB);
	finish(&process);
}

/* --- tcmalloc --- */

static void add_heads(uint8_t *module, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		put(module, i * 48 + 16, MODULE + i * 48);
		put(module, i * 48 + 24, MODULE + i * 48);
	}
}

static void put_span(uint8_t *bytes, uint64_t offset, vaddr start, uint64_t pages, vaddr link)
{
	put(bytes, offset, start >> 13);
	put(bytes, offset + 8, pages);
	put(bytes, offset + 16, link);
	put(bytes, offset + 24, link);
}

/* A library with a row of so many lists, two of which have a span, and a span that is in use. */
static void init_tcmalloc(struct process *process, unsigned lists)
{
	uint8_t *module, *memory;
	vaddr spans = MEMORY + MIB;

	init(process);
	module = add(process, MODULE, 64 * KIB, REGION_MODULE, "/lib/libtcmalloc_minimal.so.4.5.10");
	memory = add(process, MEMORY, 32 * MIB, REGION_ANONYMOUS, "");
	add_heads(module, lists);
	for (unsigned i = 0; i < 2; i++) {
		put(module, i * 480 + 16, spans + i * 96);
		put(module, i * 480 + 24, spans + i * 96);
		put_span(memory, MIB + i * 96, MEMORY + (8 + i) * MIB, 128, MODULE + i * 480);
	}
	put_span(memory, MIB + 48, MEMORY + 16 * MIB, 256, 0); /* in use: in no list */
}

static void tcmalloc_is_known_by_its_page_heap(void **state)
{
	struct process process;

	(void)state;
	init_tcmalloc(&process, 256);
	expect(&process, OWNER_TCMALLOC, OWNER_CERTAIN, 4 * MIB + 4 * KIB);
	finish(&process);
}

static void a_short_row_of_lists_is_no_page_heap(void **state)
{
	struct process process;

	(void)state;
	init_tcmalloc(&process, 60);
	expect(&process, OWNER_TCMALLOC, OWNER_HINT, 0);
	finish(&process);
}

/* --- CPython --- */

static void put_pool(uint8_t *bytes, uint64_t offset, uint32_t class, uint32_t arena)
{
	uint32_t block = (class + 1) * 16;

	put_u32(bytes, offset, 3);
	put_u32(bytes, offset + 32, arena);
	put_u32(bytes, offset + 36, class);
	put_u32(bytes, offset + 40, 48 + 4 * block);
	put_u32(bytes, offset + 44, 16 * KIB - block);
}

static void pools_of_cpython_prove_themselves(void **state)
{
	struct process process;
	uint8_t *memory;

	(void)state;
	init(&process);
	memory = add(&process, MEMORY, 4 * MIB, REGION_ANONYMOUS, "");
	for (unsigned i = 0; i < 64; i++)
		put_pool(memory, i * 16 * KIB, i % 32, 5);
	expect(&process, OWNER_CPYTHON, OWNER_LIKELY, MIB);
	put_u32(memory, 63 * 16 * KIB + 44, 16 * KIB); /* the last one: not its size class */
	expect(&process, OWNER_CPYTHON, OWNER_LIKELY, MIB - 16 * KIB);
	for (unsigned i = 3; i < 64; i++)
		put_u32(memory, i * 16 * KIB + 40, 47);
	expect(&process, OWNER_CPYTHON, OWNER_ABSENT, 0); /* three are too few */
	finish(&process);
}

/* --- V8 --- */

static void put_chunk(uint8_t *bytes, uint64_t offset, uint64_t size, vaddr heap)
{
	put(bytes, offset, size);
	put(bytes, offset + 8, 4);
	put(bytes, offset + 16, heap);
	put(bytes, offset + 24, MEMORY + offset + 0x1148);
	put(bytes, offset + 32, MEMORY + offset + size);
}

static void chunks_of_v8_have_one_heap(void **state)
{
	struct process process;
	uint8_t *memory;

	(void)state;
	init(&process);
	add(&process, MODULE, 64 * KIB, REGION_MODULE, "/usr/bin/node");
	memory = add(&process, MEMORY, 4 * MIB, REGION_ANONYMOUS, "");
	put_chunk(memory, 0, 256 * KIB, MODULE + 64);
	put_chunk(memory, 512 * KIB, 256 * KIB, MODULE + 64);
	expect(&process, OWNER_V8, OWNER_HINT, 0);
	put_chunk(memory, MIB, 768 * KIB, MODULE + 64); /* a large object */
	expect(&process, OWNER_V8, OWNER_CERTAIN, MIB + 256 * KIB);
	put(memory, 16, MODULE + 128); /* of another heap */
	expect(&process, OWNER_V8, OWNER_HINT, 0);
	finish(&process);
}

static void chunks_of_later_releases_point_to_themselves(void **state)
{
	struct process process;
	uint8_t *memory;

	(void)state;
	init(&process);
	memory = add(&process, MEMORY, 4 * MIB, REGION_ANONYMOUS, "");
	for (unsigned i = 0; i < 3; i++) {
		uint64_t offset = i * 256 * KIB;

		put_chunk(memory, offset + 16, 256 * KIB, MEMORY + 3 * MIB);
		memmove(memory + offset + 24, memory + offset + 32, 24); /* no flags behind the size */
		put(memory, offset, 4);
		put(memory, offset + 8, MEMORY + offset);
		put(memory, offset + 40, MEMORY + offset + 256 * KIB);
	}
	expect(&process, OWNER_V8, OWNER_LIKELY, 768 * KIB);
	put(memory, 8, MEMORY + 4096);
	expect(&process, OWNER_V8, OWNER_ABSENT, 0);
	finish(&process);
}

static void metadata_of_chunks_may_be_elsewhere(void **state)
{
	struct process process;
	uint8_t *memory;

	(void)state;
	init(&process);
	memory = add(&process, MEMORY, 4 * MIB, REGION_ANONYMOUS, "");
	for (unsigned i = 0; i < 3; i++) {
		uint64_t offset = i * 256 * KIB, metadata = 2 * MIB + 4096 + i * 128;

		put(memory, offset, 0x104);
		put(memory, offset + 8, MEMORY + metadata);
		put(memory, metadata + 8, MEMORY + offset);
		put(memory, metadata + 16, 256 * KIB);
		put(memory, metadata + 48, 256 * KIB);
		put(memory, metadata + 56, MEMORY + offset + 256 * KIB);
		put(memory, metadata + 64, MEMORY + 3 * MIB);
		put(memory, metadata + 72, MEMORY + offset + 16);
	}
	expect(&process, OWNER_V8, OWNER_LIKELY, 768 * KIB);
	put(memory, 2 * MIB + 4096 + 8, MEMORY + 4096); /* of another chunk */
	expect(&process, OWNER_V8, OWNER_ABSENT, 0);
	finish(&process);
}

/* --- Go --- */

static void arenas_of_go_are_in_the_runtimes_table(void **state)
{
	const vaddr heap = UINT64_C(0xc000000000);
	struct process process;
	uint8_t *table, *tables;

	(void)state;
	init(&process);
	add(&process, heap, 4 * MIB, REGION_ANONYMOUS, "");
	table = add(&process, MEMORY, 32 * MIB, REGION_ANONYMOUS, "");
	tables = add(&process, MEMORY + 64 * MIB, 4 * MIB, REGION_ANONYMOUS, "");
	put(table, 0x1018000, MEMORY + 64 * MIB);
	put(tables, 0x200000, MEMORY + 64 * MIB + 0x300000); /* spans[0] */
	put(tables, 0x300000 + 24, heap);
	put(tables, 0x300000 + 32, 1);
	expect(&process, OWNER_GO, OWNER_LIKELY, 40 * MIB);
	put(tables, 0x300000 + 24, heap + 8192); /* a span of another page */
	expect(&process, OWNER_GO, OWNER_ABSENT, 0);
	finish(&process);
}

/* Since 1.26: the first arena is anywhere, and its first pages have no spans. The linker's note
 * tells that it is worth while to look for it. */
static void the_first_arena_of_go_may_be_anywhere(void **state)
{
	const vaddr heap = UINT64_C(0x1cfe2c000000);
	const uint64_t entry = (heap - UINT64_C(0xffff800000000000)) / (64 * MIB);
	struct process process;
	uint8_t *table, *tables, *module;

	(void)state;
	init(&process);
	add(&process, heap + 4 * MIB, 4 * MIB, REGION_ANONYMOUS, "");
	module = add(&process, MODULE, 4 * KIB, REGION_MODULE, "/usr/bin/gron");
	table = add(&process, MEMORY, 32 * MIB, REGION_ANONYMOUS, "");
	tables = add(&process, MEMORY + 64 * MIB, 4 * MIB, REGION_ANONYMOUS, "");
	put(table, 8 * entry, MEMORY + 64 * MIB);
	put(tables, 8 * 512, MEMORY + 64 * MIB + 0x300000); /* spans[512] */
	put(tables, 0x300000 + 24, heap + 4 * MIB);
	put(tables, 0x300000 + 32, 1);
	expect(&process, OWNER_GO, OWNER_ABSENT, 0);
	put_u32(module, 0x100, 4);
	put_u32(module, 0x108, 4);
	memcpy(module + 0x10c, "Go", 3);
	expect(&process, OWNER_GO, OWNER_CERTAIN, 40 * MIB);
	put(tables, 0x300000 + 24, heap + 4 * MIB + 8192); /* of another page */
	expect(&process, OWNER_GO, OWNER_HINT, 0);
	finish(&process);
}

/* --- JVM --- */

static void tables_of_the_collector_have_the_heaps_sizes(void **state)
{
	struct process process;

	(void)state;
	init(&process);
	process.regions.is_java = true;
	*vec_add(&process.regions.items) =
		(struct region){ .range = { 0xe0000000, 0xf0000000 }, /* 256 MiB */
						 .protection = MAPPING_READ | MAPPING_WRITE,
						 .kind = REGION_JAVA_HEAP,
						 .path = "" };
	add(&process, MODULE, 4 * KIB, REGION_MODULE, "/opt/jdk/lib/server/libjvm.so");
	add(&process, MEMORY, 512 * KIB, REGION_ANONYMOUS, "");
	add(&process, MEMORY + 16 * MIB, 3 * MIB, REGION_ANONYMOUS, ""); /* no table's size */
	add(&process, MEMORY + 19 * MIB, 4 * MIB, REGION_ANONYMOUS, ""); /* its neighbour is one */
	expect(&process, OWNER_JVM_GC, OWNER_LIKELY, 4 * MIB + 512 * KIB);
	process.regions.is_java = false;
	expect(&process, OWNER_JVM_GC, OWNER_HINT, 0);
	finish(&process);
}

static void metaspace_points_into_libjvm(void **state)
{
	struct process process;
	uint8_t *memory;

	(void)state;
	init(&process);
	process.regions.is_java = true;
	add(&process, MODULE, 64 * KIB, REGION_MODULE, "/opt/jdk/lib/server/libjvm.so");
	memory = add(&process, MEMORY, 128 * KIB, REGION_ANONYMOUS, "");
	for (unsigned i = 0; i < 31; i++)
		put(memory, i * 64, MODULE + i * 16);
	expect(&process, OWNER_JVM_METASPACE, OWNER_HINT, 0);
	put(memory, 31 * 64, MODULE);
	expect(&process, OWNER_JVM_METASPACE, OWNER_CERTAIN, 128 * KIB);
	put(memory, 16, 128 * KIB); /* a heap of an arena: heap_info has its size */
	expect(&process, OWNER_JVM_METASPACE, OWNER_HINT, 0);
	finish(&process);
}

/* --- all --- */

static void names_of_mappings_speak_for_their_owner(void **state)
{
	struct process process;

	(void)state;
	init(&process);
	add(&process, MEMORY, MIB, REGION_ANONYMOUS, "[anon:jemalloc_pg]");
	add(&process, MEMORY + 2 * MIB, MIB, REGION_ANONYMOUS, "[anon: glibc: malloc]");
	expect(&process, OWNER_JEMALLOC, OWNER_LIKELY, MIB);
	finish(&process);
}

static void a_library_alone_claims_nothing(void **state)
{
	struct process process;

	(void)state;
	init(&process);
	add(&process, MODULE, 4 * KIB, REGION_MODULE, "/usr/lib/libjemalloc.so.2");
	add(&process, MEMORY, 32 * MIB, REGION_ANONYMOUS, "");
	expect(&process, OWNER_JEMALLOC, OWNER_HINT, 0);
	finish(&process);
}

static void other_files_are_no_hint(void **state)
{
	struct process process;

	(void)state;
	init(&process);
	add(&process, MODULE, 4 * KIB, REGION_MODULE, "/usr/bin/pythonic");
	add(&process, MODULE + MIB, 4 * KIB, REGION_MODULE, "/usr/bin/node_exporter");
	look(&process);
	for (enum owner_kind kind = 0; kind < OWNER_KINDS; kind++)
		assert_int_equal(owners_certainty(&process.owners, kind), OWNER_ABSENT);
	finish(&process);
}

/* Random bytes, zeros and ones at every alignment are nobody's. */
static void noise_has_no_owner(void **state)
{
	struct process process;
	uint8_t *memory, *module;
	uint64_t random = 1;

	(void)state;
	init(&process);
	module = add(&process, MODULE, MIB, REGION_MODULE, "/usr/bin/program");
	memory = add(&process, MEMORY, 64 * MIB, REGION_ANONYMOUS, "");
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < 64 * MIB; i += 8) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			put(memory, i, round == 0 ? random : round == 1 ? UINT64_MAX : MEMORY + i % MIB);
			if (i < MIB)
				put(module, i, round == 0 ? random : round == 1 ? UINT64_MAX : MEMORY + i);
		}
		look(&process);
		assert_int_equal(process.owners.claims.count, 0);
	}
	finish(&process);
}

/* Claims that overlap are cut: each byte has one owner. */
static void each_byte_has_one_owner(void **state)
{
	struct process process;
	uint8_t *memory;

	(void)state;
	init(&process);
	memory = add(&process, MEMORY, 64 * MIB, REGION_ANONYMOUS, "");
	add_segment(memory, MEMORY);
	add_segment(memory + 32 * MIB, MEMORY + 32 * MIB);
	for (unsigned i = 8; i < 72; i++)
		put_pool(memory, i * 16 * KIB, i % 32, 5);
	look(&process);
	assert_int_equal(claimed(&process, OWNER_MIMALLOC) + claimed(&process, OWNER_CPYTHON),
					 64 * MIB);
	for (size_t i = 1; i < process.owners.claims.count; i++)
		assert_true(process.owners.claims.items[i - 1].range.end <=
					process.owners.claims.items[i].range.start);
	assert_int_equal(owners_claim_at(&process.owners, MEMORY), 0);
	assert_int_equal(owners_claim_at(&process.owners, MEMORY + 64 * MIB),
					 process.owners.claims.count);
	finish(&process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jemalloc_is_known_by_its_base_blocks),
		cmocka_unit_test(mimalloc_is_known_by_its_cookies),
		cmocka_unit_test(one_segment_and_the_number_in_a_module_are_mimalloc),
		cmocka_unit_test(a_segment_ends_where_its_mapping_ends),
		cmocka_unit_test(tcmalloc_is_known_by_its_page_heap),
		cmocka_unit_test(a_short_row_of_lists_is_no_page_heap),
		cmocka_unit_test(pools_of_cpython_prove_themselves),
		cmocka_unit_test(chunks_of_v8_have_one_heap),
		cmocka_unit_test(chunks_of_later_releases_point_to_themselves),
		cmocka_unit_test(metadata_of_chunks_may_be_elsewhere),
		cmocka_unit_test(arenas_of_go_are_in_the_runtimes_table),
		cmocka_unit_test(the_first_arena_of_go_may_be_anywhere),
		cmocka_unit_test(tables_of_the_collector_have_the_heaps_sizes),
		cmocka_unit_test(metaspace_points_into_libjvm),
		cmocka_unit_test(names_of_mappings_speak_for_their_owner),
		cmocka_unit_test(a_library_alone_claims_nothing),
		cmocka_unit_test(other_files_are_no_hint),
		cmocka_unit_test(noise_has_no_owner),
		cmocka_unit_test(each_byte_has_one_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

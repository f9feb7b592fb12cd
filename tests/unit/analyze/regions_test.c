#include "tests/unit/unit.h"

#include "analyze/memory/regions.h"
#include "archive/format.h"
#include "tests/support/core_builder.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

/* Opens what was built; ends the builder. */
static void open_regions(struct core_builder *builder, struct core *core, struct regions *regions)
{
	struct err err = { 0 };

	if (!core_builder_open(builder, core, &err))
		fail_msg("%s", err.what);
	core_builder_deinit(builder);
	regions_init(regions, core);
}

static void close_regions(struct core *core, struct regions *regions)
{
	regions_deinit(regions);
	core_close(core);
}

static void expect_kind(const struct regions *regions, vaddr address, enum region_kind kind)
{
	const struct region *region = regions_find(regions, address);

	if (!region)
		fail_msg("no region at 0x%lx", (unsigned long)address);
	else if (region->kind != kind)
		fail_msg("0x%lx is %s, not %s", (unsigned long)address, region_kind_name(region->kind),
				 region_kind_name(kind));
}

/* An ELF header and one PT_LOAD that ends at `end`, as the first page of a module has them. */
static void put_module_head(uint8_t *page, vaddr end)
{
	Elf64_Ehdr header = { .e_ident = ELFMAG, .e_phoff = sizeof header, .e_phnum = 2 };
	Elf64_Phdr loads[] = { { .p_type = PT_LOAD, .p_vaddr = 0, .p_memsz = 0x1000 },
						   { .p_type = PT_LOAD, .p_offset = 0x2000, .p_vaddr = 0x2000 } };

	loads[1].p_memsz = end - 0x2000;
	memcpy(page, &header, sizeof header);
	memcpy(page + sizeof header, loads, sizeof loads);
}

static const char names_smaps[] =
	"00400000-00401000 r-xp 00000000 fe:01 9   /usr/bin/program\n"
	"01000000-01001000 rw-p 00000000 00:00 0   [heap]\n"
	"10000000-10001000 rw-p 00000000 00:00 0 \n"
	"10002000-10003000 rw-s 00000000 00:01 5   /dev/zero (deleted)\n"
	"10004000-10005000 rw-s 00000000 00:01 6   /memfd:buffer (deleted)\n"
	"10006000-10007000 rw-s 00000000 00:01 7   /SYSV00000000 (deleted)\n"
	"10008000-10009000 rw-s 00000000 00:15 8   /dev/shm/ring\n"
	"1000a000-1000b000 r--p 00000000 fe:01 10  /usr/lib/locale/locale-archive\n"
	"1000c000-1000d000 r--p 00000000 fe:01 11  /usr/lib/libdata.so.1\n"
	"1000e000-1000f000 rw-p 00000000 00:00 0   [anon:named by the program]\n"
	"10010000-10011000 rw-s 00000000 00:00 0   [anon_shmem:named]\n"
	"10012000-10013000 rw-p 00000000 00:0e 12  /anon_hugepage (deleted)\n"
	"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0   [stack]\n"
	"7ffc00030000-7ffc00034000 r--p 00000000 00:00 0   [vvar]\n"
	"7ffc00034000-7ffc00036000 r-xp 00000000 00:00 0   [vdso]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]\n";

static void names_tell_kinds(void **state)
{
	static const struct {
		vaddr address;
		enum region_kind kind;
	} rows[] = {
		{ 0x400000, REGION_MODULE },       { 0x1000000, REGION_BRK },
		{ 0x10000fff, REGION_ANONYMOUS },  { 0x10002000, REGION_SHARED },
		{ 0x10004000, REGION_SHARED },     { 0x10006000, REGION_SHARED },
		{ 0x10008000, REGION_SHARED },     { 0x1000a000, REGION_FILE },
		{ 0x1000c000, REGION_MODULE },     { 0x1000e000, REGION_ANONYMOUS },
		{ 0x10010000, REGION_SHARED },     { 0x10012000, REGION_ANONYMOUS },
		{ 0x7ffc00000000, REGION_STACK },  { 0x7ffc00030000, REGION_KERNEL },
		{ 0x7ffc00034000, REGION_KERNEL }, { 0xffffffffff600000, REGION_KERNEL },
	};
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, names_smaps);
	core_builder_thread(&builder, 1, 0x400000, 0x7ffc00010000, 0x10000100);
	open_regions(&builder, &core, &regions);
	assert_true(regions.from_proc);
	assert_false(regions.is_java);
	assert_int_equal(regions.items.count, 16);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_kind(&regions, rows[i].address, rows[i].kind);
	assert_int_equal(regions_find(&regions, 0x7ffc00000000)->tid, 1);
	assert_null(regions_find(&regions, 0x10001000));
	assert_null(regions_find(&regions, 0));
	close_regions(&core, &regions);
}

static const char bss_smaps[] = "10000000-10001000 r-xp 00000000 fe:01 9   /usr/lib/liba.so\n"
								"10001000-10002000 ---p 00001000 fe:01 9   /usr/lib/liba.so\n"
								"10002000-10003000 rw-p 00002000 fe:01 9   /usr/lib/liba.so\n"
								"10003000-10009000 rw-p 00000000 00:00 0 \n"
								"Rss:                  24 kB\n"
								"20000000-20001000 r-xp 00000000 fe:01 8   /usr/lib/libb.so\n"
								"20001000-20004000 rw-p 00000000 00:00 0 \n";

static void bss_ends_where_the_program_headers_say(void **state)
{
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	put_module_head(core_builder_segment(&builder, 0x10000000, NULL, PAGE, PF_R), 0x4800);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, bss_smaps);
	core_builder_pages(&builder, (struct range){ 0x10003000, 0x10004000 }, PAGE_PRESENT);
	core_builder_pages(&builder, (struct range){ 0x10004000, 0x10005000 }, PAGE_ABSENT);
	core_builder_pages(&builder, (struct range){ 0x10005000, 0x10007000 }, PAGE_PRESENT);
	open_regions(&builder, &core, &regions);
	expect_kind(&regions, 0x10003000, REGION_MODULE);
	expect_kind(&regions, 0x10004fff, REGION_MODULE);
	expect_kind(&regions, 0x10005000, REGION_ANONYMOUS);
	assert_true(regions_find(&regions, 0x10003000)->has_counts);
	assert_int_equal(regions_find(&regions, 0x10003000)->resident_bytes, PAGE);
	assert_int_equal(regions_find(&regions, 0x10005000)->resident_bytes, 2 * PAGE);
	/* libb's first page was not captured. */
	expect_kind(&regions, 0x20003fff, REGION_MODULE);
	close_regions(&core, &regions);
}

/* Two of one file, side by side but for the first one's .bss, as dlmopen maps libc. */
static const char twin_smaps[] = "10000000-10001000 r-xp 00000000 fe:01 9   /usr/lib/liba.so\n"
								 "10001000-10002000 rw-p 00001000 fe:01 9   /usr/lib/liba.so\n"
								 "10002000-10008000 rw-p 00000000 00:00 0 \n"
								 "10008000-10009000 r-xp 00000000 fe:01 9   /usr/lib/liba.so\n"
								 "10009000-1000a000 rw-p 00001000 fe:01 9   /usr/lib/liba.so\n";

static void a_module_that_is_mapped_twice_is_two(void **state)
{
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	put_module_head(core_builder_segment(&builder, 0x10000000, NULL, PAGE, PF_R), 0x2800);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, twin_smaps);
	open_regions(&builder, &core, &regions);
	expect_kind(&regions, 0x10002fff, REGION_MODULE);
	expect_kind(&regions, 0x10003000, REGION_ANONYMOUS);
	expect_kind(&regions, 0x10009000, REGION_MODULE);
	close_regions(&core, &regions);
}

static const char stack_smaps[] = "7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
								  "7f0000001000-7f0000005000 rw-p 00000000 00:00 0 \n"
								  "7f0000010000-7f0000020000 rw-p 00000000 00:00 0 \n"
								  "7f0040000000-7f0044000000 rw-p 00000000 00:00 0 \n"
								  "7f0080000000-7f0080002000 rw-p 00000000 00:00 0 \n"
								  "7f00c0000000-7f00c4000000 rw-p 00000000 00:00 0 \n"
								  "7ffc00000000-7ffc00010000 rw-p 00000000 00:00 0 [stack]\n";

static void stacks_hold_a_stack_pointer(void **state)
{
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, stack_smaps);
	/* A stack that shares its mapping with something above it. */
	core_builder_thread(&builder, 2, 1, 0x7f0000001800, 0x7f00000026c0);
	/* Two stacks in one mapping. */
	core_builder_thread(&builder, 4, 1, 0x7f0000019000, 0x7f000001f6c0);
	core_builder_thread(&builder, 3, 1, 0x7f0000011000, 0x7f00000176c0);
	/* Stacks of the program's own making, in a large mapping and a small one. */
	core_builder_thread(&builder, 5, 1, 0x7f0040001000, 0x7f00000016c0);
	core_builder_thread(&builder, 6, 1, 0x7f0080001000, 0x7f00000016c0);
	/* The first thread on a stack of a scheduler's heap: its own stack has a name. */
	core_builder_process(&builder, 7, "go", "go");
	core_builder_thread(&builder, 7, 1, 0x7f00c0001000, 0x600000);
	open_regions(&builder, &core, &regions);
	expect_kind(&regions, 0x7f0000000000, REGION_ANONYMOUS);
	expect_kind(&regions, 0x7f0000001000, REGION_STACK);
	expect_kind(&regions, 0x7f0000002fff, REGION_STACK);
	expect_kind(&regions, 0x7f0000003000, REGION_ANONYMOUS);
	assert_int_equal(regions_find(&regions, 0x7f0000002000)->tid, 2);
	assert_int_equal(regions_find(&regions, 0x7f0000010000)->tid, 3);
	assert_int_equal(regions_find(&regions, 0x7f0000017fff)->tid, 3);
	assert_int_equal(regions_find(&regions, 0x7f0000018000)->tid, 4);
	assert_int_equal(regions_find(&regions, 0x7f000001ffff)->tid, 4);
	expect_kind(&regions, 0x7f0040001000, REGION_ANONYMOUS);
	expect_kind(&regions, 0x7f0080001000, REGION_STACK);
	expect_kind(&regions, 0x7f00c0001000, REGION_ANONYMOUS);
	close_regions(&core, &regions);
}

static const char java_smaps[] =
	"00400000-00401000 r-xp 00000000 fe:01 9     /usr/bin/java\n"
	"00500000-00600000 rw-p 00000000 00:00 0     [heap]\n"
	"7c0000000-7d0000000 rw-p 00000000 00:00 0 \n"
	"7d0000000-800000000 ---p 00000000 00:00 0 \n"
	"800000000-800c00000 rw-p 00001000 fe:01 7   /usr/lib/jvm/lib/server/classes.jsa\n"
	"800c00000-840000000 rw-p 00000000 00:00 0 \n"
	"7f0000000000-7f0000100000 rwxp 00000000 00:00 0 \n"
	"7f0000200000-7f0000300000 rw-p 00000000 00:00 0 \n"
	"7f0001000000-7f0001001000 r-xp 00000000 fe:01 8   /usr/lib/jvm/lib/server/libjvm.so\n"
	"7f0001001000-7f0001002000 rw-p 00000000 00:00 0 \n";

static void a_jvm_has_its_ranges(void **state)
{
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, java_smaps);
	open_regions(&builder, &core, &regions);
	assert_true(regions.is_java);
	expect_kind(&regions, 0x500000, REGION_BRK);
	expect_kind(&regions, 0x7c0000000, REGION_JAVA_HEAP);
	expect_kind(&regions, 0x7ffffffff, REGION_JAVA_HEAP);
	expect_kind(&regions, 0x800000000, REGION_FILE);
	expect_kind(&regions, 0x800c00000, REGION_JVM_CLASS_SPACE);
	expect_kind(&regions, 0x7f0000000000, REGION_JVM_CODE);
	expect_kind(&regions, 0x7f0000200000, REGION_ANONYMOUS);
	expect_kind(&regions, 0x7f0001001000, REGION_MODULE);
	close_regions(&core, &regions);
}

/* The same addresses are nothing special where no libjvm.so is mapped. */
static void no_jvm_no_java_heap(void **state)
{
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS,
						  "7c0000000-7d0000000 rw-p 00000000 00:00 0 \n");
	open_regions(&builder, &core, &regions);
	expect_kind(&regions, 0x7c0000000, REGION_ANONYMOUS);
	close_regions(&core, &regions);
}

/* The page map is younger than smaps and has every mapping: what it does not have is gone. */
static void the_page_map_wins(void **state)
{
	static const char smaps[] = "10000000-10002000 rw-p 00000000 00:00 0 \n"
								"Rss:                   8 kB\nSwap:                  4 kB\n"
								"20000000-20002000 rw-p 00000000 00:00 0 \n"
								"Rss:                   4 kB\nSwap:                  4 kB\n"
								"30000000-30002000 rw-p 00000000 00:00 0 \n"
								"Rss:                   8 kB\nSwap:                  0 kB\n";
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, smaps);
	core_builder_pages(&builder, (struct range){ 0x10000000, 0x10001000 }, PAGE_SWAPPED);
	core_builder_pages(&builder, (struct range){ 0x10001000, 0x10002000 }, PAGE_ZERO);
	core_builder_pages(&builder, (struct range){ 0x20000000, 0x20001000 }, PAGE_PRESENT);
	open_regions(&builder, &core, &regions);
	assert_int_equal(regions.items.items[0].resident_bytes, 0);
	assert_int_equal(regions.items.items[0].swapped_bytes, PAGE);
	assert_int_equal(regions.items.items[1].resident_bytes, PAGE);
	assert_int_equal(regions.items.items[1].swapped_bytes, 0);
	assert_int_equal(regions.items.items[2].resident_bytes, 0);
	close_regions(&core, &regions);
}

/* maps is of the time of the page map, smaps was read before: a mapping grew, one was replaced, one
 * is gone. Where there is no page map, or maps is damaged, smaps has to do. */
static void maps_wins_over_smaps(void **state)
{
	static const char smaps[] = "10000000-10002000 rw-p 00000000 00:00 0 \nRss:    8 kB\n"
								"20000000-20004000 ---p 00000000 00:00 0 \nRss:    0 kB\n"
								"30000000-30002000 rw-p 00000000 00:00 0 \nRss:    4 kB\n";
	static const char maps[] = "0fe00000-10002000 rw-p 00000000 00:00 0 \n"
							   "20000000-20001000 ---p 00000000 00:00 0 \n"
							   "20001000-20004000 rw-p 00000000 00:00 0 \n";
	static const struct {
		const char *maps;
		bool has_pages, is_used;
	} rows[] = { { maps, true, true }, { maps, false, false }, { "nonsense\n", true, false } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct core_builder builder;
		struct regions regions;
		struct core core;

		core_builder_init(&builder, EM_X86_64);
		core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, smaps);
		core_builder_document(&builder, FORMAT_DOCUMENT_MAPS, rows[i].maps);
		if (rows[i].has_pages)
			core_builder_pages(&builder, (struct range){ 0x0fe00000, 0x0fe01000 }, PAGE_PRESENT);
		core_builder_segment(&builder, 0x0fe00000, NULL, PAGE, PF_R | PF_W);
		open_regions(&builder, &core, &regions);
		assert_true(regions.from_proc);
		assert_int_equal(regions.items.count, rows[i].is_used ? 3 : 4);
		assert_true(regions.items.items[0].range.start == 0x0fe00000);
		assert_true(regions.items.items[0].range.end ==
					(rows[i].is_used ? 0x10002000 : 0x0fe01000));
		assert_int_equal(regions_find(&regions, 0x20001000)->protection,
						 rows[i].is_used ? MAPPING_READ | MAPPING_WRITE : 0);
		assert_int_equal(regions_find(&regions, 0x30000000) == NULL, rows[i].is_used);
		close_regions(&core, &regions);
	}
}

/* A mapping made between smaps and the stop, and smaps that overlap themselves. */
static void no_segment_is_without_a_region(void **state)
{
	static const char smaps[] = "10000000-10004000 rw-p 00000000 00:00 0 \n"
								"10002000-10006000 rw-p 00000000 00:00 0 \n"
								"10003000-10005000 rw-p 00000000 00:00 0 \n";
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, smaps);
	core_builder_segment(&builder, 0x0fff0000, NULL, 3 * PAGE, PF_R | PF_W);
	core_builder_segment_part(&builder, 0x0ffff000, 8 * PAGE, "", 0, PF_R);
	open_regions(&builder, &core, &regions);
	assert_int_equal(regions.items.count, 5);
	assert_true(regions.items.items[0].range.start == 0x0fff0000);
	assert_true(regions.items.items[1].range.start == 0x0ffff000);
	assert_true(regions.items.items[1].range.end == 0x10000000);
	assert_true(regions.items.items[3].range.start == 0x10004000);
	assert_true(regions.items.items[4].range.start == 0x10006000);
	assert_true(regions.items.items[4].range.end == 0x10007000);
	close_regions(&core, &regions);
}

/* A kernel core: segments, NT_FILE, the auxiliary vector. */
static void a_foreign_core_has_regions_too(void **state)
{
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment_part(&builder, 0x400000, PAGE, "", 0, PF_R | PF_X);
	core_builder_segment(&builder, 0x401000, NULL, PAGE, PF_R | PF_W);
	core_builder_segment(&builder, 0x402000, NULL, PAGE, PF_R | PF_W);
	core_builder_segment(&builder, 0x1c00000, NULL, PAGE, PF_R | PF_W);
	core_builder_segment(&builder, 0x7f0000000000, NULL, PAGE, PF_R | PF_W);
	core_builder_segment_part(&builder, 0x7f00000ff000, PAGE, "", 0, PF_R);
	core_builder_segment(&builder, 0x7f0000100000, NULL, PAGE, PF_R | PF_X);
	core_builder_segment(&builder, 0x7ffc00000000, NULL, 2 * PAGE, PF_R | PF_W);
	core_builder_file(&builder, (struct range){ 0x400000, 0x401000 }, 0, "/usr/bin/program");
	core_builder_file(&builder, (struct range){ 0x401000, 0x402000 }, 0x1000, "/usr/bin/program");
	core_builder_file(&builder, (struct range){ 0x7f1000000000, 0x7f1000001000 }, 0, "/data/file");
	core_builder_auxv(&builder, AT_ENTRY, 0x400040);
	core_builder_auxv(&builder, AT_SYSINFO_EHDR, 0x7f0000100000);
	core_builder_process(&builder, 9, "program", "program");
	core_builder_thread(&builder, 9, 0x400040, 0x7ffc00001000, 0x7f0000000700);
	open_regions(&builder, &core, &regions);
	assert_false(regions.from_proc);
	expect_kind(&regions, 0x400000, REGION_MODULE);
	expect_kind(&regions, 0x401000, REGION_MODULE);
	expect_kind(&regions, 0x402000, REGION_MODULE); /* .bss */
	expect_kind(&regions, 0x1c00000, REGION_BRK);
	expect_kind(&regions, 0x7f0000000000, REGION_ANONYMOUS);
	expect_kind(&regions, 0x7f00000ff000, REGION_KERNEL); /* [vvar] */
	expect_kind(&regions, 0x7f0000100000, REGION_KERNEL);
	expect_kind(&regions, 0x7f1000000000, REGION_FILE);
	expect_kind(&regions, 0x7ffc00000000, REGION_STACK);
	assert_int_equal(regions_find(&regions, 0x7ffc00000000)->tid, 9);
	assert_string_equal(regions_find(&regions, 0x401000)->path, "/usr/bin/program");
	assert_int_equal(regions_find(&regions, 0x401000)->file_offset, 0x1000);
	assert_false(regions_find(&regions, 0x1c00000)->has_counts);
	close_regions(&core, &regions);
}

/* Damaged smaps are not used by halves. */
static void bad_smaps_fall_back_to_segments(void **state)
{
	struct core_builder builder;
	struct regions regions;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, 0x10000, NULL, PAGE, PF_R | PF_W);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS,
						  "10000-11000 rw-p 00000000 00:00 0 \n\1\2\3 nonsense\n");
	open_regions(&builder, &core, &regions);
	assert_false(regions.from_proc);
	assert_int_equal(regions.items.count, 1);
	close_regions(&core, &regions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_tell_kinds),
		cmocka_unit_test(bss_ends_where_the_program_headers_say),
		cmocka_unit_test(a_module_that_is_mapped_twice_is_two),
		cmocka_unit_test(stacks_hold_a_stack_pointer),
		cmocka_unit_test(a_jvm_has_its_ranges),
		cmocka_unit_test(no_jvm_no_java_heap),
		cmocka_unit_test(the_page_map_wins),
		cmocka_unit_test(maps_wins_over_smaps),
		cmocka_unit_test(no_segment_is_without_a_region),
		cmocka_unit_test(a_foreign_core_has_regions_too),
		cmocka_unit_test(bad_smaps_fall_back_to_segments),
	};

	return cmocka_run_group_tests_name("regions", tests, NULL, NULL);
}

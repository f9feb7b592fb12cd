#include "tests/unit/unit.h"

#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "archive/format.h"
#include "tests/support/core_builder.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, LOW = 0x100000 };

static const struct capture_facts facts = { .tool = "dumpcore 0.1.0",
											.consistency = "freeze",
											.captured_at = "2026-11-21T08:00:00Z",
											.host = "host",
											.kernel = "6.1",
											.machine = "x86_64",
											.comm = "program",
											.exe = "/usr/bin/program",
											.selection = "native",
											.command = "dumpcore 7",
											.pid = 7,
											.page_size = PAGE };
static const struct capture_outcome outcome = { .complete = true, .reason = "" };

/* Eight pages of 'm' and a thread. */
static void start(struct core_builder *builder)
{
	core_builder_init(builder, EM_X86_64);
	memset(core_builder_segment(builder, LOW, NULL, 8 * PAGE, PF_R | PF_W), 'm', 8 * PAGE);
	core_builder_thread(builder, 7, LOW, LOW, 0);
	core_builder_thread(builder, 8, LOW, LOW, 0);
}

static void open_core(struct core_builder *builder, struct core *core)
{
	struct err err = { 0 };

	if (!core_builder_open(builder, core, &err))
		fail_msg("%s", err.what);
	core_builder_deinit(builder);
}

static void an_archive_tells_what_it_is(void **state)
{
	struct core_builder builder;
	struct core core;

	(void)state;
	start(&builder);
	core_builder_facts(&builder, &facts);
	core_builder_pages(&builder, (struct range){ LOW, LOW + 8 * PAGE }, PAGE_PRESENT);
	core_builder_document(&builder, "status", "Name:\tprogram\n");
	core_builder_document(&builder, "task/8/comm", "a worker with a long name\n");
	core_builder_document(&builder, "task/7/comm", "main\n");
	core_builder_document(&builder, "task/9/comm", "nobody\n");
	core_builder_outcome(&builder, &outcome);
	open_core(&builder, &core);
	assert_int_equal(core.writer, CORE_BY_DUMPCORE);
	assert_true(core.has_facts && core.has_outcome && core.has_page_map);
	assert_int_equal(core.troubles.count, 0);
	assert_string_equal(core.facts.exe, "/usr/bin/program");
	assert_int_equal(core.pid, 7);
	assert_true(page_map_resident(&core.page_map, (struct range){ LOW, LOW + 2 * PAGE }) ==
				2 * PAGE);
	assert_true(span_equal(core_document(&core, "status"), span_string("Name:\tprogram\n")));
	assert_int_equal(core_document(&core, "limits").size, 0);
	assert_string_equal(core.threads.items[0].name, "main");
	assert_string_equal(core.threads.items[1].name, "a worker with a");
	core_close(&core);
}

/* A range that was selected and could not be read stands as zeros in the file. */
static void what_was_not_read_has_no_bytes(void **state)
{
	struct capture_outcome partial = { .complete = false, .reason = "read errors" };
	struct capture_facts swapped = facts;
	struct core_builder builder;
	struct image image;
	struct core core;

	(void)state;
	*vec_add(&partial.errors) =
		(struct capture_gap){ { LOW + PAGE, LOW + 2 * PAGE }, "Input/output error" };
	*vec_add(&swapped.gaps) = (struct capture_gap){ { LOW + 4 * PAGE, LOW + 7 * PAGE }, "on swap" };
	start(&builder);
	core_builder_facts(&builder, &swapped);
	core_builder_pages(&builder, (struct range){ LOW, LOW + 3 * PAGE }, PAGE_PRESENT);
	core_builder_pages(&builder, (struct range){ LOW + 3 * PAGE, LOW + 4 * PAGE }, PAGE_UNREADABLE);
	core_builder_pages(&builder, (struct range){ LOW + 4 * PAGE, LOW + 6 * PAGE }, PAGE_SWAPPED);
	core_builder_pages(&builder, (struct range){ LOW + 6 * PAGE, LOW + 7 * PAGE }, PAGE_PRESENT);
	core_builder_pages(&builder, (struct range){ LOW + 7 * PAGE, LOW + 8 * PAGE }, PAGE_SWAPPED);
	core_builder_outcome(&builder, &partial);
	open_core(&builder, &core);
	assert_int_equal(core.troubles.count, 0); /* it says itself what is missing */
	assert_false(core.outcome.complete);
	assert_string_equal(core.outcome.reason, "read errors");
	assert_int_equal(core.gaps.count, 2);
	image_init(&image, &core);
	for (vaddr page = 0; page < 8; page++) {
		bool there = page == 0 || page == 2 || page == 6 || page == 7;

		assert_int_equal(image_has(&image, LOW + page * PAGE, PAGE), there);
	}
	image_deinit(&image);
	core_close(&core);
	vec_deinit(&partial.errors);
	vec_deinit(&swapped.gaps);
}

/* Killed with SIGKILL after the second page, in a file that had its full size from the start. */
static void a_capture_without_its_end_is_cut_where_it_stopped(void **state)
{
	struct core_builder builder;
	struct strbuf file = { 0 };
	struct image image;
	struct core core;
	struct err err = { 0 };
	size_t keep;

	(void)state;
	start(&builder);
	core_builder_facts(&builder, &facts);
	core_builder_outcome(&builder, &outcome);
	core_builder_build(&builder, &file);
	keep = builder.segments.items[0].file_offset + 2 * PAGE;
	memset(file.data + keep, 0, file.size - keep);
	assert_true(core_builder_open_bytes(strbuf_span(&file), 1, &core, &err));
	assert_true(core.truncated);
	assert_false(core.has_outcome);
	assert_non_null(strstr(core.troubles.items[0], "no outcome"));
	image_init(&image, &core);
	assert_true(image_has(&image, LOW, 2 * PAGE));
	assert_false(image_has(&image, LOW + 2 * PAGE, 1));
	assert_int_equal(core.gaps.count, 1);
	assert_true(core.gaps.items[0].range.start == LOW + 2 * PAGE);
	image_deinit(&image);
	core_close(&core);
	core_builder_deinit(&builder);
	strbuf_deinit(&file);
}

static void odd_own_notes_are_troubles(void **state)
{
	struct core_builder builder;
	struct core core;

	(void)state;
	start(&builder);
	core_builder_own_note(&builder, FORMAT_NOTE_CAPTURE, "{ not json", 10);
	core_builder_own_note(&builder, FORMAT_NOTE_PAGE_MAP, "short", 5);
	core_builder_own_note(&builder, FORMAT_NOTE_DOCUMENT, "no terminator", 13);
	core_builder_own_note(&builder, FORMAT_NOTE_DOCUMENT, "\0no name", 8);
	core_builder_own_note(&builder, FORMAT_NOTE_OUTCOME, "[]", 2);
	core_builder_own_note(&builder, 0x44439999, "from the future", 15);
	core_builder_facts(&builder, &facts);
	core_builder_facts(&builder, &facts);
	open_core(&builder, &core);
	assert_true(core.has_facts);
	assert_false(core.has_page_map);
	assert_int_equal(core.documents.count, 0);
	assert_non_null(strstr(core.troubles.items[0], "capture description"));
	assert_non_null(strstr(core.troubles.items[1], "page map"));
	assert_non_null(strstr(core.troubles.items[2], "without a name"));
	assert_non_null(strstr(core.troubles.items[5], "0x44439999"));
	assert_non_null(strstr(core.troubles.items[6], "second capture"));
	core_close(&core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_archive_tells_what_it_is),
		cmocka_unit_test(what_was_not_read_has_no_bytes),
		cmocka_unit_test(a_capture_without_its_end_is_cut_where_it_stopped),
		cmocka_unit_test(odd_own_notes_are_troubles),
	};

	return cmocka_run_group_tests_name("own_notes", tests, NULL, NULL);
}

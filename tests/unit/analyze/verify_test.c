#include "tests/unit/unit.h"

#include "analyze/input/core.h"
#include "archive/format.h"
#include "tests/support/core_builder.h"

#include <stdlib.h>
#include <string.h>

enum { LOW = 0x100000, MEMORY = 3 * FORMAT_BLOCK_BYTES };

/* An archive of four blocks and its trailer. Gives the offsets through the builder. */
static void build(struct core_builder *builder, struct strbuf *file)
{
	const struct capture_facts facts = { .tool = "dumpcore 0.1.0", .pid = 1, .page_size = 4096 };
	const struct capture_outcome outcome = { .complete = true, .reason = "" };

	core_builder_init(builder, EM_X86_64);
	memset(core_builder_segment(builder, LOW, NULL, MEMORY, PF_R | PF_W), 'm', MEMORY);
	core_builder_facts(builder, &facts);
	core_builder_outcome(builder, &outcome);
	core_builder_build(builder, file);
}

/* Verifies the bytes as a file. Gives the lines as one text. */
static bool verify(struct span bytes, struct strbuf *lines)
{
	struct progress silent = { 0 };
	core_findings findings = { 0 };
	struct pool pool = { 0 };
	struct core core;
	struct err err = { 0 };
	bool holds;

	if (!core_builder_open_bytes(bytes, 2, &core, &err))
		fail_msg("%s", err.what);
	holds = core_verify(&core, 2, &silent, &pool, &findings);
	strbuf_clear(lines);
	for (size_t i = 0; i < findings.count; i++)
		strbuf_printf(lines, "%s\n", findings.items[i]);
	vec_deinit(&findings);
	pool_deinit(&pool);
	core_close(&core);
	return holds;
}

static void a_sound_archive_holds(void **state)
{
	struct strbuf plain = { 0 }, file = { 0 }, lines = { 0 };
	struct core_builder builder;

	(void)state;
	build(&builder, &plain);
	assert_true(verify(strbuf_span(&plain), &lines));
	assert_string_equal(strbuf_text(&lines), "");
	core_builder_compress(strbuf_span(&plain), 1 << 20, true, &file);
	assert_true(verify(strbuf_span(&file), &lines));
	core_builder_deinit(&builder);
	strbuf_deinit(&plain);
	strbuf_deinit(&file);
	strbuf_deinit(&lines);
}

static void a_flipped_bit_is_found_and_placed(void **state)
{
	struct strbuf file = { 0 }, lines = { 0 };
	struct core_builder builder;

	(void)state;
	build(&builder, &file);
	file.data[FORMAT_BLOCK_BYTES + 12345] ^= 4;
	assert_false(verify(strbuf_span(&file), &lines));
	assert_non_null(strstr(lines.data, "file bytes 1048576 to 2097152"));
	assert_non_null(strstr(lines.data, "memory from 0x1ff000 on"));
	/* Blocks side by side are one line. */
	file.data[2 * FORMAT_BLOCK_BYTES] ^= 4;
	assert_false(verify(strbuf_span(&file), &lines));
	assert_non_null(strstr(lines.data, "file bytes 1048576 to 3145728"));
	core_builder_deinit(&builder);
	strbuf_deinit(&file);
	strbuf_deinit(&lines);
}

/* The outcome lies in the trailer, behind what the blocks cover. */
static void a_flipped_bit_in_the_outcome_is_found(void **state)
{
	struct strbuf file = { 0 }, lines = { 0 };
	struct core_builder builder;
	char *pause;

	(void)state;
	build(&builder, &file);
	pause = memmem(file.data + builder.trailer_offset, file.size - builder.trailer_offset,
				   "\"pause_ns\":0", 12);
	assert_non_null(pause);
	pause[11] = '1';
	assert_false(verify(strbuf_span(&file), &lines));
	assert_non_null(strstr(lines.data, "outcome note does not have its checksum"));
	core_builder_deinit(&builder);
	strbuf_deinit(&file);
	strbuf_deinit(&lines);
}

static void a_missing_end_is_found(void **state)
{
	struct strbuf file = { 0 }, lines = { 0 };
	struct core_builder builder;

	(void)state;
	build(&builder, &file);
	assert_false(verify(span_make(file.data, file.size - 10), &lines));
	assert_false(verify(span_make(file.data, builder.trailer_offset), &lines));
	assert_non_null(strstr(lines.data, "its end is missing"));
	assert_non_null(strstr(lines.data, "has no checksums"));
	core_builder_deinit(&builder);
	strbuf_deinit(&file);
	strbuf_deinit(&lines);
}

/* Fields of struct format_checksums, each made wrong. */
static void a_damaged_checksum_note_is_found(void **state)
{
	static const struct {
		size_t field;
		const char *said;
	} rows[] = { { 0, "version" }, { 4, "version" }, { 8, "sum" }, { 16, "sum" }, { 24, "sums" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct strbuf file = { 0 }, lines = { 0 };
		struct core_builder builder;
		size_t note;

		build(&builder, &file);
		note = builder.trailer_offset + builder.trailer_notes.size + 12 + 12;
		file.data[note + rows[i].field + 2] ^= 0x70;
		assert_false(verify(strbuf_span(&file), &lines));
		if (!strstr(lines.data, rows[i].said))
			fail_msg("\"%s\" does not say \"%s\"", lines.data, rows[i].said);
		core_builder_deinit(&builder);
		strbuf_deinit(&file);
		strbuf_deinit(&lines);
	}
}

/* A note that claims 2^30 sums, as 2^50 bytes would have: nothing is allocated for it. */
static void an_endless_checksum_note_is_refused(void **state)
{
	static const uint64_t claims[] = { UINT64_C(1) << 50, UINT64_C(1) << 30 };
	struct strbuf file = { 0 }, lines = { 0 };
	struct core_builder builder;

	(void)state;
	build(&builder, &file);
	memcpy(file.data + builder.trailer_offset + builder.trailer_notes.size + 12 + 12 + 16, claims,
		   sizeof claims);
	assert_false(verify(strbuf_span(&file), &lines));
	assert_non_null(strstr(lines.data, "room for 4 sums where 1073741824 are due"));
	core_builder_deinit(&builder);
	strbuf_deinit(&file);
	strbuf_deinit(&lines);
}

static void another_writers_core_has_nothing_to_check(void **state)
{
	struct strbuf file = { 0 }, lines = { 0 };
	struct core_builder builder;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, LOW, "memory", 6, PF_R);
	core_builder_build(&builder, &file);
	assert_true(verify(strbuf_span(&file), &lines));
	assert_non_null(strstr(lines.data, "no checksums"));
	assert_false(verify(span_make(file.data, file.size - 4096), &lines));
	core_builder_deinit(&builder);
	strbuf_deinit(&file);
	strbuf_deinit(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_archive_holds),
		cmocka_unit_test(a_flipped_bit_is_found_and_placed),
		cmocka_unit_test(a_flipped_bit_in_the_outcome_is_found),
		cmocka_unit_test(a_missing_end_is_found),
		cmocka_unit_test(a_damaged_checksum_note_is_found),
		cmocka_unit_test(an_endless_checksum_note_is_refused),
		cmocka_unit_test(another_writers_core_has_nothing_to_check),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}

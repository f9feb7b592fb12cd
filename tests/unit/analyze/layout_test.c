#include "tests/unit/unit.h"

#include "analyze/heap/layout.h"

#include <string.h>

static const struct layout_state *state_named(const char *name, unsigned word)
{
	const struct layout_state *rows;
	size_t count = layout_states(&rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].word == word && strcmp(rows[i].name, name) == 0)
			return &rows[i];
	fail_msg("no row %s of %u bytes", name, word);
	return NULL;
}

/* malloc_state of every release: binmap of 4 ints behind 254 bin pointers, then next. */
static void next_follows_bins_and_binmap(void **state)
{
	const struct layout_state *rows;
	size_t count = layout_states(&rows);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].next_at, rows[i].bins_at + 254 * rows[i].word + 16);
		assert_true(rows[i].system_mem_at > rows[i].next_at);
		assert_int_equal(rows[i].bytes, rows[i].system_mem_at + 2 * rows[i].word);
		if (rows[i].fastbins)
			assert_int_equal(rows[i].bins_at,
							 rows[i].fastbins_at + (rows[i].fastbins + 2) * rows[i].word);
	}
}

struct first_chunk {
	const char *name;
	unsigned word, heap_info;
	uint64_t offset; /* in an arena's first heap, as distribution builds have it */
};

static void first_chunk_is_where_builds_have_it(void **state)
{
	static const struct first_chunk rows[] = {
		{ "A0", 8, 0x20, 0x8a0 },  { "A1", 8, 0x20, 0x8b0 },  { "B", 8, 0x20, 0x8b0 },
		{ "C", 8, 0x20, 0x8c0 },   { "C", 8, 0x30, 0x8d0 },   { "D", 8, 0x30, 0x870 },
		{ "A0", 4, 0x10, 0x460 },  { "A1", 4, 0x10, 0x460 },  { "B", 4, 0x10, 0x468 },
		{ "B16", 4, 0x18, 0x478 }, { "C16", 4, 0x18, 0x478 }, { "D", 4, 0x18, 0x448 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct layout_state *row = state_named(rows[i].name, rows[i].word);
		struct layout layout;

		layout_choose(&layout, row, 4096);
		assert_int_equal(layout_chunk_from(&layout, rows[i].heap_info + row->bytes),
						 rows[i].offset);
	}
}

static void brk_starts_with_a_chunk(void **state)
{
	struct layout layout;

	(void)state;
	layout_choose(&layout, state_named("C", 8), 4096);
	assert_int_equal(layout_chunk_from(&layout, 0x555555600000), 0x555555600000);
	layout_choose(&layout, state_named("C16", 4), 4096);
	assert_int_equal(layout_chunk_from(&layout, 0x56600000), 0x56600008);
	assert_true(layout_aligned(&layout, 0x56600008));
	assert_false(layout_aligned(&layout, 0x56600010));
}

static void generation_is_the_range_that_fits(void **state)
{
	const struct layout_tcache *caches;
	char text[LAYOUT_NAME_BYTES];
	struct layout layout;

	(void)state;
	layout_tcaches(&caches);
	layout_choose(&layout, state_named("C", 8), 4096);
	layout_generation(&layout, text);
	assert_string_equal(text, "glibc 2.26-2.42");
	layout.links = LAYOUT_LINKS_SAFE;
	layout.key = LAYOUT_KEY_OWNER;
	layout_generation(&layout, text);
	assert_string_equal(text, "glibc 2.32-2.33");
	layout.key = LAYOUT_KEY_RANDOM;
	layout.tcache = &caches[2];
	layout_generation(&layout, text);
	assert_string_equal(text, "glibc 2.42");
	layout_choose(&layout, state_named("D", 8), 4096);
	layout_generation(&layout, text);
	assert_string_equal(text, "glibc 2.43-2.44");
}

static void contradictions_name_no_release(void **state)
{
	char text[LAYOUT_NAME_BYTES];
	struct layout layout;

	(void)state;
	layout_choose(&layout, state_named("A1", 8), 4096);
	layout.links = LAYOUT_LINKS_SAFE;
	layout_generation(&layout, text);
	assert_string_equal(text, "glibc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_follows_bins_and_binmap),
		cmocka_unit_test(first_chunk_is_where_builds_have_it),
		cmocka_unit_test(brk_starts_with_a_chunk),
		cmocka_unit_test(generation_is_the_range_that_fits),
		cmocka_unit_test(contradictions_name_no_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

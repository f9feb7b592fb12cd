#include "tests/unit/unit.h"

#include "analyze/content/probe.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct structure_word words[] = {
	{ .at = 0, .type = WORD_PTR, .to = WORD_TO_MAPPED },
	{ .at = 8, .type = WORD_U32, .has_in = true, .in = { 16180, 16211 } },
	{ .at = 16, .type = WORD_PTR, .to = WORD_TO_SELF, .has_in = true, .in = { 32, 48 } },
	{ .at = 24, .type = WORD_U16, .has_in = true, .in = { 0, 3 } },
	{ .at = 32, .type = WORD_PTR, .to = WORD_TO_CHUNK_START, .null = true },
	{ .at = 40, .type = WORD_U8, .has_in = true, .in = { 'x', 'x' } },
	{ .at = 48, .type = WORD_PTR, .to = WORD_TO_SELF },
	{ .at = 56, .type = WORD_U64 },
	{ .at = 64, .type = WORD_PTR, .to = WORD_TO_ANY, .has_in = true, .in = { 0x1000, 0x1010 } },
	{ .at = 72, .type = WORD_PTR, .to = WORD_TO_END },
};

enum { WORDS = sizeof words / sizeof *words, CHUNK_BYTES = 1040 };

static struct probe probe_of_some(unsigned mask, unsigned pointer)
{
	struct structure structure = { 0 };
	struct probe probe;

	for (size_t i = 0; i < WORDS; i++)
		if (mask >> i & 1)
			*vec_add(&structure.words) = words[i];
	probe = probe_of(&structure, pointer, CHUNK_BYTES);
	structure_deinit(&structure);
	return probe;
}

static void the_rarest_word_is_taken(void **state)
{
	(void)state;
	assert_int_equal(probe_of_some(1 << 10, 8).span, UINT64_MAX); /* no word: everything passes */
	assert_int_equal(probe_of_some(0x1ff, 8).at, 16); /* a pointer to one place of its own */
	assert_int_equal(probe_of_some(0x1ff & ~4, 8).at, 64);
	assert_int_equal(probe_of_some(0x0ff & ~4, 8).at, 8);
	assert_int_equal(probe_of_some(1 << 3 | 1 << 0, 8).at, 24); /* small numbers before pointers */
	assert_int_equal(probe_of_some(1 << 0 | 1 << 6, 8).at, 48);
	assert_int_equal(probe_of_some(1 << 4 | 1 << 7, 8).at, 32);
	assert_int_equal(probe_of_some(1 << 9 | 1 << 3, 8).at, 72);
	assert_int_equal(probe_of_some(1 << 9, 8).span, CHUNK_BYTES); /* no chunk is larger */
	assert_int_equal(probe_of_some(1 << 4, 4).bytes, 4);
	assert_true(probe_of_some(1 << 4, 8).null);
}

/* Places that a structure matches at are never stepped over: random bytes, and values at the
 * borders of each range. */
static void no_structure_is_missed(void **state)
{
	static const uint64_t values[] = { 0,      1,      3,          16180,      16211, 16212,
									   0x1000, 0x1010, UINT64_MAX, UINT32_MAX, 'x',   'y' };
	const struct structure_tables tables = { .image = &(struct image){ .word = 8 }, /* no pieces */
											 .chunks =
												 &(struct chunk_table){ .header_bytes = 16 } };
	const struct chunk chunk = { .address = 0x7000, .bytes = CHUNK_BYTES };
	const vaddr address = chunk.address + 16;
	size_t matches = 0;

	(void)state;
	srand(5);
	for (int round = 0; round < 20000; round++) {
		unsigned mask = (unsigned)rand() & 0x3ee; /* words that need no table */
		struct structure structure = { 0 };
		uint8_t bytes[160];
		struct span all = span_make(bytes, sizeof bytes - (size_t)rand() % 60);
		struct probe probe = probe_of_some(mask, 8);

		for (size_t i = 0; i < sizeof bytes; i += 8) {
			uint64_t value = values[rand() % 12];

			value = rand() % 4 ? value : address + i + (uint64_t)(rand() % 80) - 8;
			value = rand() % 4 ? value : chunk.address + CHUNK_BYTES - (uint64_t)(rand() % 33);
			memcpy(bytes + i, &value, 8);
		}
		for (size_t i = 0; i < WORDS; i++)
			if (mask >> i & 1)
				*vec_add(&structure.words) = words[i];
		for (size_t at = 0; at < all.size; at += 8) {
			struct span reached;
			bool there = structure_match(
				&structure, &tables,
				&(struct structure_place){ chunk, address + at, span_part(all, at, all.size) });

			matches += there;
			if (there)
				assert_int_equal(probe_next(&probe, all, address, at, 8), at);
			assert_true(probe_next(&probe, all, address, at, 8) >= at);
			/* what is behind the reach of a place tells nothing of it, and what is in it all */
			reached = span_part(all, 0, probe_reach(&probe, at + 1));
			assert_int_equal(probe_next(&probe, reached, address, at, 8) == at,
							 probe_next(&probe, all, address, at, 8) == at);
		}
		structure_deinit(&structure);
	}
	assert_true(matches > 1000);
}

/* At any place of a long chunk, among words that lead elsewhere near by, and across 4 GiB. */
static void a_pointer_into_its_own_chunk_is_found(void **state)
{
	enum { STEP = 16, MOST = 1024 };
	static const vaddr addresses[] = { 0x7f00deadb010, 0xfffffe10, 0xfffffffefffffe10 };
	struct probe probe = probe_of_some(1 << 2, 8);
	size_t found = 0;

	(void)state;
	srand(7);
	for (int round = 0; round < 30000; round++) {
		vaddr address = addresses[round % 3];
		uint8_t *bytes = mem_zeroed(MOST, 1);
		struct span all = span_make(bytes, MOST - (size_t)rand() % 300);
		size_t from = (size_t)rand() % 8 * STEP, expected = from;

		for (int i = 0; i < 4; i++) {
			size_t at = (size_t)rand() % (MOST / 8) * 8;
			uint64_t value = address + at - 16 + (uint64_t)rand() % 80;

			memcpy(bytes + at, &value, 8);
		}
		for (; expected < all.size; expected += STEP) {
			uint64_t value;

			if (all.size < expected + 24)
				break;
			memcpy(&value, bytes + expected + 16, 8);
			if (value - address - expected - 32 <= 16)
				break;
		}
		if (all.size < expected + 24)
			expected = all.size;
		found += expected < all.size;
		assert_int_equal(probe_next(&probe, all, address, from, STEP), expected);
		free(bytes);
	}
	assert_in_range(found, 1000, 29000);
}

static void a_word_behind_the_end_is_not_there(void **state)
{
	uint8_t bytes[16];
	struct probe probe = probe_of_some(1 << 1, 8);

	(void)state;
	memset(bytes, 0, sizeof bytes);
	memcpy(bytes + 8, &(uint32_t){ 16190 }, 4);
	assert_int_equal(probe_next(&probe, span_make(bytes, 16), 0x1000, 0, 8), 0);
	assert_int_equal(probe_next(&probe, span_make(bytes, 12), 0x1000, 0, 8), 0);
	assert_int_equal(probe_next(&probe, span_make(bytes, 11), 0x1000, 0, 8), 11);
	assert_int_equal(probe_next(&probe, span_make(bytes, 2), 0x1000, 0, 8), 2);
	assert_int_equal(probe_next(&probe, span_make(bytes, 16), 0x1000, 8, 8), 16);
	assert_int_equal(probe_behind(&probe, 11, 8), 0); /* the word is of 8 to 12 */
	assert_int_equal(probe_behind(&probe, 12, 8), 8);
	assert_int_equal(probe_behind(&probe, 19, 8), 8);
	assert_int_equal(probe_behind(&probe, 20, 8), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rarest_word_is_taken),
		cmocka_unit_test(no_structure_is_missed),
		cmocka_unit_test(a_pointer_into_its_own_chunk_is_found),
		cmocka_unit_test(a_word_behind_the_end_is_not_there),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}

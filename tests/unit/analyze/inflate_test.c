#include "tests/unit/unit.h"

#include "analyze/content/inflate.h"
#include "tests/support/packed.h"

#include <stdlib.h>
#include <string.h>

static const char text[] = "to be or not to be, that is the question: to be or not to be";

static int setup(void **state)
{
	*state = inflater_create();
	return 0;
}

static int teardown(void **state)
{
	inflater_destroy(*state);
	return 0;
}

static void each_format_inflates(void **state)
{
	static const enum match_packed formats[] = { MATCH_GZIP, MATCH_ZLIB, MATCH_DEFLATE,
												 MATCH_GZIP };
	uint8_t out[200];

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct strbuf packed = { 0 };
		struct inflated result;

		packed_add(&packed, formats[i], span_string(text));
		strbuf_puts(&packed, "what follows is not its own");
		result = inflate_stream(*state, formats[i], strbuf_span(&packed), out, sizeof out);
		assert_int_equal(result.end, INFLATE_WHOLE);
		assert_int_equal(result.read, packed.size - 27);
		assert_int_equal(result.made, sizeof text - 1);
		assert_memory_equal(out, text, sizeof text - 1);
		strbuf_deinit(&packed);
	}
}

static void a_cut_stream_gives_what_came_before(void **state)
{
	struct strbuf packed = { 0 };
	uint8_t out[200];

	packed_add(&packed, MATCH_GZIP, span_string(text));
	for (size_t size = 0; size < packed.size; size++) {
		/* a copy of its own, so that a read behind it is seen */
		uint8_t *copy = malloc(size ? size : 1);
		struct inflated result;

		memcpy(copy, packed.data, size);
		result = inflate_stream(*state, MATCH_GZIP, span_make(copy, size), out, sizeof out);
		assert_int_equal(result.end, INFLATE_SHORT);
		assert_true(result.made < sizeof text);
		assert_memory_equal(out, text, result.made);
		free(copy);
	}
	strbuf_deinit(&packed);
}

static void damage_ends_a_stream(void **state)
{
	struct strbuf packed = { 0 };
	uint8_t out[200];

	packed_add(&packed, MATCH_GZIP, span_string(text));
	packed.data[packed.size - 5] ^= 1; /* of the checksum: what came out stays */
	assert_int_equal(inflate_stream(*state, MATCH_GZIP, strbuf_span(&packed), out, sizeof out).end,
					 INFLATE_BROKEN);
	assert_memory_equal(out, text, sizeof text - 1);
	for (size_t bit = 0; bit < packed.size * 8; bit++) {
		struct inflated result;

		packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
		result = inflate_stream(*state, MATCH_GZIP, strbuf_span(&packed), out, sizeof out);
		assert_true(result.made <= sizeof out && result.read <= packed.size);
		packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
	}
	strbuf_deinit(&packed);
}

static void a_bomb_stops_at_the_room(void **state)
{
	enum { PLAIN = 8 << 20, ROOM = 5000 };
	struct strbuf packed = { 0 };
	uint8_t *plain = calloc(PLAIN, 1), *out = malloc(ROOM);
	struct inflated result;

	packed_add(&packed, MATCH_ZLIB, span_make(plain, PLAIN));
	result = inflate_stream(*state, MATCH_ZLIB, strbuf_span(&packed), out, ROOM);
	assert_int_equal(result.end, INFLATE_FULL);
	assert_int_equal(result.made, ROOM);
	assert_true(result.read < packed.size);
	free(plain);
	free(out);
	strbuf_deinit(&packed);
}

/* RFC 1951 3.2.4: a stored block of no bytes. */
static void empty_blocks_make_nothing(void **state)
{
	struct strbuf packed = { 0 };
	uint8_t out[10];
	struct inflated result;

	for (int i = 0; i < 1000; i++)
		strbuf_add(&packed, "\0\0\0\xff\xff", 5);
	result = inflate_stream(*state, MATCH_DEFLATE, strbuf_span(&packed), out, sizeof out);
	assert_int_equal(result.end, INFLATE_SHORT);
	assert_int_equal(result.made, 0);
	assert_int_equal(result.read, packed.size);
	strbuf_deinit(&packed);
}

static void a_dictionary_is_not_there(void **state)
{
	static const uint8_t wants[] = { 0x78, 0xbb, 1, 2, 3, 4, 3, 0 }; /* RFC 1950 2.2, FDICT */
	uint8_t out[10];

	assert_int_equal(
		inflate_stream(*state, MATCH_ZLIB, span_make(wants, sizeof wants), out, sizeof out).end,
		INFLATE_BROKEN);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_format_inflates),      TEST(a_cut_stream_gives_what_came_before),
		TEST(damage_ends_a_stream),      TEST(a_bomb_stops_at_the_room),
		TEST(empty_blocks_make_nothing), TEST(a_dictionary_is_not_there),
	};

	return cmocka_run_group_tests_name("inflate", tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include "analyze/validators/validators.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs a validator on bytes of which the pattern matched the first few. Gives the extent, 0 where
 * it says no. The bytes are copied, so that a sanitizer sees a read beyond them. */
static size_t run(const char *name, struct span bytes, struct match *match)
{
	static uint8_t *copy;
	const struct validator *validator = validator_find(name);

	assert_non_null(validator);
	free(copy);
	copy = malloc(bytes.size ? bytes.size : 1);
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	*match = (struct match){ .bytes = bytes.size < 4 ? bytes.size : 4 };
	return validator->run(span_make(copy, bytes.size), match) ? match->extent : 0;
}

static void check_capture(const struct match *match, const char *name, const char *wanted)
{
	const struct match_capture *capture = match_find(match, name);

	assert_non_null(capture);
	assert_true(span_equal(capture->text, span_string(wanted)));
}

#define SPAN(literal) span_make(literal, sizeof literal - 1)

/* ---- ZIP ---- */

#define LOCAL(flags, method, packed, name_bytes, extra_bytes) \
	"PK\x03\x04\x14\x00" flags method "\x00\x00\x21\x58"      \
	"\x11\x22\x33\x44" packed "\x00\x00\x00\x00" name_bytes extra_bytes

static void zip_local_headers(void **state)
{
	static const char plain[] =
		LOCAL("\x00\x08", "\x08\x00", "\x03\x00\x00\x00", "\x05\x00", "\x02\x00") "a/b.cEE";
	static const char data[] = LOCAL("\x00\x00", "\x00\x00", "\x03\x00\x00\x00", "\x05\x00",
									 "\x02\x00") "a/b.cEExyzPK\x01\x02";
	static const char streamed[] = LOCAL("\x08\x00", "\x08\x00", "\x03\x00\x00\x00", "\x05\x00",
										 "\x02\x00") "a/b.cEExyzPK\x01\x02";
	static const char method[] =
		LOCAL("\x00\x00", "\x42\x00", "\x03\x00\x00\x00", "\x05\x00", "\x00\x00") "a/b.c";
	static const char control[] =
		LOCAL("\x00\x00", "\x08\x00", "\x03\x00\x00\x00", "\x05\x00", "\x00\x00") "a/\n.c";
	struct match match;

	(void)state;
	assert_int_equal(run("zip_local_header", SPAN(plain), &match), 37);
	check_capture(&match, "entry", "a/b.c");
	assert_int_equal(run("zip_local_header", SPAN(data), &match), 40);
	assert_int_equal(run("zip_local_header", SPAN(streamed), &match), 37);
	assert_int_equal(run("zip_local_header", span_make(plain, 36), &match), 35);
	assert_int_equal(run("zip_local_header", span_make(plain, 34), &match), 0);
	assert_int_equal(run("zip_local_header", SPAN(method), &match), 0);
	assert_int_equal(run("zip_local_header", SPAN(control), &match), 0);
}

#define CENTRAL                                                                \
	"PK\x01\x02\x14\x03\x14\x00\x00\x08\x08\x00\x00\x00\x21\x58"               \
	"\x11\x22\x33\x44\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x02\x00\x01\x00" \
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"                         \
	"a/b.cEEC"

static void zip_central_records(void **state)
{
	struct match match;

	(void)state;
	assert_int_equal(run("zip_central_directory", SPAN(CENTRAL "PK\x01\x02"), &match), 54);
	check_capture(&match, "entry", "a/b.c");
	assert_int_equal(run("zip_central_directory", SPAN(CENTRAL "PK\x05\x06"), &match), 54);
	assert_int_equal(run("zip_central_directory", SPAN(CENTRAL "PK\x06\x06"), &match), 54);
	assert_int_equal(run("zip_central_directory", SPAN(CENTRAL "PK\x03\x04"), &match), 0);
	assert_int_equal(run("zip_central_directory", SPAN(CENTRAL), &match), 0);
}

/* ---- Java ---- */

#define CLASS_POOL                                                     \
	"\xca\xfe\xba\xbe\x00\x00\x00\x3d\x00\x09\x07\x00\x02\x01\x00\x0a" \
	"com/acme/A"                                                       \
	"\x07\x00\x04\x01\x00\x10"                                         \
	"java/lang/Object"                                                 \
	"\x05\x00\x00\x00\x00\x00\x00\x00\x07"                             \
	"\x01\x00\x01"                                                     \
	"f"                                                                \
	"\x01\x00\x01"                                                     \
	"I"
#define CLASS_HEAD CLASS_POOL "\x00\x21\x00\x01\x00\x03"
#define CLASS_REST                                                     \
	"\x00\x01\x00\x03"                                                 \
	"\x00\x01\x00\x02\x00\x07\x00\x08\x00\x01\x00\x07\x00\x00\x00\x02" \
	"zz"                                                               \
	"\x00\x00"                                                         \
	"\x00\x00"

static void java_classes(void **state)
{
	static const char whole[] = CLASS_HEAD CLASS_REST "junk";
	static const char old[] = "\xca\xfe\xba\xbe\x00\x00\x00\x2c\x00\x09\x07\x00\x02\x01\x00\x0a";
	size_t head = sizeof CLASS_HEAD - 1, rest = sizeof CLASS_REST - 1;
	struct match match;

	(void)state;
	assert_int_equal(run("java_class", SPAN(whole), &match), head + rest);
	check_capture(&match, "class", "com/acme/A");
	/* cut short in the fields: proven up to the interfaces */
	assert_int_equal(run("java_class", span_make(whole, head + 8), &match), head + 4);
	assert_int_equal(run("java_class", span_make(whole, head), &match), head);
	assert_int_equal(run("java_class", span_make(whole, head - 1), &match), 0);
	assert_int_equal(run("java_class", SPAN(old), &match), 0);
}

static void java_names_must_be_possible(void **state)
{
	static const struct {
		size_t at;
		char byte;
	} breaks[] = { { 16, '/' }, { 20, '/' }, { 19, '.' }, { 25, '/' }, { 17, '\n' } };
	struct match match;

	(void)state;
	for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
		char bytes[] = CLASS_HEAD CLASS_REST;

		bytes[breaks[i].at] = breaks[i].byte;
		if (breaks[i].at == 20)
			bytes[19] = '/';
		assert_int_equal(run("java_class", SPAN(bytes), &match), 0);
	}
}

static void jar_manifests(void **state)
{
	static const char text[] = "Manifest-Version: 1.0\r\nMain-Class: a.B\r\nImplementation-Title: "
							   "shop\r\n continued\r\n\r\nName: x/\r\nSealed: true\r\n";
	struct match match;

	(void)state;
	assert_int_equal(run("jar_manifest", SPAN(text), &match), sizeof text - 1);
	check_capture(&match, "title", "shop"); /* the better header wins */
	assert_int_equal(run("jar_manifest", span_make(text, 30), &match), 23);
	assert_int_equal(run("jar_manifest", SPAN("Manifest-Version: 1.0\nno header here\n"), &match),
					 22);
	assert_int_equal(run("jar_manifest", SPAN("Manifest-Version: 1.0"), &match), 0);
}

/* ---- JSON ---- */

static void json_values(void **state)
{
	static const struct {
		const char *text;
		size_t extent;
	} cases[] = {
		{ "[]", 2 },
		{ "{}x", 2 },
		{ "[1,-2.5e+3,true,false,null]", 27 },
		{ "{\"a\":[{\"b\":\"c\\u00e4\\n\"}]}", 25 },
		{ "  [1 , 2 ]", 10 },
		{ "[\"gr\xc3\xbc\"]", 8 },
		{ "42[\"x\",{}]tail", 10 },
		{ "[1,]", 0 },
		{ "[01]", 0 },
		{ "{\"a\"}", 0 },
		{ "{a:1}", 0 },
		{ "[1", 0 },
		{ "[\"a\nb\"]", 0 },
		{ "[\"\\x\"]", 0 },
		{ "[\"\\u12g4\"]", 0 },
		{ "[\"\xff\"]", 0 },
		{ "[1.]", 0 },
		{ "[-]", 0 },
		{ "[tru]", 0 },
		{ "[}", 0 },
		{ "{\"a\":1]", 0 },
	};
	struct match match;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t extent = run("json_value", span_string(cases[i].text), &match);

		if (extent != cases[i].extent)
			fail_msg("%s: %zu", cases[i].text, extent);
	}
}

static void json_depth_is_bounded(void **state)
{
	char text[200];
	struct match match;

	(void)state;
	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	assert_int_equal(run("json_value", span_make(text, 200), &match), 0);
	assert_int_equal(run("json_value", span_make(text + 36, 128), &match), 128);
}

static void json_keys_are_listed(void **state)
{
	struct match match;

	(void)state;
	run("json_value", SPAN("{\"id\":1,\"user\":{\"x\":1},\"t\":[]}"), &match);
	check_capture(&match, "keys", "id,user,t");
	run("json_value", SPAN("[{\"a\":1},{\"b\":2}]"), &match);
	check_capture(&match, "keys", "a");
	run("json_value", SPAN("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1}"),
		&match);
	check_capture(&match, "keys", "a,b,c,d,e,f,...");
	run("json_value", SPAN("[1,2]"), &match);
	check_capture(&match, "keys", "");
	run("json_value", SPAN("{\"\":1}"), &match);
	check_capture(&match, "keys", "");
}

static void long_json_keys_do_not_overflow(void **state)
{
	struct strbuf text = { 0 };
	struct match match;

	(void)state;
	for (size_t length = 1; length < 300; length += 7) {
		strbuf_clear(&text);
		strbuf_puts(&text, "{\"");
		strbuf_pad(&text, 'k', length);
		strbuf_puts(&text, "\":1,\"");
		strbuf_pad(&text, 'l', length);
		strbuf_puts(&text, "\":1}");
		assert_int_equal(run("json_value", strbuf_span(&text), &match), text.size);
		assert_true(match.built_size <= sizeof match.built);
	}
	strbuf_deinit(&text);
}

/* ---- WebSocket ---- */

static size_t run_frame(const char *head, size_t head_bytes, const char *payload)
{
	struct strbuf frame = { 0 };
	struct match match;
	size_t extent;

	strbuf_add(&frame, head, head_bytes);
	strbuf_puts(&frame, payload);
	extent = run("websocket_frame", strbuf_span(&frame), &match);
	strbuf_deinit(&frame);
	return extent;
}

static void websocket_frames(void **state)
{
	struct strbuf payload = { 0 };
	char head[10] = "\x81\x7e\x00\x00";

	(void)state;
	assert_int_equal(run_frame("\x81\x08", 2, "{\"a\":1} tail"), 10);
	assert_int_equal(run_frame("\x81\x07", 2, "{\"a\":1} tail"), 9);
	assert_int_equal(run_frame("\x81\x09", 2, "{\"a\":1} tail"), 0);    /* longer than its JSON */
	assert_int_equal(run_frame("\x81\x06", 2, "{\"a\":1} tail"), 0);    /* shorter */
	assert_int_equal(run_frame("\x82\x07", 2, "{\"a\":1}"), 0);         /* binary */
	assert_int_equal(run_frame("\x01\x07", 2, "{\"a\":1}"), 0);         /* not the last fragment */
	assert_int_equal(run_frame("\x81\x87", 2, "{\"a\":1}"), 0);         /* masked */
	assert_int_equal(run_frame("\x81\x7e\x00\x07", 4, "{\"a\":1}"), 0); /* not the shortest form */
	assert_int_equal(run_frame("\x81\x08", 2, "{\"a\":1}"), 0);         /* not whole */

	strbuf_puts(&payload, "[\"");
	strbuf_pad(&payload, 'x', 0x10000 - 4);
	strbuf_puts(&payload, "\"]");
	memcpy(head + 1, "\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 9);
	assert_int_equal(run_frame(head, 10, strbuf_text(&payload)), 0x10000 + 10);
	payload.data[--payload.size - 1] = ']';
	payload.data[payload.size - 2] = '"';
	payload.data[payload.size] = '\0';
	assert_int_equal(run_frame("\x81\x7e\xff\xff", 4, strbuf_text(&payload)), 0xffff + 4);
	strbuf_deinit(&payload);
}

/* ---- HTTP ---- */

static void http_messages(void **state)
{
	static const struct {
		const char *text;
		size_t extent;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest", 27 },
		{ "GET / HTTP/1.1\nHost: a\n\n", 24 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nbroken", 25 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nbro ken: x\r\n\r\n", 25 },
		{ "HTTP/1.1 200 OK\r\ncontent-LENGTH: 3\r\n\r\nabcd", 41 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\x01"
		  "c",
		  38 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc", 39 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9x\r\n\r\nabc", 39 },
		{ "HTTP/1.1 200 OK\r\n\r\n", 0 },
		{ "HTTP/1.1 200 OK", 0 },
		{ "GET / HTTP/1.1\r\n: a\r\n", 0 },
		{ "GET / HTTP/1.1\r\n2024-05-01T12:00:00 x\r\n", 0 },
		{ "GET / HTTP/1.1\r\nHost: a\x01\r\n", 0 },
	};
	struct match match;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t extent = run("http_message", span_string(cases[i].text), &match);

		if (extent != cases[i].extent)
			fail_msg("case %zu: %zu, not %zu", i, extent, cases[i].extent);
	}
}

/* ---- all of them ---- */

/* Truncations and bit flips of good bytes: no crash, and never more than there is. */
static void mutations_never_prove_more_than_there_is(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t size;
	} seeds[] = {
		{ "zip_local_header",
		  LOCAL("\x00\x00", "\x00\x00", "\x03\x00\x00\x00", "\x05\x00",
				"\x02\x00") "a/b.cEExyzPK\x01\x02",
		  44 },
		{ "zip_central_directory", CENTRAL "PK\x01\x02", sizeof CENTRAL + 3 },
		{ "java_class", CLASS_HEAD CLASS_REST, sizeof CLASS_HEAD CLASS_REST - 1 },
		{ "jar_manifest", "Manifest-Version: 1.0\r\nMain-Class: a.B\r\n\r\n", 42 },
		{ "json_value", "{\"a\":[{\"b\":\"c\\u00e4\\n\"},-1.5e3,true]}", 37 },
		{ "websocket_frame", "\x81\x7e\x00\x80{\"a\":1}", 11 },
		{ "http_message", "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd", 41 },
	};

	(void)state;
	srand(9);
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		struct match match;

		for (size_t size = 0; size <= seeds[i].size; size++)
			assert_true(run(seeds[i].name, span_make(seeds[i].bytes, size), &match) <= size);
		for (int round = 0; round < 4000; round++) {
			char bytes[256];

			memcpy(bytes, seeds[i].bytes, seeds[i].size);
			for (int flips = 1 + rand() % 3; flips; flips--)
				bytes[(size_t)rand() % seeds[i].size] ^= (char)(1 << rand() % 8);
			assert_true(run(seeds[i].name, span_make(bytes, seeds[i].size), &match) <=
						seeds[i].size);
		}
	}
}

static void the_table_of_names_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; validator_at(i); i++)
		assert_ptr_equal(validator_find(validator_at(i)->name), validator_at(i));
	assert_null(validator_find("zip"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zip_local_headers),
		cmocka_unit_test(zip_central_records),
		cmocka_unit_test(java_classes),
		cmocka_unit_test(java_names_must_be_possible),
		cmocka_unit_test(jar_manifests),
		cmocka_unit_test(json_values),
		cmocka_unit_test(json_depth_is_bounded),
		cmocka_unit_test(json_keys_are_listed),
		cmocka_unit_test(long_json_keys_do_not_overflow),
		cmocka_unit_test(websocket_frames),
		cmocka_unit_test(http_messages),
		cmocka_unit_test(mutations_never_prove_more_than_there_is),
		cmocka_unit_test(the_table_of_names_is_whole),
	};

	return cmocka_run_group_tests_name("validators", tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"
#include "base/strbuf.h"
#include "tests/support/proof.h"

#include <string.h>

#define BYTES PROOF_BYTES

static void check(const char *name, struct span bytes, size_t wanted)
{
	struct match match;
	size_t extent = proof_run(name, bytes, &match);

	if (extent != wanted)
		fail_msg("%s: %zu, not %zu: %.*s", name, extent, wanted, (int)bytes.size,
				 (const char *)bytes.data);
}

static void check_statement(const char *text, const char *wanted)
{
	struct match match;
	size_t extent = proof_run("sql_statement", span_string(text), &match);

	if (extent != strlen(wanted))
		fail_msg("%s: %zu", text, extent);
	if (extent)
		proof_capture(&match, "statement", wanted);
}

static void statements_end_where_sql_does(void **state)
{
	(void)state;
	check_statement("SELECT a FROM t WHERE b = 'x; y'; rest", "SELECT a FROM t WHERE b = 'x; y';");
	check_statement("SELECT a FROM t WHERE b = 1\" took 3 ms", "SELECT a FROM t WHERE b = 1");
	check_statement("SELECT a FROM t WHERE b = 1] took 3 ms", "SELECT a FROM t WHERE b = 1");
	check_statement("SELECT a FROM t WHERE (b = 1)) took", "SELECT a FROM t WHERE (b = 1)");
	check_statement("SELECT a FROM t failed with an error", "SELECT a FROM t");
	check_statement("SELECT a FROM t WHERE b = \x01", "SELECT a FROM t WHERE b =");
	check_statement("SELECT a\n  FROM t /* all */\n WHERE b = ?\n\n",
					"SELECT a\n  FROM t /* all */\n WHERE b = ?");
	check_statement("INSERT INTO t VALUES ('unclosed", "INSERT INTO t VALUES (");
	check_statement("DELETE FROM \"Orders\" WHERE id = :id",
					"DELETE FROM \"Orders\" WHERE id = :id");
	check_statement("UPDATE t SET a = 1", "UPDATE t SET a = 1");
}

static void words_of_sentences_are_no_statement(void **state)
{
	static const char *const sentences[] = {
		"select one of the items from the list",
		"select items from these, and from those",
		"select the best, the first, the last from all",
		"SELECT ONE FROM THE LIST",
		"update the set of rules",
		"delete from the list",
		"insert into the list",
		"SELECT",
		"SELECT 1",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
		check_statement(sentences[i], "");
}

/* A statement in quotes ends with them, so that what follows is not taken for a part of it. */
static void statements_in_quotes_end_with_them(void **state)
{
	static const char text[] = "\"SELECT a FROM t WHERE b = 1\" + \",\" + c";
	struct match match = { .bytes = 8, .extent = 8 };

	(void)state;
	match_set(&match, "quote", span_make(text, 1));
	match_set(&match, "sql", span_make(text + 1, 7));
	assert_true(validate_sql_statement(span_make(text, sizeof text - 1), &match));
	assert_int_equal(match.extent, 28);
	proof_capture(&match, "statement", "SELECT a FROM t WHERE b = 1");
}

/* The unit again and again, as long as must be; NULL: no encoding. */
static void check_kind(const char *unit, const char *kind)
{
	struct strbuf text = { 0 };
	struct match match;

	while (text.size < 80)
		strbuf_puts(&text, unit);
	assert_int_equal(proof_run("encoded_text", strbuf_span(&text), &match), kind ? text.size : 0);
	if (kind)
		proof_capture(&match, "kind", kind);
	strbuf_deinit(&text);
}

static void kinds_of_text(void **state)
{
	(void)state;
	check_kind("0123456789", "hex");
	check_kind("01ab", "hex");
	check_kind("QUJDZGVm0", "base64");
	check_kind("-=", NULL);
	check_kind("one_name/", NULL);
	check_kind("_ZNKSt7Cxx119MONEY", NULL);
	check_kind("org/apache/Asm9/", NULL);
	check_kind("A word 0 ", NULL);
	check_kind("gr\xc3\xbc\xc3\x9f", NULL);
}

static void text_ends_where_it_is_none(void **state)
{
	struct strbuf text = { 0 };

	(void)state;
	strbuf_pad(&text, 'a', 63);
	check("encoded_text", strbuf_span(&text), 0);
	strbuf_puts(&text, "f0");
	check("encoded_text", strbuf_span(&text), 65);
	strbuf_add(&text, "\0more", 5);
	check("encoded_text", strbuf_span(&text), 65);
	strbuf_clear(&text);
	strbuf_pad(&text, '7', 64);
	strbuf_puts(&text, "\n");
	check("encoded_text", strbuf_span(&text), 64);
	strbuf_puts(&text, "abc");
	check("encoded_text", strbuf_span(&text), 68); /* a last, shorter line */
	strbuf_puts(&text, " and words");
	check("encoded_text", strbuf_span(&text), 64);
	strbuf_deinit(&text);
}

static struct strbuf widen(const char *text)
{
	struct strbuf wide = { 0 };

	for (; *text; text++) {
		strbuf_putc(&wide, *text);
		strbuf_putc(&wide, 0);
	}
	return wide;
}

static void check_wide(const char *text, bool wanted)
{
	struct strbuf wide = widen(text);

	check("utf16_text", strbuf_span(&wide), wanted ? wide.size : 0);
	strbuf_deinit(&wide);
}

static void utf16_text(void **state)
{
	struct strbuf text = widen("the orders of all people");

	(void)state;
	check("utf16_text", strbuf_span(&text), 48);
	check("utf16_text", span_part(strbuf_span(&text), 0, 46), 0);
	check("utf16_text", span_part(strbuf_span(&text), 0, 47), 0);
	strbuf_add(&text, "\xfc\0", 2); /* u with dots */
	check("utf16_text", strbuf_span(&text), 50);
	strbuf_add(&text, "\0\xd8", 2); /* half of a pair */
	check("utf16_text", strbuf_span(&text), 50);
	text.size = 0;
	for (int i = 0; i < 40; i++)
		strbuf_add(&text, i % 3 ? "\x10\x04" : "a\0", 2); /* mostly Cyrillic */
	check("utf16_text", strbuf_span(&text), 0);
	strbuf_deinit(&text);
}

/* Such tables stand in the data of programs. */
static void tables_of_numbers_are_no_utf16(void **state)
{
	(void)state;
	check_wide("http://www.w3.org/XML/1998/namespace", true);
	check_wide("C:\\Program Files\\Shop\\orders.txt", true);
	check_wide("ABCDEFGHIJKLMNOPQRSTUVWXYZ", false);
	check_wide("VR^ZFBNJvr~zfbnj6:>2&.*\"", false);
	check_wide("b\nd\nf\nh\nj\nl\nn\np\nr\nt\nv\nx\nz\nb\nd\n", false);
	check_wide("+/+/+/+/+/aa+/+/+/+/+/aa", false);
}

static void runs_lines_and_words(void **state)
{
	struct cursor cursor = cursor_make(BYTES("one\r\ntwo\nthree"), false);
	struct span line, rest;
	uint64_t value;

	(void)state;
	assert_int_equal(text_run_length(BYTES("a\tb\r\n\xe2\x82\xac")), 8);
	assert_int_equal(text_run_length(BYTES("ab\x7f")), 2);
	for (unsigned byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < 11; at++) {
			char text[] = "abcdefghijk";
			bool plain =
				(byte >= ' ' && byte < 0x7f) || byte == '\t' || byte == '\n' || byte == '\r';

			text[at] = (char)byte;
			assert_int_equal(text_run_length(BYTES(text)), plain ? 11 : at);
		}
	assert_int_equal(text_run_length(BYTES("ab\xe2\x82")), 2);
	assert_int_equal(text_run_length(span_make(NULL, 0)), 0);
	assert_true(text_run_line(&cursor, &line) && span_equal(line, span_string("one")));
	assert_true(text_run_line(&cursor, &line) && span_equal(line, span_string("two")));
	assert_false(text_run_line(&cursor, &line));
	assert_true(span_equal(text_word(BYTES("a b c"), &rest), span_string("a")));
	assert_true(span_equal(rest, span_string("b c")));
	assert_true(span_equal(text_word(BYTES("abc"), &rest), span_string("abc")) && !rest.size);
	assert_true(text_number(BYTES("0017"), &value) && value == 17);
	assert_false(text_number(BYTES(""), &value));
	assert_false(text_number(BYTES("1x"), &value));
	assert_false(text_number(BYTES("1234567890123456"), &value));
	assert_int_equal(text_find(BYTES("abcab"), BYTES("ca")), 2);
	assert_int_equal(text_find(BYTES("abc"), BYTES("x")), 3);
}

static void mutations_never_prove_more_than_there_is(void **state)
{
	static const char statement[] =
		"SELECT o.\"id\", $1, `x` FROM t WHERE a = 'it''s' AND b IN (1, 2.5) -- end\nLIMIT 10;";
	struct strbuf wide = widen("the orders of all people");

	(void)state;
	proof_damage("sql_statement", BYTES(statement));
	proof_damage("encoded_text",
				 BYTES("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	proof_damage("utf16_text", strbuf_span(&wide));
	strbuf_deinit(&wide);
}

static void noise_is_refused(void **state)
{
	(void)state;
	assert_int_equal(proof_noise("sql_statement", BYTES("SELECT a"), 100000), 0);
	assert_int_equal(proof_noise("encoded_text", BYTES("abcdefgh"), 100000), 0);
	assert_int_equal(proof_noise("utf16_text", BYTES("a\0b\0c\0d\0"), 100000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_end_where_sql_does),
		cmocka_unit_test(words_of_sentences_are_no_statement),
		cmocka_unit_test(statements_in_quotes_end_with_them),
		cmocka_unit_test(kinds_of_text),
		cmocka_unit_test(text_ends_where_it_is_none),
		cmocka_unit_test(utf16_text),
		cmocka_unit_test(tables_of_numbers_are_no_utf16),
		cmocka_unit_test(runs_lines_and_words),
		cmocka_unit_test(mutations_never_prove_more_than_there_is),
		cmocka_unit_test(noise_is_refused),
	};

	return cmocka_run_group_tests_name("validators_text", tests, NULL, NULL);
}

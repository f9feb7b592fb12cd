#include "tests/unit/unit.h"

#include "analyze/validators/sql_lexer.h"
#include "analyze/validators/sql_word.h"
#include "analyze/rules/sql_shape.h"

#include <stdlib.h>
#include <string.h>

static void check(const char *statement, const char *wanted)
{
	struct strbuf shape = { 0 };

	sql_shape(span_string(statement), &shape);
	assert_string_equal(strbuf_text(&shape), wanted);
	strbuf_deinit(&shape);
}

static void values_become_question_marks(void **state)
{
	(void)state;
	check("SELECT a FROM t WHERE b = 'x'", "SELECT a FROM t WHERE b = ?");
	check("SELECT a FROM t WHERE b = 'it''s' AND c=-1.5e3", "SELECT a FROM t WHERE b = ? AND c=-?");
	check("SELECT 0x1f, X'1f', E'x', N'x', t1.c2 FROM t1", "SELECT ?, X?, E?, N?, t1.c2 FROM t1");
	check("f($1, :name, @p1, ?, %s, %(key)s, #{id})", "f(?)");
	check("a = $$secret$$ AND b = $x$it's$x$ AND c", "a = ? AND b = ? AND c");
	check("a = q'[it's]' AND b = Q'!x' secret!' AND q = 'y'", "a = ? AND b = ? AND q = ?");
	check("a::text = '7'::int", "a::text = ?::int");
	check("", "");
}

static void lists_of_values_become_one(void **state)
{
	(void)state;
	check("a IN (1,2, 3)", "a IN (?)");
	check("VALUES (1,'a'),(2,'b'), (3,'c')", "VALUES (?)");
	check("VALUES (1, now(), 'a')", "VALUES (?, now(), ?)");
	check("LIMIT 10, 20", "LIMIT ?");
	check("a = 1 AND b = 2", "a = ? AND b = ?");
}

static void blanks_and_comments_fold(void **state)
{
	(void)state;
	check("  SELECT\n\t a ,b\r\nFROM t -- who: jo\n WHERE c /* 17 */ = d  ",
		  "SELECT a, b FROM t WHERE c = d");
	check("count( a )", "count(a)");
	check("SELECT a # jo\nFROM t", "SELECT a FROM t");
	check("SELECT a FROM t;", "SELECT a FROM t");
	check("a -- to the end", "a ?...");
}

/* In MySQL "x" is a string, elsewhere a name: it stays only where a name must stand. */
static void quoted_words_stay_where_only_a_name_can_be(void **state)
{
	(void)state;
	check("SELECT \"o\".\"id\" FROM \"orders\" AS \"o\"",
		  "SELECT \"o\".\"id\" FROM \"orders\" AS \"o\"");
	check("WHERE name = \"jo\"", "WHERE name = ?");
	check("SELECT \"secret\", a", "SELECT ?, a");
	check("FROM \"jo@example.com\"", "FROM ?");
	check("UPDATE `orders` SET `state` = \"x\"", "UPDATE `orders` SET `state` = ?");
	check("SELECT `a b`", "SELECT ?");
}

static void from_is_followed_by_a_name_in_a_query_alone(void **state)
{
	(void)state;
	check("SELECT TRIM(BOTH 'a' FROM \"jo\") FROM \"t\"", "SELECT TRIM(BOTH ? FROM ?) FROM \"t\"");
	check("SELECT trim(leading from \"jo\")", "SELECT trim(leading from ?)");
	check("SELECT a IS NOT DISTINCT FROM \"jo\" FROM \"t\"",
		  "SELECT a IS NOT DISTINCT FROM ? FROM \"t\"");
	check(
		"SELECT * FROM (SELECT upper(TRIM(FROM \"jo\")) FROM \"t\") x, (WITH c AS (SELECT a FROM "
		"\"u\") SELECT a FROM \"v\") y",
		"SELECT * FROM (SELECT upper(TRIM(FROM ?)) FROM \"t\") x, (WITH c AS (SELECT a FROM \"u\") "
		"SELECT a FROM \"v\") y");
	check("SELECT f(/* a */ SELECT a FROM \"t\")", "SELECT f(SELECT a FROM \"t\")");
	check("SELECT f(a, SELECT, TRIM(FROM \"jo\"))", "SELECT f(a, SELECT, TRIM(FROM ?))");
}

/* Brackets beyond those that are told apart: nothing in them is taken for a name. */
static void deep_brackets_hide(void **state)
{
	struct strbuf statement = { 0 }, shape = { 0 };

	(void)state;
	for (int i = 0; i < 70; i++)
		strbuf_puts(&statement, "(");
	strbuf_puts(&statement, "TRIM(FROM \"jo\")");
	for (int i = 0; i < 70; i++)
		strbuf_puts(&statement, ")");
	strbuf_puts(&statement, " FROM \"jo\"");
	sql_shape(strbuf_span(&statement), &shape);
	assert_null(strstr(strbuf_text(&shape), "jo"));
	strbuf_deinit(&statement);
	strbuf_deinit(&shape);
}

/* What a quote holds may not be told for sure: then nothing behind it is shown. */
static void nothing_follows_a_quote_without_an_end(void **state)
{
	(void)state;
	check("a = 'secret", "a = ?...");
	check("a = 'it\\'s secret' AND b = 'x'", "a = ?...");
	check("a = 'C:\\' AND b = 'secret'", "a = ?...");
	check("a = \"secret", "a = ?...");
	check("a = $$secret", "a = ?...");
	check("a = q'[it's secret", "a = ?...");
	check("a = 1 \x01 secret", "a = ?");
	check("a = 1 \\n secret", "a = ?");
}

/* Whatever stands between quotes, and whatever literal stands before it, is in no shape. */
static void no_literal_ever_shows(void **state)
{
	static const struct {
		const char *before, *after;
	} forms[] = { { "'", "'" },    { "\"", "\"" }, { "$$", "$$" }, { "E'", "'" },
				  { "'a''", "'" }, { "'", "" },    { "\"", "" },   { "'", "\\' , b'" } };
	static const char alphabet[] = "\\'\"`$-/*:;, ()";

	(void)state;
	srand(11);
	for (int round = 0; round < 20000; round++) {
		size_t form = (size_t)rand() % (sizeof forms / sizeof *forms);
		struct strbuf statement = { 0 }, shape = { 0 };

		strbuf_printf(&statement, "a = 'x%c' AND b = ", alphabet[(size_t)rand() % 13]);
		strbuf_printf(&statement, "%szq%c%s OR c", forms[form].before, rand() % 2 ? ' ' : 'z',
					  forms[form].after);
		sql_shape(strbuf_span(&statement), &shape);
		if (strstr(strbuf_text(&shape), "zq"))
			fail_msg("%s: %s", strbuf_text(&statement), strbuf_text(&shape));
		strbuf_deinit(&statement);
		strbuf_deinit(&shape);
	}
}

static void any_bytes_end(void **state)
{
	static const char alphabet[] = "'\"`$-/*:@%#{}()[],.; \na1?\\\x01\x80";

	(void)state;
	srand(12);
	for (int round = 0; round < 20000; round++) {
		size_t size = (size_t)rand() % 64;
		char *bytes = malloc(size ? size : 1);
		struct strbuf shape = { 0 };

		for (size_t i = 0; i < size; i++)
			bytes[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
		sql_shape(span_make(bytes, size), &shape);
		assert_true(shape.size <= 2 * size + 4);
		strbuf_deinit(&shape);
		free(bytes);
	}
}

static void tokens(void **state)
{
	static const struct {
		const char *text;
		enum sql_kind kind;
		size_t size;
	} cases[] = {
		{ "", SQL_END, 0 },
		{ "-- x\ny", SQL_COMMENT, 5 },
		{ "/* x */ y", SQL_COMMENT, 7 },
		{ "- x", SQL_PUNCTUATION, 1 },
		{ "abc1 x", SQL_WORD, 4 },
		{ "1.5e3 x", SQL_NUMBER, 5 },
		{ "'a''b' x", SQL_STRING, 6 },
		{ "\"a\" x", SQL_QUOTED, 3 },
		{ "`a` x", SQL_NAME, 3 },
		{ "$12 x", SQL_PLACEHOLDER, 3 },
		{ "$a$x$a$ y", SQL_STRING, 7 },
		{ ":name x", SQL_PLACEHOLDER, 5 },
		{ "::int", SQL_PUNCTUATION, 2 },
		{ "%s x", SQL_PLACEHOLDER, 2 },
		{ "% 2", SQL_PUNCTUATION, 1 },
		{ "%(a)s x", SQL_PLACEHOLDER, 5 },
		{ "#{a} x", SQL_PLACEHOLDER, 4 },
		{ "'a", SQL_OPEN, 2 },
		{ "\x01", SQL_ALIEN, 1 },
		{ "{", SQL_ALIEN, 1 },
		{ "/* x", SQL_OPEN, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span text = span_string(cases[i].text);
		struct sql_token token;

		sql_next(&text, &token);
		if (token.kind != cases[i].kind || token.text.size != cases[i].size || token.spaced)
			fail_msg("%s: %zu", cases[i].text, token.text.size);
	}
}

static void a_token_tells_what_stands_before_it_and_in_it(void **state)
{
	struct span text = span_string(" \n a_B1 \xc3\xa9 ");
	struct sql_token first, second, end;

	(void)state;
	sql_next(&text, &first);
	sql_next(&text, &second);
	sql_next(&text, &end);
	assert_int_equal(first.kind, SQL_WORD);
	assert_int_equal(first.text.size, 4);
	assert_true(first.spaced);
	assert_int_equal(first.letters, SQL_LOWER | SQL_UNDERSCORE | SQL_OTHER);
	assert_int_equal(second.letters, SQL_FOREIGN);
	assert_int_equal(end.kind, SQL_END);
	assert_true(end.spaced);
	assert_int_equal(text.size, 0);
}

static void words_are_looked_up_whole_and_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(sql_word(span_string("seLect")),
					 SQL_KEYWORD | SQL_SELECT | SQL_ACTION | SQL_QUERY);
	assert_int_equal(sql_word(span_string("Low_Priority")), SQL_KEYWORD);
	assert_int_equal(sql_word(span_string("year")), SQL_BEHIND);
	assert_int_equal(sql_word(span_string("orders")), 0);
	assert_int_equal(sql_word(span_string("selec")), 0);
	assert_int_equal(sql_word(span_string("selects")), 0);
	assert_int_equal(sql_word(span_string("_set")), 0);
	assert_int_equal(sql_word(span_string("\xc3\xa9")), 0);
	assert_int_equal(sql_word(span_string("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_become_question_marks),
		cmocka_unit_test(lists_of_values_become_one),
		cmocka_unit_test(blanks_and_comments_fold),
		cmocka_unit_test(quoted_words_stay_where_only_a_name_can_be),
		cmocka_unit_test(from_is_followed_by_a_name_in_a_query_alone),
		cmocka_unit_test(deep_brackets_hide),
		cmocka_unit_test(nothing_follows_a_quote_without_an_end),
		cmocka_unit_test(no_literal_ever_shows),
		cmocka_unit_test(any_bytes_end),
		cmocka_unit_test(tokens),
		cmocka_unit_test(a_token_tells_what_stands_before_it_and_in_it),
		cmocka_unit_test(words_are_looked_up_whole_and_in_any_case),
	};

	return cmocka_run_group_tests_name("sql_shape", tests, NULL, NULL);
}

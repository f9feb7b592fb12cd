#include "tests/unit/unit.h"

#include "analyze/rules/redact.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void check_shown(const char *value, const char *wanted)
{
	struct strbuf out = { 0 };

	redact_show(span_string(value), &out);
	assert_string_equal(strbuf_text(&out), wanted);
	strbuf_deinit(&out);
}

static void runs_are_replaced(void **state)
{
	(void)state;
	check_shown("com/acme/app", "com/acme/app");
	check_shown("order:17", "order:17");
	check_shown("order:123456", "order:#");
	check_shown("page1234", "page#");
	check_shown("user/550e8400-e29b-41d4-a716-446655440000/x", "user/<uuid>/x");
	check_shown("blob/9f86d081884c7d65", "blob/<hex>");
	check_shown("deadbeefed", "deadbeefed");
	check_shown("facade", "facade");
	check_shown("1234567890", "#");
	check_shown("call +49-170-123-45-67", "call +#");
	check_shown("card 492 912 345 678 1234 x", "card # x");
	check_shown("ssn:123-45-6789", "ssn:#");
	check_shown("room-17-b 1-2-3", "room-17-b 1-2-3");
}

static void control_bytes_are_escaped(void **state)
{
	(void)state;
	check_shown("a\x1b[31mb\n", "a\\x1b[31mb\\n");
	check_shown("\xff\xfe", "\\xff\\xfe");
}

static void utf16_is_read_as_text(void **state)
{
	static const char digits[] = "c\0a\0r\0d\0 \0004\0001\0001\0001\0001\0001\0",
					  word[] = "a\0=\0b";
	struct strbuf out = { 0 };

	(void)state;
	redact_show(span_make(digits, sizeof digits), &out);
	assert_string_equal(strbuf_text(&out), "card #");
	strbuf_clear(&out);
	redact_show(span_make(word, sizeof word), &out);
	assert_string_equal(strbuf_text(&out), "a=b");
	strbuf_deinit(&out);
}

static void long_values_are_cut(void **state)
{
	char value[300];
	struct strbuf out = { 0 };

	(void)state;
	memset(value, 'x', sizeof value);
	redact_show(span_make(value, sizeof value), &out);
	assert_int_equal(text_columns(strbuf_text(&out)), REDACT_COLUMNS);
	assert_string_equal(strbuf_text(&out) + out.size - 3, "\xe2\x80\xa6");
	strbuf_clear(&out);
	redact_show(span_make(value, REDACT_COLUMNS), &out);
	assert_int_equal(out.size, REDACT_COLUMNS);
	strbuf_deinit(&out);
}

static const char *const secrets[] = {
	"-----BEGIN RSA PRIVATE KEY-----",
	"x eyJhbGciOiJIUzI1NiJ9.e30.abc",
	"AKIAIOSFODNN7EXAMPLE",
	"ghp_0123456789abcdefABCDEF",
	"xoxb-123456789012-abcdef",
	"AIzaSyA-1234567890abcdefghi",
	"sk_live_0123456789",
	"password=hunter2",
	"login?Passwd: x",
	"\"api_key\":\"zz\"",
	"client_secret = abc",
	"Set-Cookie: a=b",
	"cookie: a=b",
	"Authorization: Negotiate x",
	"Bearer abcdef0123",
	"basic dXNlcjpwYXNz",
	"postgres://bob:pw@db/x",
	"bob@example.com",
	"Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdISUpL",
	"token%3Dabc",
	"{\\\"password\\\":\\\"hunter2\\\"}",
	"{\\\\\"pwd\\\\\": 1}",
	"%22secret%22%3A%22x%22",
	"GET /app;jsessionid=node01abc",
	"session=abc",
	"?sid=12",
	"&sig=ab%2f",
	"GET /users/bob%40example.com",
	"sk-proj-abcdefghijklmnop",
	"GET /reset/Zq7mXvK2wPq9LbTfRc4N",
	"GET /services/T012AB3CD/B012AB3CD/k7dQ2mZp0xWv5LrTn9Yb3Hcs",
	"GET /x/k3jh4kq9h34kjh5z",
	"Passwort=abc",
	"password\\u003dabc",
	"password&#61;abc",
	"password%253Dabc",
	"GET /x/password%20=%20abc",
	"GET /x/Bearer%20abcdefgh",
	"callback?code=abc",
	"jo\\u0040example.com",
	"jo&#x40;example.com",
	"jo%2540example.com",
	"jo@m\xc3\xbcnchen.de",
	"J\xc3\xb6@example.com",
	"jo@[10.0.0.7]",
	"\\x6a\\x6f\\x40\\x61\\x2e\\x64\\x65",
	"http://abc@gitserver/x",
};

static void secrets_are_known(void **state)
{
	struct err err = { 0 };
	struct redactor *redactor = redactor_create(&err);

	(void)state;
	assert_non_null(redactor);
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		if (!redactor_is_secret(redactor, span_string(secrets[i])))
			fail_msg("not seen as a secret: %s", secrets[i]);
	}
	redactor_destroy(redactor);
}

static void utf16_secrets_are_known(void **state)
{
	static const char secret[] = "p\0a\0s\0s\0w\0o\0r\0d\0=\0x";
	struct err err = { 0 };
	struct redactor *redactor = redactor_create(&err);

	(void)state;
	assert_true(redactor_is_secret(redactor, span_make(secret, sizeof secret - 1)));
	redactor_destroy(redactor);
}

static void names_are_no_secrets(void **state)
{
	static const char *const names[] = {
		"com/acme/app",
		"order:update",
		"id,type,password",
		"GET /api/tokens/list",
		"HTTP/1.1 200",
		"AbstractSingletonProxyFactoryBeanDefinition",
		"META-INF/MANIFEST.MF",
		"",
		"GET /blob/9f86d081884c7d659a2feaa0c55ad015",
		"user/550e8400-e29b-41d4-a716-446655440000/x",
		"side,assign,opinion",
		"order:20240501T120000",
		"Base64InputStream",
		"id:1,sides:2",
		"SELECT a FROM t WHERE t.code=? AND country_code = 'x'",
		"100%,a&b,c\\d",
		"org.example.Foo@17",
	};
	struct err err = { 0 };
	struct redactor *redactor = redactor_create(&err);

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (redactor_is_secret(redactor, span_string(names[i])))
			fail_msg("taken for a secret: %s", names[i]);
	}
	redactor_destroy(redactor);
}

/* Whatever goes in, printable text of a bounded width comes out. */
static void random_values_come_out_printable(void **state)
{
	(void)state;
	srand(11);
	for (int round = 0; round < 3000; round++) {
		uint8_t bytes[160];
		size_t size = (size_t)rand() % sizeof bytes;
		struct strbuf out = { 0 };

		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)(round % 2 ? rand() : 0x20 + rand() % 0x60);
		redact_show(span_make(bytes, size), &out);
		assert_true(text_columns(strbuf_text(&out)) <= REDACT_COLUMNS);
		for (struct span left = strbuf_span(&out); left.size;) {
			size_t length = text_utf8_length(left);

			assert_true(length > 0 && left.data[0] >= 0x20 && left.data[0] != 0x7f);
			left = span_part(left, length, left.size);
		}
		strbuf_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_replaced),     cmocka_unit_test(control_bytes_are_escaped),
		cmocka_unit_test(utf16_is_read_as_text), cmocka_unit_test(utf16_secrets_are_known),
		cmocka_unit_test(long_values_are_cut),   cmocka_unit_test(secrets_are_known),
		cmocka_unit_test(names_are_no_secrets),  cmocka_unit_test(random_values_come_out_printable),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}

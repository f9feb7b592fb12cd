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
	check_shown("cpf 123.456.789-00", "cpf #");
	check_shown("06.12.34.56.78", "#");
	check_shown("from 192.168.100.200", "from 192.168.100.200");
	check_shown("Foo-1.2.3.jar", "Foo-1.2.3.jar");
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
	"ASIAIOSFODNN7EXAMPLE",
	"AGPAABCDEFGH",
	"AIDAABCDEFGH",
	"AROAABCDEFGH",
	"ANPAABCDEFGH",
	"ANVAABCDEFGH",
	"gho_abcdefgh",
	"ghr_abcdefgh",
	"ghs_abcdefgh",
	"ghu_abcdefgh",
	"github_pat_abcdefgh",
	"glpat-abcdefgh",
	"npm_abcdefghabcdefgh",
	"hf_abcdefghabcdefgh",
	"xapp-abcdefgh",
	"ya29.abcdefgh",
	"rk_live_abcdefgh",
	"sk-test-abcdefgh",
	"rk-live_abcdefgh",
	"sk_test_abcdefgh",
	"whsec_abcdefgh",
	"SG.abcdefgh",
	"passphrase:x",
	"PASSCODE = x",
	"private_key:x",
	"access-key:x",
	"Credentials: x",
	"sess=x",
	"auth=x",
	"Signature=x",
	"otp=1",
	"PIN: 1",
	"jwt=x",
	"cvv=1",
	"cvc=1",
	"ssn=1",
	"IBAN: DE1",
	"Digest abcdef",
	"https://u:p@h",
	"abcdefghijklmnopqrstuvwxyz/a.b.c, then bob@example.com",
	"dckr_pat_abcdefgh",
	"GOCSPX-abcdefghij",
	"hvs.CAESIJabcdef",
	"sq0atp-abcdefghij",
	"pypi-AgEIcHlwaS5v",
	"https://hooks.slack.com/services/T0/B0/abc",
	"https://discord.example/api/webhooks/17/abc",
	"login=jo&pw=x",
	"_csrf=x",
	"code_verifier=x",
	"remember-me=x",
	/* names with more to them, and other signs of assignment */
	"secret_key=abc",
	"SECRET_KEY_BASE: abc",
	"password_confirmation=abc",
	"passwordHash: abc",
	"pass2=abc",
	"{\"authorization\":\"x\"}",
	"{\\\"Set-Cookie\\\":\\\"a=b\\\"}",
	".AspNetCore.Cookies=abc",
	"API key: abc",
	"subscription-key: abc",
	"<password>hunter</password>",
	"<input name=\"password\" value=\"hunter\">",
	"UPDATE u SET password = x",
	/* in words */
	"token k3jh4k9",
	"invalid token 9h3k4jz, try again",
	"Password is hunter2",
	"the password \"hunter\"",
	"Kennwort lautet 'geheim'",
	"secret P@ssw0rd!",
	"PASS hunter2",
	"--db-password hunter",
	"-storepass hunter",
	"--token x",
	"--secret-key x",
	"API key k3jh4k9",
	"CREATE USER jo IDENTIFIED BY 'x'",
	"root:$6$abcdefgh$01234567",
	"$2b$12$abcdefgh",
	"$apr1$abcdefgh$x",
	"$argon2id$v=19$m=65536",
	/* addresses */
	"jdbc:oracle:thin:scott/tiger@db:1521:orcl",
	"jdbc:oracle:thin:scott/tiger@//db:1521/svc",
	"scott/tiger@//db:1521/svc",
	"redis:\\/\\/:hunter@cache:6379",
	"redis:\\\\/\\\\/:hunter@cache:6379",
	"amqp://jo:pa/ss@broker/x",
	"mongodb+srv://jo:p%2Fw@cluster0/x",
	"jo.doe@localhost",
	"'jo'@'localhost'",
	"'jo'@'%'",
	"'jo'@'db1'",
	"mailto:jo.doe-from-the-office@gitserver",
	"many words before it and after it: password=x is not the end of them",
	/* forms of keys and hashes */
	"xoxc-123456-abc",
	"xoxd-abcdefgh",
	"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"GET /download/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"JBSWY3DPEHPK3PXP",
	"$7$C6..../....SodiumChloride",
	"jo:$P$B55D6LjfHDkINU5wF.v2BuuzO0/XPk/",
	"$S$Dabcdefghijk",
	"$H$9abcdefghijk",
	"$gy$j9T$abcdefgh",
	"$sha1$480000$abcdefgh",
	"$scrypt$ln=16,r=8,p=1$abc",
	"$bcrypt-sha256$v=2,t=2b",
	"$pbkdf2-sha256$29000$abcdefgh",
	"pbkdf2_sha256$260000$abc$def",
	"pbkdf2:sha256:260000$salt$hash",
	"SCRAM-SHA-256$4096:c2FsdA==$abc",
	"{SSHA}abcdefgh",
	"{SHA256}abcdefgh",
	/* names */
	"pass_key=abc",
	"pass phrase: abc",
	"pswd=abc",
	"dbPw=abc",
	"authCode=abc",
	"TOTP: 123",
	"pinCode=12",
	"mnemonic: abandon abandon",
	"hmac=abc",
	"X-Auth-Key: abc",
	"x-functions-key: abc",
	"consumer_key=abc",
	"license-key: abc",
	"mot de passe\xc2\xa0: abc",
	"contrase\xc3\xb1"
	"a=abc",
	"Contrasena: abc",
	"senha=abc",
	"wachtwoord=abc",
	"\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c: abc",
	"\xd0\x9f\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c: abc",
	"\xe5\xaf\x86\xe7\xa0\x81=abc",
	"\xe5\xaf\x86\xe7\xa2\xbc=abc",
	/* what stands around the value */
	"<wsse:Password Type=\"a#PasswordText\">abc</wsse:Password>",
	"<password><![CDATA[abc]]></password>",
	"setPassword(\"abc\")",
	"token('abc')",
	"GET /password/hunter2",
	"GET /api/tokens/k3jh4k9",
	"GET /reset/Zq7mXvK2",
	"GET /verify/k3jh4kq9/next",
	"GET /invite/k3jh4kq9",
	"GET /activate/k3jh4kq9",
	"GET /confirm/k3jh4kq9",
	"GET /unlock/k3jh4kq9",
	"GET /recover/k3jh4kq9",
	"GET /magic/k3jh4kq9",
	"GET /unsubscribe/k3jh4kq9",
	"UPDATE u SET password = $1x",
	"token = t.id",
	/* addresses */
	"jo\\@example.com",
	"sip:jo.doe-from-the-office@gitserver",
	"sips:jo.doe-from-the-office@gitserver",
	"xmpp:jo.doe-from-the-office@gitserver",
	"acct:jo.doe-from-the-office@gitserver",
	/* spelled out */
	"{&quot;password&quot;:&quot;abc&quot;}",
	"{&amp;quot;password&amp;quot;:1}",
	"&lt;password&gt;abc&lt;/password&gt;",
	"jo&commat;example.com",
	"password&equals;abc",
	"password&colon;abc",
	"password&#X3D;abc",
	"jo&#0000064;example.com",
	"password%u003Dabc",
	"jo\\100example.com",
	"jo\\x{40}example.com",
	"jo\\u{40}example.com",
	"jo\\U00000040example.com",
	"password\\t=\\tabc",
	"GET \\/reset\\/Zq7mXvK2",
	"jo%25252540example.com",
	"jo%2525252525252540example.com",
	"jo\xef\xbc\xa0"
	"example.com",
	"\xef\xbd\x90\xef\xbd\x81\xef\xbd\x93\xef\xbd\x93\xef\xbc\x9a"
	"abc",
	"%34%39%32%39",
	"\\x34\\x39\\x32\\x39",
	"\xef\xbc\x94\xef\xbc\x99\xef\xbc\x92\xef\xbc\x99",
};

/* By itself, and in the middle of other text. */
static void check_secret(const struct redactor *redactor, const char *secret)
{
	struct strbuf text = { 0 };

	if (!redactor_is_secret(redactor, span_string(secret)))
		fail_msg("not seen as a secret: %s", secret);
	strbuf_puts(&text, "key of a token-like 12345678: ");
	strbuf_puts(&text, secret);
	strbuf_puts(&text, " a basic end");
	if (!redactor_is_secret(redactor, strbuf_span(&text)))
		fail_msg("not seen as a secret: %s", strbuf_text(&text));
	strbuf_deinit(&text);
}

static void secrets_are_known(void **state)
{
	struct err err = { 0 };
	struct redactor *redactor = redactor_create(&err);

	(void)state;
	assert_non_null(redactor);
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		check_secret(redactor, secrets[i]);
	redactor_destroy(redactor);
}

/* A limit, or dirname, has cut off what tells an address with credentials. */
static void cut_addresses_are_secrets(void **state)
{
	static const char *const cut[] = { "amqp://jo:a", "GET postgres://jo:hunter-two",
									   "redis:\\/\\/:hunter", "amqp://jo:a/hunter" };
	static const char *const whole[] = { "http://shop:8080", "GET http://shop:8080/a",
										 "https://%s:%d",    "http://{host}:{port}",
										 "http://[::1]:80",  "http://shop:80,cart:80/a",
										 "file://C:/a" };
	struct err err = { 0 };
	struct redactor *redactor = redactor_create(&err);

	(void)state;
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
		if (!redactor_is_secret(redactor, span_string(cut[i])))
			fail_msg("not seen as a secret: %s", cut[i]);
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		if (redactor_is_secret(redactor, span_string(whole[i])))
			fail_msg("taken for a secret: %s", whole[i]);
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
		"https://jo.name:12345/x@h",
		"http://localhost:4873/@acme/core",
		"http://[::1]:8080/x@h",
		"rabbit@broker1",
		"registry:5000/image@sha256",
		"UPDATE users SET password = ?, token=? WHERE pin = ? AND (secret = ?)",
		"GET /token HTTP/1.1",
		"token expired",
		"Unexpected token 'export'",
		"CREATE TABLE users (password VARCHAR2(100), token varchar2(20))",
		"PRIMARY KEY (id)",
		"List<Token> tokens",
		"a token x of 12345678",
		"password com/acme1/Foo",
		"csrf-token mismatch",
		"UPDATE users SET password = $1, salt = $2 WHERE token = %s AND pin = %(pin)s",
		"SELECT a FROM s JOIN h ON h.session_id = s.session_id WHERE h.token=s.auth_token",
		"com/acme/Foo$1$Listener",
		"sun/java2d/loops/CustomComponentTo4Bytes",
		"com/acme/module2/AbstractSingletonProxyFactoryBean",
		"GET /tokens/list/page",
		"GET /reset/password2",
		"GET /a%20b%2Fc%3A17",
		"user%2F123456%2F7890",
		"100%20x",
		"com.acme.PasswordEncoder",
		"{\"path\":\"a\\/b\"}",
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

/* A value is looked at from its first hint of a secret on. An @ is a hint, and none of a secret
 * with a blank behind and before it: with it in front the whole value is looked at. */
static void no_secret_is_without_a_hint(void **state)
{
	static const char *const pieces[] = {
		"password",    "Passwort",
		"KENNWORT",    "pwd",
		"secret",      "Token",
		"api_key",     "apikey",
		"private-key", "credentials",
		"session_id",  "sess",
		"auth",        "signature",
		"sid",         "sig",
		"otp",         "pin",
		"key",         "code",
		"cookie",      "authorization",
		"bearer",      "Basic",
		"digest",      "=",
		":",           " = ",
		"->",          "+",
		"\\\"",        "\"",
		"'",           " ",
		".",           "/",
		"://",         "@",
		"jo",          "example",
		".com",        "eyJ",
		"AKIA",        "ghp_",
		"glpat-",      "npm_",
		"xoxb-",       "AIza",
		"ya29.",       "sk_live_",
		"sk-",         "SG.",
		"whsec_",      "-----BEGIN ",
		"a1B2c3D4",    "x",
		"7",           "QWERTYUI",
		"qwertyui",    "\xc3\xbc",
		"%3D",         "\\u003d",
		"_",           "-",
		"iban",        "cvv",
		"[",           "k",
		"hunter2",     "-",
		"localhost",   "thin:",
		":\\/\\/",     "identified by",
		"mailto:",     "$6$",
		"$argon2id$",  "<",
		">",           "value",
		"#1",          "private",
		"was ",        "--",
		"pswd",        "senha",
		"/",           "/reset/",
		"hunter22",    "('",
		"mnemonic",    "hmac",
		"sip:",        "pbkdf2_sha256$",
		"$P$",         "{SSHA}",
		"&quot;",      "K7MDENG/bPxRfiCYEXAMPLEKEY",
		"wJalrXUtn/",  "JBSWY3DPEHPK3PXP",
		"\xc2\xa0",    "\xef\xbc\x9a",
		"?",           "$1",
		"s.token",     "<![CDATA[",
	};
	enum { PIECES = sizeof pieces / sizeof *pieces, ROUNDS = 60000, MOST = 7 };
	struct err err = { 0 };
	struct redactor *redactor = redactor_create(&err);
	size_t secrets_seen = 0;

	(void)state;
	srand(17);
	for (int round = 0; round < ROUNDS; round++) {
		struct strbuf text = { 0 };
		struct span whole, value;
		bool secret;

		strbuf_puts(&text, " @ ");
		for (int i = rand() % MOST + 1; i > 0; i--)
			strbuf_puts(&text, pieces[rand() % PIECES]);
		whole = strbuf_span(&text);
		value = span_part(whole, 2, whole.size);
		secret = redactor_is_secret(redactor, value);
		if (secret != redactor_is_secret(redactor, whole))
			fail_msg("%s: %d", strbuf_text(&text), secret);
		secrets_seen += secret;
		strbuf_deinit(&text);
	}
	assert_in_range(secrets_seen, ROUNDS / 20, ROUNDS - ROUNDS / 20);
	redactor_destroy(redactor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_replaced),
		cmocka_unit_test(control_bytes_are_escaped),
		cmocka_unit_test(utf16_is_read_as_text),
		cmocka_unit_test(utf16_secrets_are_known),
		cmocka_unit_test(cut_addresses_are_secrets),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(secrets_are_known),
		cmocka_unit_test(names_are_no_secrets),
		cmocka_unit_test(random_values_come_out_printable),
		cmocka_unit_test(no_secret_is_without_a_hint),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}

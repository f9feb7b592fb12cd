/* Validators of keys, certificates, tokens and TLS, on what the real programs made. Every key here
 * was made for this test and protects nothing. */
#include "tests/unit/unit.h"

#include "tests/support/proof.h"

#include <string.h>

/* openssl req -x509 -newkey ed25519 of OpenSSL 3.0.19, made for this test */
static const char certificate[] =
	"308201363081e9a003020102021418b072a38305d89dc5d5ed1f0732c808f1c28c44300506032b6570301131"
	"0f300d06035504030c06612e74657374301e170d3236313132373136303533345a170d333631313234313630"
	"3533345a3011310f300d06035504030c06612e74657374302a300506032b6570032100258e6e5ae9b9e99d3b"
	"36b56bf72a4c3138629ddfa73c811ca841ce3a10feceb1a3533051301d0603551d0e0416041411a43a27f911"
	"f4ce0baf63349101f97c3d8b72b3301f0603551d2304183016801411a43a27f911f4ce0baf63349101f97c3d"
	"8b72b3300f0603551d130101ff040530030101ff300506032b6570034100b0bdc0c7d6aa10950d1d0bc49cf0"
	"97df2f401cb6e53f278430bf9ee4e9ef4cb3a465b887fd1948f02c1f42a83b64ea5e71f6e38260ace94af398"
	"fd23728a900e";

/* its key, openssl pkey -outform DER */
static const char key_ed25519[] =
	"302e020100300506032b65700422042010388dc21acbef9c9739e035fc53def4a918cfe8d3fb46cf6c5aa02a"
	"c56e8c38";

/* openssl ecparam -name prime256v1 -genkey */
static const char key_p256[] =
	"30770201010420da5832607ac3b838f2d7059eb34f76b1a3b43f8c6104cbf43e55708077af9947a00a06082a"
	"8648ce3d030107a144034200046fd3dc720e138eac5092b32453f0db1f56c04a4286256159ab0008545dd18a"
	"0536224f821792802bd8590cecd1f2c73fafbbb12a53ed99b9baba999a0238b41e";

/* openssl genrsa -traditional 512: too small to protect anything */
static const char key_rsa[] =
	"30820139020100024100d8fe799d3bcfe888ab267e4a4310a65bdb9b4ead92336ed8904641436c334923a2b3"
	"01d50fe2adbbff648fb714a1fac269322d23f659790502d9593a41a9e00f02030100010240445a44acc6be83"
	"1d29ec82339a549052b72680ee23f397a3182f493797c9bfeba902bfae8225faec0a544359f15feb11c21fef"
	"678240782233e89a89fe0f85c1022100f9e6536e075f227b947c46af99060269597b007aa3c41cc7d3c54c0a"
	"a10dd769022100de4a83d3e3810cf0185d53b750d41d6e14028d3eb4a5ff4cc2370a6cfa8544b70220186571"
	"f3a5e895b736d1c31cd5758ebab62f99e65f228024c9f9d2e89ebc793102204d4264d32e4d5a2bd0ac0f3eb5"
	"8f23b370acfa5e82f6f6e6bcd1d883cc06a9bd022028a649abf68d69751e47d20102d1bcec95b05e3c3629d6"
	"8620e0f2dc8c90f69a";

/* ssh-keygen -t ed25519 -N "" of OpenSSH 9.2 */
static const char key_openssh[] =
	"6f70656e7373682d6b65792d763100000000046e6f6e65000000046e6f6e6500000000000000010000003300"
	"00000b7373682d65643235353139000000207dfe0abc857c391a35215cabccdf2c483553fd77a0934324691d"
	"1f5516b486ba00000088e82f43dfe82f43df0000000b7373682d65643235353139000000207dfe0abc857c39"
	"1a35215cabccdf2c483553fd77a0934324691d1f5516b486ba00000040e4a7ba1e37963759fe39c4a6d706e4"
	"33adb91f97e0692abcd9b895037eab10f37dfe0abc857c391a35215cabccdf2c483553fd77a0934324691d1f"
	"5516b486ba000000016101020304";

#define BODY "MC4CAQAwBQYDK2VwBCIEIBA4jcIay++clzngNfxT3vSpGM/o0/tGz2xaoCrFbow4"

static void pem_blocks(void **state)
{
	static const struct {
		const char *text;
		size_t extent;
	} cases[] = {
		{ "-----BEGIN PRIVATE KEY-----\n" BODY "\n-----END PRIVATE KEY-----\nmore", 118 },
		{ "-----BEGIN PRIVATE KEY-----\r\n" BODY "\r\n-----END PRIVATE KEY-----", 120 },
		{ "-----BEGIN PRIVATE KEY-----\\n" BODY "\\n-----END PRIVATE KEY-----\\n", 120 },
		{ "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\n" BODY "\n-----END A-----",
		  137 },
		{ "-----BEGIN A-----\n" BODY "\n-----END B-----", 83 }, /* another label: up to there */
		{ "-----BEGIN A-----\n" BODY, 82 },                     /* cut short */
		{ "-----BEGIN A-----\n" BODY "\n<>", 83 },
		{ "-----BEGIN A-----\nAAAA\n-----END A-----", 0 }, /* too little */
		{ "-----BEGIN A-----\nno base64 at all, but a text of some length\n-----END A-----", 0 },
		{ "-----BEGIN A----\n" BODY "\n-----END A-----", 0 },
		{ "-----BEGIN A-----" BODY "-----END A-----", 0 }, /* no line end */
		{ "-----BEGIN A-----", 0 },
	};
	struct match match;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t extent = proof_run("pem", span_string(cases[i].text), &match);

		if (extent != cases[i].extent)
			fail_msg("case %zu: %zu, not %zu", i, extent, cases[i].extent);
	}
}

static void certificates(void **state)
{
	struct strbuf bytes = proof_hex(certificate);
	struct span span = strbuf_span(&bytes), body = span_part(span, 4, 236);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("certificate", span, &match), 314);
	assert_int_equal(match_find(&match, "subject")->text.size, 17);
	assert_int_equal(proof_run("certificate", span_part(span, 0, 313), &match), 0);
	assert_int_equal(proof_run("certificate_body", body, &match), 236);
	assert_int_equal(match_find(&match, "subject")->text.size, 17);
	assert_int_equal(proof_run("certificate_body", span, &match), 0);
	memcpy(memmem(bytes.data, bytes.size, "160534Z", 7), "160534X", 7);
	assert_int_equal(proof_run("certificate", span, &match), 0);
	memcpy(memmem(bytes.data, bytes.size, "160534X", 7), "160534Z", 7);
	assert_int_equal(proof_run("certificate", span, &match), 314);
	bytes.data[7]++; /* the length of what is signed */
	assert_int_equal(proof_run("certificate", span, &match), 0);
	strbuf_deinit(&bytes);
}

/* A part more than a certificate has, and its length with it. */
static void certificates_have_three_parts(void **state)
{
	struct strbuf bytes = proof_hex(certificate);
	struct match match;

	(void)state;
	strbuf_add(&bytes, "\x05\x00", 2);
	bytes.data[3] += 2;
	assert_int_equal(proof_run("certificate", strbuf_span(&bytes), &match), 0);
	strbuf_deinit(&bytes);
}

#define NUMBER "020f 010203040506070809000102030405"
#define NUMBERS NUMBER NUMBER NUMBER NUMBER NUMBER NUMBER NUMBER NUMBER

static void private_keys(void **state)
{
	static const struct proof_case cases[] = {
		{ key_ed25519, 48, "PKCS#8 Ed25519" },
		{ key_p256, 121, "SEC1 EC" },
		{ key_rsa, 317, "PKCS#1 RSA" },
		/* seven numbers, and nine */
		{ "3018 020100 020101 020101 020101 020101 020101 020101 020101", 0, NULL },
		{ "301e 020100 020101 020101 020101 020101 020101 020101 020101 020101 020101", 0, NULL },
		{ "3081 1b 020100 020101 020101 020101 020101 020101 020101 020101 020101", 0,
		  NULL }, /* long form */
		{ "30818b 020100" NUMBERS, 142, "PKCS#1 RSA" },
		{ "3082008b 020100" NUMBERS, 0, NULL }, /* not the shortest form */
		{ "302e020102300506032b65700422042010388dc21acbef9c9739e035fc53def4a918cfe8d3fb46cf6c5aa0"
		  "2ac56e8c38",
		  0, NULL },                /* version 3 */
		{ "3080 020100", 0, NULL }, /* indefinite */
		{ "302e 020102 300506032b6570 0422 0420", 0, NULL },
	};

	(void)state;
	proof_cases("private_key", "kind", cases, sizeof cases / sizeof *cases);
}

static void openssh_keys(void **state)
{
	struct strbuf bytes = proof_hex(key_openssh);
	struct span span = strbuf_span(&bytes);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("openssh_key", span, &match), 234);
	proof_capture(&match, "cipher", "none");
	assert_int_equal(proof_run("openssh_key", span_part(span, 0, 233), &match), 94);
	assert_int_equal(proof_run("openssh_key", span_part(span, 0, 93), &match), 0);
	bytes.data[38] = 0; /* keys */
	assert_int_equal(proof_run("openssh_key", span, &match), 0);
	strbuf_deinit(&bytes);
}

/* {"alg":"HS256"}, {"typ" : "JWT",\r\n "alg" : "HS256"}, {"typ":"JWT"}, {"iss":"joe"} */
#define HS256 "eyJhbGciOiJIUzI1NiJ9"
#define BLANKS "eyJ0eXAiIDogIkpXVCIsDQogImFsZyIgOiAiSFMyNTYifQ"
#define NO_ALG "eyJ0eXAiOiJKV1QifQ"
#define JOE "eyJpc3MiOiJqb2UifQ"

static void web_tokens(void **state)
{
	static const struct {
		const char *text;
		size_t extent;
	} cases[] = {
		{ HS256 "." JOE ".dBjftJeZ4CVP rest", 52 },
		{ BLANKS "." JOE ".dBjftJeZ4CVP", 78 },
		{ HS256 "." JOE ".", 40 },
		{ HS256 "..a.b.c", 27 },     /* JWE with no key of its own */
		{ HS256 "." JOE, 0 },        /* two parts */
		{ HS256 "." JOE ".a.b", 0 }, /* four */
		{ HS256 "...b.c", 0 },       /* JWE without a vector */
		{ NO_ALG "." JOE ".dBjftJeZ4CVP", 0 },
		{ HS256 ".aGVsbG8." JOE, 0 },          /* the payload is no object */
		{ "eyJhbGciOiJIUzI1Ni." JOE ".a", 0 }, /* the header is not whole */
		{ HS256 "eA." JOE ".a", 0 },           /* something behind the object */
		{ "eyJhbGciOiJ9." JOE ".a", 0 },
	};
	struct match match;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t extent = proof_run("jwt", span_string(cases[i].text), &match);

		if (extent != cases[i].extent)
			fail_msg("case %zu: %zu, not %zu", i, extent, cases[i].extent);
		if (extent)
			proof_capture(&match, "alg", "HS256");
	}
}

static void long_token_headers_do_not_overflow(void **state)
{
	struct strbuf text = { 0 };
	struct match match;

	(void)state;
	/* {"alg":"AAAA...": letters of base64url decode to what they please; the header must be JSON */
	for (size_t length = 0; length < 4096; length += 61) {
		strbuf_clear(&text);
		strbuf_puts(&text, "eyJhbGciOiJ");
		strbuf_pad(&text, 'B', length);
		strbuf_puts(&text, "." JOE ".a");
		assert_int_equal(proof_run("jwt", strbuf_span(&text), &match), 0);
	}
	strbuf_deinit(&text);
}

static void records_of_tls(void **state)
{
	static const struct proof_case cases[] = {
		{ "140303000101 1703030002ffff", 13, "change cipher spec" },
		{ "1703030002ffff 1703030002ffff 1703030003ffff", 14, "application data" },
		{ "1503030002 0100 1403030001 01 00", 13, "alert" },
		{ "1703030002ffff", 0, NULL },                /* one proves nothing */
		{ "1703030002ffff 1803030002ffff", 0, NULL }, /* heartbeats are not looked for */
		{ "1703030002ffff 1703050002ffff", 0, NULL },
		{ "1703030000 1703030002ffff", 0, NULL },
		{ "1703034801 1703030002ffff", 0, NULL },
		{ "160303000404000000 1703030002ffff", 16, "handshake" },
	};
	static const char hello[] = "160301002f 0100002b 0303"
								"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
								"00 0002 1301 0100 0000";
	struct strbuf bytes = proof_hex(hello);
	struct match match;

	(void)state;
	proof_cases("tls_records", "content", cases, sizeof cases / sizeof *cases);
	assert_int_equal(proof_run("tls_records", strbuf_span(&bytes), &match), 52);
	proof_capture(&match, "content", "client hello");
	bytes.data[8]++; /* the hello's length is not the record's */
	assert_int_equal(proof_run("tls_records", strbuf_span(&bytes), &match), 0);
	strbuf_deinit(&bytes);
}

static void damage_never_proves_more_than_there_is(void **state)
{
	static const struct proof_seed seeds[] = {
		{ "certificate", certificate, 2200 },
		{ "private_key", key_ed25519, 290 },
		{ "private_key", key_p256, 900 },
		{ "private_key", key_rsa, 2480 },
		{ "openssh_key", key_openssh, 1800 },
		{ "tls_records", "140303000101 1703030002ffff 1703030003ffffff", 80 },
	};
	static const struct {
		const char *validator, *text;
	} texts[] = {
		{ "pem", "-----BEGIN A-----\\n" BODY "\n-----END A-----" },
		{ "jwt", HS256 "." JOE ".dBjftJeZ4CVP" },
	};

	(void)state;
	proof_damages(seeds, sizeof seeds / sizeof *seeds);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		proof_damage(texts[i].validator, span_string(texts[i].text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pem_blocks),
		cmocka_unit_test(certificates),
		cmocka_unit_test(certificates_have_three_parts),
		cmocka_unit_test(private_keys),
		cmocka_unit_test(openssh_keys),
		cmocka_unit_test(web_tokens),
		cmocka_unit_test(long_token_headers_do_not_overflow),
		cmocka_unit_test(records_of_tls),
		cmocka_unit_test(damage_never_proves_more_than_there_is),
	};

	return cmocka_run_group_tests_name("validators_crypto", tests, NULL, NULL);
}

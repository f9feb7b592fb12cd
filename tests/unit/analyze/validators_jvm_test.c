/* Validators of what a JVM writes, on what OpenJDK 17.0.15 made. */
#include "tests/unit/unit.h"

#include "tests/support/proof.h"

#include <string.h>

/* an object with an int and a String */
static const char stream_object[] =
	"aced000573720003562450a0353aba30aff75d02000249000269644c00046e616d657400124c6a6176612f6c"
	"616e672f537472696e673b7870000000077400016e";

/* a String */
static const char stream_string[] = "aced000574000568656c6c6f";

/* a byte[3] */
static const char stream_array[] = "aced0005757200025b42acf317f8060854e0020000787000000003000000";

/* an enum constant */
static const char stream_constant[] =
	"aced00057e72000356244500000000000000001200007872000e6a6176612e6c616e672e456e756d00000000"
	"00000000120000787074000141";

/* an int */
static const char stream_data[] = "aced0005770400000005";

/* a HashMap */
static const char stream_map[] =
	"aced0005737200116a6176612e7574696c2e486173684d61700507dac1c31660d103000246000a6c6f616446"
	"6163746f724900097468726573686f6c6478703f400000000000007708000000100000000078";

/* a recording of OpenJDK 17.0.15, its header */
static const char jfr_header[] =
	"464c5200000200010000000000033c820000000000033c230000000000001faf18ebf286676b190000000000"
	"78d778e10000000014356557000000003b9aca0000000003";

/* a heap dump by jmap of OpenJDK 17.0.15, its start */
static const char hprof_start[] =
	"4a4156412050524f46494c4520312e302e320000000008000001a21dc1593601000000000000013e00007fad"
	"f74a1e503c433a4c6a6176612f6c616e672f4f626a6563743b563a4c6a646b2f696e7465";

static void serialized_streams(void **state)
{
	static const struct proof_case cases[] = {
		{ stream_object, 55, "V$P" },
		{ stream_string, 12, "(string)" },
		{ stream_array, 21, "[B" },
		{ stream_constant, 51, "V$E" },
		{ stream_data, 10, "(block data)" },
		{ stream_map, 61, "java.util.HashMap" },
		{ "aced0005 7a 00000004 01020304 78", 13, "(block data)" },
		{ "aced0005 7a 00000005 01020304", 0, NULL }, /* not whole */
		{ "aced0005 74 0000", 0, NULL },              /* says nothing */
		{ "aced0005 73 71 007e0000", 0, NULL },       /* a reference to nothing */
		{ "aced0005 70", 0, NULL },
		{ "aced0005 73 72 0000 0000000000000000 02 0000 78 70", 0, NULL },
		{ "aced0005 73 72 0001 41 0000000000000000 22 0000 78 70", 0, NULL }, /* unknown flag */
		{ "aced0005 73 72 0001 41 0000000000000000 06 0000 78 70", 0, NULL }, /* of both kinds */
		{ "aced0005 73 72 0001 41 0000000000000000 02 0001 4c 0001 61 74 0001 49 78 70", 0, NULL },
		{ "aced0005 73 72 0001 41 0000000000000000 02 0001 4c 0001 61 71 007e0001 78 70", 29, "A" },
	};

	(void)state;
	proof_cases("java_serialized", "class", cases, sizeof cases / sizeof *cases);
}

/* A class that extends itself for ever, as far as the chunk goes. */
static void superclasses_are_bounded(void **state)
{
	static const char one[] = "\x72\x00\x01"
							  "A\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x78";
	struct strbuf bytes = proof_hex("aced000573");
	struct match match;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strbuf_add(&bytes, one, sizeof one - 1);
	assert_int_equal(proof_run("java_serialized", strbuf_span(&bytes), &match),
					 5 + 32 * (sizeof one - 1) - 1);
	strbuf_deinit(&bytes);
}

/* A class of that many fields. */
static size_t run_fields(const char *count, int fields)
{
	struct strbuf bytes = proof_hex("aced0005 73 72 0001 41 0000000000000000 02");
	struct strbuf number = proof_hex(count);
	struct match match;
	size_t extent;

	strbuf_add(&bytes, number.data, number.size);
	for (int i = 0; i < fields; i++)
		strbuf_add(&bytes, "I\x00\x01x", 4);
	extent = proof_run("java_serialized", strbuf_span(&bytes), &match);
	strbuf_deinit(&number);
	strbuf_deinit(&bytes);
	return extent;
}

static void fields_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(run_fields("0400", 1024), 20 + 4 * 1024);
	assert_int_equal(run_fields("0401", 1025), 0);
}

static void heap_dumps(void **state)
{
	struct strbuf bytes = proof_hex(hprof_start);
	struct match match;

	(void)state;
	assert_int_equal(bytes.data[31], 1);
	assert_int_equal(proof_run("hprof", strbuf_span(&bytes), &match),
					 31); /* one record, not whole */
	assert_int_equal(proof_run("hprof", span_part(strbuf_span(&bytes), 0, 30), &match), 0);
	bytes.data[39] = 9; /* shorter: whole, and what is behind it has no known tag */
	bytes.data[38] = 0;
	assert_int_equal(proof_run("hprof", strbuf_span(&bytes), &match), 31 + 9 + 9);
	bytes.data[31] = 8;
	assert_int_equal(proof_run("hprof", strbuf_span(&bytes), &match), 31);
	bytes.data[22] = 5; /* bytes of an identifier */
	assert_int_equal(proof_run("hprof", strbuf_span(&bytes), &match), 0);
	bytes.data[22] = 4;
	bytes.data[25] = 0; /* the time: 1970 */
	bytes.data[26] = 0;
	assert_int_equal(proof_run("hprof", strbuf_span(&bytes), &match), 0);
	strbuf_deinit(&bytes);
}

static void flight_recordings(void **state)
{
	struct strbuf bytes = proof_hex(jfr_header);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("jfr_chunk", strbuf_span(&bytes), &match), 68);
	assert_int_equal(proof_run("jfr_chunk", span_part(strbuf_span(&bytes), 0, 67), &match), 0);
	memset(bytes.data + 8, 0, 24); /* as it is while the chunk is written */
	assert_int_equal(proof_run("jfr_chunk", strbuf_span(&bytes), &match), 68);
	bytes.data[15] = 67;
	assert_int_equal(proof_run("jfr_chunk", strbuf_span(&bytes), &match), 0);
	bytes.data[15] = 68;
	bytes.data[23] = 69; /* the constant pool behind the end */
	assert_int_equal(proof_run("jfr_chunk", strbuf_span(&bytes), &match), 0);
	strbuf_deinit(&bytes);
}

static void tracked_blocks(void **state)
{
	static const char block[] = "0900000000000000 00000000 0d 00 9ee9 010203040506070809 e88e";
	struct strbuf bytes = proof_hex(block);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("nmt_block", strbuf_span(&bytes), &match), 27);
	proof_capture(&match, "tag", "memory tag 13");
	bytes.data[0] = 8; /* the footer is elsewhere */
	assert_int_equal(proof_run("nmt_block", strbuf_span(&bytes), &match), 0);
	memset(bytes.data, 0xff, 8);
	assert_int_equal(proof_run("nmt_block", strbuf_span(&bytes), &match), 0);
	strbuf_deinit(&bytes);
}

static void damage_never_proves_more_than_there_is(void **state)
{
	static const struct proof_seed seeds[] = {
		{ "java_serialized", stream_object, 400 },
		{ "java_serialized", stream_constant, 380 },
		{ "java_serialized", stream_data, 64 },
		{ "hprof", hprof_start, 590 },
		{ "jfr_chunk", jfr_header, 460 },
		{ "nmt_block", "0900000000000000 00000000 0d 00 9ee9 010203040506070809 e88e", 120 },
	};

	(void)state;
	proof_damages(seeds, sizeof seeds / sizeof *seeds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serialized_streams),
		cmocka_unit_test(superclasses_are_bounded),
		cmocka_unit_test(fields_are_bounded),
		cmocka_unit_test(heap_dumps),
		cmocka_unit_test(flight_recordings),
		cmocka_unit_test(tracked_blocks),
		cmocka_unit_test(damage_never_proves_more_than_there_is),
	};

	return cmocka_run_group_tests_name("validators_jvm", tests, NULL, NULL);
}

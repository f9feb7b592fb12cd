#include "tests/unit/unit.h"

#include "analyze/validators/validators.h"
#include "tests/support/proof.h"

#include <string.h>

/* Real data in hex, each made by the program that is named. */

/* two pages of 512 bytes: a table of one row, SQLite 3.40.1 */
static const char sqlite_file[] =
	"53514c69746520666f726d617420330002000101004020200000000000000002000000000000000000000001"
	"0000000400000000000000000000000100000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000d0000000101df0001df00000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000001f0106170f"
	"0f012f7461626c65747402435245415445205441424c4520742861290d0000000101fb0001fb000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"000000000000000301020f78";

/* header and first frame of a log with pages of 512 bytes, SQLite 3.40.1 */
static const char sqlite_log[] =
	"377f0682002de2180000020000000000120d89beb493269f93541025ea547b7e0000000100000000120d89be"
	"b493269f649cd41fa307f06653514c69746520666f726d617420330002000202004020200000000200000002"
	"0000000000000000000000010000000400000000000000000000000100000000000000000000000000000000"
	"0000000000000000000000000000000000000002002e63010d0000000101df0001df00000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"000000000000001f0106170f0f012f7461626c65747402435245415445205441424c452074286129";

/* two records, avsc 5.7.9 */
static const char avro_file[] =
	"4f626a0104166176726f2e736368656d6196017b226e616d65223a2261636d652e4f72646572222c22747970"
	"65223a227265636f7264222c226669656c6473223a5b7b226e616d65223a226964222c2274797065223a2269"
	"6e74227d5d7d146176726f2e636f646563086e756c6c005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a040402045a"
	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/* the end of a file of one row, parquetjs 1.8.8 */
static const char parquet_end[] =
	"1502193c4804726f6f74150400150225001802696400150c250018046e616d652500001602191c192c26781c"
	"1502192506001918026964150016021670167026083c18040100000018040100000016001602180401000000"
	"180401000000000016b803151416900315280026ba021c150c192506001918046e616d6515001602165a165a"
	"26e0013c18016118016116001602180161180161000016e803151616cc03151c00168803160200190c180f40"
	"64736e702f706172717565746a7300bf00000050415231";

static void check(const char *validator, struct span bytes, size_t wanted)
{
	struct match match;
	size_t extent = proof_run(validator, bytes, &match);

	if (extent != wanted)
		fail_msg("%s proves %zu of %zu bytes, not %zu", validator, extent, bytes.size, wanted);
}

/* The bytes with some replaced from `at` on. */
static void check_changed(const char *validator, struct span bytes, size_t at, const char *hex,
						  size_t wanted)
{
	struct strbuf copy = { 0 }, change = proof_hex(hex);

	strbuf_add(&copy, bytes.data, bytes.size);
	memcpy(copy.data + at, change.data, change.size);
	check(validator, strbuf_span(&copy), wanted);
	strbuf_deinit(&change);
	strbuf_deinit(&copy);
}

static void sqlite_databases(void **state)
{
	struct strbuf buffer = proof_hex(sqlite_file);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("sqlite_header", bytes, &match), 1024);
	check("sqlite_header", span_part(bytes, 0, 1023), 512);
	check("sqlite_header", span_part(bytes, 0, 511), 100);
	check("sqlite_header", span_part(bytes, 0, 99), 0);
	check_changed("sqlite_header", bytes, 16, "0210", 0);     /* page size */
	check_changed("sqlite_header", bytes, 21, "41", 0);       /* fraction */
	check_changed("sqlite_header", bytes, 56, "00000004", 0); /* encoding */
	check_changed("sqlite_header", bytes, 44, "00000005", 0); /* format */
	check_changed("sqlite_header", bytes, 100, "07", 0);      /* kind of page */
	check_changed("sqlite_header", bytes, 103, "00ff", 0);    /* cells */
	check_changed("sqlite_header", bytes, 105, "0010", 0);    /* content */
	check_changed("sqlite_header", bytes, 108, "0001", 0);    /* first cell */
	check_changed("sqlite_header", bytes, 512, "07", 512);    /* kind of the second page */
	check_changed("sqlite_header", bytes, 515, "ff", 512);    /* its cells */
	proof_damage("sqlite_header", bytes);
	strbuf_deinit(&buffer);
}

static void sqlite_logs(void **state)
{
	struct strbuf buffer = proof_hex(sqlite_log);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("sqlite_wal", bytes, &match), 568);
	check("sqlite_wal", span_part(bytes, 0, 567), 32);
	check("sqlite_wal", span_part(bytes, 0, 32), 32);
	check("sqlite_wal", span_part(bytes, 0, 31), 0);
	check_changed("sqlite_wal", bytes, 0, "377f0683", 0); /* order of the words */
	assert_int_equal(proof_damage("sqlite_wal", bytes), 0);
	strbuf_deinit(&buffer);
}

/* Where the header's sync marker, 16 times Z, ends. */
static size_t avro_sync(struct span bytes)
{
	const uint8_t *found = memmem(bytes.data, bytes.size, "ZZZZZZZZZZZZZZZZ", 16);

	assert_non_null(found);
	return (size_t)(found - bytes.data) + 16;
}

static void avro_containers(void **state)
{
	struct strbuf buffer = proof_hex(avro_file);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("avro_container", bytes, &match), bytes.size);
	proof_capture(&match, "name", "acme.Order");
	check("avro_container", span_part(bytes, 0, bytes.size - 1), avro_sync(bytes));
	check("avro_container", span_part(bytes, 0, avro_sync(bytes) - 1), 0);
	check_changed("avro_container", bytes, bytes.size - 1, "59", avro_sync(bytes));
	proof_damage("avro_container", bytes);
	strbuf_deinit(&buffer);
}

static void parquet_footers(void **state)
{
	struct strbuf buffer = proof_hex(parquet_end);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("parquet_footer", bytes, &match), bytes.size);
	proof_capture(&match, "writer", "@dsnp/parquetjs");
	check("parquet_footer", span_part(bytes, 0, bytes.size - 1), bytes.size - 8);
	check("parquet_footer", span_part(bytes, 0, bytes.size - 8), bytes.size - 8);
	check("parquet_footer", span_part(bytes, 0, bytes.size - 9), 0);
	check_changed("parquet_footer", bytes, bytes.size - 8, "00", bytes.size - 8); /* length */
	proof_damage("parquet_footer", bytes);
	strbuf_deinit(&buffer);
}

/* Version, a schema of one column, rows; row groups must be there too. */
static void parquet_footers_have_all_required_fields(void **state)
{
	struct match match;

	(void)state;
	assert_int_equal(proof_run_hex("parquet_footer", "1502 191c 480161150000 1602 190c 00", &match),
					 15);
	assert_int_equal(proof_run_hex("parquet_footer", "1502 191c 480161150000 1602 00", &match), 0);
}

static void nesting_is_bounded(void **state)
{
	static uint8_t nested[4 << 20];

	(void)state;
	memset(nested, 0x1c, sizeof nested); /* a structure in a structure in a structure */
	memcpy(nested, "\x15\x02\x19", 3);
	check("parquet_footer", span_make(nested, sizeof nested), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sqlite_databases),
		cmocka_unit_test(sqlite_logs),
		cmocka_unit_test(avro_containers),
		cmocka_unit_test(parquet_footers),
		cmocka_unit_test(parquet_footers_have_all_required_fields),
		cmocka_unit_test(nesting_is_bounded),
	};

	return cmocka_run_group_tests_name("validators_databases", tests, NULL, NULL);
}

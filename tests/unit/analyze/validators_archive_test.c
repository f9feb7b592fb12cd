/* Validators of archives, on what the real programs made. */
#include "tests/unit/unit.h"

#include "tests/support/proof.h"

#include <string.h>

/* zip 3.0, the end of an archive of two files */
static const char zip_end_record[] = "504b0506000000000200020096000000e60000000000";

/* 7-Zip 26.02, one file of 39 bytes */
static const char archive_7z[] =
	"377abcaf271c00040d324e1c270000000000000052000000000000009f660df3e00026001f5d00321949053a"
	"cd5a2f0a534f336d5d9af2feabc33fc1b4512881cce80327e000000104060001092700070b01000121210100"
	"0c2700080a01c84c204000000501190c000000000000000000000000110d0074002e00740078007400000014"
	"0a0100d7e25a3d887edd01150601002080a4810000";

/* GNU tar 1.34 --format=ustar, n.txt of 10 bytes: the header */
static const char tar_ustar[] =
	"6e2e747874000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000003030303036343400303030303030300030303030303030003030303030303030"
	"3031320030303030303030303030300030313230303400203000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000075737461720030"
	"30726f6f7400000000000000000000000000000000000000000000000000000000726f6f7400000000000000"
	"0000000000000000000000000000000000000000003030303030303000303030303030300000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"00000000000000000000000000000000000000000000000000000000";

/* GNU tar 1.34 --format=gnu, the same */
static const char tar_gnu[] =
	"6e2e747874000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000003030303036343400303030303030300030303030303030003030303030303030"
	"3031320030303030303030303030300030313035303400203000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000075737461722020"
	"00726f6f7400000000000000000000000000000000000000000000000000000000726f6f7400000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"00000000000000000000000000000000000000000000000000000000";

/* lib/modules of OpenJDK 17.0.15 */
static const char jimage_header[] = "dadafeca000001000000000001730000017300006d460900fbd90900";

static void zip_end_records(void **state)
{
	static const struct proof_case cases[] = {
		{ zip_end_record, 22, "2 entries, directory of 150 B" },
		{ "504b0506 00000000 0100 0100 2f000000 00000000 0000", 22, "1 entry, directory of 47 B" },
		{ "504b0506 00000000 0100 0100 2f000000 00000000 0200 6869 00", 24,
		  "1 entry, directory of 47 B" },
		{ "504b0506 00000000 0100 0100 2f000000 00000000 0200 68", 22,
		  "1 entry, directory of 47 B" },
		{ "504b0506 00000000 0100 0100 2e000000 00000000 0000", 0, NULL }, /* no room for a name */
		{ "504b0506 00000000 0100 0100 01100000 00000000 0000", 0, NULL }, /* too much for one */
		{ "504b0506 00000000 0000 0000 00000000 00000000 0000", 0, NULL }, /* empty: no evidence */
		{ "504b0506 00000000 0100 0200 96000000 00000000 0000", 0, NULL }, /* of several parts */
		{ "504b0506 00000000 ffff ffff ffffffff ffffffff 0000", 0, NULL }, /* ZIP64 */
		{ "504b0506 00000000 0100 0100 2f000000 00000000 0104", 0, NULL }, /* long comment */
	};

	(void)state;
	proof_cases("zip_end", "archive", cases, sizeof cases / sizeof *cases);
}

/* Sets the checksum of a header after a change. */
static void seal(char *header)
{
	unsigned sum = 0;

	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (uint8_t)header[i];
	for (int i = 5; i >= 0; i--, sum >>= 3)
		header[148 + i] = (char)('0' + (sum & 7));
	header[154] = '\0';
}

static void tar_headers(void **state)
{
	struct strbuf bytes = proof_hex(tar_ustar), gnu = proof_hex(tar_gnu);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("tar_header", strbuf_span(&bytes), &match), 512);
	proof_capture(&match, "entry", "n.txt");
	assert_int_equal(proof_run("tar_header", strbuf_span(&gnu), &match), 512);
	memcpy(bytes.data + 345, "some/folder", 11);
	assert_int_equal(proof_run("tar_header", strbuf_span(&bytes), &match), 0);
	seal(bytes.data);
	assert_int_equal(proof_run("tar_header", strbuf_span(&bytes), &match), 512);
	proof_capture(&match, "entry", "some/folder/n.txt");
	memcpy(gnu.data + 345, "some/folder", 11); /* times, in GNU's format */
	seal(gnu.data);
	assert_int_equal(proof_run("tar_header", strbuf_span(&gnu), &match), 512);
	proof_capture(&match, "entry", "n.txt");
	strbuf_deinit(&gnu);
	strbuf_deinit(&bytes);
}

static void long_tar_names_do_not_overflow(void **state)
{
	struct strbuf bytes = proof_hex(tar_ustar);
	struct match match;

	(void)state;
	memset(bytes.data, 'n', 100);
	memset(bytes.data + 345, 'p', 155);
	seal(bytes.data);
	assert_int_equal(proof_run("tar_header", strbuf_span(&bytes), &match), 512);
	assert_true(match.built_size < sizeof match.built);
	assert_int_equal(match_find(&match, "entry")->text.size, 155); /* the folder alone */
	strbuf_deinit(&bytes);
}

/* The data counts where a header or the zeros of the end are behind it. */
static void tar_data_counts_with_what_follows(void **state)
{
	struct strbuf bytes = proof_hex(tar_ustar), next = proof_hex(tar_gnu);
	struct match match;

	(void)state;
	strbuf_pad(&bytes, '1', 512);
	strbuf_add(&bytes, next.data, next.size);
	assert_int_equal(proof_run("tar_header", strbuf_span(&bytes), &match), 1024);
	bytes.data[1024]++; /* no sound header any more */
	assert_int_equal(proof_run("tar_header", strbuf_span(&bytes), &match), 512);
	memset(bytes.data + 1024, 0, 512);
	assert_int_equal(proof_run("tar_header", strbuf_span(&bytes), &match), 1024);
	assert_int_equal(proof_run("tar_header", span_part(strbuf_span(&bytes), 0, 1535), &match), 512);
	memcpy(bytes.data + 124, "77777777777", 11); /* 8 GiB */
	seal(bytes.data);
	assert_int_equal(proof_run("tar_header", strbuf_span(&bytes), &match), 512);
	strbuf_deinit(&next);
	strbuf_deinit(&bytes);
}

static void archives_of_7z(void **state)
{
	struct strbuf bytes = proof_hex(archive_7z);
	struct span span = strbuf_span(&bytes);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("7z_archive", span, &match), 153);
	assert_int_equal(proof_run("7z_archive", span_part(span, 0, 152), &match), 32);
	assert_int_equal(proof_run("7z_archive", span_part(span, 0, 31), &match), 0);
	bytes.data[152] ^= 1; /* in the header at the end */
	assert_int_equal(proof_run("7z_archive", span, &match), 32);
	bytes.data[12] ^= 1; /* in the start header */
	assert_int_equal(proof_run("7z_archive", span, &match), 0);
	strbuf_deinit(&bytes);
}

static void jimages(void **state)
{
	struct strbuf bytes = proof_hex(jimage_header);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("jimage", strbuf_span(&bytes), &match), 28);
	assert_int_equal(proof_run("jimage", span_part(strbuf_span(&bytes), 0, 27), &match), 0);
	/* one resource: two tables of 4 bytes, 2 of attributes, 1 of strings */
	assert_int_equal(proof_run_hex("jimage",
								   "cafedada 00010000 00000000 00000001 00000001 00000002 00000001"
								   "ffffffff 00000000 0700 41 ff",
								   &match),
					 39);
	assert_int_equal(proof_run_hex("jimage",
								   "cafedada 00010000 00000000 00000000 00000000 00000002 00000001",
								   &match),
					 0);
	assert_int_equal(proof_run_hex("jimage", /* two resources, one place */
								   "cafedada 00010000 00000000 00000002 00000001 00000002 00000001",
								   &match),
					 0);
	strbuf_deinit(&bytes);
}

static void damage_never_proves_more_than_there_is(void **state)
{
	static const struct proof_seed seeds[] = {
		{ "zip_end", zip_end_record, 150 }, { "tar_header", tar_ustar, 64 },
		{ "tar_header", tar_gnu, 64 },      { "7z_archive", archive_7z, 900 },
		{ "jimage", jimage_header, 150 },
	};

	(void)state;
	proof_damages(seeds, sizeof seeds / sizeof *seeds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zip_end_records),
		cmocka_unit_test(tar_headers),
		cmocka_unit_test(long_tar_names_do_not_overflow),
		cmocka_unit_test(tar_data_counts_with_what_follows),
		cmocka_unit_test(archives_of_7z),
		cmocka_unit_test(jimages),
		cmocka_unit_test(damage_never_proves_more_than_there_is),
	};

	return cmocka_run_group_tests_name("validators_archive", tests, NULL, NULL);
}

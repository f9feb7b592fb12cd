/* Validators of compressed streams, on what the real programs made. */
#include "tests/unit/unit.h"

#include "analyze/validators/deflate_trial.h"
#include "analyze/validators/validators.h"
#include "base/mem.h"
#include "tests/support/proof.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The text is "deflate me, deflate me again and again\n". */

/* gzip 1.12 -n, "deflate me, deflate me again and again\n" */
static const char gzip_whole[] =
	"1f8b08000000000000034b494dcb492c4955c84dd5514881b31512d31333f31412f352202c2e00c84c204027"
	"000000";

/* gzip 1.12 -n, the start of "seq 1 400" */
static const char gzip_numbers[] =
	"1f8b08000000000000031dd4c915c3300c03d13baa3100c996fa6f2cc3dcf9b2cca76845d5d2d6ab4f47577e"
	"64cb912b2f79cbaffcc947becaa358895265295b79954f39ca551fd52a1f5975a95b7dd54f3dead57ab4ac15"
	"2dbe71696dad57ebd33a5a57fbd1b676b4abcd0fdadaaff6a77db4afde47aff5466ff52ebdfcde57efa7f7e8"
	"bdfa1e7dd6177dd5b7f46d7dfc9d4fdfd177751e1deb44a73a4b67ebbc3afcdba373751f5deb46b7ba4b77eb"
	"beba9f2e31a606391e7a3c047928f290e4a1c94394872a0f591ee6fed9989b70536ed24dbb8937f5261ffd4c"
	"4067fa32474313d15434194d4713d29434294d4b77209823a7e969829aa226a9696aa29aaa26abd788314759"
	"93d6b435714d5d93d7f435814d61efa1658ec8a6b2c96c3a9bd0a6b4496d5a9bd87e670798a3b7096e8a9be4"
	"a6b9896eaa9beca6bbbf5916e6486fda9bf8a6bec96ffa1b002360087c66ab9843c13018070361240c85b130"
	"1846c377d66ff68f05c42378048fe0113c8247f0081ec1239e45650e8fe0113c8247f0081ec123b3cfb3d0ff"
	"8d666e767a967ab67ad67af67a161b8fe0113cd2597de6f0081ec12378048fe0113c8247f0c89a37c21c1ec1"
	"2378048fe0113c8247f0081ed9f39898c32378048fe0113c8247f0081ec123efbc3ae6f0081ec12378048fe0"
	"113c8247f0c837cf93393c8247f0081e";

/* zlib 1.2.13, the same text */
static const char zlib_whole[] =
	"789c4b494dcb492c4955c84dd5514881b31512d31333f31412f352202c2e00141a0d78";

/* zstd 1.5.4, the same text: a raw block, a checksum */
static const char zstd_raw[] =
	"28b52ffd24271d0100e86465666c617465206d652c2020616761696e20616e6420616761696e0a0100df4a12"
	"b9dcbbcb";

/* zstd 1.5.4 --no-check, twelve times "seq 1 40": a compressed block */
static const char zstd_packed[] =
	"28b52ffd603404050200f2860d0ba0c50d4f768bc47fe31e02871c3ae8d5a94f97decebe1e3d70c08b131f2e"
	"bc9c7c3c78d860d7a63d5b7637f776ec30b8a667b9f3050100af30f21fa2";

/* lz4 1.9.4, the same text */
static const char lz4_whole[] =
	"04224d186440a722000000c66465666c617465206d652c200c00f00220616761696e20616e6420616761696e"
	"0a00000000fd5ffd45";

/* lz4 1.9.4 -BX --content-size, twelve times "seq 1 40" */
static const char lz4_checked[] =
	"04224d187c403405000000000000f07e000000ff60310a320a330a340a350a360a370a380a390a31300a3131"
	"0a31320a31330a31340a31350a31360a31370a31380a31390a32300a32310a32320a32330a32340a32350a32"
	"360a32370a32380a32390a33300a33310a33320a33330a33340a33350a33360a33370a33380a33390a34300a"
	"6f00ffffffffb150390a34300a2adb4d63000000005e7d1015";

/* libsnappy 1.1.9, the same text; identifier and chunk header as framing_format.txt says */
static const char snappy_whole[] =
	"ff060000734e61507059002600005c33f52a272c6465666c617465206d652c20190c4020616761696e20616e"
	"6420616761696e0a";

/* xz 5.4.1, the same text */
static const char xz_whole[] =
	"fd377a585a000004e6d6b4460200210116000000742fe5a3e00026001f5d00321949053acd5a2f0a534f336d"
	"5d9af2feabc33fc1b4512881cce80327e0000000feb12f7ed8994dc300013b2778ef3eb91fb6f37d01000000"
	"0004595a";

/* xz 5.4.1, no input */
static const char xz_nothing[] = "fd377a585a000004e6d6b446000000001cdf44211fb6f37d010000000004595a";

/* bzip2 1.0.8, the same text */
static const char bzip2_whole[] =
	"425a6839314159265359f9e751b4000008d1800010400427a704002000212a647a99310806802d75d3e91235"
	"09e2f06f125059061bd7c5dc914e14243e79d46d00";

/* zip 3.0, two files: the same text, and twelve times "seq 1 40" */
static const char zip_two[] =
	"504b0304140000000800657f7b5dc84c20401d0000002700000005001c00742e7478745554090003cea8096b"
	"cea8096b75780b0001040000000004000000004b494dcb492c4955c84dd5514881b31512d31333f31412f352"
	"202c2e00504b0304140000000800657f7b5d99f1b5484b0000003405000005001c00732e7478745554090003"
	"cea8096bcea8096b75780b000104000000000400000000edcd411100211003c1ffa821c9b2807f63878dabc2"
	"40b730a198348bcd4103091905159aa8d1421b1d3cb0b07170e1891b2fbcf12183885c32a4c8244d16d9e450"
	"577eddeb5ef7ba3f771f504b01021e03140000000800657f7b5dc84c20401d00000027000000050018000000"
	"000001000000a48100000000742e7478745554050003cea8096b75780b000104000000000400000000504b01"
	"021e03140000000800657f7b5d99f1b5484b00000034050000050018000000000001000000a4815c00000073"
	"2e7478745554050003cea8096b75780b000104000000000400000000504b0506000000000200020096000000"
	"e60000000000";

/* ---- deflate ---- */

static void gzip_members(void **state)
{
	struct strbuf bytes = proof_hex(gzip_whole);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("gzip", strbuf_span(&bytes), &match), 47);
	assert_int_equal(match.packed, MATCH_GZIP);
	assert_int_equal(match.packed_at, 0);
	/* too little output to be proven without its end */
	for (size_t size = 0; size < bytes.size; size++)
		assert_int_equal(proof_run("gzip", span_part(strbuf_span(&bytes), 0, size), &match), 0);
	bytes.data[8] = 1; /* extra flags that no program writes */
	assert_int_equal(proof_run("gzip", strbuf_span(&bytes), &match), 0);
	bytes.data[8] = 4;
	bytes.data[9] = 14; /* an operating system that is not assigned */
	assert_int_equal(proof_run("gzip", strbuf_span(&bytes), &match), 0);
	strbuf_deinit(&bytes);
}

/* One that is cut short counts from 256 bytes of output on, and then all that is there. */
static void long_members_may_be_cut_short(void **state)
{
	struct strbuf bytes = proof_hex(gzip_numbers);
	size_t first = 0;

	(void)state;
	for (size_t size = 0; size <= bytes.size; size++) {
		struct match match;
		size_t extent = proof_run("gzip", span_part(strbuf_span(&bytes), 0, size), &match);

		if (extent && !first)
			first = size;
		assert_int_equal(extent, first ? size : 0);
	}
	assert_in_range(first, 150, 400);
	strbuf_deinit(&bytes);
}

/* What breaks later counts as far as it inflates: a little further than what is good, seldom to
 * its end. */
static void damaged_members_count_as_far_as_they_inflate(void **state)
{
	enum { GOOD = 300, SEEDS = 20 };
	struct strbuf bytes = proof_hex(gzip_numbers);
	struct match match;
	size_t short_ones = 0;

	(void)state;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		size_t extent;

		srand(seed);
		for (size_t at = GOOD; at < bytes.size; at++)
			bytes.data[at] = (char)(rand() >> 8);
		extent = proof_run("gzip", strbuf_span(&bytes), &match);
		assert_in_range(extent, GOOD, bytes.size);
		short_ones += extent < bytes.size;
	}
	assert_in_range(short_ones, SEEDS / 2, SEEDS);
	strbuf_deinit(&bytes);
}

/* 64 MiB of zeros are 64 KiB packed: what one place may cost is bounded. */
static void a_bomb_is_not_inflated_to_its_end(void **state)
{
	enum { PLAIN = 64 << 20 };
	uint8_t *plain = mem_zeroed(PLAIN, 1);
	uLongf size = compressBound(PLAIN);
	uint8_t *packed = mem_zeroed(size, 1);
	struct deflate_trial trial;
	struct match match;

	(void)state;
	assert_int_equal(compress2(packed, &size, plain, PLAIN, 9), Z_OK);
	trial = deflate_try(span_make(packed, size), MATCH_ZLIB, UINT64_MAX);
	assert_false(trial.ended);
	assert_in_range(trial.written, DEFLATE_TRIAL_FREE, 2 * DEFLATE_TRIAL_FREE);
	assert_int_equal(proof_run("zlib", span_make(packed, size), &match), trial.read);
	assert_true(trial.read < size / 2);
	free(packed);
	free(plain);
}

/* What does not pack is read up to the limit. */
static void a_long_stream_is_inflated_in_part(void **state)
{
	enum { PLAIN = 20 << 20 };
	uint8_t *plain = mem_zeroed(PLAIN, 1);
	uLongf size = compressBound(PLAIN);
	uint8_t *packed = mem_zeroed(size, 1);
	struct deflate_trial trial;

	(void)state;
	assert_int_equal(compress2(packed, &size, plain, PLAIN, 0), Z_OK);
	trial = deflate_try(span_make(packed, size), MATCH_ZLIB, UINT64_MAX);
	assert_false(trial.ended);
	assert_in_range(trial.read, DEFLATE_TRIAL_MOST - (128 << 10), DEFLATE_TRIAL_MOST);
	free(packed);
	free(plain);
}

static void zlib_streams(void **state)
{
	struct strbuf bytes = proof_hex(zlib_whole), object = { 0 };
	struct match match = { 0 };
	struct span span;

	(void)state;
	assert_int_equal(proof_run("zlib", strbuf_span(&bytes), &match), 35);
	assert_int_equal(match.packed, MATCH_ZLIB);
	bytes.data[bytes.size - 1] ^= 1;
	assert_int_equal(proof_run("zlib", strbuf_span(&bytes), &match), 0);
	bytes.data[bytes.size - 1] ^= 1;

	/* where the pattern says that it starts */
	strbuf_pad(&object, '\0', 32);
	strbuf_add(&object, bytes.data, bytes.size);
	span = strbuf_span(&object);
	match = (struct match){ .bytes = 34 };
	match_set(&match, "stream", span_part(span, 32, 2));
	assert_true(validate_zlib(span, &match));
	assert_int_equal(match.extent, 67);
	assert_int_equal(match.packed_at, 32);
	strbuf_deinit(&object);
	strbuf_deinit(&bytes);
}

/* An entry of a ZIP: the data of both inflates; where the header does not tell its size (bit 3)
 * the stream does, if the data descriptor stands behind it. */
static void zip_entries_are_inflated(void **state)
{
	enum { NAME = 5, EXTRA = 28, DATA = 30 + NAME + EXTRA, PACKED = 29 };
	struct strbuf bytes = proof_hex(zip_two);
	struct span span = strbuf_span(&bytes);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("zip_local_header", span, &match), DATA + PACKED);
	assert_int_equal(match.packed, MATCH_DEFLATE);
	assert_int_equal(match.packed_at, DATA);
	bytes.data[6] |= 1 << 3;
	assert_int_equal(proof_run("zip_local_header", span, &match), DATA);
	assert_int_equal(match.packed, MATCH_NOT_PACKED);
	memcpy(bytes.data + DATA + PACKED, "PK\x07\x08", 4);
	assert_int_equal(proof_run("zip_local_header", span, &match), DATA + PACKED);
	assert_int_equal(match.packed, MATCH_DEFLATE);
	bytes.data[6] |= 1; /* encrypted */
	assert_int_equal(proof_run("zip_local_header", span, &match), DATA);
	assert_int_equal(match.packed, MATCH_NOT_PACKED);
	strbuf_deinit(&bytes);
}

/* ---- the others ---- */

static void zstd_frames(void **state)
{
	struct strbuf bytes = proof_hex(zstd_packed);
	struct span span = strbuf_span(&bytes);
	struct match match;

	(void)state;
	assert_int_equal(proof_run_hex("zstd_frame", zstd_raw, &match), 48);
	assert_int_equal(proof_run("zstd_frame", span, &match), 74);
	assert_int_equal(proof_run("zstd_frame", span_part(span, 0, 73), &match), 10);
	assert_int_equal(proof_run("zstd_frame", span_part(span, 0, 10), &match), 0);
	bytes.data[10] |= 3; /* literals with a table of a block before the first */
	assert_int_equal(proof_run("zstd_frame", span, &match), 0);
	strbuf_deinit(&bytes);
}

/* RFC 8878 3.1.1.2: raw of 3 bytes, then what each row says. */
static void zstd_blocks_chain(void **state)
{
	static const struct {
		const char *hex;
		size_t extent;
	} cases[] = {
		{ "28b52ffd 0050 180000 616263 190000 646566", 18 }, /* and a raw one, the last */
		{ "28b52ffd 0050 180000 616263 238000 64", 16 },     /* RLE, its size is of the output */
		{ "28b52ffd 0050 180000 616263 1e0000 646566", 0 },  /* reserved type */
		{ "28b52ffd 0050 180000 616263 010020 646566", 0 },  /* above 128 KiB */
		{ "28b52ffd 0050 180000 616263 1900", 12 },          /* cut short in its header */
		{ "28b52ffd 0450 190000 616263 01020304", 16 },      /* a checksum */
		{ "28b52ffd 0450 190000 616263 010203", 12 },        /* cut short */
		{ "28b52ffd 2303000000 03 190000 616263", 16 },      /* one segment, a dictionary */
		{ "28b52ffd 2000 190000 616263", 0 },                /* one segment of no bytes */
		{ "28b52ffd e00300000000000000 190000 616263", 19 }, /* size of 8 bytes */
		{ "28b52ffd 0850 190000 616263", 0 },                /* reserved bit */
	};
	struct match match;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (proof_run_hex("zstd_frame", cases[i].hex, &match) != cases[i].extent)
			fail_msg("case %zu: %zu, not %zu", i, match.extent, cases[i].extent);
}

static void lz4_frames(void **state)
{
	struct strbuf bytes = proof_hex(lz4_checked);
	struct span span = strbuf_span(&bytes);
	struct match match;

	(void)state;
	assert_int_equal(proof_run_hex("lz4_frame", lz4_whole, &match), 53);
	assert_int_equal(proof_run("lz4_frame", span, &match), 157);
	assert_int_equal(proof_run("lz4_frame", span_part(span, 0, 156), &match), 153);
	assert_int_equal(proof_run("lz4_frame", span_part(span, 0, 140), &match), 15);
	bytes.data[6]++; /* the size of the content is in the descriptor's checksum */
	assert_int_equal(proof_run("lz4_frame", span, &match), 0);
	strbuf_deinit(&bytes);
}

static void snappy_streams(void **state)
{
	struct match match;

	(void)state;
	assert_int_equal(proof_run_hex("snappy_frame", snappy_whole, &match), 52);
	/* padding, the identifier again, and a chunk that may not be skipped */
	assert_int_equal(
		proof_run_hex("snappy_frame",
					  "ff060000734e61507059 fe020000 0000 ff060000734e61507059 02000000", &match),
		26);
	/* a chunk of 65537 bytes, unpacked */
	assert_int_equal(
		proof_run_hex("snappy_frame", "ff060000734e61507059 00080000 01020304 81800400", &match),
		10);
}

static void xz_streams(void **state)
{
	struct strbuf bytes = proof_hex(xz_whole);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("xz_stream", strbuf_span(&bytes), &match), 24);
	assert_int_equal(proof_run_hex("xz_stream", xz_nothing, &match), 12);
	bytes.data[14] ^= 1; /* the block's filter */
	assert_int_equal(proof_run("xz_stream", strbuf_span(&bytes), &match), 12);
	bytes.data[7] ^= 1; /* the kind of check */
	assert_int_equal(proof_run("xz_stream", strbuf_span(&bytes), &match), 0);
	strbuf_deinit(&bytes);
}

static void bzip2_streams(void **state)
{
	struct match match;

	(void)state;
	assert_int_equal(proof_run_hex("bzip2", bzip2_whole, &match), 18);
	assert_int_equal(proof_run_hex("bzip2", "425a6831 314159265359 f9e751b4 00c35000", &match), 0);
	assert_int_equal(proof_run_hex("bzip2", "425a6831 314159265359 f9e751b4 00c34f80", &match), 18);
	assert_int_equal(proof_run_hex("bzip2", "425a6839 314159265359 f9e751b4 800008d1", &match), 0);
}

/* ---- all of them ---- */

/* The bits of which a flip goes unseen are those of values that nothing checks. */
static void damage_never_proves_more_than_there_is(void **state)
{
	static const struct {
		const char *validator, *hex;
		size_t unseen;
	} seeds[] = {
		{ "gzip", gzip_whole, 64 },
		{ "gzip", gzip_numbers, 4000 },
		{ "zlib", zlib_whole, 20 },
		{ "zip_local_header", zip_two, 4000 },
		{ "zstd_frame", zstd_raw, 400 },
		{ "zstd_frame", zstd_packed, 600 },
		{ "lz4_frame", lz4_whole, 400 },
		{ "lz4_frame", lz4_checked, 1200 },
		{ "snappy_frame", snappy_whole, 400 },
		{ "xz_stream", xz_whole, 600 },
		{ "bzip2", bzip2_whole, 510 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		struct strbuf bytes = proof_hex(seeds[i].hex);
		size_t unseen = proof_damage(seeds[i].validator, strbuf_span(&bytes));

		if (unseen > seeds[i].unseen)
			fail_msg("%s: %zu flips unseen", seeds[i].validator, unseen);
		strbuf_deinit(&bytes);
	}
}

/* Behind the magic, the bytes of a generator: what chance makes is not taken for a stream. */
static void noise_is_no_stream(void **state)
{
	static const struct {
		const char *validator, *magic;
		unsigned most; /* of 5,000 */
	} kinds[] = {
		{ "gzip", "1f8b0800000000000003", 20 }, { "zlib", "789c", 20 },
		{ "zstd_frame", "28b52ffd", 250 },      { "lz4_frame", "04224d18", 20 },
		{ "xz_stream", "fd377a585a00", 0 },
	};
	struct match match;

	(void)state;
	srand(3);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct strbuf bytes = proof_hex(kinds[i].magic);
		size_t head = bytes.size;
		unsigned proven = 0;

		strbuf_pad(&bytes, '\0', 1024);
		for (int round = 0; round < 5000; round++) {
			for (size_t at = head; at < bytes.size; at++)
				bytes.data[at] = (char)(rand() >> 8);
			proven += proof_run(kinds[i].validator, strbuf_span(&bytes), &match) > 0;
		}
		if (proven > kinds[i].most)
			fail_msg("%s: %u of 5,000", kinds[i].validator, proven);
		strbuf_deinit(&bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_members),
		cmocka_unit_test(long_members_may_be_cut_short),
		cmocka_unit_test(damaged_members_count_as_far_as_they_inflate),
		cmocka_unit_test(a_bomb_is_not_inflated_to_its_end),
		cmocka_unit_test(a_long_stream_is_inflated_in_part),
		cmocka_unit_test(zlib_streams),
		cmocka_unit_test(zip_entries_are_inflated),
		cmocka_unit_test(zstd_frames),
		cmocka_unit_test(zstd_blocks_chain),
		cmocka_unit_test(lz4_frames),
		cmocka_unit_test(snappy_streams),
		cmocka_unit_test(xz_streams),
		cmocka_unit_test(bzip2_streams),
		cmocka_unit_test(damage_never_proves_more_than_there_is),
		cmocka_unit_test(noise_is_no_stream),
	};

	return cmocka_run_group_tests_name("validators_packed", tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include "analyze/validators/validators.h"
#include "tests/support/proof.h"

#include <arpa/inet.h>
#include <string.h>
#include <zlib.h>

/* Real data in hex, each made by the program that is named. */

/* 3 by 2 pixels, Pillow 9.4.0 with zlib 1.2.13 */
static const char png_picture[] =
	"89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d0000001549444154789c63"
	"646462666060606060606280010000a6000a01de682f0000000049454e44ae426082";

/* 8 by 8 grey pixels, Pillow 9.4.0 with libjpeg-turbo 2.1.5 */
static const char jpeg_picture[] =
	"ffd8ffe000104a46494600010100000100010000ffdb004300a06e788c7864a08c828cb4aaa0bef0fffff0dc"
	"dcf0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	"ffffc0000b080008000801011100ffc40014000100000000000000000000000000000003ffc4001410010000"
	"0000000000000000000000000000ffda0008010100003f0017ffd9";

/* 2 by 2 pixels, Pillow 9.4.0 */
static const char gif_picture[] =
	"474946383761020002008100000101010000000000000000002c000000000200020000080600010804101000"
	"3b";

/* 3 by 2 pixels, lossless, libwebp 1.2.4 */
static const char webp_picture[] =
	"5249464620000000574542505650384c140000002f02400000075081540820000a9afec78888fe07";

/* 4 samples, the module wave of Python 3.11.2 */
static const char wave_sound[] =
	"524946462800000057415645666d74201000000001000100401f0000401f0000010008006461746104000000"
	"80808080";

/* the first boxes of a film of ffmpeg 5.1.9; mdat goes on */
static const char mp4_start[] =
	"000000206674797069736f6d0000020069736f6d69736f32617663316d7034310000000866726565000004c8"
	"6d646174";

/* the two header pages of an Opus stream, ffmpeg 5.1.9 with libopus 1.3.1 */
static const char ogg_pages[] =
	"4f676753000200000000000000007c28978d000000002d5111d001134f707573486561640101380180bb0000"
	"0000004f676753000000000000000000007c28978d010000001f652946013e4f707573546167730d0000004c"
	"61766635392e32372e313030010000001d000000656e636f6465723d4c61766335392e33372e313030206c69"
	"626f707573";

/* up to the first Void element, ffmpeg 5.1.9 */
static const char webm_start[] =
	"1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878102428581021853806701000000"
	"000005bd114d9b74ba4dbb8b53ab841549a96653ac81a14dbb8b53ab841654ae6b53ac81d84dbb8c53ab8412"
	"54c36753ac8201294dbb8c53ab841c53bb6b53ac8205a7ec0100000000000059000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"000000000000000000000000000000000000000000000000000000000000000000";

/* header and directory, fontTools 4.38.0 */
static const char woff_start[] =
	"774f46460001000000000350000a00000000032800025eb80000000000000000000000000000000000000000"
	"4f532f320000016c00000050000000566d63d1d2636d6170000001c40000002900000034000c00b4676c7966"
	"000001f800000112000001127a0025dc68656164000000f400000036000000362bb2a30b686865610000012c"
	"00000020000000240c8c0427686d7478000001bc00000008000000080a3300be6c6f6361000001f000000006"
	"00000006008900006d6178700000014c0000002000000020060a02896e616d650000030c0000003000000030"
	"02d606f0706f73740000033c0000001300000020ffdb005a";

/* a font of one letter, fontTools 4.38.0 with brotli 1.0.9 */
static const char woff2_file[] =
	"774f46320001000000000244000a000000000328000001fa00025eb800000000000000000000000000000000"
	"00000000065600340a821482270136022403080b06000420053007201b820251540df2201f89e97662f9d3a1"
	"3205f108950e01e97d3fbbd90738b9bb6faa92d491955d12951098ea8499b0079a7bc0b56c91296e850b7b6a"
	"4e541ae2b05c1a08b5569ec302960a968d20b2d9da1306cb2048975dd3ac4a4a050800bada0e6e34109d7ef4"
	"b386ff87c526db28f1b22fc2344d0024a0016134041046a1030a8500fa9926d0cf34cd1d08000024000a9040"
	"61a032002bb6a6d2959ab0e821331eb9163f116280728b870f9d8b4e1e8b992f3d2e31f33147f3b0a3f6e489"
	"6be9f39d3fc68e6dd1bc61f796ed062d5c31aad8d079d387ed6b32e868cf99079e5edf75c97b32ef41bad3dc"
	"d6cb265c2ad5b154607cea6d7a6219f797ad00758b3bac24722eeec7ee58b77bef06f49bb91be9edff7a60c3"
	"911fd3e21e87c7552ba779c2350afbff7ebaf8f553f9f2816ad5aa95a3ccabaf7fbf7ef2bff9f2fd4bb560b5"
	"40b05ad9ba2dcb14a9a5d732ea1469a5b7327ae9bd8cd1fa68639a3ecd185b64494bb6b5addbdffe9deffc22"
	"e5b365730db275731db26d7303b27d737399e16a56b88b1d1ee190fe5ea2170290bd4f956951f7421f5fcd6f"
	"762176009e95ddd205e06d99de3be96abe5497d46404762400026ca3fe3fb00ca62b3bd5250424d52d06ff2c"
	"004961e458123f75b183e5b334000041100da11c58c9020d19c470fad1994974a01fa3994029ea3386910c44"
	"0300f329dd010000";

/* OS/2, cmap, head and name; the checksums are those of fontTools 4.38.0 */
static const char font_file[] =
	"0001000000040040000200004f532f32000400000000004c00000060636d617000000000000000ac00000004"
	"686561645f113cf5000000b0000000366e616d6500e104f6000000e80000001c000400000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0001000000010000000000005f0f3cf500000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000100120003000104090006000a000000410063006d00650031";

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

static void png_pictures(void **state)
{
	struct strbuf buffer = proof_hex(png_picture);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("png", bytes, &match), 78);
	proof_capture(&match, "size", "3x2");
	check("png", span_part(bytes, 0, 77), 66);
	check("png", span_part(bytes, 0, 65), 33);
	check("png", span_part(bytes, 0, 32), 0);
	/* what may flip is the signature, which the pattern has matched */
	assert_int_equal(proof_damage("png", bytes), 64);
	strbuf_deinit(&buffer);
}

/* A signature and an IHDR with its CRC. */
static struct span png_header(uint8_t colour, uint8_t depth)
{
	static uint8_t bytes[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02"
							 "dc\0\0\0CRCCRC";
	uint32_t crc;

	bytes[24] = depth;
	bytes[25] = colour;
	crc = htonl((uint32_t)crc32(0, bytes + 12, 17));
	memcpy(bytes + 29, &crc, 4);
	return span_make(bytes, 33);
}

/* Table 11.1 of the specification: depths by colour type. */
static void png_depths_are_those_of_the_colour_type(void **state)
{
	(void)state;
	for (uint8_t colour = 0; colour < 9; colour++)
		for (uint8_t depth = 0; depth < 20; depth++) {
			bool grey = colour == 0, palette = colour == 3;
			bool deep = colour == 2 || colour == 4 || colour == 6;
			bool low = depth == 1 || depth == 2 || depth == 4;
			bool wanted = ((grey || palette) && low) || ((grey || palette || deep) && depth == 8) ||
						  ((grey || deep) && depth == 16);

			check("png", png_header(colour, depth), wanted ? 33 : 0);
		}
}

static void jpeg_pictures(void **state)
{
	struct strbuf buffer = proof_hex(jpeg_picture);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("jpeg", bytes, &match), 159);
	proof_capture(&match, "size", "8x8");
	check("jpeg", span_part(bytes, 0, 158), 156);
	check("jpeg", span_part(bytes, 0, 145), 124);
	check("jpeg", span_part(bytes, 0, 89), 0);
	check_changed("jpeg", bytes, 98, "09", 0);   /* components */
	check_changed("jpeg", bytes, 98, "03", 0);   /* more than the segment has */
	check_changed("jpeg", bytes, 93, "0000", 0); /* height */
	check_changed("jpeg", bytes, 96, "0000", 0); /* width */
	proof_damage("jpeg", bytes);
	strbuf_deinit(&buffer);
}

static void jpeg_scans_have_stuffed_bytes_and_restarts(void **state)
{
	struct strbuf buffer = proof_hex(jpeg_picture);
	struct span bytes = strbuf_span(&buffer);
	struct strbuf more = proof_hex("17ff00ffd317ffffd9");

	(void)state;
	check("jpeg", bytes, 159);
	buffer.size = 156;
	strbuf_add(&buffer, more.data, more.size);
	check("jpeg", strbuf_span(&buffer), 165);
	check_changed("jpeg", strbuf_span(&buffer), 158, "c1", 156); /* a marker in place of 00 */
	strbuf_deinit(&more);
	strbuf_deinit(&buffer);
}

static void gif_pictures(void **state)
{
	struct strbuf buffer = proof_hex(gif_picture);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("gif", bytes, &match), 45);
	proof_capture(&match, "size", "2x2");
	check("gif", span_part(bytes, 0, 44), 44);
	check("gif", span_part(bytes, 0, 43), 0);
	check_changed("gif", bytes, 6, "0000", 0); /* width */
	check_changed("gif", bytes, 26, "01", 0);  /* an image that starts one pixel further right */
	proof_damage("gif", bytes);
	strbuf_deinit(&buffer);
}

static void riff_files(void **state)
{
	struct strbuf buffer = proof_hex(wave_sound);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("riff", bytes, &match), 48);
	proof_capture(&match, "form", "WAVE");
	check("riff", span_part(bytes, 0, 47), 36);
	check("riff", span_part(bytes, 0, 35), 12);
	check("riff", span_part(bytes, 0, 19), 0);
	check_changed("riff", bytes, 4, "14000000", 0);  /* smaller than its first chunk */
	check_changed("riff", bytes, 4, "00000000", 48); /* a stream of unknown size */
	check_changed("riff", bytes, 12, "61626364", 0); /* first chunk */
	proof_damage("riff", bytes);
	strbuf_deinit(&buffer);
}

static void riff_pictures(void **state)
{
	struct strbuf buffer = proof_hex(webp_picture);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("riff", bytes, &match), 40);
	proof_capture(&match, "form", "WEBP");
	proof_damage("riff", bytes);
	strbuf_deinit(&buffer);
}

static void iso_media_files(void **state)
{
	struct strbuf buffer = proof_hex(mp4_start);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("iso_bmff", bytes, &match), 40);
	proof_capture(&match, "brand", "isom");
	check("iso_bmff", span_part(bytes, 0, 47), 40);
	check("iso_bmff", span_part(bytes, 0, 40), 40);
	check("iso_bmff", span_part(bytes, 0, 39), 0);
	check("iso_bmff", span_part(bytes, 0, 31), 0);
	check_changed("iso_bmff", bytes, 36, "58585858", 0); /* next box */
	check_changed("iso_bmff", bytes, 3, "1e", 0);        /* size */
	check_changed("iso_bmff", bytes, 8, "01", 0);        /* brand */
	proof_damage("iso_bmff", bytes);
	strbuf_deinit(&buffer);
}

static void ogg_pages_agree_with_their_crc(void **state)
{
	struct strbuf buffer = proof_hex(ogg_pages);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("ogg_page", bytes, &match), bytes.size);
	proof_capture(&match, "codec", "opus");
	check("ogg_page", span_part(bytes, 0, bytes.size - 1), 47);
	check("ogg_page", span_part(bytes, 0, 46), 0);
	assert_int_equal(proof_damage("ogg_page", bytes), 0);
	strbuf_deinit(&buffer);
}

static void fonts(void **state)
{
	struct strbuf buffer = proof_hex(font_file);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("font_tables", bytes, &match), 260);
	proof_capture(&match, "font", "Acme1");
	check("font_tables", span_part(bytes, 0, 75), 0);
	check("font_tables", span_part(bytes, 0, 76), 76);
	check_changed("font_tables", bytes, 6, "0080", 0);         /* range of the search */
	check_changed("font_tables", bytes, 8, "0001", 0);         /* selector */
	check_changed("font_tables", bytes, 12, "7a", 0);          /* order of the tags */
	check_changed("font_tables", bytes, 13, "2f", 260);        /* tag */
	check_changed("font_tables", bytes, 20, "00000001", 0);    /* offset */
	check_changed("font_tables", bytes, 6, "002000020020", 0); /* range and shift that agree */
	check_changed("font_tables", bytes, 259, "32", 230);       /* the sum of the last table */
	proof_damage("font_tables", bytes);
	strbuf_deinit(&buffer);
}

static void matroska_files(void **state)
{
	struct strbuf buffer = proof_hex(webm_start);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("matroska", bytes, &match), 209);
	proof_capture(&match, "type", "webm");
	check("matroska", span_part(bytes, 0, 208), 111); /* SeekHead is whole, Void is not */
	check("matroska", span_part(bytes, 0, 110), 48);
	check("matroska", span_part(bytes, 0, 47), 0);
	check_changed("matroska", bytes, 27, "78", 0);                 /* type */
	check_changed("matroska", bytes, 36, "18538068", 0);           /* segment */
	check_changed("matroska", bytes, 48, "4286", 48);              /* what stands in it */
	check_changed("matroska", bytes, 40, "01ffffffffffffff", 209); /* a stream of unknown size */
	proof_damage("matroska", bytes);
	strbuf_deinit(&buffer);
}

static void packed_fonts(void **state)
{
	struct strbuf buffer = proof_hex(woff_start);
	struct span bytes = strbuf_span(&buffer);

	(void)state;
	check("woff", bytes, 244);
	check("woff", span_part(bytes, 0, 243), 0);
	check_changed("woff", bytes, 4, "00020000", 0);  /* flavour */
	check_changed("woff", bytes, 14, "0001", 0);     /* reserved */
	check_changed("woff", bytes, 48, "0000016d", 0); /* where a table starts */
	check_changed("woff", bytes, 52, "00000057", 0); /* packed and no smaller */
	proof_damage("woff", bytes);
	strbuf_deinit(&buffer);
}

static void brotli_fonts(void **state)
{
	struct strbuf buffer = proof_hex(woff2_file);
	struct span bytes = strbuf_span(&buffer);

	(void)state;
	check("woff", bytes, 580);
	check("woff", span_part(bytes, 0, 579), 48);
	check("woff", span_part(bytes, 0, 47), 0);
	check_changed("woff", bytes, 20, "00000244", 0); /* packed data as large as the file */
	check_changed("woff", bytes, 12, "0041", 0);     /* 65 tables */
	proof_damage("woff", bytes);
	strbuf_deinit(&buffer);
}

static void pdf_documents(void **state)
{
	static const char table[] = "%PDF-1.4\n1 0 obj<<>>endobj\nxref\n0 1\n0000000000 65535 f \n"
								"trailer<</Size 1>>\nstartxref\n27\n%%EOF\n";
	static const char stream[] = "%PDF-1.5\n%\xe2\xe3\xcf\xd3\n7 0 obj\n<</Type/XRef>>\n"
								 "startxref\n15\n%%EOF\n";
	struct match match;

	(void)state;
	assert_int_equal(proof_run("pdf", span_string(table), &match), sizeof table - 2);
	check("pdf", span_part(span_string(table), 0, sizeof table - 4), 4);
	check("pdf", span_string(stream), sizeof stream - 2);
	check("pdf", span_string("%PDF-1.4\nno object in it\n"), 0);
	check_changed("pdf", span_string(table), sizeof table - 9, "38", 4); /* another offset */
	proof_damage("pdf", span_string(table));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(png_pictures),
		cmocka_unit_test(png_depths_are_those_of_the_colour_type),
		cmocka_unit_test(jpeg_pictures),
		cmocka_unit_test(jpeg_scans_have_stuffed_bytes_and_restarts),
		cmocka_unit_test(gif_pictures),
		cmocka_unit_test(riff_files),
		cmocka_unit_test(riff_pictures),
		cmocka_unit_test(iso_media_files),
		cmocka_unit_test(ogg_pages_agree_with_their_crc),
		cmocka_unit_test(fonts),
		cmocka_unit_test(matroska_files),
		cmocka_unit_test(packed_fonts),
		cmocka_unit_test(brotli_fonts),
		cmocka_unit_test(pdf_documents),
	};

	return cmocka_run_group_tests_name("validators_media", tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include "analyze/validators/validators.h"
#include "tests/support/proof.h"

#include <string.h>

/* Real data in hex, each made by the program that is named. */

/* a function of one addition, gcc 12.2.0 -Os, stripped */
static const char object_file[] =
	"7f454c4602010100000000000000000001003e000100000000000000000000000000000000000000e0000000"
	"00000000000000004000000000004000080007008d4701c3004743433a202844656269616e2031322e322e30"
	"2d31342b64656231327531292031322e322e3000000000001400000000000000017a5200017810011b0c0708"
	"90010000140000001c00000000000000040000000000000000000000002e7368737472746162002e74657874"
	"002e64617461002e627373002e636f6d6d656e74002e6e6f74652e474e552d737461636b002e65685f667261"
	"6d65000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000b00000001000000060000000000000000000000"
	"0000000040000000000000000400000000000000000000000000000001000000000000000000000000000000"
	"1100000001000000030000000000000000000000000000004400000000000000000000000000000000000000"
	"0000000001000000000000000000000000000000170000000800000003000000000000000000000000000000"
	"440000000000000000000000000000000000000000000000010000000000000000000000000000001c000000"
	"0100000030000000000000000000000000000000440000000000000028000000000000000000000000000000"
	"010000000000000001000000000000002500000001000000000000000000000000000000000000006c000000"
	"0000000000000000000000000000000000000000010000000000000000000000000000003500000001000000"
	"0200000000000000000000000000000070000000000000003000000000000000000000000000000008000000"
	"000000000000000000000000010000000300000000000000000000000000000000000000a000000000000000"
	"3f00000000000000000000000000000001000000000000000000000000000000";

/* the first block and a header, clang 14.0.6 */
static const char bitcode_start[] =
	"4243c0de3514000005000000620c30244a59be668dfbb4af0b51804c01000000210c0000a6010000";

/* one exported function; node 20.20.2 compiles it */
static const char wasm_file[] =
	"0061736d0100000001060160017f017f030201000707010366616300000a09010700200041016a0b";

/* a tuple and a function, Python 3.11.2 */
static const char pyc_file[] =
	"a70d0d0a0000000064ab096b2f000000e30000000000000000000000000100000000000000f3100000009700"
	"64005a00640184005a016402530029032904e901000000670000000000000440da01734e6301000000000000"
	"00000000000200000003000000f30c00000097007c0064017a000000530029024e7202000000a9002901da01"
	"61730100000020fa112f6170702f6c69622f706b672f6d2e7079da0166720800000002000000730a00000080"
	"00901190519115882cf3000000004e2902da01587208000000720500000072090000007207000000fa083c6d"
	"6f64756c653e720b000000010000007319000000f003010101d804178001d80016d00016d00016d00016d000"
	"167209000000";

/* collections.OrderedDict(a=1), protocol 4, Python 3.11.2 */
static const char pickle_4[] =
	"80049529000000000000008c0b636f6c6c656374696f6e73948c0b4f72646572656444696374949394295294"
	"8c0161944b01732e";

/* {'k': [1, 2, (3, b'x')]}, protocol 5, Python 3.11.2 */
static const char pickle_5[] =
	"80059518000000000000007d948c016b945d94284b014b024b0343017894869465732e";

/* numpy.zeros((2, 3), '<i2'), NumPy 1.24.2 */
static const char numpy_file[] =
	"934e554d5059010076007b276465736372273a20273c6932272c2027666f727472616e5f6f72646572273a20"
	"46616c73652c20277368617065273a2028322c2033292c207d20202020202020202020202020202020202020"
	"2020202020202020202020202020202020202020202020202020202020202020202020202020200a00000000"
	"0000000000000000";

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

static void elf_files(void **state)
{
	struct strbuf buffer = proof_hex(object_file);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("elf_header", bytes, &match), 736);
	proof_capture(&match, "kind", "relocatable x86-64");
	check("elf_header", span_part(bytes, 0, 735), 64);
	check("elf_header", span_part(bytes, 0, 64), 64);
	check("elf_header", span_part(bytes, 0, 63), 0);
	check_changed("elf_header", bytes, 16, "0700", 0); /* type */
	check_changed("elf_header", bytes, 18, "7777", 0); /* machine */
	check_changed("elf_header", bytes, 52, "3400", 0); /* size of the header */
	check_changed("elf_header", bytes, 58, "2800", 0); /* size of a section */
	proof_damage("elf_header", bytes);
	strbuf_deinit(&buffer);
}

static void wasm_modules(void **state)
{
	struct strbuf buffer = proof_hex(wasm_file);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("wasm_module", bytes, &match), 40);
	check("wasm_module", span_part(bytes, 0, 39), 29);
	check("wasm_module", span_part(bytes, 0, 16), 16);
	check("wasm_module", span_part(bytes, 0, 15), 0);
	check_changed("wasm_module", bytes, 8, "0e", 0);             /* id */
	check_changed("wasm_module", bytes, 16, "01", 16);           /* the same section again */
	check_changed("wasm_module", bytes, 9, "80808080808001", 0); /* a number of 36 bits */
	proof_damage("wasm_module", bytes);
	strbuf_deinit(&buffer);
}

static void llvm_modules(void **state)
{
	struct strbuf buffer = proof_hex(bitcode_start);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("llvm_bitcode", bytes, &match), 32);
	check("llvm_bitcode", span_part(bytes, 0, 32), 32);
	check("llvm_bitcode", span_part(bytes, 0, 31), 0);
	check_changed("llvm_bitcode", bytes, 4, "36140000", 0); /* abbreviation */
	check_changed("llvm_bitcode", bytes, 4, "5d140000", 0); /* strings first */
	proof_damage("llvm_bitcode", bytes);
	strbuf_deinit(&buffer);
}

static void python_modules(void **state)
{
	struct strbuf buffer = proof_hex(pyc_file);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("pyc", bytes, &match), bytes.size);
	proof_capture(&match, "file", "lib/pkg/m.py");
	check("pyc", span_part(bytes, 0, bytes.size - 1), 0);
	check_changed("pyc", bytes, 0, "03f3", 0); /* of Python 2.7 */
	check_changed("pyc", bytes, 4, "02", 0);   /* flags */
	check_changed("pyc", bytes, 16, "28", 0);  /* a tuple */
	proof_damage("pyc", bytes);
	strbuf_deinit(&buffer);
}

static void python_objects_nest_only_so_deep(void **state)
{
	struct strbuf buffer = proof_hex(pyc_file);
	struct span bytes = strbuf_span(&buffer);
	struct strbuf deep = { 0 };

	(void)state;
	strbuf_add(&deep, bytes.data, 16 + 1 + 20);
	for (int i = 0; i < 100000; i++)
		strbuf_add(&deep, ")\x01", 2); /* a tuple in a tuple in a tuple */
	check("pyc", strbuf_span(&deep), 0);
	strbuf_deinit(&deep);
	strbuf_deinit(&buffer);
}

static void pickles_of_classes(void **state)
{
	struct strbuf buffer = proof_hex(pickle_4);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("pickle", bytes, &match), bytes.size);
	proof_capture(&match, "class", "collections.OrderedDict");
	check("pickle", span_part(bytes, 0, bytes.size - 1), 0);
	check_changed("pickle", bytes, 3, "2a", 0); /* the frame ends behind the pickle */
	check_changed("pickle", bytes, 3, "05", 0); /* the frame ends within an opcode */
	proof_damage("pickle", bytes);
	strbuf_deinit(&buffer);
}

static void pickles_of_plain_values(void **state)
{
	struct strbuf buffer = proof_hex(pickle_5);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("pickle", bytes, &match), bytes.size);
	check_changed("pickle", bytes, 20, "8004", 0); /* another one starts in place of a number */
	check("pickle", span_part(bytes, 0, bytes.size - 1), 0);
	proof_damage("pickle", bytes);
	strbuf_deinit(&buffer);
}

static void numpy_files(void **state)
{
	struct strbuf buffer = proof_hex(numpy_file);
	struct span bytes = strbuf_span(&buffer);
	struct match match;

	(void)state;
	assert_int_equal(proof_run("numpy_header", bytes, &match), 140);
	proof_capture(&match, "type", "<i2");
	check("numpy_header", span_part(bytes, 0, 139), 128);
	check("numpy_header", span_part(bytes, 0, 128), 128);
	check("numpy_header", span_part(bytes, 0, 127), 0);
	check_changed("numpy_header", bytes, 6, "04", 0);   /* version */
	check_changed("numpy_header", bytes, 8, "7700", 0); /* header of 119 bytes */
	check_changed("numpy_header", bytes, 127, "200a", 0);
	buffer.data[8]++; /* a header of 119 bytes that ends with its newline, but not at a multiple of
						 16 */
	check_changed("numpy_header", bytes, 127, "200a", 0);
	buffer.data[8]--;
	proof_damage("numpy_header", bytes);
	strbuf_deinit(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_files),
		cmocka_unit_test(wasm_modules),
		cmocka_unit_test(llvm_modules),
		cmocka_unit_test(python_modules),
		cmocka_unit_test(python_objects_nest_only_so_deep),
		cmocka_unit_test(pickles_of_classes),
		cmocka_unit_test(pickles_of_plain_values),
		cmocka_unit_test(numpy_files),
	};

	return cmocka_run_group_tests_name("validators_languages", tests, NULL, NULL);
}

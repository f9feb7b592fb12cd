/* LLVM bitcode (https://llvm.org/docs/BitCodeFormat.html, "Blocks", "LLVM IR Blocks"). */
#include "analyze/validators/validators.h"

enum {
	MAGIC_BYTES = 4,
	MOST_BLOCKS = 4096,
	ENTER_SUBBLOCK = 1, /* abbreviation ids have 2 bits at the top level */
	IDENTIFICATION = 13,
	MODULE = 8,
	STRTAB = 23,
	SYMTAB = 25,
};

/* [1, vbr8 block id, vbr4 width of its abbreviation ids, <align32>, 32-bit number of words]. All of
 * these ids and widths fit in one piece of a vbr. */
static bool skip_block(struct cursor *cursor, unsigned *block)
{
	uint32_t enter = cursor_u32(cursor);
	size_t words = cursor_u32(cursor);
	unsigned width = enter >> 10 & 15;

	*block = enter >> 2 & 0xff;
	if ((enter & 3) != ENTER_SUBBLOCK || enter >> 14 || width < 2 || width > 7)
		return false;
	if (*block != IDENTIFICATION && *block != MODULE && *block != STRTAB && *block != SYMTAB)
		return false;
	cursor_skip(cursor, 4 * words);
	return cursor_ok(cursor);
}

/* The blocks at the top level as far as they are whole. The first names the producer (LLVM 3.9 and
 * later), or is the module. */
bool validate_llvm_bitcode(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	unsigned blocks = 0, block;

	cursor_skip(&cursor, MAGIC_BYTES);
	for (; blocks < MOST_BLOCKS && skip_block(&cursor, &block); blocks++) {
		if (!blocks && block != IDENTIFICATION && block != MODULE)
			return false;
		match_extend(match, cursor.at);
	}
	return blocks;
}

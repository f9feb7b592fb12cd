/* Blocks of a JVM with Native Memory Tracking (OpenJDK 17 to 25, services/mallocHeader.hpp): a
 * header of 16 bytes before what the JVM asked for, two bytes behind it. */
#include "analyze/validators/validators.h"

#include <stdio.h>

enum { HEADER_BYTES = 16, FOOTER_BYTES = 2, CANARY = 0xe99e, TAGS_MAX = 64 };

#define FOOTER 0x8ee8

/* The size, a site in a table, the tag's number, and a canary; the same size must lead to the
 * canary behind the block. Which tag a number stands for differs between releases. */
bool validate_nmt_block(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	uint64_t size = cursor_u64(&cursor);
	unsigned tag, canary, footer;

	cursor_skip(&cursor, 4);
	tag = cursor_u8(&cursor);
	cursor_skip(&cursor, 1);
	canary = cursor_u16(&cursor);
	if (!cursor_ok(&cursor) || canary != CANARY || tag >= TAGS_MAX || size > bytes.size)
		return false;
	cursor_skip(&cursor, size);
	footer = cursor_u16(&cursor);
	if (!cursor_ok(&cursor) || footer != FOOTER)
		return false;
	match->built_size = (size_t)snprintf(match->built, sizeof match->built, "memory tag %u", tag);
	match_set(match, "tag", span_make(match->built, match->built_size));
	match_extend(match, HEADER_BYTES + size + FOOTER_BYTES);
	return true;
}

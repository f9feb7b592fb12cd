/* The window of zlib's inflate (zlib 1.2.9 to 1.3.1, inflate.h and updatewindow() of inflate.c):
 * the last output of a stream, in a ring. Its state says at +60 wsize, the bytes of the ring (0:
 * the stream was reset, and has written nothing since), at +64 whave, the bytes of it that are
 * valid, and at +68 wnext, where the next one goes. */
#include "analyze/rules/contents.h"

#include <string.h>

enum { AT_WSIZE = 60 };

static size_t put(uint8_t *out, struct span bytes)
{
	if (bytes.size)
		memcpy(out, bytes.data, bytes.size);
	return bytes.size;
}

/* Bytes behind the valid ones are of whoever had the memory before: they are left out. Behind a
 * reset all are given as they stand: the start is what the stream before, in the same inflater, has
 * written. A full ring that is not all there is given as it stands too. */
size_t inflate_window_arrange(struct span structure, struct span memory, uint8_t *out)
{
	struct cursor cursor = cursor_make(structure, false);
	size_t size, have, next, older;

	cursor_skip(&cursor, AT_WSIZE);
	size = cursor_u32(&cursor);
	have = cursor_u32(&cursor);
	next = cursor_u32(&cursor);
	if (have < size || size > memory.size || next >= size)
		return put(out, have ? span_part(memory, 0, have) : memory);
	older = put(out, span_part(memory, next, size - next));
	return older + put(out + older, span_part(memory, 0, next));
}

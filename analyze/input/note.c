#include "analyze/input/note.h"

enum { HEADER_BYTES = 12 };

/* The padding behind the last description of a segment may be missing. */
static void skip_padding(struct cursor *cursor, unsigned alignment)
{
	size_t over = cursor->at & (alignment - 1);

	if (over && cursor_left(cursor) >= alignment - over)
		cursor_skip(cursor, alignment - over);
	else if (over)
		cursor_skip(cursor, cursor_left(cursor));
}

enum note_result note_next(struct cursor *cursor, unsigned alignment, struct note *note)
{
	uint32_t owner_bytes, bytes;

	if (cursor_left(cursor) < HEADER_BYTES)
		return NOTE_END;
	owner_bytes = cursor_u32(cursor);
	bytes = cursor_u32(cursor);
	note->type = cursor_u32(cursor);
	if (!owner_bytes && !bytes && !note->type)
		return NOTE_END;
	note->owner = cursor_bytes(cursor, owner_bytes);
	skip_padding(cursor, alignment);
	note->bytes = cursor_bytes(cursor, bytes);
	skip_padding(cursor, alignment);
	if (!cursor_ok(cursor))
		return NOTE_DAMAGED;
	if (note->owner.size && !note->owner.data[note->owner.size - 1])
		note->owner.size--;
	return NOTE_READ;
}

bool note_owner_is(const struct note *note, const char *owner)
{
	return span_equal(note->owner, span_string(owner));
}

/* Compiled Python (.pyc): PEP 552 for the header, CPython's Python/marshal.c for the objects, 3.8
 * to 3.13 for what a code object holds. */
#include "analyze/validators/validators.h"

#include <string.h>

enum {
	HEADER_BYTES = 16,
	MAGIC_3_8 = 3400,  /* Lib/importlib/_bootstrap_external.py: 3400 is the first of 3.8 */
	MAGIC_3_11 = 3450, /* 3450 the first of 3.11, 3599 the last before 3.14 */
	MAGIC_LAST = 3599,
	TYPE_BITS = 0x7f, /* FLAG_REF, the highest, only adds the object to a list */
	MOST_DEPTH = 100,
	MOST_OBJECTS = 1 << 20,
};

/* How many numbers and objects a code object has before its file name, and behind it. */
struct layout {
	uint8_t numbers, objects;
};

struct walk {
	struct cursor cursor;
	struct layout layout;
	unsigned left;    /* objects that may still be read */
	struct span path; /* the first file name; further ones are references to it */
};

static bool skip_object(struct walk *walk, unsigned depth, struct span *text);

static bool skip_objects(struct walk *walk, uint32_t count, unsigned depth)
{
	struct span text;

	for (uint32_t i = 0; i < count; i++)
		if (!skip_object(walk, depth, &text))
			return false;
	return true;
}

/* argcount, posonlyargcount, kwonlyargcount, (nlocals,) stacksize, flags; code, consts, names and
 * the variables; filename, name, (qualname,) firstlineno, line table, (exception table). */
static bool skip_code(struct walk *walk, unsigned depth)
{
	bool qualified = walk->layout.numbers == 5;
	struct span path;

	cursor_skip(&walk->cursor, 4u * walk->layout.numbers);
	if (!skip_objects(walk, walk->layout.objects, depth) || !skip_object(walk, depth, &path) ||
		!skip_objects(walk, qualified ? 2 : 1, depth))
		return false;
	if (!walk->path.size)
		walk->path = path;
	cursor_skip(&walk->cursor, 4);
	return skip_objects(walk, qualified ? 2 : 1, depth);
}

/* NULL-ended pairs. */
static bool skip_dict(struct walk *walk, unsigned depth)
{
	struct span text;

	while (cursor_left(&walk->cursor) && walk->cursor.span.data[walk->cursor.at] != '0')
		if (!skip_object(walk, depth, &text))
			return false;
	cursor_skip(&walk->cursor, 1);
	return cursor_ok(&walk->cursor);
}

/* Objects without objects in them. `size` is what is behind the type; `text` bytes of a string. */
static bool skip_plain(struct cursor *cursor, uint8_t type, struct span *text)
{
	int32_t digits;

	if (strchr("NFTS.", type))
		return true;
	if (strchr("zZ", type))
		*text = cursor_bytes(cursor, cursor_u8(cursor));
	else if (strchr("stauA", type))
		*text = cursor_bytes(cursor, cursor_u32(cursor));
	else if (strchr("ir", type))
		cursor_skip(cursor, 4);
	else if (strchr("gy", type))
		cursor_skip(cursor, type == 'g' ? 8 : 16);
	else if (type == 'l') {
		digits = (int32_t)cursor_u32(cursor);
		cursor_skip(cursor, 2ul * (uint32_t)(digits < 0 ? -(int64_t)digits : digits));
	} else {
		return false;
	}
	return cursor_ok(cursor);
}

static bool skip_object(struct walk *walk, unsigned depth, struct span *text)
{
	uint8_t type = cursor_u8(&walk->cursor) & TYPE_BITS;

	*text = (struct span){ 0 };
	if (!cursor_ok(&walk->cursor) || !type || depth > MOST_DEPTH || !walk->left--)
		return false;
	switch (type) {
	case 'c':
		return skip_code(walk, depth + 1);
	case ')':
		return skip_objects(walk, cursor_u8(&walk->cursor), depth + 1);
	case '(':
	case '[':
	case '<':
	case '>':
		return skip_objects(walk, cursor_u32(&walk->cursor), depth + 1);
	case '{':
		return skip_dict(walk, depth + 1);
	default:
		return skip_plain(&walk->cursor, type, text);
	}
}

/* The file and the two folders it is in say enough: "python3.11/json/decoder.py". */
static struct span short_path(struct span path)
{
	unsigned slashes = 0;
	size_t at = path.size;

	while (at && (path.data[at - 1] != '/' || ++slashes < 3))
		at--;
	return span_part(path, at, path.size);
}

/* The whole module: flags of the header are 0 (a time and a size follow), 1 or 3 (a hash). */
bool validate_pyc(struct span bytes, struct match *match)
{
	struct walk walk = { .cursor = cursor_make(bytes, false), .left = MOST_OBJECTS };
	unsigned magic = cursor_u16(&walk.cursor);
	struct span text;
	uint32_t flags;
	bool good;

	cursor_skip(&walk.cursor, 2);
	flags = cursor_u32(&walk.cursor);
	cursor_skip(&walk.cursor, HEADER_BYTES - 8);
	if (magic < MAGIC_3_8 || magic > MAGIC_LAST || flags > 3 || flags == 2)
		return false;
	walk.layout = magic < MAGIC_3_11 ? (struct layout){ 6, 6 } : (struct layout){ 5, 5 };
	if (!cursor_left(&walk.cursor) || (bytes.data[HEADER_BYTES] & TYPE_BITS) != 'c')
		return false;
	good = skip_object(&walk, 0, &text);
	match_worked(match, walk.cursor.at);
	if (!good)
		return false;
	match_set(match, "file", short_path(walk.path));
	match_extend(match, walk.cursor.at);
	return true;
}

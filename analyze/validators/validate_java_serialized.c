/* Java serialized streams (Java Object Serialization Specification, 6.4 "Grammar for the Stream
 * Format"): the descriptions of the first object's class and of those it extends. */
#include "analyze/validators/validators.h"

enum {
	TC_REFERENCE = 0x71,
	TC_CLASSDESC = 0x72,
	TC_OBJECT = 0x73,
	TC_STRING = 0x74,
	TC_ARRAY = 0x75,
	TC_CLASS = 0x76,
	TC_BLOCKDATA = 0x77,
	TC_ENDBLOCKDATA = 0x78,
	TC_BLOCKDATALONG = 0x7a,
	TC_ENUM = 0x7e,
	MAGIC_BYTES = 4,
	REFERENCE_BYTES = 4,
	NAME_MAX_BYTES = 512,
	CLASSES_MAX = 32, /* of a chain of superclasses */
	FIELDS_MAX = 1024,
};

/* A class name as Class.getName gives it, a field's, or a type's: no blank, no control byte. */
static bool read_name(struct cursor *cursor, struct span *name)
{
	*name = cursor_bytes(cursor, cursor_u16(cursor));
	for (size_t i = 0; i < name->size; i++)
		if (name->data[i] <= ' ' || name->data[i] == 0x7f)
			return false;
	return cursor_ok(cursor) && name->size && name->size <= NAME_MAX_BYTES;
}

/* Type code and name; the type of an object or array as a string or a reference to one. */
static bool skip_field(struct cursor *cursor)
{
	uint8_t type = cursor_u8(cursor), form;
	struct span name;

	if (!read_name(cursor, &name))
		return false;
	if (type != 'L' && type != '[')
		return type == 'B' || type == 'C' || type == 'D' || type == 'F' || type == 'I' ||
			   type == 'J' || type == 'S' || type == 'Z';
	form = cursor_u8(cursor);
	if (form == TC_REFERENCE) {
		cursor_skip(cursor, REFERENCE_BYTES);
		return cursor_ok(cursor);
	}
	return form == TC_STRING && read_name(cursor, &name) &&
		   (name.data[0] == 'L' || name.data[0] == '[');
}

/* Behind TC_CLASSDESC: name, serialVersionUID, flags (SC_* of 6.4.2), fields. */
static bool skip_description(struct cursor *cursor, struct span *name)
{
	enum { WRITE_METHOD = 1, SERIALIZABLE = 2, EXTERNALIZABLE = 4, FLAGS = 0x1f };
	unsigned flags, fields;

	if (!read_name(cursor, name))
		return false;
	cursor_skip(cursor, 8);
	flags = cursor_u8(cursor);
	fields = cursor_u16(cursor);
	if (!cursor_ok(cursor) || flags & ~(unsigned)FLAGS || fields > FIELDS_MAX ||
		(flags & SERIALIZABLE && flags & EXTERNALIZABLE) ||
		(flags & WRITE_METHOD && !(flags & SERIALIZABLE)))
		return false;
	while (fields--)
		if (!skip_field(cursor))
			return false;
	return true;
}

/* The descriptions, each followed by its superclass's. An annotation (data that a class's own
 * writer put there) ends the walk. The first must be whole; it gives the stream its name. */
static bool walk_descriptions(struct cursor cursor, struct match *match)
{
	struct span name;

	for (int i = 0; i < CLASSES_MAX; i++) {
		if (cursor_u8(&cursor) != TC_CLASSDESC || !skip_description(&cursor, &name))
			return i > 0;
		match_extend(match, cursor.at);
		if (i == 0)
			match_set(match, "class", name);
		if (cursor_u8(&cursor) != TC_ENDBLOCKDATA)
			break;
	}
	return true;
}

/* A stream that starts with data of a fixed length: block data, or a string. */
static bool walk_data(struct cursor *cursor, size_t length, const char *what, struct match *match)
{
	cursor_skip(cursor, length);
	if (!cursor_ok(cursor) || !length)
		return false;
	match_extend(match, cursor->at);
	match_set(match, "class", span_string(what));
	return true;
}

bool validate_java_serialized(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);

	cursor_skip(&cursor, MAGIC_BYTES);
	switch (cursor_u8(&cursor)) {
	case TC_OBJECT:
	case TC_ARRAY:
	case TC_CLASS:
	case TC_ENUM:
		return walk_descriptions(cursor, match);
	case TC_STRING:
		return walk_data(&cursor, cursor_u16(&cursor), "(string)", match);
	case TC_BLOCKDATA:
		return walk_data(&cursor, cursor_u8(&cursor), "(block data)", match);
	case TC_BLOCKDATALONG:
		return walk_data(&cursor, cursor_u32(&cursor), "(block data)", match);
	default:
		return false;
	}
}

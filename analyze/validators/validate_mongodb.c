/* MongoDB's OP_MSG (MongoDB manual, "MongoDB Wire Protocol") and the BSON in it (bsonspec.org 1.1).
 */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

enum { STRING = 0x02, LARGEST_DOCUMENT = 48 << 20, LEAST_DOCUMENT = 5 };

/* Commands whose first value is the name of a collection. */
static const char *const of_collection[] = { "find",      "insert",   "update",        "delete",
											 "aggregate", "distinct", "findAndModify", "count" };

/* Bytes of a value by its type: fixed, or with a length in front that counts `extra` bytes less. */
static const struct {
	uint8_t type, fixed;
	bool sized, document;
	uint8_t extra;
} values[] = {
	{ 0x01, 8, false, false, 0 },  { STRING, 0, true, false, 0 }, { 0x03, 0, true, true, 0 },
	{ 0x04, 0, true, true, 0 },    { 0x05, 0, true, false, 1 },   { 0x07, 12, false, false, 0 },
	{ 0x08, 1, false, false, 0 },  { 0x09, 8, false, false, 0 },  { 0x0a, 0, false, false, 0 },
	{ 0x0d, 0, true, false, 0 },   { 0x0e, 0, true, false, 0 },   { 0x0f, 0, true, true, 0 },
	{ 0x10, 4, false, false, 0 },  { 0x11, 8, false, false, 0 },  { 0x12, 8, false, false, 0 },
	{ 0x13, 16, false, false, 0 }, { 0x7f, 0, false, false, 0 },  { 0xff, 0, false, false, 0 },
};

/* Documents count their length field, strings and binary data do not. */
static void skip_sized(struct cursor *cursor, bool document, uint8_t extra)
{
	uint32_t size = cursor_u32(cursor);

	if (document && size < LEAST_DOCUMENT)
		cursor->failed = true;
	cursor_skip(cursor, document && size >= 4 ? size - 4 : (uint64_t)size + extra);
}

static bool skip_value(struct cursor *cursor, uint8_t type)
{
	enum { REGEX = 0x0b };

	if (type == REGEX) {
		cursor_cstring(cursor);
		cursor_cstring(cursor);
		return cursor_ok(cursor);
	}
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (values[i].type == type) {
			cursor_skip(cursor, values[i].fixed);
			if (values[i].sized)
				skip_sized(cursor, values[i].document, values[i].extra);
			return cursor_ok(cursor);
		}
	return false;
}

struct element {
	uint8_t type;
	struct span name, value;
};

/* Elements up to the NUL behind the last. */
static bool read_elements(struct cursor *document, struct element *first)
{
	uint8_t type;

	while ((type = cursor_u8(document)) != 0) {
		struct span name = cursor_cstring(document);
		size_t start = document->at;

		if (!text_run_is_all(name) || !skip_value(document, type))
			return false;
		if (!first->type)
			*first = (struct element){ type, name,
									   span_part(document->span, start, document->at - start) };
	}
	return true;
}

/* A document: its length, elements, a NUL. Documents in it are stepped over. */
static bool read_document(struct cursor *cursor, struct element *first, struct match *match)
{
	struct cursor ahead = *cursor, document;
	uint32_t size = cursor_u32(&ahead);
	bool good;

	*first = (struct element){ 0 };
	document = cursor_make(cursor_bytes(cursor, size), false);
	cursor_skip(&document, 4);
	if (!cursor_ok(cursor) || size < LEAST_DOCUMENT || size > LARGEST_DOCUMENT)
		return false;
	good = read_elements(&document, first);
	match_worked(match, document.at);
	return good && cursor_ok(&document) && !cursor_left(&document);
}

/* A section: a document, or an identifier with a sequence of them. */
static bool read_section(struct cursor *cursor, struct element *first, struct match *match)
{
	uint8_t kind = cursor_u8(cursor);
	struct element other;
	struct cursor sequence;
	uint32_t size;

	if (kind == 0)
		return read_document(cursor, first, match);
	size = cursor_u32(cursor);
	if (kind != 1 || size < 4)
		return false;
	sequence = cursor_make(cursor_bytes(cursor, size - 4), false);
	cursor_cstring(&sequence);
	while (cursor_ok(&sequence) && cursor_left(&sequence))
		if (!read_document(&sequence, &other, match))
			return false;
	return cursor_ok(cursor) && cursor_ok(&sequence);
}

/* "find orders": the first element's name, and the collection's where that is its value. */
static void set_command(struct match *match, const struct element *first)
{
	bool has_collection = false;

	for (size_t i = 0; i < sizeof of_collection / sizeof *of_collection; i++)
		has_collection |= span_equal(first->name, span_string(of_collection[i]));
	match_list_begin(match);
	match_list_add(match, 0, first->name);
	if (has_collection && first->type == STRING && first->value.size > 5)
		match_list_add(match, ' ', span_part(first->value, 4, first->value.size - 5));
	match_list_end(match, "command");
}

/* A message whose sections use up its length. Provides `command`. */
bool validate_mongodb_message(struct span bytes, struct match *match)
{
	enum { OP_MSG = 2013, CHECKSUM = 1, FLAGS = 0x10003 };
	struct cursor cursor = cursor_make(bytes, false), message;
	uint32_t length = cursor_u32(&cursor), flags, opcode;
	struct element first = { 0 };

	cursor_skip(&cursor, 8);
	opcode = cursor_u32(&cursor);
	flags = cursor_u32(&cursor);
	if (!cursor_ok(&cursor) || opcode != OP_MSG || flags & ~(uint32_t)FLAGS ||
		length < cursor.at + 4)
		return false;
	message =
		cursor_make(cursor_bytes(&cursor, length - cursor.at - (flags & CHECKSUM ? 4 : 0)), false);
	cursor_skip(&cursor, flags & CHECKSUM ? 4 : 0);
	while (cursor_left(&message))
		if (!read_section(&message, &first, match))
			return false;
	if (!cursor_ok(&cursor) || !first.type || !first.name.size)
		return false;
	match_extend(match, cursor.at);
	set_command(match, &first);
	return true;
}

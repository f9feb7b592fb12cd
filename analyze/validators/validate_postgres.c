/* Messages of PostgreSQL's frontend/backend protocol 3.0 (PostgreSQL documentation, 55.7 "Message
 * Formats"): a type's letter, a length that counts itself, fields that use it up. */
#include "analyze/validators/match_list.h"
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

struct message {
	uint8_t type;
	struct cursor body;
};

static bool read_message(struct cursor *cursor, struct message *message)
{
	uint32_t length;

	message->type = cursor_u8(cursor);
	length = cursor_u32(cursor);
	if (length < 4)
		return false;
	message->body = cursor_make(cursor_bytes(cursor, length - 4), true);
	return cursor_ok(cursor);
}

/* RowDescription: a name and 18 bytes for each column, the last two its format. Lists the names. */
static bool read_columns(struct cursor *body, struct match *match)
{
	enum { BINARY = 1, MOST = 1664 }; /* the other format is text; MaxTupleAttributeNumber */
	uint16_t count = cursor_u16(body);
	bool room = true;

	if (!count || count > MOST)
		return false;
	match_list_begin(match);
	for (uint16_t i = 0; i < count; i++) {
		struct span name = cursor_cstring(body);

		cursor_skip(body, 16);
		if (cursor_u16(body) > BINARY || !cursor_ok(body) || !name.size || !text_run_is_all(name))
			return false;
		if (room)
			room = match_list_add(match, ',', name);
	}
	match_list_end(match, "columns");
	return !cursor_left(body);
}

/* DataRow: for each column a length and as many bytes; -1 is NULL. */
static bool row_fits(struct cursor body)
{
	uint16_t count = cursor_u16(&body);

	for (uint16_t i = 0; i < count && cursor_ok(&body); i++) {
		uint32_t size = cursor_u32(&body);

		if (size != UINT32_MAX)
			cursor_skip(&body, size);
	}
	return cursor_ok(&body) && !cursor_left(&body);
}

/* What may follow a RowDescription until the next one. */
static bool follows(const struct message *message)
{
	if (message->type == 'D')
		return row_fits(message->body);
	if (message->type == 'Z')
		return message->body.span.size == 1;
	return message->type == 'C' && message->body.span.size > 1 &&
		   memchr(message->body.span.data, 0, message->body.span.size) ==
			   message->body.span.data + message->body.span.size - 1;
}

/* A RowDescription and the rows behind it. Provides `columns`. */
bool validate_postgres_result(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	struct message message;

	if (!read_message(&cursor, &message) || message.type != 'T' ||
		!read_columns(&message.body, match))
		return false;
	do
		match_extend(match, cursor.at);
	while (read_message(&cursor, &message) && follows(&message));
	return true;
}

/* Classes of SQLSTATE that a busy program meets (appendix A). Named, because a report shows no runs
 * of digits. */
static const struct {
	const char *code, *name;
} classes[] = {
	{ "00", "00 success" },
	{ "01", "01 warning" },
	{ "02", "02 no data" },
	{ "08", "08 connection exception" },
	{ "0A", "0A feature not supported" },
	{ "22", "22 data exception" },
	{ "23", "23 integrity constraint violation" },
	{ "25", "25 invalid transaction state" },
	{ "28", "28 invalid authorization" },
	{ "40", "40 transaction rollback" },
	{ "42", "42 syntax error or access rule violation" },
	{ "53", "53 insufficient resources" },
	{ "54", "54 program limit exceeded" },
	{ "55", "55 object not in prerequisite state" },
	{ "57", "57 operator intervention" },
	{ "58", "58 system error" },
	{ "P0", "P0 PL/pgSQL error" },
	{ "XX", "XX internal error" },
};

static struct span class_of(struct span code)
{
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (text_starts_with(code, classes[i].code))
			return span_string(classes[i].name);
	return span_part(code, 0, 2);
}

/* SQLSTATE (appendix A): five digits or upper-case letters. */
static bool is_code(struct span text)
{
	enum { LENGTH = 5 };

	for (size_t i = 0; i < text.size; i++)
		if (!text_is_digit(text.data[i]) && !(text.data[i] >= 'A' && text.data[i] <= 'Z'))
			return false;
	return text.size == LENGTH;
}

/* ErrorResponse or NoticeResponse: letters and strings (55.8), a NUL. Provides `class`: of its
 * SQLSTATE. */
bool validate_postgres_error(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	struct span code = { 0 };
	struct message message;
	uint8_t field;

	if (!read_message(&cursor, &message) || (message.type != 'E' && message.type != 'N'))
		return false;
	while ((field = cursor_u8(&message.body)) != 0) {
		struct span text = cursor_cstring(&message.body);

		if (!cursor_ok(&message.body) || !text_is_letter(field) || !text_run_is_all(text))
			return false;
		if (field == 'C')
			code = text;
	}
	if (!cursor_ok(&message.body) || cursor_left(&message.body) || !is_code(code))
		return false;
	match_extend(match, cursor.at);
	match_set(match, "class", class_of(code));
	return true;
}

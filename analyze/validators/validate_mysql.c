/* Column definitions of MySQL's client/server protocol (MySQL source documentation,
 * "Protocol::ColumnDefinition41"): packets whose lengths agree, numbered one after another. */
#include "analyze/validators/match_list.h"
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

/* Names are at most 64 characters of up to four bytes; an alias may have 256. Longer ones have
 * another form of length and are not looked for. */
static struct span read_name(struct cursor *cursor)
{
	enum { LONGEST = 250 };
	uint8_t size = cursor_u8(cursor);
	struct span name = cursor_bytes(cursor, size);

	if (size > LONGEST || !text_run_is_all(name))
		cursor->failed = true;
	return name;
}

struct column {
	struct span schema, table, name;
};

/* The packet: its length, its number, and exactly one definition. */
static bool read_column(struct cursor *cursor, uint8_t *number, struct column *column)
{
	enum { FIXED_BYTES = 0x0c };
	uint32_t size = cursor_u8(cursor);
	struct cursor packet;
	struct span catalog;

	size |= (uint32_t)cursor_u16(cursor) << 8;
	*number = cursor_u8(cursor);
	packet = cursor_make(cursor_bytes(cursor, size), false);
	catalog = read_name(&packet);
	column->schema = read_name(&packet);
	read_name(&packet); /* the table's alias */
	column->table = read_name(&packet);
	column->name = read_name(&packet);
	read_name(&packet); /* the column's own name */
	if (cursor_u8(&packet) != FIXED_BYTES || cursor_left(&packet) != FIXED_BYTES)
		return false;
	cursor_skip(&packet, FIXED_BYTES - 2);
	return cursor_u16(&packet) == 0 && cursor_ok(&packet) && cursor_ok(cursor) &&
		   span_equal(catalog, span_string("def")) && column->name.size;
}

/* One definition or more. Provides `table`: schema and table of the first, "(expression)" where it
 * is of none. */
bool validate_mysql_columns(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	struct column first, next;
	uint8_t number, last;

	if (!read_column(&cursor, &last, &first))
		return false;
	do
		match_extend(match, cursor.at);
	while (read_column(&cursor, &number, &next) && number == (uint8_t)(last + 1) &&
		   (last = number, true));
	match_list_begin(match);
	if (first.table.size) {
		match_list_add(match, 0, first.schema);
		match_list_add(match, '.', first.table);
	} else {
		match_list_add(match, 0, span_string("(expression)"));
	}
	match_list_end(match, "table");
	return true;
}

/* TrueType and OpenType fonts (ISO/IEC 14496-22:2019, 4.3 table directory, 5.2.6 name table; the
 * same text is Microsoft's OpenType specification 1.9, "Organization of an OpenType Font"). */
#include "analyze/validators/validators.h"

enum {
	HEADER_BYTES = 12,
	RECORD_BYTES = 16,
	MOST_TABLES = 64,
	SUM_MOST_BYTES = 16 << 20, /* of tables that are summed in one font */
	NAME_MOST_BYTES = 63,
	POSTSCRIPT_NAME = 6,
};

#define TAG_HEAD 0x68656164u
#define TAG_NAME 0x6e616d65u

struct table {
	uint32_t tag, sum, at, size;
};

/* numTables and the three numbers that follow from it (4.3). */
static bool counts_agree(struct cursor *cursor, unsigned *tables)
{
	unsigned range, selector, shift, log2 = 0;

	*tables = cursor_u16(cursor);
	range = cursor_u16(cursor);
	selector = cursor_u16(cursor);
	shift = cursor_u16(cursor);
	while (2u << log2 <= *tables)
		log2++;
	return cursor_ok(cursor) && *tables >= 4 && *tables <= MOST_TABLES &&
		   range == (unsigned)RECORD_BYTES << log2 && selector == log2 &&
		   shift == *tables * RECORD_BYTES - range;
}

static struct table read_record(struct cursor *cursor)
{
	struct table table;

	table.tag = cursor_u32(cursor);
	table.sum = cursor_u32(cursor);
	table.at = cursor_u32(cursor);
	table.size = cursor_u32(cursor);
	return table;
}

/* The sum of the table's words, the last one filled up with zeros. */
static uint32_t sum_of(struct span bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes.size; i++)
		sum += (uint32_t)bytes.data[i] << (24 - i % 4 * 8);
	return sum;
}

/* All of the table is there and has its sum. That of `head` is taken with a word of 0 in it. */
static bool table_agrees(struct span bytes, const struct table *table)
{
	struct span data = span_part(bytes, table->at, table->size);

	if (!table->size || data.size != table->size)
		return false;
	if (table->tag == TAG_HEAD)
		return data.size >= 12 &&
			   sum_of(span_part(data, 0, 8)) + sum_of(span_part(data, 12, data.size)) == table->sum;
	return sum_of(data) == table->sum;
}

/* The PostScript name, in ASCII or UTF-16: letters and digits without blanks (5.2.6.3). */
static void keep_name(struct span text, struct match *match)
{
	char name[NAME_MOST_BYTES + 1];
	int size = 0;

	for (size_t i = 0; i < text.size && size < NAME_MOST_BYTES; i++)
		if (text.data[i] > ' ' && text.data[i] <= '~')
			name[size++] = (char)text.data[i];
	if (size)
		match_build(match, "font", "%.*s", size, name);
}

static void read_name(struct span names, struct match *match)
{
	struct cursor cursor = cursor_make(names, true);
	unsigned count, text_at;

	cursor_skip(&cursor, 2);
	count = cursor_u16(&cursor);
	text_at = cursor_u16(&cursor);
	for (unsigned i = 0; i < count && cursor_ok(&cursor); i++) {
		unsigned id, size, at;

		cursor_skip(&cursor, 6); /* platform, encoding, language */
		id = cursor_u16(&cursor);
		size = cursor_u16(&cursor);
		at = cursor_u16(&cursor);
		if (id == POSTSCRIPT_NAME && cursor_ok(&cursor)) {
			keep_name(span_part(names, text_at + at, size), match);
			return;
		}
	}
}

/* Records are sorted by tag, tables start behind them at multiples of 4. Proven are the directory,
 * and the bytes up to the end of the last table that is there and has its sum. */
bool validate_font_tables(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	uint32_t before = 0, summed = 0;
	unsigned tables;

	cursor_skip(&cursor, 4);
	if (!counts_agree(&cursor, &tables))
		return false;
	for (unsigned i = 0; i < tables; i++) {
		struct table table = read_record(&cursor);

		if (!cursor_ok(&cursor) || table.tag <= before || table.at % 4 ||
			table.at < HEADER_BYTES + RECORD_BYTES * tables)
			return false;
		before = table.tag;
		if (table.size > SUM_MOST_BYTES - summed)
			continue;
		summed += table.size;
		match_worked(match, table.size);
		if (!table_agrees(bytes, &table))
			continue;
		match_extend(match, (size_t)table.at + table.size);
		if (table.tag == TAG_NAME)
			read_name(span_part(bytes, table.at, table.size), match);
	}
	match_extend(match, cursor.at);
	return true;
}

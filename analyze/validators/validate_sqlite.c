/* SQLite database files (https://www.sqlite.org/fileformat2.html, 1.3 database header, 1.6 b-tree
 * pages, 4.1 and 4.2 write-ahead log). */
#include "analyze/validators/validators.h"

enum {
	DATABASE_HEADER_BYTES = 100,
	WAL_HEADER_BYTES = 32,
	WAL_FRAME_BYTES = 24,
	WAL_VERSION = 3007000,
	PAGE_MIN = 512,
	PAGE_MAX = 65536,
	WAL_MOST_BYTES = 16 << 20, /* of frames that are summed from one match on */
};

#define WAL_MAGIC 0x377f0682u /* the lowest bit: sums are of big-endian words */

static bool page_size_is_possible(size_t size)
{
	return size >= PAGE_MIN && size <= PAGE_MAX && (size & (size - 1)) == 0;
}

/* A b-tree page (1.6): interior pages of 2 and 5, leaves of 10 and 13. Every cell must start behind
 * the list of pointers to them, and nothing may reach beyond the page. */
static bool is_btree_page(struct span page, size_t at)
{
	struct cursor cursor = cursor_make(page, true);
	unsigned kind, first_free, cells, content, header;

	cursor_skip(&cursor, at);
	kind = cursor_u8(&cursor);
	first_free = cursor_u16(&cursor);
	cells = cursor_u16(&cursor);
	content = cursor_u16(&cursor);
	cursor_skip(&cursor, kind <= 5 ? 5 : 1); /* fragments, right child */
	header = (unsigned)cursor.at + 2 * cells;
	content = content ? content : PAGE_MAX;
	if ((kind != 2 && kind != 5 && kind != 10 && kind != 13) || content > page.size ||
		content < header || first_free >= page.size)
		return false;
	for (unsigned i = 0; i < cells; i++) {
		unsigned cell = cursor_u16(&cursor);

		if (cell < content || cell + 4 > page.size)
			return false;
	}
	return cursor_ok(&cursor);
}

/* Pages of a list (overflow, free list) start with the number of the next one, or 0. */
static bool is_list_page(struct span page, uint32_t pages)
{
	struct cursor cursor = cursor_make(page, true);

	return cursor_u32(&cursor) <= pages;
}

/* Pages behind the first one, as far as they are possible and whole. */
static size_t database_extent(struct span bytes, size_t page_size, uint32_t pages)
{
	size_t end = page_size;

	for (uint32_t i = 1; i < pages; i++, end += page_size) {
		struct span page = span_part(bytes, end, page_size);

		if (page.size != page_size || (!is_btree_page(page, 0) && !is_list_page(page, pages)))
			break;
	}
	return end;
}

/* The first page of a database. Fields from 18 on: versions, reserved bytes, three fixed fractions;
 * at 28 the pages, at 44 schema format, at 56 text encoding, at 72 zeros. */
bool validate_sqlite_header(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	size_t page_size;
	uint32_t fixed, pages, format, encoding;
	uint8_t write, read;

	cursor_skip(&cursor, 16); /* magic */
	page_size = cursor_u16(&cursor);
	page_size = page_size == 1 ? PAGE_MAX : page_size;
	write = cursor_u8(&cursor);
	read = cursor_u8(&cursor);
	cursor_skip(&cursor, 1);
	fixed = (uint32_t)cursor_u8(&cursor) << 16 | cursor_u16(&cursor);
	cursor_skip(&cursor, 4);
	pages = cursor_u32(&cursor);
	cursor_skip(&cursor, 12);
	format = cursor_u32(&cursor);
	cursor_skip(&cursor, 8);
	encoding = cursor_u32(&cursor);
	cursor_skip(&cursor, DATABASE_HEADER_BYTES - 60);
	if (!cursor_ok(&cursor) || !page_size_is_possible(page_size) || write < 1 || write > 2 ||
		read < 1 || read > 2 || fixed != 0x402020 || format > 4 || encoding > 3)
		return false;
	if (bytes.size < page_size) {
		match_extend(match, DATABASE_HEADER_BYTES);
		return true;
	}
	if (!is_btree_page(span_part(bytes, 0, page_size), DATABASE_HEADER_BYTES))
		return false;
	match_extend(match, database_extent(bytes, page_size, pages));
	return true;
}

/* The running checksum of 4.2 over pairs of words. */
static void sum_words(struct cursor cursor, size_t size, uint32_t sum[2])
{
	for (size_t i = 0; i < size; i += 8) {
		sum[0] += cursor_u32(&cursor) + sum[1];
		sum[1] += cursor_u32(&cursor) + sum[0];
	}
}

/* A frame whose salts are the header's and whose sum agrees. */
static bool read_frame(struct cursor *cursor, bool big_endian, size_t page_size,
					   const uint32_t salt[2], uint32_t sum[2])
{
	struct cursor words = *cursor;
	bool salted;

	words.big_endian = big_endian;
	sum_words(words, 8, sum);
	cursor_skip(cursor, 8);
	salted = cursor_u32(cursor) == salt[0];
	salted = cursor_u32(cursor) == salt[1] && salted;
	words.at = cursor->at + 8;
	if (!salted || cursor_left(cursor) < 8 + page_size)
		return false;
	sum_words(words, page_size, sum);
	if (cursor_u32(cursor) != sum[0] || cursor_u32(cursor) != sum[1])
		return false;
	cursor_skip(cursor, page_size);
	return true;
}

bool validate_sqlite_wal(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, WAL_MOST_BYTES), true);
	struct cursor words = cursor;
	uint32_t magic = cursor_u32(&cursor), version = cursor_u32(&cursor), salt[2], sum[2] = { 0 };
	size_t page_size = cursor_u32(&cursor);

	words.big_endian = magic & 1;
	sum_words(words, WAL_HEADER_BYTES - 8, sum);
	cursor_skip(&cursor, 4); /* checkpoints */
	salt[0] = cursor_u32(&cursor);
	salt[1] = cursor_u32(&cursor);
	if ((magic & ~1u) != WAL_MAGIC || version != WAL_VERSION || !page_size_is_possible(page_size) ||
		cursor_u32(&cursor) != sum[0] || cursor_u32(&cursor) != sum[1] || !cursor_ok(&cursor))
		return false;
	do
		match_extend(match, cursor.at);
	while (read_frame(&cursor, magic & 1, page_size, salt, sum));
	match_worked(match, match->extent + page_size);
	return true;
}

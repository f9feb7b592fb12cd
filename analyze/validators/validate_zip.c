/* Local file headers, central directory records and the end record (PKWARE APPNOTE.TXT 6.3.10,
 * 4.3.7, 4.3.12, 4.3.16). */
#include "analyze/validators/deflate_trial.h"
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"
#include "base/size.h"

#include <stdio.h>

enum {
	LOCAL_BYTES = 30,
	CENTRAL_BYTES = 46,
	NAME_MAX_BYTES = 1024,
	COMMENT_MAX_BYTES = 1024,
	FLAG_ENCRYPTED = 1 << 0,
	FLAG_DATA_DESCRIPTOR = 1 << 3,
	METHOD_DEFLATE = 8,
	FLAGS_KNOWN = 0x7fff & ~(1 << 14), /* 4.4.4; bits 14 and 15 are reserved by PKWARE */
};

#define MAGIC_LOCAL 0x04034b50u
#define MAGIC_CENTRAL 0x02014b50u
#define MAGIC_DESCRIPTOR 0x08074b50u
#define MAGIC_END 0x06054b50u
#define MAGIC_END64 0x06064b50u

/* The fields both records share. */
struct entry {
	uint16_t needed, flags, method, time, date;
	uint32_t packed;
	uint16_t name_bytes, extra_bytes;
};

/* 4.4.5: the methods that are defined. */
static bool method_is_known(uint16_t method)
{
	return method <= 20 || (method >= 93 && method <= 99);
}

/* MS-DOS date: day 1-31, month 1-12; all zero where a tool leaves it out. */
static bool date_is_possible(uint16_t date, uint16_t time)
{
	unsigned day = date & 31, month = date >> 5 & 15;
	unsigned seconds = time & 31, minutes = time >> 5 & 63, hours = time >> 11;

	if (!date)
		return true;
	return day >= 1 && month >= 1 && month <= 12 && seconds < 30 && minutes < 60 && hours < 24;
}

static bool name_is_printable(struct span name)
{
	return name.size && text_is_plain(name);
}

static bool entry_is_possible(const struct entry *entry)
{
	return (entry->needed & 0xff) <= 63 && (entry->flags & ~FLAGS_KNOWN) == 0 &&
		   method_is_known(entry->method) && date_is_possible(entry->date, entry->time) &&
		   entry->name_bytes && entry->name_bytes <= NAME_MAX_BYTES;
}

static uint32_t magic_at(struct span bytes, size_t offset)
{
	struct cursor cursor = cursor_make(span_part(bytes, offset, 4), false);

	return cursor_u32(&cursor);
}

static size_t header_bytes(const struct entry *entry)
{
	return LOCAL_BYTES + (size_t)entry->name_bytes + entry->extra_bytes;
}

/* Where the packed data ends by the header, if the record behind it stands there; else 0. */
static size_t data_end(struct span bytes, const struct entry *entry)
{
	size_t next = header_bytes(entry) + entry->packed;
	uint32_t magic = next < bytes.size ? magic_at(bytes, next) : 0;

	if (entry->flags & FLAG_DATA_DESCRIPTOR || entry->packed == UINT32_MAX)
		return 0;
	return magic == MAGIC_LOCAL || magic == MAGIC_CENTRAL ? next : 0;
}

/* A raw stream has no checksum. One that ends is proven by what stands behind it: the data
 * descriptor (4.3.9), or the place where the header says that it ends. */
static bool end_is_confirmed(struct span bytes, const struct entry *entry, size_t read)
{
	if (entry->flags & FLAG_DATA_DESCRIPTOR)
		return magic_at(bytes, header_bytes(entry) + read) == MAGIC_DESCRIPTOR;
	return read == entry->packed;
}

/* Looks whether the data inflates. Where the header does not tell its end the stream does. */
static void prove_data(struct span bytes, const struct entry *entry, struct match *match)
{
	size_t start = header_bytes(entry), end = data_end(bytes, entry);
	struct deflate_trial trial;

	match->extent = end ? end : start;
	if (entry->method != METHOD_DEFLATE || entry->flags & FLAG_ENCRYPTED)
		return;
	trial = deflate_try(span_part(bytes, start, (end ? end : bytes.size) - start), MATCH_DEFLATE,
						end ? DEFLATE_TRIAL_LEAST : DEFLATE_TRIAL_MOST);
	match_worked(match, trial.read + trial.written);
	if (trial.written < DEFLATE_TRIAL_LEAST &&
		!(trial.ended && end_is_confirmed(bytes, entry, trial.read)))
		return;
	match->packed = MATCH_DEFLATE;
	match->packed_at = start;
	match_extend(match, start + trial.read);
}

bool validate_zip_local_header(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	struct entry entry;
	struct span name;
	uint32_t magic = cursor_u32(&cursor);

	entry.needed = cursor_u16(&cursor);
	entry.flags = cursor_u16(&cursor);
	entry.method = cursor_u16(&cursor);
	entry.time = cursor_u16(&cursor);
	entry.date = cursor_u16(&cursor);
	cursor_skip(&cursor, 4); /* CRC-32 */
	entry.packed = cursor_u32(&cursor);
	cursor_skip(&cursor, 4); /* size unpacked */
	entry.name_bytes = cursor_u16(&cursor);
	entry.extra_bytes = cursor_u16(&cursor);
	name = cursor_bytes(&cursor, entry.name_bytes);
	if (!cursor_ok(&cursor) || magic != MAGIC_LOCAL || !entry_is_possible(&entry) ||
		!name_is_printable(name))
		return false;
	match_set(match, "entry", name);
	match->extent = cursor.at;
	cursor_skip(&cursor, entry.extra_bytes);
	if (cursor_ok(&cursor))
		prove_data(bytes, &entry, match);
	return true;
}

/* A record alone is weak; the next record of the directory must follow it. */
bool validate_zip_central_directory(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	struct entry entry;
	struct span name;
	uint32_t magic = cursor_u32(&cursor), next;
	uint16_t comment_bytes;

	cursor_skip(&cursor, 2); /* version made by */
	entry.needed = cursor_u16(&cursor);
	entry.flags = cursor_u16(&cursor);
	entry.method = cursor_u16(&cursor);
	entry.time = cursor_u16(&cursor);
	entry.date = cursor_u16(&cursor);
	cursor_skip(&cursor, 12); /* CRC-32, both sizes */
	entry.name_bytes = cursor_u16(&cursor);
	entry.extra_bytes = cursor_u16(&cursor);
	comment_bytes = cursor_u16(&cursor);
	cursor_skip(&cursor, CENTRAL_BYTES - 34); /* disk, attributes, offset */
	name = cursor_bytes(&cursor, entry.name_bytes);
	cursor_skip(&cursor, (size_t)entry.extra_bytes + comment_bytes);
	match->extent = cursor.at;
	next = cursor_u32(&cursor);
	if (!cursor_ok(&cursor) || magic != MAGIC_CENTRAL || !entry_is_possible(&entry) ||
		!name_is_printable(name))
		return false;
	match_set(match, "entry", name);
	return next == MAGIC_CENTRAL || next == MAGIC_END || next == MAGIC_END64;
}

/* "1,234 entries, directory of 96.3 KiB": the same numbers are most likely the same archive. */
static void describe(uint16_t entries, uint32_t directory_bytes, struct match *match)
{
	char count[SIZE_TEXT + 8], size[SIZE_TEXT];
	int length = snprintf(match->built, sizeof match->built, "%s %s, directory of %s",
						  count_format(entries, count), entries == 1 ? "entry" : "entries",
						  size_format(directory_bytes, size));

	match->built_size = (size_t)length;
	match_set(match, "archive", span_make(match->built, match->built_size));
}

/* The record of an archive of one part, whose directory has a size that its entries can have: each
 * is a record with a name. ZIP64's stand-ins (all ones) do not pass. */
bool validate_zip_end(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	uint32_t magic = cursor_u32(&cursor), disks = cursor_u32(&cursor), directory;
	uint16_t here = cursor_u16(&cursor), entries = cursor_u16(&cursor), comment;

	directory = cursor_u32(&cursor);
	cursor_skip(&cursor, 4); /* where the directory starts */
	comment = cursor_u16(&cursor);
	if (!cursor_ok(&cursor) || magic != MAGIC_END || disks || here != entries || !entries ||
		entries == UINT16_MAX || directory < entries * (CENTRAL_BYTES + 1u) ||
		directory > entries * UINT64_C(4096) || comment > COMMENT_MAX_BYTES)
		return false;
	match->extent = cursor.at;
	cursor_skip(&cursor, comment);
	if (cursor_ok(&cursor))
		match->extent = cursor.at;
	describe(entries, directory, match);
	return true;
}

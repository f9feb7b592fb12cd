/* tar archives (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar 1.34, src/tar.h). */
#include "analyze/validators/validators.h"

#include <stdio.h>
#include <string.h>

enum {
	BLOCK_BYTES = 512,
	NAME_BYTES = 100,
	SIZE_AT = 124,
	CHECKSUM_AT = 148,
	NUMBER_BYTES = 12,
	CHECKSUM_BYTES = 8,
	TYPE_AT = 156,
	MAGIC_AT = 257,
	PREFIX_AT = 345,
	PREFIX_BYTES = 155,
};

/* Octal digits, blanks before and a blank or NUL behind them; UINT64_MAX for anything else. */
static uint64_t read_octal(struct span field)
{
	uint64_t value = 0;
	size_t at = 0, digits = 0;

	while (at < field.size && field.data[at] == ' ')
		at++;
	for (; at < field.size && field.data[at] >= '0' && field.data[at] <= '7'; at++, digits++)
		value = value << 3 | (uint64_t)(field.data[at] - '0');
	if (!digits || (at < field.size && field.data[at] && field.data[at] != ' '))
		return UINT64_MAX;
	return value;
}

/* The sum of all bytes, those of the checksum taken as blanks. */
static bool checksum_agrees(struct span header)
{
	uint32_t sum = CHECKSUM_BYTES * ' ';

	for (size_t i = 0; i < header.size; i++)
		if (i < CHECKSUM_AT || i >= CHECKSUM_AT + CHECKSUM_BYTES)
			sum += header.data[i];
	return read_octal(span_part(header, CHECKSUM_AT, CHECKSUM_BYTES)) == sum;
}

/* Up to its NUL or its end. */
static struct span text_of(struct span field)
{
	const void *end = field.size ? memchr(field.data, 0, field.size) : NULL;

	return end ? span_make(field.data, (size_t)((const uint8_t *)end - field.data)) : field;
}

static bool is_printable(struct span text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < ' ' || text.data[i] == 0x7f)
			return false;
	return true;
}

static bool header_is_sound(struct span header)
{
	static const char types[] = "01234567xgLKSVMDAN";
	uint8_t type = header.size == BLOCK_BYTES ? header.data[TYPE_AT] : 0xff;
	struct span name = text_of(span_part(header, 0, NAME_BYTES));

	return header.size == BLOCK_BYTES &&
		   span_equal(span_part(header, MAGIC_AT, 5), span_string("ustar")) &&
		   memchr(types, type, sizeof types) && name.size && is_printable(name) &&
		   checksum_agrees(header);
}

static bool is_zero(struct span block)
{
	for (size_t i = 0; i < block.size; i++)
		if (block.data[i])
			return false;
	return block.size == BLOCK_BYTES;
}

/* The file's data count where the next header, or the zeros of the end, stand behind it. */
static size_t entry_extent(struct span bytes)
{
	uint64_t size = read_octal(span_part(bytes, SIZE_AT, NUMBER_BYTES));
	struct span next;

	if (size > bytes.size)
		return BLOCK_BYTES;
	size = BLOCK_BYTES + (size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
	next = span_part(bytes, size, BLOCK_BYTES);
	return header_is_sound(next) || is_zero(next) ? size : BLOCK_BYTES;
}

/* The name, behind the prefix that POSIX (NUL behind the magic, where GNU has a blank) keeps
 * apart. */
static struct span entry_name(struct span bytes, struct match *match)
{
	struct span name = text_of(span_part(bytes, 0, NAME_BYTES));
	struct span prefix = text_of(span_part(bytes, PREFIX_AT, PREFIX_BYTES));
	int length;

	if (bytes.data[MAGIC_AT + 5] || !prefix.size || !is_printable(prefix))
		return name;
	length = snprintf(match->built, sizeof match->built, "%.*s/%.*s", (int)prefix.size,
					  (const char *)prefix.data, (int)name.size, (const char *)name.data);
	match->built_size = (size_t)length < sizeof match->built ? (size_t)length : 0;
	return match->built_size ? span_make(match->built, match->built_size) : prefix;
}

bool validate_tar_header(struct span bytes, struct match *match)
{
	if (!header_is_sound(span_part(bytes, 0, BLOCK_BYTES)))
		return false;
	match_set(match, "entry", entry_name(bytes, match));
	match->extent = entry_extent(bytes);
	return true;
}

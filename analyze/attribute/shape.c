#include "analyze/attribute/shape.h"

#include <string.h>

static const char *const names[1 << SHAPE_BITS] = {
	[WORD_ZERO] = "0",  [WORD_POINTER] = "ptr", [WORD_TEXT] = "text",
	[WORD_INT] = "int", [WORD_DATA] = "data",   [WORD_MISSING] = "?",
};

struct shape_reader shape_reader_make(const struct regions *regions, unsigned word)
{
	struct shape_reader reader = { .regions = regions, .word = word };

	if (regions->items.count) {
		reader.all.start = regions->items.items[0].range.start;
		reader.all.end = regions->items.items[regions->items.count - 1].range.end;
	}
	return reader;
}

static bool is_mapped(struct shape_reader *reader, uint64_t value)
{
	const struct region *region;

	if (range_holds(reader->last, value))
		return true;
	if (!range_holds(reader->all, value))
		return false;
	region = regions_find(reader->regions, value);
	if (region)
		reader->last = region->range;
	return region != NULL;
}

/* Printable bytes throughout, or at least three of them and then only NULs. */
static bool is_text(uint64_t value, unsigned word)
{
	unsigned printable = 0;

	while (printable < word && (value & 0xff) >= 0x20 && (value & 0xff) < 0x7f) {
		value >>= 8;
		printable++;
	}
	return printable == word || (printable >= 3 && value == 0);
}

/* A word of the target, little-endian as every machine we read. Of two constant sizes, so that it
 * is an instruction and no call. */
static uint64_t load(const uint8_t *bytes, unsigned word)
{
	uint64_t wide;
	uint32_t narrow;

	if (word == sizeof wide) {
		memcpy(&wide, bytes, sizeof wide);
		return wide;
	}
	memcpy(&narrow, bytes, sizeof narrow);
	return narrow;
}

enum word_class shape_word(struct shape_reader *reader, const uint8_t *bytes)
{
	uint64_t value = load(bytes, reader->word);

	if (value == 0)
		return WORD_ZERO;
	/* six letters are an address of user space too, but hardly one that is mapped */
	if (reader->word == 8 && value >> 48 == 0 && is_mapped(reader, value))
		return WORD_POINTER;
	if (is_text(value, reader->word))
		return WORD_TEXT;
	if (is_mapped(reader, value))
		return WORD_POINTER;
	return reader->word == 8 && value <= UINT32_MAX   ? WORD_INT
		   : reader->word == 4 && value <= UINT16_MAX ? WORD_INT
													  : WORD_DATA;
}

uint32_t shape_of(struct shape_reader *reader, const uint8_t *bytes, uint64_t size)
{
	uint32_t shape = 0;

	for (unsigned i = 0; i < SHAPE_WORDS && (i + 1) * reader->word <= size; i++) {
		enum word_class class = bytes ? shape_word(reader, bytes + i * reader->word) : WORD_MISSING;

		shape |= (uint32_t) class << (SHAPE_BITS * i);
	}
	return shape;
}

static enum word_class class_at(uint32_t shape, unsigned index)
{
	return (enum word_class)(shape >> (SHAPE_BITS * index) & ((1 << SHAPE_BITS) - 1));
}

const char *shape_text(uint32_t shape, struct pool *pool)
{
	char text[SHAPE_WORDS * 8] = "";

	for (unsigned i = 0; i < SHAPE_WORDS && class_at(shape, i); i++) {
		if (i)
			strcat(text, " ");
		strcat(text, names[class_at(shape, i)]);
	}
	return pool_string(pool, text);
}

const char *shape_kind(uint32_t shape)
{
	unsigned counts[1 << SHAPE_BITS] = { 0 };
	unsigned words = 0;

	for (unsigned i = 0; i < SHAPE_WORDS && class_at(shape, i); i++, words++)
		counts[class_at(shape, i)]++;
	if (counts[WORD_MISSING] || !words)
		return "unknown";
	if (counts[WORD_ZERO] == words)
		return "zeros";
	if (counts[WORD_TEXT] * 2 > words || (counts[WORD_TEXT] && class_at(shape, 0) == WORD_TEXT))
		return "text";
	if (counts[WORD_POINTER] * 2 >= words)
		return "pointers";
	return counts[WORD_POINTER] || counts[WORD_TEXT] ? "mixed" : "binary";
}

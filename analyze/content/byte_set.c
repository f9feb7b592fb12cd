#include "analyze/content/byte_set.h"

void byte_set_add(uint8_t set[32], unsigned byte)
{
	set[byte / 8] = (uint8_t)(set[byte / 8] | 1 << byte % 8);
}

unsigned byte_set_count(const uint8_t set[32])
{
	unsigned count = 0;

	for (unsigned i = 0; i < 32; i++)
		count += (unsigned)__builtin_popcount(set[i]);
	return count;
}

void byte_set_add_range(uint8_t set[32], unsigned from, unsigned to)
{
	for (unsigned byte = from; byte <= to && byte < 256; byte++)
		byte_set_add(set, byte);
}

void byte_set_invert(uint8_t set[32])
{
	for (size_t i = 0; i < 32; i++)
		set[i] = (uint8_t)~set[i];
}

static void byte_set_merge(uint8_t set[32], const uint8_t other[32])
{
	for (size_t i = 0; i < 32; i++)
		set[i] |= other[i];
}

void byte_set_add_cases(uint8_t set[32])
{
	for (unsigned upper = 'A'; upper <= 'Z'; upper++)
		if (byte_set_has(set, upper) || byte_set_has(set, upper + 32)) {
			byte_set_add(set, upper);
			byte_set_add(set, upper + 32);
		}
}

/* Classes by name, as ranges of bytes in the C locale. */
static const struct {
	const char *name;
	const char *ranges;
	size_t bytes;
} classes[] = {
	{ "d", "09", 2 },           { "w", "09AZaz__", 8 },
	{ "s", "\t\r  ", 4 },       { "h", "\t\t  \xa0\xa0", 6 },
	{ "v", "\n\r\x85\x85", 4 }, { "alnum", "09AZaz", 6 },
	{ "alpha", "AZaz", 4 },     { "ascii", "\0\x7f", 2 },
	{ "blank", "\t\t  ", 4 },   { "cntrl", "\0\x1f\x7f\x7f", 4 },
	{ "digit", "09", 2 },       { "graph", "!~", 2 },
	{ "lower", "az", 2 },       { "print", " ~", 2 },
	{ "punct", "!/:@[`{~", 8 }, { "space", "\t\r  ", 4 },
	{ "upper", "AZ", 2 },       { "word", "09AZaz__", 8 },
	{ "xdigit", "09AFaf", 6 },
};

bool byte_set_add_class(uint8_t set[32], struct span name, bool inverted)
{
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		uint8_t members[32] = { 0 };

		if (!span_equal(name, span_string(classes[i].name)))
			continue;
		for (size_t j = 0; j < classes[i].bytes; j += 2)
			byte_set_add_range(members, (uint8_t)classes[i].ranges[j],
							   (uint8_t)classes[i].ranges[j + 1]);
		if (inverted)
			byte_set_invert(members);
		byte_set_merge(set, members);
		return true;
	}
	return false;
}

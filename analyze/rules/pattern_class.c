#include "analyze/rules/pattern_class.h"

#include "analyze/rules/byte_set.h"
#include "analyze/rules/pattern_escape.h"

/* Where case does not count, PCRE2 takes [:lower:] and [:upper:] for [:alpha:], before ^ inverts.
 */
static struct span posix_name(struct span name, struct pattern_options options)
{
	bool one_case =
		span_equal(name, span_string("lower")) || span_equal(name, span_string("upper"));

	return options.caseless && one_case ? span_string("alpha") : name;
}

/* [:name:] or [:^name:] at reader->at. False where it is not one: then [ is a plain byte. */
static bool read_posix_class(struct pattern_reader *reader, uint8_t set[32],
							 struct pattern_options options)
{
	size_t start = reader->at + 2, end = start;
	struct span name;
	bool inverted;

	if (!pattern_looking_at(reader, "[:"))
		return false;
	while (end < reader->source.size && reader->source.data[end] != ':' &&
		   reader->source.data[end] != ']')
		end++;
	if (end + 1 >= reader->source.size || reader->source.data[end] != ':' ||
		reader->source.data[end + 1] != ']')
		return false;
	inverted = reader->source.data[start] == '^';
	start += inverted;
	name = posix_name(span_part(reader->source, start, end - start), options);
	if (!byte_set_add_class(set, name, inverted))
		reader->unknown = true;
	reader->at = end + 2;
	return true;
}

/* One member of a class: gives its byte, or -1 where it was a class of its own, added to set. */
static int read_class_member(struct pattern_reader *reader, uint8_t set[32],
							 struct pattern_options options)
{
	int c = pattern_peek(reader, 0), letter, byte;

	if (c == '[' && read_posix_class(reader, set, options))
		return -1;
	if (c == '[' && (pattern_looking_at(reader, "[.") || pattern_looking_at(reader, "[=")))
		reader->unknown = true;
	reader->at++;
	if (c != '\\')
		return c;
	letter = pattern_peek(reader, 0);
	reader->at++;
	if (letter == 'b')
		return '\b';
	if (pattern_add_class(set, letter))
		return -1;
	byte = letter < 0 ? -1 : pattern_read_byte(reader, letter);
	if (byte < 0)
		reader->unknown = true; /* \Q, \p, an octal reference: rare enough */
	return byte;
}

struct pattern_node *pattern_read_class(struct pattern_reader *reader,
										struct pattern_options options)
{
	uint8_t set[32] = { 0 };
	bool inverted, first = true;

	reader->at++;
	inverted = pattern_take(reader, "^");
	for (; pattern_peek(reader, 0) >= 0 && (first || pattern_peek(reader, 0) != ']');
		 first = false) {
		int from, to;

		if (options.extended_more &&
			(pattern_peek(reader, 0) == ' ' || pattern_peek(reader, 0) == '\t'))
			reader->unknown = true;
		from = read_class_member(reader, set, options);
		if (from < 0)
			continue;
		to = from;
		if (pattern_peek(reader, 0) == '-' && pattern_peek(reader, 1) != ']' &&
			pattern_peek(reader, 1) >= 0) {
			uint8_t ignored[32] = { 0 };
			size_t dash = reader->at++;

			to = read_class_member(reader, ignored, options);
			if (to < 0) { /* [a-\d]: the dash is a byte */
				to = from;
				reader->at = dash + 1;
				byte_set_add(set, '-');
			}
		}
		byte_set_add_range(set, (unsigned)from, (unsigned)to);
	}
	reader->at++;
	if (options.caseless)
		byte_set_add_cases(set);
	if (inverted)
		byte_set_invert(set);
	return pattern_make_set(reader, set, (struct pattern_options){ 0 });
}

#include "analyze/rules/pattern_escape.h"

#include "analyze/rules/byte_set.h"
#include "base/text.h"

#include <string.h>

/* Digits of a base up to `most` of them; -1 where there is none or the value passes a byte. */
static int read_digits(struct pattern_reader *reader, int base, size_t most)
{
	int value = -1;

	for (size_t i = 0; i < most; i++) {
		int digit = text_hex_value(pattern_peek(reader, 0));

		if (digit < 0 || digit >= base)
			break;
		value = (value < 0 ? 0 : value) * base + digit;
		reader->at++;
		if (value > 255)
			return -1;
	}
	return value;
}

static int read_hex_escape(struct pattern_reader *reader)
{
	int value;

	if (!pattern_take(reader, "{")) {
		value = read_digits(reader, 16, 2);
		return value < 0 ? 0 : value;
	}
	value = read_digits(reader, 16, 8);
	return pattern_take(reader, "}") ? value : -1;
}

static int read_octal_braces(struct pattern_reader *reader)
{
	int value = pattern_take(reader, "{") ? read_digits(reader, 8, 8) : -1;

	return pattern_take(reader, "}") ? value : -1;
}

int pattern_read_byte(struct pattern_reader *reader, int letter)
{
	static const char plain[] = "a\007e\033f\014n\nr\rt\t";
	const char *found = letter > 0 ? strchr(plain, letter) : NULL;

	if (found && (found - plain) % 2 == 0)
		return found[1];
	if (letter == 'x')
		return read_hex_escape(reader);
	if (letter == 'o')
		return read_octal_braces(reader);
	if (letter == '0') {
		int value = read_digits(reader, 8, 2);

		return value < 0 ? 0 : value;
	}
	if (letter == 'c' && pattern_peek(reader, 0) > 0) {
		int c = pattern_peek(reader, 0);

		reader->at++;
		return (c >= 'a' && c <= 'z' ? c - 32 : c) ^ 0x40;
	}
	if ((letter >= '1' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
		(letter >= 'A' && letter <= 'Z'))
		return -1;
	return letter;
}

bool pattern_add_class(uint8_t set[32], int letter)
{
	uint8_t lower = (uint8_t)(letter | 32);

	if (letter < 0 || !strchr("dDwWsShHvV", letter))
		return false;
	return byte_set_add_class(set, span_make(&lower, 1), letter != lower);
}

/* \R: CRLF or one line end (BSR_ANYCRLF). As a superset: one or two of CR and LF. */
static struct pattern_node *make_line_end(struct pattern_reader *reader)
{
	struct pattern_node *node = pattern_make(reader, PATTERN_REPEAT);
	uint8_t set[32] = { 0 };

	byte_set_add(set, '\r');
	byte_set_add(set, '\n');
	node->min = 1;
	node->max = 2;
	node->first = pattern_make_set(reader, set, (struct pattern_options){ 0 });
	return node;
}

struct pattern_node *pattern_read_quoted(struct pattern_reader *reader,
										 struct pattern_options options)
{
	struct pattern_node *node = pattern_make(reader, PATTERN_SEQUENCE);
	struct pattern_node **end = &node->first;

	while (pattern_peek(reader, 0) >= 0 && !pattern_take(reader, "\\E")) {
		*end = pattern_make_byte(reader, pattern_peek(reader, 0), options);
		end = &(*end)->next;
		reader->at++;
	}
	return node;
}

struct pattern_node *pattern_read_escape(struct pattern_reader *reader,
										 struct pattern_options options)
{
	uint8_t set[32] = { 0 };
	int letter = pattern_peek(reader, 1), byte;

	reader->at += 2;
	if (letter <= 0)
		return pattern_give_up(reader);
	if (pattern_add_class(set, letter))
		return pattern_make_set(reader, set, options);
	if (strchr("bBAzZG", letter))
		return pattern_make(reader, PATTERN_EMPTY);
	if (letter == 'N' && pattern_peek(reader, 0) != '{') {
		byte_set_add(set, '\n');
		byte_set_invert(set);
		return pattern_make_set(reader, set, options);
	}
	if (letter == 'R')
		return make_line_end(reader);
	if (letter >= '1' && letter <= '9' &&
		(pattern_peek(reader, 0) < '0' || pattern_peek(reader, 0) > '9'))
		return pattern_make(reader, PATTERN_ANYTHING); /* a backreference */
	byte = pattern_read_byte(reader, letter);
	return byte < 0 ? pattern_give_up(reader) : pattern_make_byte(reader, byte, options);
}

#include "analyze/rules/pattern_reader.h"

#include "analyze/rules/byte_set.h"

#include <string.h>

int pattern_peek(const struct pattern_reader *reader, size_t ahead)
{
	size_t at = reader->at + ahead;

	return at < reader->source.size ? reader->source.data[at] : -1;
}

bool pattern_looking_at(const struct pattern_reader *reader, const char *text)
{
	struct span wanted = span_string(text);

	return span_equal(span_part(reader->source, reader->at, wanted.size), wanted);
}

bool pattern_take(struct pattern_reader *reader, const char *text)
{
	if (!pattern_looking_at(reader, text))
		return false;
	reader->at += strlen(text);
	return true;
}

struct pattern_node *pattern_make(struct pattern_reader *reader, enum pattern_kind kind)
{
	struct pattern_node *node = pool_alloc(reader->pool, sizeof *node);

	node->kind = kind;
	return node;
}

struct pattern_node *pattern_give_up(struct pattern_reader *reader)
{
	reader->unknown = true;
	return pattern_make(reader, PATTERN_ANYTHING);
}

struct pattern_node *pattern_make_set(struct pattern_reader *reader, const uint8_t set[32],
									  struct pattern_options options)
{
	struct pattern_node *node = pattern_make(reader, PATTERN_SET);

	memcpy(node->set, set, sizeof node->set);
	if (options.caseless)
		byte_set_add_cases(node->set);
	return node;
}

struct pattern_node *pattern_make_byte(struct pattern_reader *reader, int byte,
									   struct pattern_options options)
{
	uint8_t set[32] = { 0 };

	byte_set_add(set, (unsigned)byte & 0xff);
	return pattern_make_set(reader, set, options);
}

/* pattern_reader: where in a pattern's text its reader is, and the nodes it has made so far. Text
 * that it does not know makes it give up: `unknown` is set and whatever was read does not count. */
#ifndef ANALYZE_RULES_PATTERN_READER_H
#define ANALYZE_RULES_PATTERN_READER_H

#include "analyze/rules/pattern.h"

/* The inline options that change what a byte of the pattern means. */
struct pattern_options {
	bool caseless, dot_all, extended, extended_more;
};

struct pattern_reader {
	struct span source;
	struct pool *pool;
	size_t at;
	size_t choices;
	unsigned depth;
	bool unknown;
};

/* The byte `ahead` bytes on, or -1 behind the end. */
int pattern_peek(const struct pattern_reader *reader, size_t ahead);

/* Does the text go on like this? */
bool pattern_looking_at(const struct pattern_reader *reader, const char *text);

/* Steps over the text where the pattern goes on like this; else false. */
bool pattern_take(struct pattern_reader *reader, const char *text);

/* An empty node of a kind. */
struct pattern_node *pattern_make(struct pattern_reader *reader, enum pattern_kind kind);

/* One byte of a set, and of the other case of its letters where the options say so. */
struct pattern_node *pattern_make_set(struct pattern_reader *reader, const uint8_t set[32],
									  struct pattern_options options);
struct pattern_node *pattern_make_byte(struct pattern_reader *reader, int byte,
									   struct pattern_options options);

/* Sets `unknown`; gives a node that stands for anything. */
struct pattern_node *pattern_give_up(struct pattern_reader *reader);

#endif

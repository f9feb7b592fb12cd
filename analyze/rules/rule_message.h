/* rule_message: messages about rule files, each with file, line, column and, where it helps, the
 * source line and a caret. */
#ifndef ANALYZE_RULES_RULE_MESSAGE_H
#define ANALYZE_RULES_RULE_MESSAGE_H

#include "analyze/rules/rule_set.h"
#include "base/pool.h"
#include "base/span.h"
#include "base/strbuf.h"

/* A rule file's text, kept as long as messages may point into it. */
struct rule_source {
	const char *path;
	struct span text;
	size_t number; /* of the file, in the order they were read */
};

/* A place in a rule file. Lines and columns count from 1, columns in characters; line 0 is no
 * place (the whole file). */
struct rule_place {
	const struct rule_source *source;
	size_t line, column;
};

/* Where messages go. `rule` is the id the next messages name, NULL for none. */
struct rule_sink {
	rule_messages *messages;
	struct pool *pool; /* holds the texts */
	const char *rule;
	size_t errors; /* counted since the owner last set it to 0 */
};

/* Adds "PATH:LINE:COLUMN: error[CODE] rule 'ID': …" (a warning where the code starts with W),
 * followed by the source line and a caret below the column where the place has a line. The text
 * must not hold control bytes: callers pass foreign bytes through text_escape. Gives false always.
 */
bool rule_message_add(struct rule_sink *sink, struct rule_place place, const char *code,
					  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Appends text of a rule file so that it can be printed: as text_escape, but a backslash stays one,
 * as in the file. */
void rule_message_quote(struct span text, struct strbuf *out);

/* The bytes of line `line` (from 1), without its line end; an empty span where there is none. */
struct span rule_source_line(const struct rule_source *source, size_t line);

/* Byte offset in the line of character column `column` (from 1), cut to the line's length. */
size_t rule_source_column_offset(struct span line, size_t column);

/* Character column (from 1) of a byte offset in the line. */
size_t rule_source_offset_column(struct span line, size_t offset);

#endif

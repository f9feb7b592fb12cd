#include "analyze/content/pattern.h"

#include "analyze/content/byte_set.h"
#include "analyze/content/pattern_class.h"
#include "analyze/content/pattern_escape.h"
#include "analyze/content/pattern_quantifier.h"
#include "analyze/content/pattern_reader.h"

#include <string.h>

enum { MAX_DEPTH = 64 };

static struct pattern_node *read_choice(struct pattern_reader *reader,
										struct pattern_options options);

/* Letters of "(?imsx-imsx". Gives false at one that is not known. */
static bool read_option_letters(struct pattern_reader *reader, struct pattern_options *options)
{
	bool on = true;

	for (;; reader->at++) {
		int c = pattern_peek(reader, 0);

		if (c == '^')
			*options = (struct pattern_options){ 0 };
		else if (c == '-')
			on = false;
		else if (c == 'i')
			options->caseless = on;
		else if (c == 's')
			options->dot_all = on;
		else if (c == 'x') {
			options->extended = on;
			options->extended_more = on && pattern_peek(reader, 1) == 'x';
			reader->at += options->extended_more || (!on && pattern_peek(reader, 1) == 'x');
		} else if (c < 0 || !strchr("mnJU", c))
			return c == ')' || c == ':';
	}
}

/* Skips "(?<name>", "(?'name'" or "(?P<name>"; reader->at is behind "(?". */
static bool skip_group_name(struct pattern_reader *reader)
{
	int closing;

	pattern_take(reader, "P");
	closing = pattern_peek(reader, 0) == '<' ? '>' : pattern_peek(reader, 0) == '\'' ? '\'' : -1;
	if (closing < 0)
		return false;
	do
		reader->at++;
	while (pattern_peek(reader, 0) >= 0 && pattern_peek(reader, 0) != closing);
	reader->at++;
	return true;
}

static struct pattern_node *read_group_body(struct pattern_reader *reader,
											struct pattern_options options)
{
	struct pattern_node *node = read_choice(reader, options);

	if (!pattern_take(reader, ")"))
		reader->unknown = true;
	return node;
}

static struct pattern_node *read_lookaround(struct pattern_reader *reader,
											struct pattern_options options)
{
	/* its choices are no branches of the language */
	size_t choices = reader->choices;

	read_group_body(reader, options);
	reader->choices = choices;
	return pattern_make(reader, PATTERN_EMPTY);
}

/* At "(". Options set with "(?i)" change *options for the rest of the enclosing group. */
static struct pattern_node *read_group(struct pattern_reader *reader,
									   struct pattern_options *options)
{
	struct pattern_options inner = *options;

	reader->at++;
	if (pattern_peek(reader, 0) == '*')
		return pattern_give_up(reader);
	if (!pattern_take(reader, "?"))
		return read_group_body(reader, inner);
	if (pattern_take(reader, "=") || pattern_take(reader, "!") || pattern_take(reader, "<=") ||
		pattern_take(reader, "<!"))
		return read_lookaround(reader, inner);
	if (pattern_take(reader, ":") || pattern_take(reader, ">") || pattern_take(reader, "|"))
		return read_group_body(reader, inner);
	if (skip_group_name(reader))
		return read_group_body(reader, inner);
	if (!read_option_letters(reader, &inner))
		return pattern_give_up(reader);
	if (pattern_take(reader, ":"))
		return read_group_body(reader, inner);
	reader->at++;
	*options = inner;
	return pattern_make(reader, PATTERN_EMPTY);
}

static struct pattern_node *read_atom(struct pattern_reader *reader,
									  struct pattern_options *options)
{
	uint8_t set[32] = { 0 };
	int c = pattern_peek(reader, 0);

	switch (c) {
	case '(':
		return read_group(reader, options);
	case '[':
		return pattern_read_class(reader, *options);
	case '\\':
		return pattern_read_escape(reader, *options);
	case '^':
	case '$':
		reader->at++;
		return pattern_make(reader, PATTERN_EMPTY);
	case '.':
		reader->at++;
		if (!options->dot_all)
			byte_set_add(set, '\n');
		byte_set_invert(set);
		return pattern_make_set(reader, set, (struct pattern_options){ 0 });
	default:
		reader->at++;
		return pattern_make_byte(reader, c, *options);
	}
}

/* `start` is where the atom stands in the pattern. */
static struct pattern_node *quantify(struct pattern_reader *reader, struct pattern_node *atom,
									 size_t start, struct pattern_options options)
{
	uint32_t min, max;

	pattern_skip_nothings(reader, options);
	while (pattern_read_quantifier(reader, &min, &max)) {
		struct pattern_node *node = pattern_make(reader, PATTERN_REPEAT);

		node->min = min;
		node->max = max;
		node->first = atom;
		node->source = span_part(reader->source, start, reader->at - start);
		atom = node;
		pattern_skip_nothings(reader, options);
	}
	return atom;
}

/* The items of a branch, up to "|", ")" or the end. */
static struct pattern_node *read_branch(struct pattern_reader *reader,
										struct pattern_options *options)
{
	struct pattern_node *node = pattern_make(reader, PATTERN_SEQUENCE);
	struct pattern_node **end = &node->first;
	size_t start;

	pattern_skip_nothings(reader, *options);
	start = reader->at;
	for (;;) {
		pattern_skip_nothings(reader, *options);
		if (reader->unknown || pattern_peek(reader, 0) < 0 || pattern_peek(reader, 0) == '|' ||
			pattern_peek(reader, 0) == ')')
			break;
		if (pattern_take(reader, "\\Q")) { /* a quantifier behind \E belongs to the last byte */
			*end = pattern_read_quoted(reader, *options);
			pattern_skip_nothings(reader, *options);
			if (strchr("*+?{", pattern_peek(reader, 0) < 0 ? 'x' : pattern_peek(reader, 0)))
				reader->unknown = true;
		} else {
			size_t atom = reader->at;

			*end = quantify(reader, read_atom(reader, options), atom, *options);
		}
		end = &(*end)->next;
	}
	node->source = span_part(reader->source, start, reader->at - start);
	while (options->extended && node->source.size &&
		   strchr(" \n\t", node->source.data[node->source.size - 1]))
		node->source.size--;
	return node;
}

static struct pattern_node *read_choice(struct pattern_reader *reader,
										struct pattern_options options)
{
	struct pattern_node *node = pattern_make(reader, PATTERN_CHOICE);
	struct pattern_node **end = &node->first;

	node->choice = reader->choices++;
	if (++reader->depth > MAX_DEPTH)
		return pattern_give_up(reader);
	do {
		*end = read_branch(reader, &options);
		end = &(*end)->next;
	} while (!reader->unknown && pattern_take(reader, "|"));
	reader->depth--;
	return node;
}

static bool is_variable(const struct pattern_node *node)
{
	return node->kind == PATTERN_REPEAT && node->max > 1 && node->min != node->max;
}

/* In how many ways a repeat of variable length can go on, about: what it repeats, how often. */
static uint64_t freedom_of(const struct pattern_node *repeat)
{
	enum { MANY = 1024 };
	unsigned bytes = 256;

	if (repeat->first->kind == PATTERN_SET)
		bytes = byte_set_count(repeat->first->set);
	return (uint64_t)bytes * (repeat->max < MANY ? repeat->max : MANY);
}

/* The repeat of variable length below the node that has most freedom, the first of equal ones. */
static const struct pattern_node *find_variable(const struct pattern_node *node)
{
	const struct pattern_node *best = NULL;

	for (const struct pattern_node *child = node->first; child; child = child->next) {
		const struct pattern_node *found = is_variable(child) ? child : find_variable(child);

		if (found && (!best || freedom_of(found) > freedom_of(best)))
			best = found;
	}
	return best;
}

/* The first repeat, of more than one round, that holds a repeat of variable length. */
static const struct pattern_node *find_nested(const struct pattern_node *node)
{
	for (const struct pattern_node *child = node->first; child; child = child->next) {
		const struct pattern_node *found = child;

		if (child->kind != PATTERN_REPEAT || child->max < 2 || !find_variable(child))
			found = find_nested(child);
		if (found)
			return found;
	}
	return NULL;
}

struct span pattern_suspect(const struct pattern *pattern)
{
	const struct pattern_node *found = NULL;

	if (pattern->root)
		found = find_nested(pattern->root);
	if (pattern->root && !found)
		found = find_variable(pattern->root);
	return found ? found->source : (struct span){ 0 };
}

struct pattern pattern_read(struct span source, struct pool *pool)
{
	struct pattern_reader reader = { .source = source, .pool = pool };
	struct pattern_node *root = read_choice(&reader, (struct pattern_options){ 0 });

	if (reader.at < source.size)
		reader.unknown = true;
	return (struct pattern){
		.root = reader.unknown ? NULL : root,
		.choices = reader.choices,
		.unknown_at = reader.at,
	};
}

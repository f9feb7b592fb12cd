#include "analyze/content/pattern.h"

#include "analyze/content/byte_set.h"

#include <string.h>

/* The inline options that change what a byte of the pattern means. */
struct options {
	bool caseless, dot_all, extended, extended_more;
};

enum { MAX_DEPTH = 64, MAX_REPEAT = 65535 };

struct reader {
	struct span source;
	struct pool *pool;
	size_t at;
	size_t choices;
	unsigned depth;
	bool unknown;
};

static struct pattern_node *read_choice(struct reader *reader, struct options options);

static int peek(const struct reader *reader, size_t ahead)
{
	size_t at = reader->at + ahead;

	return at < reader->source.size ? reader->source.data[at] : -1;
}

static bool looking_at(const struct reader *reader, const char *text)
{
	struct span wanted = span_string(text);

	return span_equal(span_part(reader->source, reader->at, wanted.size), wanted);
}

static bool take(struct reader *reader, const char *text)
{
	if (!looking_at(reader, text))
		return false;
	reader->at += strlen(text);
	return true;
}

static struct pattern_node *make(struct reader *reader, enum pattern_kind kind)
{
	struct pattern_node *node = pool_alloc(reader->pool, sizeof *node);

	node->kind = kind;
	return node;
}

static struct pattern_node *give_up(struct reader *reader)
{
	reader->unknown = true;
	return make(reader, PATTERN_ANYTHING);
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* Digits of a base up to `most` of them; -1 where there is none or the value passes a byte. */
static int read_digits(struct reader *reader, int base, size_t most)
{
	int value = -1;

	for (size_t i = 0; i < most; i++) {
		int digit = hex_digit(peek(reader, 0));

		if (digit < 0 || digit >= base)
			break;
		value = (value < 0 ? 0 : value) * base + digit;
		reader->at++;
		if (value > 255)
			return -1;
	}
	return value;
}

static int read_hex_escape(struct reader *reader)
{
	int value;

	if (!take(reader, "{")) {
		value = read_digits(reader, 16, 2);
		return value < 0 ? 0 : value;
	}
	value = read_digits(reader, 16, 8);
	return take(reader, "}") ? value : -1;
}

static int read_octal_braces(struct reader *reader)
{
	int value = take(reader, "{") ? read_digits(reader, 8, 8) : -1;

	return take(reader, "}") ? value : -1;
}

/* The byte an escape stands for; reader->at is behind the backslash's letter. -1: not one byte. */
static int read_byte_escape(struct reader *reader, int letter)
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
	if (letter == 'c' && peek(reader, 0) > 0) {
		int c = peek(reader, 0);

		reader->at++;
		return (c >= 'a' && c <= 'z' ? c - 32 : c) ^ 0x40;
	}
	if ((letter >= '1' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
		(letter >= 'A' && letter <= 'Z'))
		return -1;
	return letter;
}

static struct pattern_node *make_set(struct reader *reader, const uint8_t set[32],
									 struct options options)
{
	struct pattern_node *node = make(reader, PATTERN_SET);

	memcpy(node->set, set, sizeof node->set);
	if (options.caseless)
		byte_set_add_cases(node->set);
	return node;
}

static struct pattern_node *make_byte(struct reader *reader, int byte, struct options options)
{
	uint8_t set[32] = { 0 };

	byte_set_add(set, (unsigned)byte & 0xff);
	return make_set(reader, set, options);
}

/* \d \W and the like, as a class of that letter. */
static bool add_class_letter(uint8_t set[32], int letter)
{
	uint8_t lower = (uint8_t)(letter | 32);

	if (letter < 0 || !strchr("dDwWsShHvV", letter))
		return false;
	return byte_set_add_class(set, span_make(&lower, 1), letter != lower);
}

/* \R: CRLF or one line end (BSR_ANYCRLF). As a superset: one or two of CR and LF. */
static struct pattern_node *make_line_end(struct reader *reader)
{
	struct pattern_node *node = make(reader, PATTERN_REPEAT);
	uint8_t set[32] = { 0 };

	byte_set_add(set, '\r');
	byte_set_add(set, '\n');
	node->min = 1;
	node->max = 2;
	node->first = make_set(reader, set, (struct options){ 0 });
	return node;
}

static struct pattern_node *read_quoted(struct reader *reader, struct options options)
{
	struct pattern_node *node = make(reader, PATTERN_SEQUENCE);
	struct pattern_node **end = &node->first;

	while (peek(reader, 0) >= 0 && !take(reader, "\\E")) {
		*end = make_byte(reader, peek(reader, 0), options);
		end = &(*end)->next;
		reader->at++;
	}
	return node;
}

static struct pattern_node *read_escape(struct reader *reader, struct options options)
{
	uint8_t set[32] = { 0 };
	int letter = peek(reader, 1), byte;

	reader->at += 2;
	if (letter <= 0)
		return give_up(reader);
	if (add_class_letter(set, letter))
		return make_set(reader, set, options);
	if (strchr("bBAzZG", letter))
		return make(reader, PATTERN_EMPTY);
	if (letter == 'N' && peek(reader, 0) != '{') {
		byte_set_add(set, '\n');
		byte_set_invert(set);
		return make_set(reader, set, options);
	}
	if (letter == 'R')
		return make_line_end(reader);
	if (letter >= '1' && letter <= '9' && (peek(reader, 0) < '0' || peek(reader, 0) > '9'))
		return make(reader, PATTERN_ANYTHING); /* a backreference */
	byte = read_byte_escape(reader, letter);
	return byte < 0 ? give_up(reader) : make_byte(reader, byte, options);
}

/* Where case does not count, PCRE2 takes [:lower:] and [:upper:] for [:alpha:], before ^ inverts.
 */
static struct span posix_name(struct span name, struct options options)
{
	bool one_case =
		span_equal(name, span_string("lower")) || span_equal(name, span_string("upper"));

	return options.caseless && one_case ? span_string("alpha") : name;
}

/* [:name:] or [:^name:] at reader->at. False where it is not one: then [ is a plain byte. */
static bool read_posix_class(struct reader *reader, uint8_t set[32], struct options options)
{
	size_t start = reader->at + 2, end = start;
	struct span name;
	bool inverted;

	if (!looking_at(reader, "[:"))
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
static int read_class_member(struct reader *reader, uint8_t set[32], struct options options)
{
	int c = peek(reader, 0), letter, byte;

	if (c == '[' && read_posix_class(reader, set, options))
		return -1;
	if (c == '[' && (looking_at(reader, "[.") || looking_at(reader, "[=")))
		reader->unknown = true;
	reader->at++;
	if (c != '\\')
		return c;
	letter = peek(reader, 0);
	reader->at++;
	if (letter == 'b')
		return '\b';
	if (add_class_letter(set, letter))
		return -1;
	byte = letter < 0 ? -1 : read_byte_escape(reader, letter);
	if (byte < 0)
		reader->unknown = true; /* \Q, \p, an octal reference: rare enough */
	return byte;
}

static struct pattern_node *read_class(struct reader *reader, struct options options)
{
	uint8_t set[32] = { 0 };
	bool inverted, first = true;

	reader->at++;
	inverted = take(reader, "^");
	for (; peek(reader, 0) >= 0 && (first || peek(reader, 0) != ']'); first = false) {
		int from, to;

		if (options.extended_more && (peek(reader, 0) == ' ' || peek(reader, 0) == '\t'))
			reader->unknown = true;
		from = read_class_member(reader, set, options);
		if (from < 0)
			continue;
		to = from;
		if (peek(reader, 0) == '-' && peek(reader, 1) != ']' && peek(reader, 1) >= 0) {
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
	return make_set(reader, set, (struct options){ 0 });
}

/* Letters of "(?imsx-imsx". Gives false at one that is not known. */
static bool read_option_letters(struct reader *reader, struct options *options)
{
	bool on = true;

	for (;; reader->at++) {
		int c = peek(reader, 0);

		if (c == '^')
			*options = (struct options){ 0 };
		else if (c == '-')
			on = false;
		else if (c == 'i')
			options->caseless = on;
		else if (c == 's')
			options->dot_all = on;
		else if (c == 'x') {
			options->extended = on;
			options->extended_more = on && peek(reader, 1) == 'x';
			reader->at += options->extended_more || (!on && peek(reader, 1) == 'x');
		} else if (c < 0 || !strchr("mnJU", c))
			return c == ')' || c == ':';
	}
}

/* Skips "(?<name>", "(?'name'" or "(?P<name>"; reader->at is behind "(?". */
static bool skip_group_name(struct reader *reader)
{
	int closing;

	take(reader, "P");
	closing = peek(reader, 0) == '<' ? '>' : peek(reader, 0) == '\'' ? '\'' : -1;
	if (closing < 0)
		return false;
	do
		reader->at++;
	while (peek(reader, 0) >= 0 && peek(reader, 0) != closing);
	reader->at++;
	return true;
}

static struct pattern_node *read_group_body(struct reader *reader, struct options options)
{
	struct pattern_node *node = read_choice(reader, options);

	if (!take(reader, ")"))
		reader->unknown = true;
	return node;
}

static struct pattern_node *read_lookaround(struct reader *reader, struct options options)
{
	/* its choices are no branches of the language */
	size_t choices = reader->choices;

	read_group_body(reader, options);
	reader->choices = choices;
	return make(reader, PATTERN_EMPTY);
}

/* At "(". Options set with "(?i)" change *options for the rest of the enclosing group. */
static struct pattern_node *read_group(struct reader *reader, struct options *options)
{
	struct options inner = *options;

	reader->at++;
	if (peek(reader, 0) == '*')
		return give_up(reader);
	if (!take(reader, "?"))
		return read_group_body(reader, inner);
	if (take(reader, "=") || take(reader, "!") || take(reader, "<=") || take(reader, "<!"))
		return read_lookaround(reader, inner);
	if (take(reader, ":") || take(reader, ">") || take(reader, "|"))
		return read_group_body(reader, inner);
	if (skip_group_name(reader))
		return read_group_body(reader, inner);
	if (!read_option_letters(reader, &inner))
		return give_up(reader);
	if (take(reader, ":"))
		return read_group_body(reader, inner);
	reader->at++;
	*options = inner;
	return make(reader, PATTERN_EMPTY);
}

/* Blanks and # comments of (?x). */
static void skip_extended(struct reader *reader)
{
	for (;; reader->at++) {
		int c = peek(reader, 0);

		if (c == '#')
			while (peek(reader, 0) >= 0 && peek(reader, 0) != '\n')
				reader->at++;
		else if (c != ' ' && (c < '\t' || c > '\r'))
			return;
	}
}

/* What PCRE2 reads as if it were not there: a quantifier behind it belongs to what stands before.
 */
static void skip_nothings(struct reader *reader, struct options options)
{
	size_t start;

	do {
		start = reader->at;
		if (options.extended)
			skip_extended(reader);
		take(reader, "\\E");
		if (take(reader, "(?#"))
			while (peek(reader, 0) >= 0 && !take(reader, ")"))
				reader->at++;
	} while (reader->at > start);
}

static bool read_number(struct reader *reader, uint32_t *number)
{
	size_t start = reader->at;

	for (*number = 0; peek(reader, 0) >= '0' && peek(reader, 0) <= '9'; reader->at++)
		if ((*number = *number * 10 + (uint32_t)(peek(reader, 0) - '0')) > MAX_REPEAT)
			return false;
	return reader->at > start;
}

/* "{2}", "{2,}", "{2,3}". Anything else in braces is plain text in PCRE2 10.42, and "{,3}" a
 * quantifier since 10.43: then the reader gives up. */
static bool read_braces(struct reader *reader, uint32_t *min, uint32_t *max)
{
	size_t start = reader->at++;

	if (read_number(reader, min)) {
		*max = *min;
		if (take(reader, "}"))
			return true;
		if (take(reader, ",") &&
			(take(reader, "}") ? (*max = PATTERN_ENDLESS)
							   : read_number(reader, max) && take(reader, "}")))
			return true;
	}
	if (peek(reader, 0) == ',' || peek(reader, 0) == ' ')
		reader->unknown = true;
	reader->at = start;
	return false;
}

static bool read_quantifier(struct reader *reader, uint32_t *min, uint32_t *max)
{
	*min = 0;
	*max = PATTERN_ENDLESS;
	if (take(reader, "*")) {
	} else if (take(reader, "+")) {
		*min = 1;
	} else if (take(reader, "?")) {
		*max = 1;
	} else if (peek(reader, 0) != '{' || !read_braces(reader, min, max)) {
		return false;
	}
	if (!take(reader, "?"))
		take(reader, "+");
	return true;
}

static struct pattern_node *read_atom(struct reader *reader, struct options *options)
{
	uint8_t set[32] = { 0 };
	int c = peek(reader, 0);

	switch (c) {
	case '(':
		return read_group(reader, options);
	case '[':
		return read_class(reader, *options);
	case '\\':
		return read_escape(reader, *options);
	case '^':
	case '$':
		reader->at++;
		return make(reader, PATTERN_EMPTY);
	case '.':
		reader->at++;
		if (!options->dot_all)
			byte_set_add(set, '\n');
		byte_set_invert(set);
		return make_set(reader, set, (struct options){ 0 });
	default:
		reader->at++;
		return make_byte(reader, c, *options);
	}
}

static struct pattern_node *quantify(struct reader *reader, struct pattern_node *atom,
									 struct options options)
{
	uint32_t min, max;

	skip_nothings(reader, options);
	while (read_quantifier(reader, &min, &max)) {
		struct pattern_node *node = make(reader, PATTERN_REPEAT);

		node->min = min;
		node->max = max;
		node->first = atom;
		atom = node;
		skip_nothings(reader, options);
	}
	return atom;
}

/* The items of a branch, up to "|", ")" or the end. */
static struct pattern_node *read_branch(struct reader *reader, struct options *options)
{
	struct pattern_node *node = make(reader, PATTERN_SEQUENCE);
	struct pattern_node **end = &node->first;
	size_t start;

	skip_nothings(reader, *options);
	start = reader->at;
	for (;;) {
		skip_nothings(reader, *options);
		if (reader->unknown || peek(reader, 0) < 0 || peek(reader, 0) == '|' ||
			peek(reader, 0) == ')')
			break;
		if (take(reader, "\\Q")) { /* a quantifier behind \E belongs to the last byte */
			*end = read_quoted(reader, *options);
			skip_nothings(reader, *options);
			if (strchr("*+?{", peek(reader, 0) < 0 ? 'x' : peek(reader, 0)))
				reader->unknown = true;
		} else {
			*end = quantify(reader, read_atom(reader, options), *options);
		}
		end = &(*end)->next;
	}
	node->source = span_part(reader->source, start, reader->at - start);
	while (options->extended && node->source.size &&
		   strchr(" \n\t", node->source.data[node->source.size - 1]))
		node->source.size--;
	return node;
}

static struct pattern_node *read_choice(struct reader *reader, struct options options)
{
	struct pattern_node *node = make(reader, PATTERN_CHOICE);
	struct pattern_node **end = &node->first;

	node->choice = reader->choices++;
	if (++reader->depth > MAX_DEPTH)
		return give_up(reader);
	do {
		*end = read_branch(reader, &options);
		end = &(*end)->next;
	} while (!reader->unknown && take(reader, "|"));
	reader->depth--;
	return node;
}

struct pattern pattern_read(struct span source, struct pool *pool)
{
	struct reader reader = { .source = source, .pool = pool };
	struct pattern_node *root = read_choice(&reader, (struct options){ 0 });

	if (reader.at < source.size)
		reader.unknown = true;
	return (struct pattern){
		.root = reader.unknown ? NULL : root,
		.choices = reader.choices,
		.unknown_at = reader.at,
	};
}

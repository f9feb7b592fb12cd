/* One pass without recursion. Kept apart from the validators, because other formats carry JSON. */
#include "analyze/validators/json_text.h"

#include "base/text.h"

#include <string.h>

enum { MAX_DEPTH = 64, MAX_KEYS = 6, MAX_BYTES = 64 << 20 };

/* One pass over a text. Depth is kept in bits: 1 an object, 0 an array. */
struct json {
	struct span text;
	size_t at;
	uint64_t objects;
	unsigned depth;
	struct match *match; /* gets the keys of the first object; may be full */
	unsigned keys_depth; /* depth of that object, 0: not met yet */
	unsigned keys;
};

static int peek(const struct json *json)
{
	return json->at < json->text.size ? json->text.data[json->at] : -1;
}

static void skip_blanks(struct json *json)
{
	int c;

	while ((c = peek(json)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		json->at++;
}

static bool take(struct json *json, int c)
{
	if (peek(json) != c)
		return false;
	json->at++;
	return true;
}

static bool skip_escape(struct json *json)
{
	int c = peek(json);

	json->at++;
	if (c < 0)
		return false;
	if (c != 'u')
		return c && strchr("\"\\/bfnrt", c);
	for (int i = 0; i < 4; i++, json->at++)
		if (!text_is_hex(peek(json)))
			return false;
	return true;
}

/* What most bytes of strings are: ASCII, and nothing to look closer at. */
static const bool plain[256] = {
	[' ' ... '!'] = true,
	['#' ... '['] = true,
	[']' ... 0x7f] = true,
};

static void skip_plain(struct json *json)
{
	size_t at = json->at;

	while (at < json->text.size && plain[json->text.data[at]])
		at++;
	json->at = at;
}

static bool skip_string(struct json *json)
{
	if (!take(json, '"'))
		return false;
	for (;;) {
		size_t length;

		skip_plain(json);
		if (take(json, '"'))
			return true;
		if (take(json, '\\')) {
			if (!skip_escape(json))
				return false;
			continue;
		}
		if (peek(json) < 0x80) /* a control byte, or the end */
			return false;
		length = text_utf8_length(span_part(json->text, json->at, 4));
		if (!length)
			return false;
		json->at += length;
	}
}

static bool skip_digits(struct json *json)
{
	size_t start = json->at;

	while (peek(json) >= '0' && peek(json) <= '9')
		json->at++;
	return json->at > start;
}

static bool skip_number(struct json *json)
{
	take(json, '-');
	if (!take(json, '0') && !skip_digits(json))
		return false;
	if (take(json, '.') && !skip_digits(json))
		return false;
	if (!take(json, 'e') && !take(json, 'E'))
		return true;
	if (!take(json, '+'))
		take(json, '-');
	return skip_digits(json);
}

static bool skip_word(struct json *json, const char *word)
{
	struct span wanted = span_string(word);

	if (!span_equal(span_part(json->text, json->at, wanted.size), wanted))
		return false;
	json->at += wanted.size;
	return true;
}

static bool in_object(const struct json *json)
{
	return json->depth && json->objects >> (json->depth - 1) & 1;
}

/* Puts the key into the list "a,b,c" of the first object's keys. */
static void note_key(struct json *json, struct span key)
{
	if (!json->keys_depth)
		json->keys_depth = json->depth;
	if (json->depth != json->keys_depth || json->keys > MAX_KEYS)
		return;
	if (json->keys == MAX_KEYS)
		key = span_string("...");
	json->keys++;
	if (!match_list_add(json->match, ',', key))
		json->keys = MAX_KEYS + 1;
}

/* The key and colon of an object's member. */
static bool skip_key(struct json *json)
{
	size_t start;

	skip_blanks(json);
	start = json->at;
	if (!skip_string(json))
		return false;
	note_key(json, span_part(json->text, start + 1, json->at - start - 2));
	skip_blanks(json);
	return take(json, ':');
}

static bool open_container(struct json *json, bool object)
{
	if (json->depth == MAX_DEPTH)
		return false;
	json->objects &= ~(UINT64_C(1) << json->depth);
	json->objects |= (uint64_t)object << json->depth;
	json->depth++;
	return true;
}

static void close_container(struct json *json)
{
	if (json->depth == json->keys_depth)
		json->keys = MAX_KEYS + 1; /* only the first object tells its keys */
	json->depth--;
}

enum step { STEP_BAD, STEP_VALUE, STEP_OPENED };

/* A scalar, an empty container, or the opening of a container up to its first value. */
static enum step begin_value(struct json *json)
{
	int c;

	skip_blanks(json);
	c = peek(json);
	if (c == '{' || c == '[') {
		json->at++;
		if (!open_container(json, c == '{'))
			return STEP_BAD;
		skip_blanks(json);
		if (take(json, c == '{' ? '}' : ']')) {
			close_container(json);
			return STEP_VALUE;
		}
		return c == '[' || skip_key(json) ? STEP_OPENED : STEP_BAD;
	}
	if (c == '"')
		return skip_string(json) ? STEP_VALUE : STEP_BAD;
	if (c == 't' || c == 'f' || c == 'n')
		return skip_word(json, c == 't'   ? "true"
							   : c == 'f' ? "false"
										  : "null")
				   ? STEP_VALUE
				   : STEP_BAD;
	return skip_number(json) ? STEP_VALUE : STEP_BAD;
}

/* Behind a value: closes containers up to a comma. True with depth 0 where the text is done. */
static bool end_value(struct json *json)
{
	while (json->depth) {
		skip_blanks(json);
		if (take(json, ','))
			return !in_object(json) || skip_key(json);
		if (!take(json, in_object(json) ? '}' : ']'))
			return false;
		close_container(json);
	}
	return true;
}

static bool skip_value(struct json *json)
{
	do {
		enum step step = begin_value(json);

		if (step == STEP_BAD || (step == STEP_VALUE && !end_value(json)))
			return false;
	} while (json->depth);
	return true;
}

size_t json_text_length(struct span text, struct match *match)
{
	struct json json = { .text = span_part(text, 0, MAX_BYTES), .match = match };
	bool good;

	match_list_begin(match);
	good = skip_value(&json);
	match_worked(match, json.at);
	if (!good)
		return 0;
	match_list_end(match, "keys");
	return json.at;
}

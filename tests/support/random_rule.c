#include "tests/support/random_rule.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 2 };

/* A part of a pattern, and a text for each time that the pattern is gone through. */
struct maker {
	uint64_t *random;
	struct strbuf *pattern;
	struct strbuf *texts;
	unsigned depth, captures;
};

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

size_t random_below(uint64_t *state, size_t below)
{
	return (size_t)(random_next(state) % below);
}

uint8_t random_byte(uint64_t *state)
{
	static const char bytes[] = "aabbccddXXYy01_ \n\0\xff";

	return (uint8_t)bytes[random_below(state, sizeof bytes - 1)];
}

static bool one_in(struct maker *maker, size_t count)
{
	return random_below(maker->random, count) == 0;
}

static void put_pattern_byte(struct strbuf *pattern, uint8_t byte)
{
	bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
				 (byte >= '0' && byte <= '9') || byte == '_';

	if (plain)
		strbuf_putc(pattern, (char)byte);
	else
		strbuf_printf(pattern, "\\x%02x", byte);
}

static void put_text(struct maker *maker, const void *bytes, size_t size)
{
	for (size_t i = 0; i < RANDOM_RULE_TEXTS; i++)
		strbuf_add(&maker->texts[i], bytes, size);
}

static void make_byte(struct maker *maker)
{
	uint8_t byte = random_byte(maker->random);

	put_pattern_byte(maker->pattern, byte);
	put_text(maker, &byte, 1);
}

static const struct {
	const char *pattern, *members;
} classes[] = {
	{ "[a-d]", "abcd" },    { "[^X]", "abcd01" },        { "\\d", "01" },
	{ "\\w", "abcdXy01_" }, { ".", "abXy0 " },           { "[ab\\xff]", "ab" },
	{ "\\s", " \n" },       { "[[:alpha:]]", "abcdXY" }, { "[^\\x00-\\x20]", "a0_" },
	{ "\\W", " \n" },       { "[XY01]", "X1" },          { "[^\\d\\s]", "abX" },
};

static void make_class(struct maker *maker)
{
	size_t class = random_below(maker->random, sizeof classes / sizeof *classes);
	const char *members = classes[class].members;

	strbuf_puts(maker->pattern, classes[class].pattern);
	for (size_t i = 0; i < RANDOM_RULE_TEXTS; i++)
		strbuf_putc(&maker->texts[i], members[random_below(maker->random, strlen(members))]);
}

static void make_sequence(struct maker *maker, size_t most);

/* Appends what `part` made to each text, as often as it is drawn for each. */
static void repeat_texts(struct maker *maker, struct strbuf *parts, size_t least, size_t most)
{
	for (size_t i = 0; i < RANDOM_RULE_TEXTS; i++) {
		size_t times = least + random_below(maker->random, most - least + 1);

		for (size_t j = 0; j < times; j++)
			strbuf_add(&maker->texts[i], parts[i].data, parts[i].size);
	}
}

/* A maker whose texts start empty. */
static struct maker inside(struct maker *maker, struct strbuf *texts)
{
	struct maker inner = *maker;

	memset(texts, 0, RANDOM_RULE_TEXTS * sizeof *texts);
	inner.texts = texts;
	inner.depth++;
	return inner;
}

static void end_texts(struct maker *maker, const struct maker *inner)
{
	for (size_t i = 0; i < RANDOM_RULE_TEXTS; i++)
		strbuf_deinit(&inner->texts[i]);
	maker->captures = inner->captures;
}

static void make_repeat(struct maker *maker)
{
	static const struct {
		const char *quantifier;
		size_t least, most;
	} table[] = {
		{ "?", 0, 1 },     { "*", 0, 3 },      { "+", 1, 4 },         { "{2}", 2, 2 },
		{ "{1,3}", 1, 3 }, { "{0,12}", 0, 9 }, { "{3,}", 3, 5 },      { "*?", 0, 2 },
		{ "+?", 1, 3 },    { "{0,5}+", 0, 1 }, { "{9,700}", 9, 300 },
	};
	size_t row = random_below(maker->random, sizeof table / sizeof *table);
	struct strbuf texts[RANDOM_RULE_TEXTS];
	struct maker inner = inside(maker, texts);
	bool group = maker->depth < DEPTH_MAX && one_in(maker, 5);

	strbuf_puts(maker->pattern, group ? "(?:" : "");
	if (group)
		make_sequence(&inner, 2);
	else if (one_in(maker, 3))
		make_byte(&inner);
	else
		make_class(&inner);
	strbuf_puts(maker->pattern, group ? "){0,3}" : table[row].quantifier);
	repeat_texts(maker, texts, group ? 0 : table[row].least, group ? 3 : table[row].most);
	end_texts(maker, &inner);
}

/* Each text takes one of the branches. */
static void make_choice(struct maker *maker)
{
	size_t branches = 2 + random_below(maker->random, 2);

	strbuf_puts(maker->pattern, "(?:");
	for (size_t i = 0; i < branches; i++) {
		struct strbuf texts[RANDOM_RULE_TEXTS];
		struct maker inner = inside(maker, texts);

		strbuf_puts(maker->pattern, i ? "|" : "");
		make_sequence(&inner, 2);
		for (size_t j = i; j < RANDOM_RULE_TEXTS; j += branches)
			strbuf_add(&maker->texts[j], texts[j].data, texts[j].size);
		end_texts(maker, &inner);
	}
	strbuf_putc(maker->pattern, ')');
}

static void make_caseless(struct maker *maker)
{
	size_t count = 1 + random_below(maker->random, 3);

	strbuf_puts(maker->pattern, "(?i:");
	for (size_t i = 0; i < count; i++) {
		char letter = "abcdXY"[random_below(maker->random, 6)];

		strbuf_putc(maker->pattern, letter);
		for (size_t j = 0; j < RANDOM_RULE_TEXTS; j++)
			strbuf_putc(&maker->texts[j], one_in(maker, 2) ? letter : letter ^ 0x20);
	}
	strbuf_putc(maker->pattern, ')');
}

static void make_assertion(struct maker *maker)
{
	static const char *const table[] = { "(?<!X)",  "(?<![0-9])",      "(?<=[a-d_ \\x0a])",
										 "(?!Xb)",  "(?=[^\\x00])",    "\\b",
										 "(?<!ab)", "(?<=\\w|\\W\\w)", "(?<!^)",
										 "(?m:^)?", "(?!$)",           "(?m:^)",
										 "^",       "(?<=^|b)",        "\\B" };

	strbuf_puts(maker->pattern, table[random_below(maker->random, sizeof table / sizeof *table)]);
}

static void make_capture(struct maker *maker)
{
	strbuf_printf(maker->pattern, "(?<k%u>", maker->captures++);
	maker->depth++;
	make_sequence(maker, 2);
	maker->depth--;
	strbuf_putc(maker->pattern, ')');
}

static void make_item(struct maker *maker)
{
	bool deep = maker->depth >= DEPTH_MAX;

	switch (random_below(maker->random, 10)) {
	case 0:
	case 1:
		make_byte(maker);
		break;
	case 2:
		make_class(maker);
		break;
	case 3:
	case 4:
	case 5:
		make_repeat(maker);
		break;
	case 6:
		if (deep)
			make_byte(maker);
		else
			make_choice(maker);
		break;
	case 7:
		make_caseless(maker);
		break;
	case 8:
		make_assertion(maker);
		break;
	default:
		if (deep || maker->captures)
			make_class(maker);
		else
			make_capture(maker);
	}
}

static void make_sequence(struct maker *maker, size_t most)
{
	size_t count = 1 + random_below(maker->random, most);

	for (size_t i = 0; i < count; i++)
		make_item(maker);
}

/* A literal of 3 to 6 bytes that can be a keyword; its hex goes to the list of them. */
static void make_keyword(struct maker *maker, struct strbuf *texts, struct strbuf *list)
{
	size_t size = 3 + random_below(maker->random, 4), from, count;
	uint8_t bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] =
			i == 1 ? (uint8_t) "abcd"[random_below(maker->random, 4)] : random_byte(maker->random);
	for (size_t i = 0; i < size; i++)
		put_pattern_byte(maker->pattern, bytes[i]);
	for (size_t i = 0; i < RANDOM_RULE_TEXTS; i++)
		strbuf_add(&texts[i], bytes, size);
	count = size > 3 && one_in(maker, 3) ? 3 : size;
	from = random_below(maker->random, size - count + 1);
	from = from > 1 ? 1 : from; /* with the letter */
	strbuf_puts(list, list->size ? ", {hex: \"" : "{hex: \"");
	for (size_t i = 0; i < count; i++)
		strbuf_printf(list, "%02x", bytes[from + i]);
	strbuf_puts(list, "\"}");
}

static void make_keywords(struct maker *maker, struct strbuf *list)
{
	size_t count = one_in(maker, 2) ? 1 : 2 + random_below(maker->random, 2);

	strbuf_puts(maker->pattern, "(?:");
	for (size_t i = 0; i < count; i++) {
		struct strbuf texts[RANDOM_RULE_TEXTS] = { 0 };

		strbuf_puts(maker->pattern, i ? "|" : "");
		make_keyword(maker, texts, list);
		for (size_t j = 0; j < RANDOM_RULE_TEXTS; j++) {
			if (j % count == i)
				strbuf_add(&maker->texts[j], texts[j].data, texts[j].size);
			strbuf_deinit(&texts[j]);
		}
	}
	strbuf_putc(maker->pattern, ')');
}

static void make_scan(struct maker *maker, bool at_start, struct strbuf *yaml)
{
	static const char *const states[] = { "in-use", "free", "live", "tcache, binned",
										  "mmapped, top" };
	static const char *const sizes[] = { "64..", "..512", "100..5000", "48..49" };

	strbuf_printf(yaml, "  scan: {anchor: %s", at_start ? "chunk-start" : "any");
	if (one_in(maker, 3))
		strbuf_printf(yaml, ", states: [%s]", states[random_below(maker->random, 5)]);
	if (one_in(maker, 4))
		strbuf_printf(yaml, ", size: %s", sizes[random_below(maker->random, 4)]);
	if (one_in(maker, 2))
		strbuf_printf(yaml, ", max_length: %zu",
					  random_below(maker->random, one_in(maker, 2) ? 40 : 3000) + 1);
	strbuf_puts(yaml, "}\n");
}

static void make_extent(struct maker *maker, bool json, struct strbuf *yaml)
{
	if (json)
		strbuf_printf(yaml, "  validate: [json_value]\n  extent: %s\n",
					  one_in(maker, 3) ? "match" : "validator");
	else if (one_in(maker, 5))
		strbuf_puts(yaml, "  extent: chunk\n");
}

static bool may_be_quoted(const struct strbuf *text)
{
	for (size_t i = 0; i < text->size; i++)
		if (text->data[i] < ' ' || text->data[i] > '~')
			return false;
	return true;
}

/* A long list; where the text so far may stand in a string, it does, with a value of its own behind
 * it: a match in a match. */
static void put_list(struct maker *maker, struct strbuf *text)
{
	size_t size = text->size, count = random_below(maker->random, 400);
	bool quoted = may_be_quoted(text);

	strbuf_putc(text, '[');
	for (size_t i = 0; i < count; i++) {
		if (!quoted || one_in(maker, 2)) {
			strbuf_puts(text, "{\"ab\": [1, 0]}, ");
			continue;
		}
		strbuf_putc(text, '"');
		for (size_t j = 0; j < size; j++)
			strbuf_putc(text, text->data[j]);
		strbuf_puts(text, "[0, [1]]\", ");
	}
	strbuf_puts(text, "0]");
}

/* A JSON value behind the rest, which its validator takes further than the pattern does. */
static void make_json(struct maker *maker)
{
	static const char *const values[] = { "[1]", "{}", "[\"abcd\", {\"a\": 0}]", "[1, 2",
										  "{\"ab\":1}" };

	strbuf_puts(maker->pattern, "(?<json>[\\[{])");
	for (size_t i = 0; i < RANDOM_RULE_TEXTS; i++)
		if (one_in(maker, 2))
			put_list(maker, &maker->texts[i]);
		else
			strbuf_puts(&maker->texts[i], values[random_below(maker->random, 5)]);
}

void random_rule_make(struct random_rule *rule, const char *id, uint64_t *state)
{
	struct maker maker = { .random = state, .pattern = &rule->pattern, .texts = rule->texts };
	struct strbuf list = { 0 };
	bool at_start, json;

	*rule = (struct random_rule){ 0 };
	at_start = one_in(&maker, 5);
	json = one_in(&maker, 4);
	strbuf_puts(&rule->pattern, one_in(&maker, 2) ? "(?s)" : "");
	if (!one_in(&maker, 3))
		make_sequence(&maker, 3);
	if (!one_in(&maker, 6))
		make_keywords(&maker, &list);
	if (!list.size || !one_in(&maker, 3))
		make_sequence(&maker, 3);
	if (json)
		make_json(&maker);
	strbuf_printf(&rule->yaml, "- id: %s\n  title: T\n  pattern: '%s'\n", id,
				  strbuf_text(&rule->pattern));
	if (list.size)
		strbuf_printf(&rule->yaml, "  keywords: [%s]\n", strbuf_text(&list));
	else
		strbuf_puts(&rule->yaml, "  slow: true\n");
	make_scan(&maker, at_start, &rule->yaml);
	make_extent(&maker, json, &rule->yaml);
	if (maker.captures)
		strbuf_puts(&rule->yaml, "  aggregate: {by: k0, max_keys: 5}\n  redact: show\n");
	strbuf_deinit(&list);
}

void random_rule_deinit(struct random_rule *rule)
{
	strbuf_deinit(&rule->yaml);
	strbuf_deinit(&rule->pattern);
	for (size_t i = 0; i < RANDOM_RULE_TEXTS; i++)
		strbuf_deinit(&rule->texts[i]);
}

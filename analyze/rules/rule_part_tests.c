#include "analyze/rules/rule_part.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SAMPLE = 1 << 20 };

static bool set_bytes(struct schema *schema, const struct tree_node *node, struct rule_test *test,
					  struct span bytes)
{
	if (test->bytes.data || test->is_words)
		return rule_message_add(schema->sink, node->place, "R043",
								"a test has one of text, hex and words");
	test->bytes = bytes;
	return true;
}

static bool read_text(struct schema *schema, const struct tree_node *node, void *target)
{
	return schema_want(schema, node, TREE_SCALAR, "text") &&
		   set_bytes(schema, node, target, node->text);
}

static bool read_hex(struct schema *schema, const struct tree_node *node, void *target)
{
	struct span bytes = { 0 };

	return rule_part_hex(schema, node, &bytes) && set_bytes(schema, node, target, bytes);
}

/* Cuts the text at the sign and reads the number behind it; 0 where the sign is not there. */
static bool cut_number(char *text, char sign, uint64_t *number)
{
	char *at = strchr(text, sign);

	*number = 0;
	if (!at)
		return true;
	*at = '\0';
	return schema_number(at + 1, number);
}

/* "SIZE", "SIZE+HEADER", "SIZE@BACK" or "SIZE+HEADER@BACK" behind "chunk:", "SIZE" behind "free:".
 */
static bool parse_chunk(const char *text, struct rule_test_word *word)
{
	char copy[64] = "";
	uint64_t back, header;

	if (strlen(text) >= sizeof copy || (word->kind != RULE_WORD_CHUNK && strpbrk(text, "+@")))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	word->has_back = strchr(copy, '@');
	if (!cut_number(copy, '@', &back) || !cut_number(copy, '+', &header) ||
		!schema_number(copy, &word->value) || word->value < 32 || word->value > MAX_SAMPLE ||
		word->value % 16 || back >= word->value || header >= word->value)
		return false;
	word->back = (uint32_t)back;
	word->header = (uint32_t)header;
	return true;
}

/* A number, "@N": the sample's own address + N, "chunk:SIZE[+HEADER][@BACK]" or "free:SIZE": the
 * address of a chunk made for the test, or behind a header in it. */
static bool parse_word(const char *text, struct rule_test_word *word)
{
	if (*text == '@') {
		word->kind = RULE_WORD_SELF;
		return schema_number(text + 1, &word->value);
	}
	if (strncmp(text, "chunk:", 6) == 0) {
		word->kind = RULE_WORD_CHUNK;
		return parse_chunk(text + 6, word);
	}
	if (strncmp(text, "free:", 5) == 0) {
		word->kind = RULE_WORD_FREE;
		return parse_chunk(text + 5, word);
	}
	return schema_number(text, &word->value);
}

static bool add_word(struct schema *schema, const struct tree_node *value, struct rule_test *test)
{
	struct rule_test_word word = { .place = value->place };
	uint64_t at = 0;

	if (!schema_want(schema, value, TREE_SCALAR, "a word"))
		return false;
	if (!schema_number(tree_text(value->key), &at) || at > MAX_SAMPLE)
		return rule_message_add(schema->sink, value->key->place, "R005", "'%s' is no offset",
								schema_quote(schema, value->key->text));
	if (!parse_word(tree_text(value), &word))
		return rule_message_add(schema->sink, value->place, "R005",
								"'%s' is no word; write 16202, 0x10, \"@8\", \"chunk:32784\", "
								"\"chunk:128@56\" or \"free:4096\"",
								schema_quote(schema, value->text));
	word.at = (uint32_t)at;
	*vec_add(&test->words) = word;
	return true;
}

static bool read_words(struct schema *schema, const struct tree_node *node, void *target)
{
	struct rule_test *test = target;
	bool good = schema_want(schema, node, TREE_MAP, "words") &&
				set_bytes(schema, node, target, (struct span){ 0 });

	test->is_words = true;
	for (const struct tree_node *value = good ? node->first : NULL; value; value = value->next)
		good &= add_word(schema, value, test);
	return good;
}

/* `none`, `match`, or {capture: value, key: value, bytes: number}. */
static bool read_expect(struct schema *schema, const struct tree_node *node, void *target)
{
	static const char *const choices[] = { "none", "match", NULL };
	struct rule_test *test = target;
	unsigned position = 0;

	if (node->kind == TREE_SCALAR) {
		if (!schema_choice(schema, node, choices, &position))
			return false;
		test->wants_match = position == 1;
		return true;
	}
	if (!schema_want(schema, node, TREE_MAP, "expect"))
		return false;
	test->wants_match = true;
	for (const struct tree_node *value = node->first; value; value = value->next) {
		if (!schema_want(schema, value, TREE_SCALAR, "an expected value"))
			return false;
		*vec_add(&test->expect) = (struct rule_expectation){ tree_text(value->key), value->text };
	}
	return true;
}

const struct schema_field rule_part_test_fields[] = {
	{ "name", SCHEMA_TEXT, .offset = offsetof(struct rule_test, name), .required = true },
	{ "text", SCHEMA_CUSTOM, .read = read_text },
	{ "hex", SCHEMA_CUSTOM, .read = read_hex },
	{ "words", SCHEMA_CUSTOM, .read = read_words },
	{ "size", SCHEMA_SIZE, .offset = offsetof(struct rule_test, size), .min = 32,
	  .max = MAX_SAMPLE },
	{ "expect", SCHEMA_CUSTOM, .required = true, .read = read_expect },
	{ 0 },
};

static bool add_test(struct schema *schema, const struct tree_node *node, struct rule *rule)
{
	struct rule_test *test = vec_add(&rule->tests);

	test->place = node->place;
	if (!schema_read(schema, node, rule_part_test_fields, "a test", test))
		return false;
	if (!test->bytes.data && !test->is_words)
		return rule_message_add(schema->sink, node->place, "R006",
								"a test needs text, hex or words");
	if (test->is_words && !test->size)
		return rule_message_add(schema->sink, node->place, "R006",
								"a test with words needs 'size', the chunk's size");
	if (test->size % 16)
		return rule_message_add(schema->sink, node->place, "R007",
								"a chunk's size is a multiple of 16");
	return true;
}

bool rule_part_tests(struct schema *schema, const struct tree_node *node, void *target)
{
	bool good = schema_want(schema, node, TREE_LIST, "tests");

	for (const struct tree_node *item = good ? node->first : NULL; item; item = item->next)
		good &= add_test(schema, item, target);
	return good;
}

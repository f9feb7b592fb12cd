#include "analyze/rules/rule_part.h"

#include "base/text.h"

#include <elf.h>
#include <string.h>

bool rule_part_name(struct schema *schema, const struct tree_node *node, const char *what,
					const char **name)
{
	enum { LONGEST = 64 };
	bool good;

	if (!schema_want(schema, node, TREE_SCALAR, what))
		return false;
	good = node->text.size >= 1 && node->text.size <= LONGEST;
	for (size_t i = 0; good && i < node->text.size; i++) {
		uint8_t c = node->text.data[i];
		bool inner = c == '.' || c == '-';

		good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (inner && i);
	}
	if (!good)
		return rule_message_add(schema->sink, node->place, "R012",
								"%s '%s' must be 1 to 64 of a-z, 0-9, '.' and '-', not starting "
								"with '.' or '-'",
								what, schema_quote(schema, node->text));
	*name = tree_text(node);
	return true;
}

bool rule_part_id(struct schema *schema, const struct tree_node *node, void *target)
{
	struct rule *rule = target;

	return rule_part_name(schema, node, "id", &rule->id);
}

bool rule_part_hex(struct schema *schema, const struct tree_node *node, struct span *bytes)
{
	uint8_t *out;
	size_t digits = 0;

	if (!schema_want(schema, node, TREE_SCALAR, "hex"))
		return false;
	out = pool_alloc(schema->pool, node->text.size / 2 + 1);
	for (size_t i = 0; i < node->text.size; i++) {
		int digit = text_hex_value(node->text.data[i]);

		if (strchr(" \n\t", node->text.data[i]) && node->text.data[i])
			continue;
		if (digit < 0)
			return rule_message_add(schema->sink, tree_place_of(node, i), "R005",
									"hex takes digits 0-9, a-f and blanks");
		out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | digit);
		digits++;
	}
	if (digits % 2)
		return rule_message_add(schema->sink, node->place, "R005",
								"hex has an odd number of digits");
	*bytes = span_make(out, digits / 2);
	return true;
}

/* "\xCA" in a double-quoted YAML text is the character U+00CA, two bytes in UTF-8. */
static bool has_high_escape(const struct tree_node *node)
{
	struct span line = rule_source_line(node->place.source, node->place.line);
	size_t start = rule_source_column_offset(line, node->place.column);

	if (node->style != TREE_DOUBLE)
		return false;
	for (size_t i = start + 1; i + 2 < line.size && line.data[i] != '"'; i++)
		if (line.data[i] == '\\') {
			i++;
			if (line.data[i] == 'x' && text_hex_value(line.data[i + 1]) >= 8)
				return true;
		}
	return false;
}

static bool read_keyword(struct schema *schema, const struct tree_node *node, struct span *bytes)
{
	const struct tree_node *hex = node->kind == TREE_MAP ? tree_get(node, "hex") : NULL;

	if (hex && node->first == node->last)
		return rule_part_hex(schema, hex, bytes);
	if (!schema_want(schema, node, TREE_SCALAR, "a keyword (or {hex: \"ca fe\"})"))
		return false;
	if (has_high_escape(node))
		return rule_message_add(schema->sink, node->place, "R032",
								"a \\x80 to \\xff escape is a character of two bytes in YAML; "
								"write {hex: \"ca fe\"} for bytes");
	*bytes = node->text;
	return true;
}

static bool is_rare(struct span bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (bytes.data[i] != 0 && bytes.data[i] != 0xff && bytes.data[i] != ' ')
			return true;
	return false;
}

static bool add_keyword(struct schema *schema, const struct tree_node *node, struct rule *rule)
{
	struct span bytes = { 0 };

	if (!read_keyword(schema, node, &bytes))
		return false;
	if (bytes.size < RULE_KEYWORD_MIN)
		return rule_message_add(schema->sink, node->place, "R030",
								"keyword of %zu bytes; it needs at least %d to be worth a search",
								bytes.size, RULE_KEYWORD_MIN);
	if (bytes.size > PREFILTER_MAX_LITERAL)
		return rule_message_add(schema->sink, node->place, "R030",
								"keyword of %zu bytes; at most %d are searched for", bytes.size,
								PREFILTER_MAX_LITERAL);
	if (!is_rare(bytes))
		return rule_message_add(schema->sink, node->place, "R032",
								"keyword of nothing but 00, ff and blanks is in every heap");
	*vec_add(&rule->keywords) = (struct rule_keyword){ .bytes = bytes, .place = node->place };
	return true;
}

bool rule_part_keywords(struct schema *schema, const struct tree_node *node, void *target)
{
	bool good = schema_want(schema, node, TREE_LIST, "keywords");

	for (const struct tree_node *item = good ? node->first : NULL; item; item = item->next)
		good &= add_keyword(schema, item, target);
	return good;
}

bool rule_part_pattern(struct schema *schema, const struct tree_node *node, void *target)
{
	struct rule *rule = target;
	struct span pattern = node->text;

	if (!schema_want(schema, node, TREE_SCALAR, "pattern"))
		return false;
	/* a block scalar ends with a line end that nobody means to match */
	if (node->style == TREE_LITERAL || node->style == TREE_FOLDED)
		while (pattern.size && pattern.data[pattern.size - 1] == '\n')
			pattern.size--;
	if (!pattern.size || pattern.size > RULE_PATTERN_MAX)
		return rule_message_add(schema->sink, node->place, "R007",
								"pattern must have 1 to %d bytes", RULE_PATTERN_MAX);
	rule->pattern = pattern;
	rule->source = node;
	return true;
}

/* Names of chunk states, and what stands for several. `in-use` holds for mmapped chunks too: the
 * program uses them. */
static const struct {
	const char *name;
	uint32_t states;
} states[] = {
	{ "in-use", 1u << CHUNK_IN_USE | 1u << CHUNK_MMAPPED },
	{ "mmapped", 1u << CHUNK_MMAPPED },
	{ "live", 1u << CHUNK_IN_USE | 1u << CHUNK_MMAPPED },
	{ "free", 1u << CHUNK_TCACHE | 1u << CHUNK_FASTBIN | 1u << CHUNK_BINNED | 1u << CHUNK_TOP },
	{ "tcache", 1u << CHUNK_TCACHE },
	{ "fastbin", 1u << CHUNK_FASTBIN },
	{ "binned", 1u << CHUNK_BINNED },
	{ "top", 1u << CHUNK_TOP },
};

static bool read_states(struct schema *schema, const struct tree_node *node, void *target)
{
	enum { COUNT = sizeof states / sizeof *states };
	const char *names[COUNT + 1] = { NULL };
	struct rule_scan *scan = target;
	unsigned position = 0;
	bool good = true;

	for (size_t i = 0; i < COUNT; i++)
		names[i] = states[i].name;
	if (!schema_want(schema, node, TREE_LIST, "states"))
		return false;
	if (!node->first)
		return rule_message_add(schema->sink, node->place, "R005", "states is empty");
	scan->states = 0;
	for (const struct tree_node *item = node->first; item; item = item->next)
		if (schema_choice(schema, item, names, &position))
			scan->states |= states[position].states;
		else
			good = false;
	return good;
}

static bool read_arch(struct schema *schema, const struct tree_node *node, void *target)
{
	static const char *const names[] = { "x86_64", "i386", "aarch64", "arm", NULL };
	static const uint32_t machines[] = { EM_X86_64, EM_386, EM_AARCH64, EM_ARM };
	struct rule_scan *scan = target;
	unsigned position = 0;

	if (!schema_choice(schema, node, names, &position))
		return false;
	scan->machine = machines[position];
	return true;
}

static bool read_word(struct schema *schema, const struct tree_node *node, void *target)
{
	static const char *const names[] = { "32", "64", NULL };
	struct rule_scan *scan = target;
	unsigned position = 0;

	if (!schema_choice(schema, node, names, &position))
		return false;
	scan->word = position ? 8 : 4;
	return true;
}

const struct schema_field rule_part_when_fields[] = {
	{ "arch", SCHEMA_CUSTOM, .read = read_arch },
	{ "word", SCHEMA_CUSTOM, .read = read_word },
	{ 0 },
};

static bool read_when(struct schema *schema, const struct tree_node *node, void *target)
{
	return schema_read(schema, node, rule_part_when_fields, "when", target);
}

static const char *const anchors[] = { "any", "chunk-start", NULL };
static const char *const withins[] = { "chunk", NULL };

const struct schema_field rule_part_scan_fields[] = {
	{ "anchor", SCHEMA_CHOICE, .offset = offsetof(struct rule_scan, anchor), .choices = anchors },
	{ "within", SCHEMA_CHOICE, .offset = offsetof(struct rule_scan, within), .choices = withins },
	{ "states", SCHEMA_CUSTOM, .read = read_states },
	{ "size", SCHEMA_RANGE, .offset = offsetof(struct rule_scan, sizes) },
	{ "max_length", SCHEMA_SIZE, .offset = offsetof(struct rule_scan, max_length), .min = 1,
	  .max = 1 << 20 },
	{ "when", SCHEMA_CUSTOM, .read = read_when },
	{ 0 },
};

bool rule_part_scan(struct schema *schema, const struct tree_node *node, void *target)
{
	struct rule *rule = target;

	return schema_read(schema, node, rule_part_scan_fields, "scan", &rule->scan);
}

static bool report_validator(struct schema *schema, const struct tree_node *item)
{
	enum { MOST = 128 };
	const char *names[MOST + 1] = { NULL };

	for (size_t i = 0; i < MOST && validator_at(i); i++)
		names[i] = validator_at(i)->name;
	return rule_message_add(schema->sink, item->place, "R041", "no validator '%s'%s",
							schema_quote(schema, item->text),
							schema_suggest(schema, tree_text(item), names));
}

static bool add_validator(struct schema *schema, const struct tree_node *item, struct rule *rule)
{
	const struct validator *validator;

	if (!schema_want(schema, item, TREE_SCALAR, "a validator's name"))
		return false;
	validator = validator_find(tree_text(item));
	if (!validator)
		return report_validator(schema, item);
	if (rule->validator_count == RULE_VALIDATORS)
		return rule_message_add(schema->sink, item->place, "R009", "more than %d validators",
								RULE_VALIDATORS);
	rule->validators[rule->validator_count++] = validator;
	return true;
}

bool rule_part_validate(struct schema *schema, const struct tree_node *node, void *target)
{
	bool good = schema_want(schema, node, TREE_LIST, "validate");

	for (const struct tree_node *item = good ? node->first : NULL; item; item = item->next)
		good &= add_validator(schema, item, target);
	return good;
}

/* `lower`, or {dirname: 3}: `value` is NULL for the plain form. */
static bool add_transform(struct schema *schema, const struct tree_node *name,
						  const struct tree_node *value, struct aggregate *aggregate)
{
	const char *names[TRANSFORM_KINDS + 1] = { NULL };
	struct transform *step = &aggregate->steps[aggregate->step_count];
	unsigned kind = 0;
	uint64_t number = 0;
	bool counts;

	for (unsigned i = 0; i < TRANSFORM_KINDS; i++)
		names[i] = transform_name((enum transform_kind)i);
	if (aggregate->step_count == AGGREGATE_TRANSFORMS)
		return rule_message_add(schema->sink, name->place, "R009", "more than %d transforms",
								AGGREGATE_TRANSFORMS);
	if (!schema_choice(schema, name, names, &kind))
		return false;
	counts = kind == TRANSFORM_DIRNAME || kind == TRANSFORM_PREFIX;
	if (counts && (!value || value->kind != TREE_SCALAR ||
				   !schema_number(tree_text(value), &number) || number < 1 || number > 1000))
		return rule_message_add(schema->sink, name->place, "R007",
								"%s needs a number from 1 to 1000: {%s: 3}", names[kind],
								names[kind]);
	if (!counts && value && !(value->kind == TREE_SCALAR && strcmp(tree_text(value), "true") == 0))
		return rule_message_add(schema->sink, value->place, "R005", "%s takes no number",
								names[kind]);
	*step = (struct transform){ (enum transform_kind)kind, (uint32_t)number };
	aggregate->step_count++;
	return true;
}

static bool read_transform(struct schema *schema, const struct tree_node *node, void *target)
{
	struct aggregate *aggregate = target;
	bool good = true;

	switch (node->kind) {
	case TREE_SCALAR:
		return add_transform(schema, node, NULL, aggregate);
	case TREE_MAP:
		for (const struct tree_node *value = node->first; good && value; value = value->next)
			good = add_transform(schema, value->key, value, aggregate);
		return good;
	default:
		for (const struct tree_node *item = node->first; good && item; item = item->next)
			good = item->kind == TREE_LIST ? schema_want(schema, item, TREE_MAP, "a transform")
										   : read_transform(schema, item, target);
		return good;
	}
}

const struct schema_field rule_part_aggregate_fields[] = {
	{ "by", SCHEMA_TEXT, .offset = offsetof(struct aggregate, by), .required = true },
	{ "transform", SCHEMA_CUSTOM, .read = read_transform },
	{ "top", SCHEMA_U32, .offset = offsetof(struct aggregate, top), .min = 1, .max = 1000 },
	{ "max_keys", SCHEMA_U32, .offset = offsetof(struct aggregate, max_keys), .min = 1,
	  .max = 1000000 },
	{ 0 },
};

bool rule_part_aggregate(struct schema *schema, const struct tree_node *node, void *target)
{
	struct rule *rule = target;

	return schema_read(schema, node, rule_part_aggregate_fields, "aggregate", &rule->aggregate);
}

/* `hide`, `show`, or {capture: hide or show}. */
bool rule_part_redact(struct schema *schema, const struct tree_node *node, void *target)
{
	static const char *const choices[] = { "hide", "show", NULL };
	struct rule *rule = target;
	unsigned show = 0;

	rule->show.count = 0;
	rule->show_all = false;
	if (node->kind != TREE_MAP) {
		if (!schema_choice(schema, node, choices, &show))
			return false;
		rule->show_all = show;
		return true;
	}
	for (const struct tree_node *value = node->first; value; value = value->next) {
		if (!schema_choice(schema, value, choices, &show))
			return false;
		if (show)
			*vec_add(&rule->show) = tree_text(value->key);
	}
	return true;
}

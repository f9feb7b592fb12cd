#include "analyze/rules/rule_schema.h"

#include "base/size.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *schema_quote(struct schema *schema, struct span text)
{
	enum { LONGEST = 60 };
	struct strbuf out = { 0 };
	const char *kept;

	rule_message_quote(span_part(text, 0, LONGEST), &out);
	if (text.size > LONGEST)
		strbuf_puts(&out, "\xe2\x80\xa6");
	kept = pool_string(schema->pool, strbuf_text(&out));
	strbuf_deinit(&out);
	return kept;
}

const char *schema_suggest(struct schema *schema, const char *word, const char *const *names)
{
	const char *near = text_nearest(word, names);

	return near ? pool_printf(schema->pool, "; did you mean '%s'?", near) : "";
}

bool schema_want(struct schema *schema, const struct tree_node *node, enum tree_kind kind,
				 const char *what)
{
	static const char *const kinds[] = { "a single value", "a map of keys", "a list" };

	if (node->kind == kind)
		return true;
	return rule_message_add(schema->sink, node->place, "R005", "%s must be %s, not %s", what,
							kinds[kind], kinds[node->kind]);
}

bool schema_choice(struct schema *schema, const struct tree_node *node, const char *const *choices,
				   unsigned *position)
{
	struct strbuf all = { 0 };

	if (!schema_want(schema, node, TREE_SCALAR, "this"))
		return false;
	for (unsigned i = 0; choices[i]; i++)
		if (span_equal(node->text, span_string(choices[i]))) {
			*position = i;
			return true;
		}
	for (size_t i = 0; choices[i]; i++)
		strbuf_printf(&all, "%s%s", i ? ", " : "", choices[i]);
	rule_message_add(schema->sink, node->place, "R011", "'%s' is not one of %s%s",
					 schema_quote(schema, node->text), strbuf_text(&all),
					 schema_suggest(schema, tree_text(node), choices));
	strbuf_deinit(&all);
	return false;
}

bool schema_number(const char *text, uint64_t *number)
{
	char *end;

	if (text[0] != '0' || (text[1] | 32) != 'x')
		return size_parse(text, number);
	errno = 0;
	*number = strtoull(text + 2, &end, 16);
	return text[2] && strchr("0123456789abcdefABCDEF", text[2]) && !*end && !errno;
}

bool schema_range(struct schema *schema, const struct tree_node *node, struct word_range *range)
{
	const char *text, *dots;
	char low[32] = "";
	bool good;

	if (!schema_want(schema, node, TREE_SCALAR, "a range"))
		return false;
	text = tree_text(node);
	dots = strstr(text, "..");
	*range = (struct word_range){ 0, UINT64_MAX };
	if (!dots) {
		good = schema_number(text, &range->min);
		range->max = range->min;
	} else {
		size_t length = (size_t)(dots - text);

		good = length < sizeof low && (length || dots[2]);
		if (good)
			memcpy(low, text, length);
		good = good && (!length || schema_number(low, &range->min)) &&
			   (!dots[2] || schema_number(dots + 2, &range->max));
	}
	if (good && range->min <= range->max && strlen(text) == node->text.size)
		return true;
	return rule_message_add(schema->sink, node->place, "R005",
							"'%s' is no range; write 8, 8..15, 64.. or ..4K",
							schema_quote(schema, node->text));
}

static bool read_text(struct schema *schema, const struct tree_node *node, const char *name,
					  const char **text)
{
	if (!schema_want(schema, node, TREE_SCALAR, name))
		return false;
	if (!node->text.size)
		return rule_message_add(schema->sink, node->place, "R005", "%s is empty", name);
	if (memchr(node->text.data, 0, node->text.size))
		return rule_message_add(schema->sink, node->place, "R005", "%s holds a NUL", name);
	*text = tree_text(node);
	return true;
}

static bool read_texts(struct schema *schema, const struct tree_node *node, const char *name,
					   schema_texts *texts)
{
	bool good = schema_want(schema, node, TREE_LIST, name);

	vec_deinit(texts);
	for (const struct tree_node *item = good ? node->first : NULL; item; item = item->next) {
		const char *text = NULL;

		if (read_text(schema, item, name, &text))
			*vec_add(texts) = text;
		else
			good = false;
	}
	return good;
}

static bool read_int(struct schema *schema, const struct tree_node *node,
					 const struct schema_field *field, int64_t *value)
{
	const char *text;
	uint64_t magnitude = 0;
	bool negative;

	if (!schema_want(schema, node, TREE_SCALAR, field->name))
		return false;
	text = tree_text(node);
	negative = *text == '-';
	if (!schema_number(text + negative, &magnitude) || magnitude > INT64_MAX)
		return rule_message_add(schema->sink, node->place, "R005", "%s: '%s' is no number",
								field->name, schema_quote(schema, node->text));
	*value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	if (*value >= field->min && *value <= field->max)
		return true;
	return rule_message_add(schema->sink, node->place, "R007",
							"%s must be from %" PRId64 " to %" PRId64, field->name, field->min,
							field->max);
}

static bool read_bool(struct schema *schema, const struct tree_node *node, bool *value)
{
	static const char *const choices[] = { "false", "true", NULL };
	unsigned position = 0;

	if (!schema_choice(schema, node, choices, &position))
		return false;
	*value = position == 1;
	return true;
}

static bool read_value(struct schema *schema, const struct tree_node *node,
					   const struct schema_field *field, void *target)
{
	void *value = (char *)target + field->offset;
	int64_t number = 0;

	switch (field->type) {
	case SCHEMA_TEXT:
		return read_text(schema, node, field->name, value);
	case SCHEMA_CHOICE:
		return schema_choice(schema, node, field->choices, value);
	case SCHEMA_INT:
		return read_int(schema, node, field, value);
	case SCHEMA_U32:
		if (!read_int(schema, node, field, &number))
			return false;
		*(uint32_t *)value = (uint32_t)number;
		return true;
	case SCHEMA_SIZE:
		if (!read_int(schema, node, field, &number))
			return false;
		*(uint64_t *)value = (uint64_t)number;
		return true;
	case SCHEMA_RANGE:
		return schema_range(schema, node, value);
	case SCHEMA_BOOL:
		return read_bool(schema, node, value);
	case SCHEMA_TEXTS:
		return read_texts(schema, node, field->name, value);
	default:
		return field->read(schema, node, target);
	}
}

static const struct schema_field *find_field(const struct schema_field *fields, struct span name)
{
	for (; fields->name; fields++)
		if (span_equal(name, span_string(fields->name)))
			return fields;
	return NULL;
}

static bool report_unknown(struct schema *schema, const struct tree_node *key,
						   const struct schema_field *fields)
{
	enum { MOST = 48 };
	const char *names[MOST + 1] = { NULL };

	for (size_t i = 0; i < MOST && fields[i].name; i++)
		names[i] = fields[i].name;
	return rule_message_add(schema->sink, key->place, "R002", "unknown key '%s'%s",
							schema_quote(schema, key->text),
							schema_suggest(schema, tree_text(key), names));
}

bool schema_read(struct schema *schema, const struct tree_node *map,
				 const struct schema_field *fields, const char *what, void *target)
{
	bool good = schema_want(schema, map, TREE_MAP, what);

	if (!good)
		return false;
	for (const struct tree_node *value = map->first; value; value = value->next) {
		const struct schema_field *field = find_field(fields, value->key->text);

		good &= field ? read_value(schema, value, field, target)
					  : report_unknown(schema, value->key, fields);
	}
	for (; fields->name; fields++)
		if (fields->required && !map->cut && !tree_get(map, fields->name))
			good = rule_message_add(schema->sink, map->place, "R006", "%s needs '%s'", what,
									fields->name);
	return good;
}

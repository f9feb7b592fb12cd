#include "analyze/rules/rule_file.h"

#include "analyze/rules/rule_part.h"
#include "analyze/rules/rule_schema.h"
#include "base/text.h"

#include <string.h>

static const char *const severities[] = { "info", "low", "medium", "high", "critical", NULL };
static const char *const confidences[] = { "low", "medium", "high", NULL };
static const char *const extents[] = { "match", "validator", "chunk", NULL };

enum { PRIORITY_MAX = 1000000 };

#define AT(member) .offset = offsetof(struct rule, member)

/* Keys that `defaults` and `override` know as well come first. */
#define SHARED_FIELDS                                                              \
	{ "severity", SCHEMA_CHOICE, AT(severity), .choices = severities },            \
		{ "confidence", SCHEMA_CHOICE, AT(confidence), .choices = confidences },   \
		{ "priority", SCHEMA_INT, AT(priority), .max = PRIORITY_MAX },             \
		{ "author", SCHEMA_TEXT, AT(author) }, { "tags", SCHEMA_TEXTS, AT(tags) }, \
	{                                                                              \
		"redact", SCHEMA_CUSTOM, .read = rule_part_redact                          \
	}

static const struct schema_field defaults_fields[] = { SHARED_FIELDS, { 0 } };

static const struct schema_field override_fields[] = {
	SHARED_FIELDS,
	{ "title", SCHEMA_TEXT, AT(title) },
	{ "description", SCHEMA_TEXT, AT(description) },
	{ "remediation", SCHEMA_TEXT, AT(remediation) },
	{ 0 },
};

static const struct schema_field rule_fields[] = {
	SHARED_FIELDS,
	{ "id", SCHEMA_CUSTOM, .required = true, .read = rule_part_id },
	{ "title", SCHEMA_TEXT, AT(title), .required = true },
	{ "description", SCHEMA_TEXT, AT(description) },
	{ "references", SCHEMA_TEXTS, AT(references) },
	{ "remediation", SCHEMA_TEXT, AT(remediation) },
	{ "keywords", SCHEMA_CUSTOM, .read = rule_part_keywords },
	{ "pattern", SCHEMA_CUSTOM, .read = rule_part_pattern },
	{ "structure", SCHEMA_CUSTOM, .read = rule_part_structure },
	{ "scan", SCHEMA_CUSTOM, .read = rule_part_scan },
	{ "slow", SCHEMA_BOOL, AT(slow) },
	{ "validate", SCHEMA_CUSTOM, .read = rule_part_validate },
	{ "extent", SCHEMA_CHOICE, AT(extent), .choices = extents },
	{ "aggregate", SCHEMA_CUSTOM, .read = rule_part_aggregate },
	{ "tests", SCHEMA_CUSTOM, .read = rule_part_tests },
	{ 0 },
};

/* The values of a rule that says nothing. */
static void set_defaults(struct rule *rule)
{
	*rule = (struct rule){
		.severity = SEVERITY_MEDIUM,
		.confidence = CONFIDENCE_MEDIUM,
		.priority = 500,
		.scan = {
			.states = RULE_PART_ALL_STATES,
			.sizes = { 0, UINT64_MAX },
			.max_length = 64 << 10,
		},
		.aggregate = { .top = 20, .max_keys = 10000 },
	};
}

/* A copy whose vectors are its own. */
static struct rule copy_defaults(const struct rule *defaults)
{
	struct rule rule = *defaults;

	memset(&rule.tags, 0, sizeof rule.tags);
	memset(&rule.show, 0, sizeof rule.show);
	for (size_t i = 0; i < defaults->tags.count; i++)
		*vec_add(&rule.tags) = defaults->tags.items[i];
	for (size_t i = 0; i < defaults->show.count; i++)
		*vec_add(&rule.show) = defaults->show.items[i];
	return rule;
}

struct reading {
	struct schema schema;
	bool known_format;
	const char *namespace;
	struct rule defaults;
	rule_entries *entries;
	rule_edits *edits;
};

/* As everywhere: with its namespace. Where the id cannot be one, it is quoted as it is. */
static void name_rule(struct reading *reading, const struct tree_node *node)
{
	const struct tree_node *id = node->kind == TREE_MAP ? tree_get(node, "id") : NULL;

	reading->schema.sink->rule = NULL;
	if (id && id->kind == TREE_SCALAR)
		reading->schema.sink->rule = pool_printf(reading->schema.pool, "%s.%s", reading->namespace,
												 schema_quote(&reading->schema, id->text));
}

static void read_rule(struct reading *reading, const struct tree_node *node)
{
	struct rule_entry *entry = vec_add(reading->entries);
	struct rule_sink *sink = reading->schema.sink;

	entry->rule = copy_defaults(&reading->defaults);
	entry->rule.place = node->place;
	entry->node = node;
	name_rule(reading, node);
	entry->name = sink->rule;
	entry->good =
		schema_read(&reading->schema, node, rule_fields, "a rule", &entry->rule) && !node->broken;
	if (entry->rule.id)
		entry->rule.id =
			pool_printf(reading->schema.pool, "%s.%s", reading->namespace, entry->rule.id);
	sink->rule = NULL;
}

static void read_rules(struct reading *reading, const struct tree_node *list)
{
	if (!list || !schema_want(&reading->schema, list, TREE_LIST, "rules"))
		return;
	for (const struct tree_node *node = list->first; node; node = node->next)
		if (!node->cut)
			read_rule(reading, node);
}

static void read_disables(struct reading *reading, const struct tree_node *list)
{
	if (!list || !schema_want(&reading->schema, list, TREE_LIST, "disable"))
		return;
	for (const struct tree_node *node = list->first; node; node = node->next)
		if (schema_want(&reading->schema, node, TREE_SCALAR, "an id"))
			*vec_add(reading->edits) = (struct rule_edit){
				.id = tree_text(node),
				.namespace = reading->namespace,
				.place = node->place,
			};
}

static void read_overrides(struct reading *reading, const struct tree_node *map)
{
	if (!map || !schema_want(&reading->schema, map, TREE_MAP, "override"))
		return;
	for (const struct tree_node *node = map->first; node; node = node->next)
		if (!node->broken && !node->cut)
			*vec_add(reading->edits) = (struct rule_edit){
				.id = tree_text(node->key),
				.namespace = reading->namespace,
				.place = node->key->place,
				.override = node,
			};
}

static bool read_namespace(struct schema *schema, const struct tree_node *node, void *target)
{
	struct reading *reading = target;

	return rule_part_name(schema, node, "namespace", &reading->namespace);
}

static bool read_defaults(struct schema *schema, const struct tree_node *node, void *target)
{
	struct reading *reading = target;

	return schema_read(schema, node, defaults_fields, "defaults", &reading->defaults);
}

static bool read_format(struct schema *schema, const struct tree_node *node, void *target)
{
	struct reading *reading = target;

	reading->known_format = node->kind == TREE_SCALAR && span_equal(node->text, span_string("1"));
	if (reading->known_format)
		return true;
	return rule_message_add(schema->sink, node->place, "R008",
							"this program reads format 1 only; a later one may be needed");
}

static bool read_later(struct schema *schema, const struct tree_node *node, void *target)
{
	(void)schema;
	(void)node;
	(void)target;
	return true;
}

/* The keys of a file; what needs the namespace and the defaults is read after them. */
static const struct schema_field file_fields[] = {
	{ "format", SCHEMA_CUSTOM, .required = true, .read = read_format },
	{ "namespace", SCHEMA_CUSTOM, .required = true, .read = read_namespace },
	{ "defaults", SCHEMA_CUSTOM, .read = read_defaults },
	{ "rules", SCHEMA_CUSTOM, .read = read_later },
	{ "disable", SCHEMA_CUSTOM, .read = read_later },
	{ "override", SCHEMA_CUSTOM, .read = read_later },
	{ 0 },
};

void rule_file_read(const struct rule_source *source, struct pool *pool, struct rule_sink *sink,
					rule_entries *entries, rule_edits *edits)
{
	struct reading reading = { .schema = { sink, pool }, .entries = entries, .edits = edits };
	size_t errors = sink->errors;
	const struct tree_node *root = tree_read(source, pool, sink);

	set_defaults(&reading.defaults);
	if (!root) {
		if (sink->errors == errors)
			rule_message_add(sink, (struct rule_place){ source, 1, 1 }, "R001",
							 "the file is empty");
		return;
	}
	schema_read(&reading.schema, root, file_fields, "a rule file", &reading);
	/* without format and namespace nothing below can be trusted or named */
	if (reading.known_format && reading.namespace) {
		read_rules(&reading, tree_get(root, "rules"));
		read_disables(&reading, tree_get(root, "disable"));
		read_overrides(&reading, tree_get(root, "override"));
	}
	rule_deinit(&reading.defaults);
}

/* Reads into a copy first, so that a wrong key leaves the rule as it was. */
bool rule_file_override(struct rule *rule, const struct rule_edit *edit, struct pool *pool,
						struct rule_sink *sink)
{
	struct schema schema = { sink, pool };
	struct rule probe = copy_defaults(rule);
	bool good = schema_read(&schema, edit->override, override_fields, "an override", &probe);

	if (good)
		schema_read(&schema, edit->override, override_fields, "an override", rule);
	vec_deinit(&probe.tags);
	vec_deinit(&probe.show);
	return good;
}

const struct rule_table *rule_table_at(size_t index)
{
	static const struct rule_table tables[] = {
		{ "file", file_fields },
		{ "defaults", defaults_fields },
		{ "override", override_fields },
		{ "rule", rule_fields },
		{ "scan", rule_part_scan_fields },
		{ "when", rule_part_when_fields },
		{ "aggregate", rule_part_aggregate_fields },
		{ "word", rule_part_word_fields },
		{ "test", rule_part_test_fields },
	};

	return index < sizeof tables / sizeof *tables ? &tables[index] : NULL;
}

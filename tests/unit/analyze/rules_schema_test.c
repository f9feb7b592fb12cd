/* docs/rules.schema.json, the man page and rules/README.md against the tables that read rule files:
 * every key, choice and validator is in all of them, and none is in one of them alone.
 *
 * usage: rules_schema_test [--update]     writes the validators' names into the schema */
#include "tests/unit/unit.h"

#include "analyze/content/rule_file.h"
#include "analyze/validators/validators.h"
#include "base/file.h"
#include "tests/support/rule_text.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "docs/rules.schema.json"

static json_t *load_schema(void)
{
	json_error_t error;
	json_t *schema = json_load_file(SCHEMA, 0, &error);

	if (!schema)
		fail_msg("%s:%d: %s", SCHEMA, error.line, error.text);
	return schema;
}

/* The definition of a kind of map; that of the file is the schema itself. */
static json_t *definition(json_t *schema, const char *name)
{
	return strcmp(name, "file") == 0 ? schema
									 : json_object_get(json_object_get(schema, "$defs"), name);
}

static bool holds(json_t *array, const char *text)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

static size_t check_field(json_t *map, const struct rule_table *table,
						  const struct schema_field *field)
{
	json_t *property = json_object_get(json_object_get(map, "properties"), field->name);
	size_t choices = 0;

	if (!property)
		fail_msg("%s: the key '%s' of %s is not there", SCHEMA, field->name, table->name);
	if (holds(json_object_get(map, "required"), field->name) != field->required)
		fail_msg("%s: %s.%s: required or not", SCHEMA, table->name, field->name);
	if (!json_object_get(property, "description") && !json_object_get(property, "$ref"))
		fail_msg("%s: %s.%s has no description", SCHEMA, table->name, field->name);
	if (field->type != SCHEMA_CHOICE)
		return 0;
	for (; field->choices[choices]; choices++)
		if (!holds(json_object_get(property, "enum"), field->choices[choices]))
			fail_msg("%s: %s.%s: '%s' is not there", SCHEMA, table->name, field->name,
					 field->choices[choices]);
	assert_int_equal(json_array_size(json_object_get(property, "enum")), choices);
	return choices;
}

static void the_schema_has_the_readers_keys(void **state)
{
	json_t *schema = load_schema();
	size_t choices = 0, keys = 0;

	(void)state;
	for (size_t i = 0; rule_table_at(i); i++) {
		const struct rule_table *table = rule_table_at(i);
		json_t *map = definition(schema, table->name);
		size_t count = 0;

		if (!map)
			fail_msg("%s: no definition of %s", SCHEMA, table->name);
		assert_false(json_is_true(json_object_get(map, "additionalProperties")));
		assert_non_null(json_object_get(map, "additionalProperties"));
		for (; table->fields[count].name; count++)
			choices += check_field(map, table, &table->fields[count]);
		if (json_object_size(json_object_get(map, "properties")) != count)
			fail_msg("%s: %s has keys that no reader knows", SCHEMA, table->name);
		keys += count;
	}
	assert_true(keys > 50 && choices > 20);
	json_decref(schema);
}

static size_t strings_of(json_t *array)
{
	size_t i, count = 0;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		count += json_is_string(item);
	}
	return count;
}

/* The names the reader lists when it is given another one: "… is not one of A, B, C". */
static void check_names(const char *rule, json_t *names)
{
	struct rule_text text;
	char *list, *rest, *name;
	size_t count = 0;

	rule_text_load_rule(&text, rule);
	list = strstr(strbuf_text(&text.all), "is not one of ");
	assert_non_null(list);
	rest = list + strlen("is not one of ");
	rest[strcspn(rest, "\n;")] = '\0';
	while ((name = strsep(&rest, ","))) {
		name += *name == ' ';
		if (!holds(names, name))
			fail_msg("%s: '%s' is not there", SCHEMA, name);
		count++;
	}
	assert_int_equal(strings_of(names), count);
	rule_text_deinit(&text);
}

static json_t *at(json_t *value, const char *path)
{
	char copy[128], *rest = copy, *key;

	snprintf(copy, sizeof copy, "%s", path);
	while (value && (key = strsep(&rest, "/")))
		value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
									 : json_object_get(value, key);
	return value;
}

#define RULE "- id: a\n  title: T\n  keywords: [abc]\n  pattern: 'abc(?<n>.)'\n"

static void the_schema_has_the_readers_names(void **state)
{
	static const struct {
		const char *rule, *path;
	} rows[] = {
		{ RULE "  scan: {states: [\"?\"]}\n", "$defs/scan/properties/states/items/enum" },
		{ RULE "  scan: {when: {arch: \"?\"}}\n", "$defs/when/properties/arch/enum" },
		{ RULE "  scan: {when: {word: \"?\"}}\n", "$defs/when/properties/word/enum" },
		{ RULE "  redact: \"?\"\n", "$defs/rule/properties/redact/anyOf/0/enum" },
		{ RULE "  redact: {n: \"?\"}\n",
		  "$defs/rule/properties/redact/anyOf/1/additionalProperties/enum" },
		{ RULE "  aggregate: {by: n, transform: \"?\"}\n", "$defs/transform/anyOf/0/enum" },
		{ RULE "  tests: [{name: a, text: a, expect: \"?\"}]\n",
		  "$defs/test/properties/expect/anyOf/0/enum" },
	};
	json_t *schema = load_schema();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_names(rows[i].rule, at(schema, rows[i].path));
	json_decref(schema);
}

static void the_schema_has_the_validators(void **state)
{
	json_t *schema = load_schema(), *names = at(schema, "$defs/validator/enum");
	size_t count = 0;

	(void)state;
	for (; validator_at(count); count++)
		if (!holds(names, validator_at(count)->name))
			fail_msg("%s lacks the validator '%s': run rules_schema_test --update", SCHEMA,
					 validator_at(count)->name);
	if (json_array_size(names) != count)
		fail_msg("%s has a validator that is not there: run rules_schema_test --update", SCHEMA);
	json_decref(schema);
}

static void check_page(const char *path, const char *before, const char *behind)
{
	struct strbuf page = { 0 };
	struct err err = { 0 };

	assert_true(file_read(AT_FDCWD, path, 1 << 20, &page, &err));
	for (size_t i = 0; rule_table_at(i); i++)
		for (const struct schema_field *field = rule_table_at(i)->fields; field->name; field++) {
			char wanted[64];

			snprintf(wanted, sizeof wanted, "%s%s%s", before, field->name, behind);
			if (!strstr(strbuf_text(&page), wanted))
				fail_msg("%s: the key '%s' of %s is not there", path, field->name,
						 rule_table_at(i)->name);
		}
	strbuf_deinit(&page);
}

static void the_pages_have_the_readers_keys(void **state)
{
	(void)state;
	check_page("rules/README.md", "`", "`");
	check_page("docs/dumpcore-rules.5", "\n.B ", "\n");
}

static int update(void)
{
	json_t *schema = load_schema(), *names = json_array();

	for (size_t i = 0; validator_at(i); i++)
		json_array_append_new(names, json_string(validator_at(i)->name));
	json_object_set_new(definition(schema, "validator"), "enum", names);
	if (json_dump_file(schema, SCHEMA, JSON_INDENT(2)) < 0) {
		perror(SCHEMA);
		return 1;
	}
	json_decref(schema);
	return 0;
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schema_has_the_readers_keys),
		cmocka_unit_test(the_schema_has_the_readers_names),
		cmocka_unit_test(the_schema_has_the_validators),
		cmocka_unit_test(the_pages_have_the_readers_keys),
	};

	if (count > 1 && strcmp(arguments[1], "--update") == 0)
		return update();
	return cmocka_run_group_tests_name("rules_schema", tests, NULL, NULL);
}

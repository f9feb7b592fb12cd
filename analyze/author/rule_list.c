#include "analyze/author/rule_list.h"

#include "analyze/rules/rule.h"
#include "analyze/rules/rule_set.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From so many columns on it says how a rule searches, and where. */
enum { SEARCH_COLUMNS = 100, WHERE_COLUMNS = 120, LEAST_TITLE = 16, SEARCH_TEXT = 32 };

struct list_style {
	size_t id_width, columns; /* 0: no limit */
	bool search, where;
};

static bool holds(const char *text, const char *word)
{
	return text && strcasestr(text, word);
}

static bool is_wanted(const struct rule *rule, const char *word)
{
	if (!word || holds(rule->id, word) || holds(rule->title, word) ||
		holds(rule->description, word))
		return true;
	for (size_t i = 0; i < rule->tags.count; i++)
		if (holds(rule->tags.items[i], word))
			return true;
	return false;
}

/* How the rule finds its candidates. */
static const char *search_of(const struct rule *rule, char text[SEARCH_TEXT])
{
	if (!rule->confirm)
		return "structure";
	if (!rule->keywords.count)
		return rule->scan.anchor == RULE_ANCHOR_CHUNK_START ? "pattern" : "every byte";
	snprintf(text, SEARCH_TEXT, "%zu keyword%s", rule->keywords.count,
			 rule->keywords.count == 1 ? "" : "s");
	return text;
}

static bool wants_state(const struct rule *rule, enum chunk_state state)
{
	return rule->scan.states >> state & 1;
}

/* "all", "live", "free", or "some": which chunks the rule looks at. */
static const char *states_of(const struct rule *rule)
{
	unsigned live = 0, freed = 0, wants_live = 0, wants_freed = 0;

	for (unsigned i = 0; i < CHUNK_STATES; i++) {
		live += chunk_is_live((enum chunk_state)i);
		freed += chunk_is_free((enum chunk_state)i);
		wants_live += chunk_is_live((enum chunk_state)i) && wants_state(rule, (enum chunk_state)i);
		wants_freed += chunk_is_free((enum chunk_state)i) && wants_state(rule, (enum chunk_state)i);
	}
	if (wants_live == live && (wants_freed == freed || !wants_freed))
		return wants_freed ? "all" : "live";
	return !wants_live && wants_freed == freed ? "free" : "some";
}

/* At most `columns` columns of the text; what is longer ends in "...". 0: all of it. */
static void put_title(const char *title, size_t columns, struct strbuf *out)
{
	struct strbuf text = { 0 };
	size_t kept = 0, width = 0;

	text_escape(span_string(title), &text);
	if (!columns || text_columns(strbuf_text(&text)) <= columns) {
		strbuf_puts(out, strbuf_text(&text));
	} else {
		while (width < columns - 3) {
			kept += text_utf8_length(span_part(strbuf_span(&text), kept, text.size));
			width++;
		}
		strbuf_add(out, text.data, kept);
		strbuf_puts(out, "...");
	}
	strbuf_deinit(&text);
}

static void put_rule(const struct rule *rule, const struct list_style *style, struct strbuf *out)
{
	size_t start = out->size, used, columns = style->columns;
	char text[SEARCH_TEXT];

	strbuf_printf(out, "%-*s  %-8s  %-6s  ", (int)style->id_width, rule->id,
				  severity_name(rule->severity), confidence_name(rule->confidence));
	if (style->where)
		strbuf_printf(out, "%-6s  %-6s  ",
					  rule->scan.anchor == RULE_ANCHOR_CHUNK_START ? "start" : "any",
					  states_of(rule));
	if (style->search)
		strbuf_printf(out, "%-11s  ", search_of(rule, text));
	strbuf_printf(out, "%5zu  ", rule->tests.count);
	used = out->size - start;
	if (columns)
		columns = columns > used + LEAST_TITLE ? columns - used : LEAST_TITLE;
	put_title(rule->title, columns, out);
	strbuf_putc(out, '\n');
}

static size_t list_table(const struct rule_set *set, const struct rule_list_options *options,
						 struct strbuf *out)
{
	struct list_style style = {
		.id_width = strlen("ID"),
		.columns = options->columns,
		.search = !options->columns || options->columns >= SEARCH_COLUMNS,
		.where = options->columns >= WHERE_COLUMNS,
	};
	size_t count = 0;

	for (size_t i = 0; i < set->rules.count; i++)
		if (is_wanted(&set->rules.items[i], options->find)) {
			size_t length = strlen(set->rules.items[i].id);

			style.id_width = length > style.id_width ? length : style.id_width;
			count++;
		}
	if (!count)
		return 0;
	strbuf_printf(out, "%-*s  %-8s  %-6s  %s%s%5s  TITLE\n", (int)style.id_width, "ID", "SEVERITY",
				  "SURE", style.where ? "ANCHOR  CHUNKS  " : "",
				  style.search ? "FOUND BY     " : "", "TESTS");
	for (size_t i = 0; i < set->rules.count; i++)
		if (is_wanted(&set->rules.items[i], options->find))
			put_rule(&set->rules.items[i], &style, out);
	return count;
}

static json_t *texts_to_json(const char *const *items, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(items[i]));
	return array;
}

static json_t *states_to_json(const struct rule *rule)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < CHUNK_STATES; i++)
		if (wants_state(rule, (enum chunk_state)i))
			json_array_append_new(array, json_string(chunk_state_name((enum chunk_state)i)));
	return array;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static json_t *rule_to_json(const struct rule *rule)
{
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I}", "id", rule->id, "title",
		rule->title, "severity", severity_name(rule->severity), "confidence",
		confidence_name(rule->confidence), "priority", (json_int_t)rule->priority, "kind",
		rule->confirm ? "pattern" : "structure", "author", or_empty(rule->author), "description",
		or_empty(rule->description), "remediation", or_empty(rule->remediation), "keywords",
		(json_int_t)rule->keywords.count, "tests", (json_int_t)rule->tests.count);

	if (object) {
		json_object_set_new(
			object, "anchor",
			json_string(rule->scan.anchor == RULE_ANCHOR_CHUNK_START ? "chunk-start" : "any"));
		json_object_set_new(object, "states", states_to_json(rule));
		json_object_set_new(object, "slow", json_boolean(rule->slow));
		json_object_set_new(object, "tags", texts_to_json(rule->tags.items, rule->tags.count));
		json_object_set_new(object, "references",
							texts_to_json(rule->references.items, rule->references.count));
		json_object_set_new(object, "file", json_string(rule->place.source->path));
		json_object_set_new(object, "line", json_integer((json_int_t)rule->place.line));
	}
	return object;
}

static size_t list_json(const struct rule_set *set, const struct rule_list_options *options,
						struct strbuf *out)
{
	json_t *array = json_array();
	size_t count;
	char *text;

	for (size_t i = 0; i < set->rules.count; i++)
		if (is_wanted(&set->rules.items[i], options->find))
			json_array_append_new(array, rule_to_json(&set->rules.items[i]));
	text = json_dumps(array, JSON_INDENT(2));
	strbuf_printf(out, "%s\n", or_empty(text));
	count = json_array_size(array);
	free(text);
	json_decref(array);
	return count;
}

size_t rule_set_list(const struct rule_set *set, const struct rule_list_options *options,
					 struct strbuf *out)
{
	return options->json ? list_json(set, options, out) : list_table(set, options, out);
}

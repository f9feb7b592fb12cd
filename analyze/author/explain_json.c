#include "analyze/author/explain_text.h"
#include "analyze/rules/rule_tree.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *escaped(struct span text)
{
	struct strbuf out = { 0 };
	json_t *string;

	text_escape(text, &out);
	string = json_string(strbuf_text(&out));
	strbuf_deinit(&out);
	return string;
}

static json_t *reason_of(const struct explain_report *report)
{
	struct strbuf out = { 0 };
	json_t *string;

	explain_reason(report, &out);
	string = json_string(strbuf_text(&out));
	strbuf_deinit(&out);
	return string;
}

static json_t *chunk_of(const struct explain *explain)
{
	char address[24];

	snprintf(address, sizeof address, "0x%" PRIvaddr,
			 explain->chunk.address + explain->header_bytes);
	return json_pack("{s:s, s:o, s:s, s:o}", "address", address, "bytes",
					 number(explain->chunk.bytes), "state", chunk_state_name(explain->chunk.state),
					 "readable_bytes", number(explain->readable));
}

static json_t *keywords_of(const struct explain *explain)
{
	static const char *const likeness[] = { "other-case", "utf-16", "beginning" };
	json_t *array = json_array();

	for (size_t i = 0; i < explain->keywords.count; i++) {
		const struct explain_keyword *found = &explain->keywords.items[i];

		json_array_append_new(
			array, json_pack("{s:o, s:o, s:o}", "keyword",
							 escaped(explain->rule->keywords.items[found->keyword].bytes), "places",
							 number(found->count), "first", number(found->first)));
	}
	for (size_t i = 0; !explain->keywords.count && i < explain->near.count; i++) {
		const struct explain_near *near = &explain->near.items[i];

		json_array_append_new(array,
							  json_pack("{s:o, s:i, s:s, s:o, s:o}", "keyword",
										escaped(explain->rule->keywords.items[near->keyword].bytes),
										"places", 0, "near", likeness[near->likeness], "at",
										number(near->at), "bytes", number(near->bytes)));
	}
	return array;
}

static json_t *trace_of(const struct explain *explain)
{
	json_t *items = json_array();

	for (size_t i = 0; i < explain->trace.count; i++) {
		const struct trace_item *item = &explain->trace.items[i];
		struct rule_place place = tree_place_of(explain->rule->source, item->offset);

		json_array_append_new(
			items, json_pack("{s:o, s:o, s:o}", "item",
							 escaped(span_part(explain->rule->pattern, item->offset, item->bytes)),
							 "line", number(place.line), "column", number(place.column)));
	}
	return json_pack("{s:o, s:o, s:s, s:o}", "at", number(explain->trace_at), "bytes",
					 number(explain->trace.reached), "stands",
					 explain_byte_kind(explain->trace_byte), "wanted", items);
}

static json_t *refusals_of(const struct explain *explain)
{
	json_t *array = json_array();

	for (size_t i = 0; i < explain->refused && i < EXPLAIN_REFUSALS; i++)
		json_array_append_new(array, json_pack("{s:s, s:o, s:o}", "validator",
											   explain->refusals[i].validator->name, "at",
											   number(explain->refusals[i].at), "bytes",
											   number(explain->refusals[i].bytes)));
	return array;
}

static json_t *failure_of(const struct explain_report *report)
{
	const struct explain *explain = report->explain;
	const struct structure_word *word =
		&explain->rule->structure.words.items[explain->failure.word];
	struct strbuf wanted = { 0 };
	char value[24];
	json_t *object;

	explain_word(word, &wanted);
	snprintf(value, sizeof value, "0x%" PRIx64, explain->failure.value);
	object = json_pack(
		"{s:o, s:o, s:s?, s:s, s:o, s:o}", "at", number(explain->failure_at), "word",
		number(word->at), "value",
		explain->failure.is_there && explain_shows(report->tables, explain->failure.value) ? value
																						   : NULL,
		"wanted", strbuf_text(&wanted), "words_passed", number(explain->failure.word), "words",
		number(explain->rule->structure.words.count));
	strbuf_deinit(&wanted);
	return object;
}

static json_t *hits_of(const struct explain *explain)
{
	json_t *array = json_array();

	for (size_t i = 0; i < explain->hits.count; i++)
		json_array_append_new(array,
							  json_pack("{s:o, s:o, s:b}", "at", number(explain->hits.items[i].at),
										"bytes", number(explain->hits.items[i].bytes), "counts",
										!explain->hits.items[i].overlapped));
	return array;
}

static json_t *rivals_of(const struct explain_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->rivals.count; i++) {
		const struct explain_rival *rival = &report->rivals.items[i];

		json_array_append_new(array,
							  json_pack("{s:s, s:o, s:o, s:o, s:b}", "rule", rival->rule, "hit",
										number(rival->hit), "at", number(rival->at), "bytes",
										number(rival->bytes), "has_the_bytes", rival->wins));
	}
	return array;
}

void explain_json(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	bool hit = explain->verdict == EXPLAIN_HIT;
	json_t *object =
		json_pack("{s:s, s:s, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
				  "schema", "dumpcore.explain/1", "rule", explain->rule->id, "hit", hit, "verdict",
				  explain_verdict_name(explain->verdict), "reason", reason_of(report), "chunk",
				  chunk_of(explain), "keywords", keywords_of(explain), "tried",
				  number(explain->tried), "undecided", number(explain->undecided), "furthest",
				  !hit && explain->has_trace ? trace_of(explain) : json_null(), "refused",
				  refusals_of(explain), "structure",
				  !hit && explain->has_failure ? failure_of(report) : json_null(), "hits",
				  hits_of(explain), "shared", rivals_of(report));
	char *text;

	json_object_set_new(object, "more_hits", number(explain->more_hits));
	json_object_set_new(object, "would_hit", number(explain->would_hit));
	json_object_set_new(object, "claimed_bytes", number(report->claimed));
	json_object_set_new(object, "unsearched_bytes", number(report->unsearched));
	text = json_dumps(object, JSON_INDENT(2));
	strbuf_printf(out, "%s\n", text ? text : "{}");
	free(text);
	json_decref(object);
}

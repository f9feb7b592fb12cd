#include "analyze/rules/rule_compile.h"

#include "analyze/rules/coverage.h"
#include "analyze/rules/pattern.h"
#include "analyze/rules/rule_schema.h"

#include <string.h>

struct compile {
	struct rule *rule;
	const struct tree_node *node;
	struct schema schema;
};

/* The place of a part of the rule, or of the rule where it has none. */
static struct rule_place place_of(const struct compile *compile, const char *key)
{
	const struct tree_node *part = tree_get(compile->node, key);

	return part ? part->place : compile->node->place;
}

static bool complain(struct compile *compile, const char *key, const char *code, const char *text)
{
	return rule_message_add(compile->schema.sink, place_of(compile, key), code, "%s", text);
}

/* What the reader knows of the pattern, and PCRE2 of its first byte. */
static void find_head(struct rule *rule)
{
	struct pool nodes = { 0 };
	struct pattern pattern = pattern_read(rule->pattern, &nodes);

	pattern_head_init(&rule->head, &pattern);
	pattern_head_narrow(&rule->head, confirm_first_bytes(rule->confirm));
	if (rule->scan.anchor == RULE_ANCHOR_CHUNK_START && !rule->keywords.count)
		pattern_openings_find(&rule->openings, &pattern);
	pool_deinit(&nodes);
}

static bool compile_pattern(struct compile *compile)
{
	struct rule *rule = compile->rule;
	struct confirm_problem problem = { 0 };

	rule->confirm = confirm_create(rule->pattern, &problem);
	if (rule->confirm) {
		rule->lookbehind = confirm_lookbehind(rule->confirm);
		find_head(rule);
		return true;
	}
	return rule_message_add(compile->schema.sink, tree_place_of(rule->source, problem.offset),
							problem.code, "%s", problem.what);
}

/* Names the branch and shows what would be lost. */
static bool report_uncovered(struct compile *compile, const struct coverage *coverage)
{
	struct rule *rule = compile->rule;
	struct span witness = span_make(coverage->witness, coverage->witness_size);
	const char *lost = schema_quote(&compile->schema, witness);

	if (!coverage->branch.size)
		return rule_message_add(
			compile->schema.sink, tree_place_of(rule->source, 0), "R031",
			"the pattern can match without a keyword: '%s'; such matches would be lost silently",
			lost);
	return rule_message_add(
		compile->schema.sink,
		tree_place_of(rule->source, (size_t)(coverage->branch.data - rule->pattern.data)), "R031",
		"branch '%s' contains no keyword; those matches would be lost silently: '%s'",
		schema_quote(&compile->schema, coverage->branch), lost);
}

/* How far before a keyword a match may start. Where the pattern is beyond the reader, as far as its
 * longest match. */
static bool cover_pattern(struct compile *compile)
{
	struct rule *rule = compile->rule;
	struct pool nodes = { 0 };
	struct pattern pattern = pattern_read(rule->pattern, &nodes);
	VEC(struct span) keywords = { 0 };
	VEC(struct pattern_head) tails = { 0 };
	struct coverage coverage;

	for (size_t i = 0; i < rule->keywords.count; i++) {
		*vec_add(&keywords) = rule->keywords.items[i].bytes;
		vec_add(&tails);
	}
	coverage = coverage_analyse(&pattern, keywords.items, keywords.count, tails.items);
	for (size_t i = 0; i < rule->keywords.count; i++)
		rule->keywords.items[i].tail = tails.items[i];
	rule->coverage_known = coverage.result == COVERAGE_FULL;
	rule->lead_min = rule->coverage_known ? coverage.lead_min : 0;
	rule->lead_max = rule->coverage_known && coverage.lead_max < rule->scan.max_length
						 ? coverage.lead_max
						 : rule->scan.max_length;
	if (coverage.result == COVERAGE_PARTIAL)
		report_uncovered(compile, &coverage);
	vec_deinit(&keywords);
	vec_deinit(&tails);
	pool_deinit(&nodes);
	return coverage.result != COVERAGE_PARTIAL;
}

static bool check_search(struct compile *compile)
{
	struct rule *rule = compile->rule;

	if (rule->keywords.count && !rule->pattern.data)
		return complain(compile, "keywords", "R034", "a structure is found without keywords");
	if (rule->keywords.count)
		return cover_pattern(compile);
	if (rule->pattern.data && rule->scan.anchor == RULE_ANCHOR_ANY && !rule->slow)
		return complain(compile, "pattern", "R033",
						"no keyword; a pattern needs keywords, anchor: chunk-start or slow: true");
	return true;
}

static bool check_capture(struct compile *compile, struct rule_place place, const char *name)
{
	const char *names[MATCH_CAPTURES + 1] = { NULL };
	size_t count = rule_captures(compile->rule, names);
	struct strbuf all = { 0 };

	names[count] = NULL;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			strbuf_deinit(&all);
			return true;
		}
		strbuf_printf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	rule_message_add(compile->schema.sink, place, "R040", "no capture '%s'; the %s has: %s%s",
					 schema_quote(&compile->schema, span_string(name)),
					 compile->rule->pattern.data ? "pattern" : "structure",
					 count ? strbuf_text(&all) : "none",
					 schema_suggest(&compile->schema, name, names));
	strbuf_deinit(&all);
	return false;
}

/* The place of `by`, or of a capture under `redact`. What `defaults` say has none in the rule. */
static struct rule_place place_of_name(const struct compile *compile, const char *key,
									   const char *name)
{
	const struct tree_node *part = tree_get(compile->node, key), *value;

	if (!part || part->kind != TREE_MAP || !(value = tree_get(part, name)))
		return place_of(compile, key);
	return strcmp(key, "redact") == 0 ? value->key->place : value->place;
}

static bool check_captures(struct compile *compile)
{
	const struct rule *rule = compile->rule;
	bool good = true;

	if (rule->aggregate.by)
		good =
			check_capture(compile, place_of_name(compile, "aggregate", "by"), rule->aggregate.by);
	for (size_t i = 0; i < rule->show.count; i++)
		good &= check_capture(compile, place_of_name(compile, "redact", rule->show.items[i]),
							  rule->show.items[i]);
	return good;
}

static bool has_word_at(const struct structure *structure, uint32_t at)
{
	for (size_t i = 0; i < structure->words.count; i++)
		if (structure->words.items[i].at == at)
			return true;
	return false;
}

static bool check_test(struct compile *compile, const struct rule_test *test)
{
	const struct rule *rule = compile->rule;
	struct rule_sink *sink = compile->schema.sink;
	bool good = true;

	if (test->is_words != !rule->pattern.data)
		return rule_message_add(sink, test->place, "R043",
								"a structure is tested with words, a pattern with text or hex");
	for (size_t i = 0; i < test->words.count; i++)
		if (!has_word_at(&rule->structure, test->words.items[i].at))
			good = rule_message_add(sink, test->words.items[i].place, "R043",
									"the structure has no word at %u", test->words.items[i].at);
	for (size_t i = 0; i < test->expect.count; i++) {
		const char *name = test->expect.items[i].name;

		if (test->is_words && strcmp(name, "bytes") != 0)
			good = rule_message_add(sink, test->place, "R043",
									"of a structure a test can expect match, none or bytes");
		else if (strcmp(name, "bytes") != 0 && (strcmp(name, "key") != 0 || !rule->aggregate.by))
			good &= check_capture(compile, test->place, name);
	}
	return good;
}

static bool check_shape(struct compile *compile)
{
	const struct rule *rule = compile->rule;

	bool good = true;

	if (!rule->pattern.data == !rule->structure.words.count)
		good = complain(compile, rule->pattern.data ? "structure" : "id", "R024",
						"a rule has either a pattern or a structure");
	if (rule->extent == RULE_EXTENT_VALIDATOR && !rule->validator_count)
		good = complain(compile, "extent", "R044", "extent: validator needs a validator");
	if (!rule->pattern.data && rule->validator_count)
		good = complain(compile, "validate", "R044", "a structure takes no validators");
	return good;
}

static bool check_tests(struct compile *compile)
{
	bool good = true;

	for (size_t i = 0; i < compile->rule->tests.count; i++)
		good &= check_test(compile, &compile->rule->tests.items[i]);
	return good;
}

/* Was the part read whole, or is it not there? */
static bool is_whole(const struct compile *compile, const char *key, size_t read)
{
	const struct tree_node *part = tree_get(compile->node, key);

	return !part || part->children == read;
}

/* What does not hang on the bad parts of a rule. */
static void compile_rest(struct compile *compile)
{
	struct rule *rule = compile->rule;

	if (compile->node->kind != TREE_MAP || !rule->pattern.data || !compile_pattern(compile))
		return;
	if (rule->keywords.count && is_whole(compile, "keywords", rule->keywords.count))
		cover_pattern(compile);
	if (is_whole(compile, "validate", rule->validator_count))
		check_captures(compile);
}

bool rule_compile(struct rule_entry *entry, struct pool *pool, struct rule_sink *sink)
{
	struct compile compile = { &entry->rule, entry->node, { sink, pool } };
	bool good = entry->good;

	sink->rule = entry->rule.id ? entry->rule.id : entry->name;
	if (good) {
		good = check_shape(&compile);
		if (!entry->rule.pattern.data || compile_pattern(&compile)) {
			good &= check_search(&compile);
			good &= check_captures(&compile);
			good = good && check_tests(&compile);
		} else {
			good = false;
		}
	} else {
		compile_rest(&compile);
	}
	sink->rule = NULL;
	return good;
}

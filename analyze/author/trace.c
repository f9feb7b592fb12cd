#include "analyze/author/trace.h"

#include "analyze/rules/confirm_code.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct trace_pattern {
	struct span text;
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

struct trace_pattern *trace_pattern_create(struct span pattern)
{
	struct trace_pattern *made = mem_zeroed(1, sizeof *made);
	struct confirm_problem problem;

	made->text = pattern;
	made->code = confirm_code(
		pattern, PCRE2_ANCHORED | PCRE2_AUTO_CALLOUT | PCRE2_NO_START_OPTIMIZE, &problem);
	made->data = pcre2_match_data_create(1, NULL);
	made->context = pcre2_match_context_create(NULL);
	if (!made->code || !made->data || !made->context) {
		trace_pattern_destroy(made);
		return NULL;
	}
	pcre2_set_match_limit(made->context, CONFIRM_MATCH_LIMIT);
	return made;
}

void trace_pattern_destroy(struct trace_pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_code_free(pattern->code);
	pcre2_match_data_free(pattern->data);
	pcre2_match_context_free(pattern->context);
	free(pattern);
}

struct walk {
	const struct trace_pattern *pattern;
	struct trace trace;
	size_t start;
};

/* An item that takes bytes: no bracket, bar or end of the pattern. */
static bool is_item(const struct walk *walk, const pcre2_callout_block *block)
{
	return block->next_item_length &&
		   !strchr("()|", walk->pattern->text.data[block->pattern_position]);
}

static void add_item(struct trace *trace, const pcre2_callout_block *block)
{
	for (size_t i = 0; i < trace->count; i++)
		if (trace->items[i].offset == block->pattern_position)
			return;
	if (trace->count < TRACE_ITEMS)
		trace->items[trace->count++] =
			(struct trace_item){ block->pattern_position, block->next_item_length };
}

static int visit(pcre2_callout_block *block, void *context)
{
	struct walk *walk = context;
	size_t reached;

	/* a lookbehind looks before the start */
	if (block->current_position < walk->start)
		return 0;
	reached = block->current_position - walk->start;
	if (reached > walk->trace.reached) {
		walk->trace.reached = reached;
		walk->trace.count = 0;
	}
	if (reached == walk->trace.reached && is_item(walk, block))
		add_item(&walk->trace, block);
	return 0;
}

struct trace trace_at(const struct trace_pattern *pattern, struct span subject, size_t at)
{
	struct walk walk = { .pattern = pattern, .start = at };

	pcre2_set_callout(pattern->context, visit, &walk);
	pcre2_match(pattern->code, subject.data, subject.size, at, 0, pattern->data, pattern->context);
	return walk.trace;
}

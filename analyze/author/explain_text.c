#include "analyze/author/explain_text.h"

#include "analyze/rules/rule_tree.h"
#include "base/size.h"
#include "base/text.h"

#include <inttypes.h>

/* A fact, behind the name of its step the first time. */
static void put_step(const char **step, struct strbuf *out)
{
	strbuf_printf(out, "  %-10s ", *step);
	*step = "";
}

static void put_more(const char **step, uint64_t all, uint64_t shown, struct strbuf *out)
{
	if (all > shown) {
		put_step(step, out);
		strbuf_printf(out, "%" PRIu64 " more\n", all - shown);
	}
}

static void put_quoted(struct span text, struct strbuf *out)
{
	enum { LONGEST = 60 };

	strbuf_putc(out, '\'');
	text_escape(span_part(text, 0, LONGEST), out);
	strbuf_puts(out, text.size > LONGEST ? "...'" : "'");
}

static void put_chunk(const struct explain *explain, struct strbuf *out)
{
	const char *step = "chunk";

	put_step(&step, out);
	strbuf_printf(
		out, "at 0x%" PRIvaddr ": %s, %" PRIu64 " bytes, of which %" PRIu64 " were looked at\n",
		explain->chunk.address + explain->header_bytes, chunk_state_name(explain->chunk.state),
		explain->chunk.bytes, explain->readable);
	if (explain->would_hit) {
		char text[COUNT_TEXT];

		put_step(&step, out);
		strbuf_printf(out, "but for that the rule would have %s in it\n",
					  count_of(explain->would_hit, "hit", text));
	}
}

static void put_near(const struct explain *explain, const struct explain_near *near,
					 struct strbuf *out)
{
	put_quoted(explain->rule->keywords.items[near->keyword].bytes, out);
	switch (near->likeness) {
	case EXPLAIN_OTHER_CASE:
		strbuf_printf(out, ": the same but for the case of letters stands at +%" PRIu64, near->at);
		break;
	case EXPLAIN_UTF16:
		strbuf_printf(out, ": the same as UTF-16 stands at +%" PRIu64, near->at);
		break;
	case EXPLAIN_BEGINNING:
		strbuf_printf(out, ": its first %zu of %zu bytes stand at +%" PRIu64, near->bytes,
					  explain->rule->keywords.items[near->keyword].bytes.size, near->at);
		break;
	}
	strbuf_putc(out, '\n');
}

static void put_keywords(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	const char *step = "keywords";
	char text[COUNT_TEXT];
	size_t rows = 0;

	for (size_t i = 0; i < explain->keywords.count && rows < report->rows; i++, rows++) {
		const struct explain_keyword *found = &explain->keywords.items[i];

		put_step(&step, out);
		put_quoted(explain->rule->keywords.items[found->keyword].bytes, out);
		strbuf_printf(out, " stands at +%" PRIu64, found->first);
		if (found->count > 1)
			strbuf_printf(out, " and %s behind", count_of(found->count - 1, "place", text));
		strbuf_putc(out, '\n');
	}
	put_more(&step, explain->keywords.count, rows, out);
	if (explain->keywords.count)
		return;
	for (rows = 0; rows < explain->near.count && rows < report->rows; rows++) {
		put_step(&step, out);
		put_near(explain, &explain->near.items[rows], out);
	}
	if (!explain->near.count && explain->rule->keywords.count) {
		put_step(&step, out);
		strbuf_printf(out, "%s, and nothing like it\n",
					  explain->rule->keywords.count == 1 ? "not there" : "none is there");
	}
	if (explain->rule->keywords.count && chunk_is_free(explain->chunk.state)) {
		put_step(&step, out);
		strbuf_puts(out, "malloc overwrites the first 16 to 32 bytes of a chunk that it frees\n");
	}
}

/* Where the item stands in the rule file, and what it is. */
static void put_item(const struct explain *explain, struct trace_item item, struct strbuf *out)
{
	struct rule_place place = tree_place_of(explain->rule->source, item.offset);

	rule_message_quote(span_part(explain->rule->pattern, item.offset, item.bytes), out);
	strbuf_printf(out, " (line %zu, column %zu)", place.line, place.column);
}

static void put_trace(const struct explain *explain, const char **step, struct strbuf *out)
{
	const struct trace *trace = &explain->trace;

	put_step(step, out);
	strbuf_printf(out,
				  "got furthest from +%" PRIu64 ": %zu bytes pass; at +%" PRIu64 " stands %s\n",
				  explain->trace_at, trace->reached, explain->trace_at + trace->reached,
				  explain_byte_kind(explain->trace_byte));
	for (size_t i = 0; i < trace->count; i++) {
		put_step(step, out);
		strbuf_puts(out, i ? "                or " : "the pattern wanted ");
		put_item(explain, trace->items[i], out);
		strbuf_putc(out, '\n');
	}
}

void explain_short(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	const struct trace *trace = &explain->trace;

	if (explain->verdict != EXPLAIN_PATTERN || !explain->has_trace || !trace->count) {
		explain_reason(report, out);
		return;
	}
	strbuf_printf(out, "the pattern got as far as +%" PRIu64 ", where %s stands, and wanted ",
				  explain->trace_at + trace->reached, explain_byte_kind(explain->trace_byte));
	put_item(explain, trace->items[0], out);
	if (trace->count > 1)
		strbuf_puts(out, " or another");
}

static void put_pattern(const struct explain *explain, struct strbuf *out)
{
	const char *step = explain->rule->confirm ? "pattern" : "structure";
	char text[COUNT_TEXT];

	if (!explain->tried && !explain->first_byte)
		return;
	put_step(&step, out);
	strbuf_printf(out, "tried at %s", count_of(explain->tried, "place", text));
	if (explain->first_byte)
		strbuf_printf(out, "; at %s no match can start",
					  count_of(explain->first_byte, "other", text));
	if (explain->undecided)
		strbuf_printf(out, "; %s undecided", count_of(explain->undecided, "place", text));
	strbuf_putc(out, '\n');
	if (explain->has_trace && explain->verdict != EXPLAIN_HIT)
		put_trace(explain, &step, out);
	for (size_t i = 0; i < explain->refused && i < EXPLAIN_REFUSALS; i++) {
		put_step(&step, out);
		strbuf_printf(out, "matched %" PRIu64 " bytes from +%" PRIu64 "; %s refused\n",
					  explain->refusals[i].bytes, explain->refusals[i].at,
					  explain->refusals[i].validator->name);
	}
	put_more(&step, explain->refused, EXPLAIN_REFUSALS, out);
}

static void put_structure(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	const char *step = "";

	if (!explain->has_failure || explain->verdict == EXPLAIN_HIT)
		return;
	put_step(&step, out);
	strbuf_printf(out, "it got furthest at +%" PRIu64 ": %zu of %zu words pass in their order\n",
				  explain->failure_at, explain->failure.word, explain->rule->structure.words.count);
}

static void put_hits(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	const char *step = "hits";
	size_t rows = 0;

	for (; rows < explain->hits.count && rows < report->rows; rows++) {
		const struct explain_hit *hit = &explain->hits.items[rows];

		put_step(&step, out);
		strbuf_printf(out, "+%" PRIu64 ", %" PRIu64 " bytes%s\n", hit->at, hit->bytes,
					  hit->overlapped ? ": within an earlier one, does not count" : "");
	}
	put_more(&step, explain->hits.count + explain->more_hits, rows, out);
	step = "shared";
	for (rows = 0; rows < report->rivals.count && rows < report->rows; rows++) {
		const struct explain_rival *rival = &report->rivals.items[rows];

		put_step(&step, out);
		strbuf_printf(out, "%s, +%" PRIu64 ", %" PRIu64 " bytes: %s\n", rival->rule, rival->at,
					  rival->bytes,
					  rival->wins ? "has the bytes that both match"
								  : "leaves the bytes that both match to this rule");
	}
	put_more(&step, report->rivals.count, rows, out);
}

void explain_text(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	char unsearched[SIZE_TEXT];

	strbuf_printf(out, "%s: %s", explain->rule->id,
				  explain->verdict == EXPLAIN_HIT ? "" : "no hit: ");
	explain_reason(report, out);
	strbuf_puts(out, "\n\n");
	put_chunk(explain, out);
	put_keywords(report, out);
	put_pattern(explain, out);
	put_structure(report, out);
	put_hits(report, out);
	if (report->claimed)
		strbuf_printf(out,
					  "  claimed    a hit of the rule in another chunk explains %" PRIu64
					  " bytes of this one\n",
					  report->claimed);
	if (report->unsearched)
		strbuf_printf(out,
					  "  given up   a scan does not search %s of this chunk for the rule, as its "
					  "pattern runs away; `analyze rules check` may tell why (R060)\n",
					  size_format(report->unsearched, unsearched));
	else if (explain->undecided)
		strbuf_puts(out, "  undecided  a scan gives up a rule that is undecided at many places; "
						 "`analyze FILE --rule-stats` says whether it did\n");
}

#include "analyze/report/text.h"

#include "analyze/report/content_tables.h"
#include "analyze/report/headline.h"
#include "analyze/report/heap_tables.h"
#include "analyze/report/owner_lines.h"
#include "analyze/report/packed_table.h"
#include "analyze/report/paragraph.h"
#include "analyze/report/reference_tables.h"
#include "analyze/report/waterfall.h"
#include "base/size.h"

#include <string.h>

/* NUMBER_COLUMNS: what stands left of the bars */
enum { INDENT = 2, BAR_COLUMNS = 21, NUMBER_COLUMNS = TEXT_COLUMNS - BAR_COLUMNS };
enum { BARS_LEAST = 8, ANOMALIES_SHOWN = 5, MISSING_SHOWN = 12 };

struct page {
	const struct report *report;
	struct text_style style;
	struct strbuf *out;
};

static void colour(const struct page *page, const char *code)
{
	if (page->style.colour)
		strbuf_printf(page->out, "\033[%sm", code);
}

static void paragraph(const struct page *page, const char *first, const char *text)
{
	paragraph_add(first, text, page->style.columns, page->out);
}

static void heading(const struct page *page, const char *title)
{
	strbuf_putc(page->out, '\n');
	colour(page, "1");
	paragraph(page, "", title);
	colour(page, "0");
}

static void print_table(const struct page *page, struct table *table)
{
	table_text(table, INDENT, page->style.columns, page->out);
	table_deinit(table);
}

static void print_evidence(const struct page *page)
{
	struct strbuf lines[HEADLINE_LINES] = { 0 };

	headline_evidence(&page->report->evidence, lines);
	heading(page, "EVIDENCE");
	for (size_t i = 0; i < HEADLINE_LINES; i++) {
		if (lines[i].size)
			paragraph(page, "  ", strbuf_text(&lines[i]));
		strbuf_deinit(&lines[i]);
	}
}

static void print_memory(const struct page *page)
{
	size_t left = page->style.columns - NUMBER_COLUMNS;
	struct waterfall_bars bars = { left >= BARS_LEAST ? (unsigned)left : 0,
								   page->style.utf8 ? "\xe2\x96\x88" : "#",
								   page->style.utf8 ? "\xe2\x96\x8f" : "|" };
	struct table table;

	heading(page, "WHERE THE MEMORY IS");
	waterfall_table(&page->report->memory, &bars, &table);
	print_table(page, &table);
}

static void print_owners(const struct page *page)
{
	const struct report_memory *memory = &page->report->memory;
	bool any = false;

	for (size_t i = 0; i < memory->owners.count; i++) {
		struct strbuf line = { 0 };

		if (!owner_lines_matter(&memory->owners.items[i]))
			continue;
		if (!any)
			heading(page, "OTHER ALLOCATORS AND RUNTIMES");
		any = true;
		owner_lines_owner(&memory->owners.items[i], memory->has_resident, &line);
		paragraph(page, "  - ", strbuf_text(&line));
		strbuf_deinit(&line);
	}
}

static void print_stacks(const struct page *page)
{
	struct table table;

	if (!owner_lines_stacks_matter(&page->report->memory))
		return;
	heading(page, "THREAD STACKS");
	owner_lines_stacks(&page->report->memory, &table);
	print_table(page, &table);
}

static void print_heap(const struct page *page)
{
	const struct report_heap *heap = &page->report->heap;
	bool has_residency = page->report->evidence.has_residency;
	struct strbuf line = { 0 };
	struct table table;

	if (heap->replaced) {
		heading(page, "MALLOC");
		paragraph(page, "  ", heap->replaced);
	}
	if (!heap->found)
		return;
	heading(
		page,
		"ARENAS OF MALLOC (system: in use, free and other; resident, trimmable: of what is free)");
	heap_tables_arenas(heap, has_residency, &table);
	print_table(page, &table);
	heap_tables_mmapped(heap, &line);
	if (line.size)
		paragraph(page, "  ", strbuf_text(&line));
	strbuf_clear(&line);
	heading(page, "FREED, BUT STILL MALLOC'S");
	heap_tables_free(heap, has_residency, &table);
	print_table(page, &table);
	if (has_residency) {
		heap_tables_trim(heap, &line);
		paragraph(page, "  ", strbuf_text(&line));
	}
	if (heap->pins.count) {
		heading(
			page,
			"HEAPS THAT FEW CHUNKS KEEP (held: freed; goes back by itself without those chunks)");
		heap_tables_pins(heap, has_residency, &table);
		print_table(page, &table);
	}
	strbuf_deinit(&line);
}

static void print_packed(const struct page *page)
{
	const struct report_content *content = &page->report->content;
	struct strbuf limits = { 0 };
	struct table table;

	if (!packed_table_make(content, &table))
		return;
	heading(page, "INSIDE COMPRESSED STREAMS AND WINDOWS OF INFLATERS");
	print_table(page, &table);
	packed_table_limits(content, &limits);
	if (limits.size)
		paragraph(page, "  ", strbuf_text(&limits));
	strbuf_deinit(&limits);
}

static void print_advice(const struct page *page)
{
	for (size_t i = 0; i < page->report->content.rules.count; i++) {
		struct strbuf line = { 0 };

		if (content_tables_advice(page->report, i, &line))
			paragraph(page, "  - ", strbuf_text(&line));
		strbuf_deinit(&line);
	}
}

static void print_content(const struct page *page)
{
	const struct report_content *content = &page->report->content;
	struct strbuf coverage = { 0 };
	struct table table;

	if (content->rules_applied && page->report->heap.found) {
		heading(page, "WHAT IS IN THE CHUNKS (live: in use; stale: left in freed chunks)");
		if (content->rules.count) {
			content_tables_rules(content, &table);
			print_table(page, &table);
		}
		content_tables_coverage(page->report, &coverage);
		paragraph(page, "  ", strbuf_text(&coverage));
		strbuf_deinit(&coverage);
		print_advice(page);
	}
	print_packed(page);
	if (content->has_stats) {
		heading(page, "WHAT THE RULES COST (of all threads; the search for keywords is shared)");
		content_tables_stats(content, &table);
		print_table(page, &table);
	}
	if (!content_tables_matter(page->report))
		return;
	if (page->report->heap.size_classes.count) {
		heading(page, "SIZES THAT HOLD MOST");
		content_tables_sizes(&page->report->heap, &table);
		print_table(page, &table);
	}
	if (content->clusters.count) {
		heading(page, "LIVE CHUNKS THAT NO RULE EXPLAINS");
		content_tables_clusters(content, &table);
		print_table(page, &table);
	}
}

static void print_references(const struct page *page)
{
	static void (*const tables[])(const struct report_references *, struct table *) = {
		reference_tables_roots,
		reference_tables_sizes,
		reference_tables_rules,
		reference_tables_largest,
	};
	const struct report_references *references = &page->report->references;
	struct strbuf summary = { 0 };
	struct table table;

	if (!references->asked)
		return;
	heading(page, "WHO HOLDS THE LIVE CHUNKS (a chunk counts for the first root that reaches it)");
	reference_tables_summary(references, &summary);
	paragraph(page, "  ", strbuf_text(&summary));
	strbuf_deinit(&summary);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		if (i && !references->unreachable.chunks)
			break;
		tables[i](references, &table);
		strbuf_putc(page->out, '\n');
		print_table(page, &table);
	}
	if (references->missing.count)
		strbuf_putc(page->out, '\n');
	for (size_t i = 0; i < references->missing.count; i++)
		paragraph(page, "  - ", references->missing.items[i]);
}

static const char *severity_colour(const char *severity)
{
	return strcmp(severity, "high") == 0 ? "1;31" : strcmp(severity, "medium") == 0 ? "33" : "0";
}

static void print_diagnosis(const struct page *page)
{
	heading(page, "DIAGNOSIS");
	for (size_t i = 0; i < page->report->diagnosis.count; i++) {
		const struct report_diagnosis *item = &page->report->diagnosis.items[i];
		struct strbuf line = { 0 };
		char gain[SIZE_TEXT];

		colour(page, severity_colour(item->severity));
		strbuf_printf(&line, "%s [%s, confidence %s, %s]", item->title, item->severity,
					  item->confidence, item->id);
		paragraph(page, "  ", strbuf_text(&line));
		colour(page, "0");
		for (size_t j = 0; j < item->evidence.count; j++)
			paragraph(page, "    - ", item->evidence.items[j]);
		paragraph(page, "    > ", item->first_step);
		if (*item->advice)
			paragraph(page, "      ", item->advice);
		if (item->has_gain) {
			strbuf_clear(&line);
			strbuf_printf(&line, "Predicted gain: %s of RSS.",
						  size_format(item->predicted_gain_bytes, gain));
			paragraph(page, "      ", strbuf_text(&line));
		}
		strbuf_deinit(&line);
	}
}

static void print_missing(const struct page *page)
{
	const report_lines *missing = &page->report->evidence.missing;

	if (!missing->count)
		return;
	heading(page, "WHAT THE EVIDENCE DOES NOT TELL");
	for (size_t i = 0; i < missing->count && i < MISSING_SHOWN; i++)
		paragraph(page, "  - ", missing->items[i]);
	if (missing->count > MISSING_SHOWN)
		strbuf_printf(page->out, "  - and %zu more (see the JSON report)\n",
					  missing->count - MISSING_SHOWN);
}

static void print_anomalies(const struct page *page)
{
	const struct report *report = page->report;
	size_t count = report->anomalies.count;

	heading(page, "ANOMALIES");
	if (!count)
		strbuf_puts(page->out, "  none\n");
	for (size_t i = 0; i < count && i < ANOMALIES_SHOWN; i++) {
		struct strbuf line = { 0 };

		strbuf_printf(&line, "0x%" PRIvaddr ": %s", report->anomalies.items[i].address,
					  report->anomalies.items[i].what);
		paragraph(page, "  - ", strbuf_text(&line));
		strbuf_deinit(&line);
	}
	if (count > ANOMALIES_SHOWN)
		strbuf_printf(page->out, "  - and %llu more (the JSON report has %zu)\n",
					  (unsigned long long)(count - ANOMALIES_SHOWN + report->anomalies_dropped),
					  count);
}

void text_render(const struct report *report, struct text_style style, struct strbuf *out)
{
	struct page page = { report, style, out };
	struct strbuf title = { 0 };

	if (!style.columns || style.columns > TEXT_COLUMNS)
		page.style.columns = TEXT_COLUMNS;
	else if (style.columns < TEXT_NARROWEST)
		page.style.columns = TEXT_NARROWEST;
	headline_title(report, &title);
	colour(&page, "1");
	paragraph(&page, "", strbuf_text(&title));
	colour(&page, "0");
	heading(&page, "VERDICT");
	paragraph(&page, "  ", report->verdict);
	print_evidence(&page);
	print_memory(&page);
	print_owners(&page);
	print_heap(&page);
	print_content(&page);
	print_references(&page);
	print_stacks(&page);
	print_diagnosis(&page);
	print_missing(&page);
	print_anomalies(&page);
	strbuf_clear(&title);
	strbuf_printf(&title, "Made by analyze %s: %s", report->tool_version, report->command);
	strbuf_putc(out, '\n');
	paragraph(&page, "", strbuf_text(&title));
	strbuf_deinit(&title);
}

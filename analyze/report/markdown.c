#include "analyze/report/markdown.h"

#include "analyze/report/content_tables.h"
#include "analyze/report/headline.h"
#include "analyze/report/heap_tables.h"
#include "analyze/report/owner_lines.h"
#include "analyze/report/packed_table.h"
#include "analyze/report/reference_tables.h"
#include "analyze/report/waterfall.h"
#include "base/size.h"

#include <stdbool.h>

enum { ANOMALIES_SHOWN = 5, MISSING_SHOWN = 12 };

static void add_table(const char *title, struct table *table, struct strbuf *out)
{
	strbuf_printf(out, "\n### %s\n\n", title);
	table_markdown(table, out);
	table_deinit(table);
}

static void add_line(const char *before, const char *text, struct strbuf *out)
{
	strbuf_puts(out, before);
	table_markdown_text(text, out);
	strbuf_putc(out, '\n');
}

static void add_head(const struct report *report, struct strbuf *out)
{
	struct strbuf lines[HEADLINE_LINES] = { 0 }, title = { 0 };

	headline_title(report, &title);
	add_line("## ", strbuf_text(&title), out);
	add_line("\n", report->verdict, out);
	strbuf_puts(out, "\n### Evidence\n\n");
	headline_evidence(&report->evidence, lines);
	for (size_t i = 0; i < HEADLINE_LINES; i++) {
		if (lines[i].size)
			add_line("- ", strbuf_text(&lines[i]), out);
		strbuf_deinit(&lines[i]);
	}
	strbuf_deinit(&title);
}

static void add_owners(const struct report_memory *memory, struct strbuf *out)
{
	bool any = false;

	for (size_t i = 0; i < memory->owners.count; i++) {
		struct strbuf line = { 0 };

		if (!owner_lines_matter(&memory->owners.items[i]))
			continue;
		if (!any)
			strbuf_puts(out, "\n### Other allocators and runtimes\n\n");
		any = true;
		owner_lines_owner(&memory->owners.items[i], memory->has_resident, &line);
		add_line("- ", strbuf_text(&line), out);
		strbuf_deinit(&line);
	}
}

static void add_stacks(const struct report_memory *memory, struct strbuf *out)
{
	struct table table;

	if (!owner_lines_stacks_matter(memory))
		return;
	owner_lines_stacks(memory, &table);
	add_table("Thread stacks", &table, out);
}

static void add_heap(const struct report *report, struct strbuf *out)
{
	bool has_residency = report->evidence.has_residency;
	struct strbuf line = { 0 };
	struct table table;

	if (report->heap.replaced) {
		strbuf_puts(out, "\n### malloc\n");
		add_line("\n", report->heap.replaced, out);
	}
	if (!report->heap.found)
		return;
	heap_tables_arenas(&report->heap, has_residency, &table);
	add_table(
		"Arenas of malloc (system: in use, free and other; resident, trimmable: of what is free)",
		&table, out);
	heap_tables_mmapped(&report->heap, &line);
	if (line.size)
		add_line("\n", strbuf_text(&line), out);
	strbuf_clear(&line);
	heap_tables_free(&report->heap, has_residency, &table);
	add_table("Freed, but still malloc's", &table, out);
	if (has_residency) {
		heap_tables_trim(&report->heap, &line);
		add_line("\n", strbuf_text(&line), out);
	}
	if (report->heap.pins.count) {
		heap_tables_pins(&report->heap, has_residency, &table);
		add_table(
			"Heaps that few chunks keep (held: freed; goes back by itself without those chunks)",
			&table, out);
	}
	strbuf_deinit(&line);
}

static void add_packed(const struct report_content *content, struct strbuf *out)
{
	struct strbuf limits = { 0 };
	struct table table;

	if (!packed_table_make(content, &table))
		return;
	add_table("Inside compressed streams and windows of inflaters", &table, out);
	packed_table_limits(content, &limits);
	if (limits.size)
		add_line("\n", strbuf_text(&limits), out);
	strbuf_deinit(&limits);
}

static void add_advice(const struct report *report, struct strbuf *out)
{
	const char *first = "\n- ";

	for (size_t i = 0; i < report->content.rules.count; i++) {
		struct strbuf line = { 0 };

		if (content_tables_advice(report, i, &line)) {
			add_line(first, strbuf_text(&line), out);
			first = "- ";
		}
		strbuf_deinit(&line);
	}
}

static void add_content(const struct report *report, struct strbuf *out)
{
	const struct report_content *content = &report->content;
	struct strbuf coverage = { 0 };
	struct table table;

	if (content->rules.count) {
		content_tables_rules(content, &table);
		add_table("What is in the chunks (live: in use; stale: left in freed chunks)", &table, out);
	}
	if (content->rules_applied && report->heap.found) {
		content_tables_coverage(report, &coverage);
		add_line("\n", strbuf_text(&coverage), out);
		strbuf_deinit(&coverage);
		add_advice(report, out);
	}
	add_packed(content, out);
	if (content->has_stats) {
		content_tables_stats(content, &table);
		add_table("What the rules cost (of all threads; the search for keywords is shared)", &table,
				  out);
	}
	if (!content_tables_matter(report))
		return;
	if (report->heap.size_classes.count) {
		content_tables_sizes(&report->heap, &table);
		add_table("Sizes that hold most", &table, out);
	}
	if (content->clusters.count) {
		content_tables_clusters(content, &table);
		add_table("Live chunks that no rule explains", &table, out);
	}
}

static void add_references(const struct report *report, struct strbuf *out)
{
	static const struct {
		const char *title;
		void (*make)(const struct report_references *, struct table *);
	} tables[] = {
		{ "Who holds the live chunks (a chunk counts for the first root that reaches it)",
		  reference_tables_roots },
		{ "Sizes of unreachable chunks", reference_tables_sizes },
		{ "What is in unreachable chunks", reference_tables_rules },
		{ "Largest unreachable chunks", reference_tables_largest },
	};
	const struct report_references *references = &report->references;
	struct strbuf summary = { 0 };
	struct table table;

	if (!references->asked)
		return;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		if (i && !references->unreachable.chunks)
			break;
		tables[i].make(references, &table);
		add_table(tables[i].title, &table, out);
	}
	reference_tables_summary(references, &summary);
	add_line("\n", strbuf_text(&summary), out);
	strbuf_deinit(&summary);
	if (references->missing.count)
		strbuf_putc(out, '\n');
	for (size_t i = 0; i < references->missing.count; i++)
		add_line("- ", references->missing.items[i], out);
}

static void add_diagnosis(const struct report *report, struct strbuf *out)
{
	strbuf_puts(out, "\n### Diagnosis\n");
	for (size_t i = 0; i < report->diagnosis.count; i++) {
		const struct report_diagnosis *item = &report->diagnosis.items[i];
		char gain[SIZE_TEXT];

		strbuf_puts(out, "\n**");
		table_markdown_text(item->title, out);
		strbuf_printf(out, "** (%s, confidence %s, ", item->severity, item->confidence);
		table_markdown_code(item->id, out);
		strbuf_puts(out, ")\n\n");
		for (size_t j = 0; j < item->evidence.count; j++)
			add_line("- ", item->evidence.items[j], out);
		add_line("\nFirst: ", item->first_step, out);
		if (*item->advice)
			add_line("\n", item->advice, out);
		if (item->has_gain)
			strbuf_printf(out, "\nPredicted gain: %s of RSS.\n",
						  size_format(item->predicted_gain_bytes, gain));
	}
}

static void add_missing(const struct report *report, struct strbuf *out)
{
	const report_lines *missing = &report->evidence.missing;

	if (!missing->count)
		return;
	strbuf_puts(out, "\n### What the evidence does not tell\n\n");
	for (size_t i = 0; i < missing->count && i < MISSING_SHOWN; i++)
		add_line("- ", missing->items[i], out);
	if (missing->count > MISSING_SHOWN)
		strbuf_printf(out, "- and %zu more\n", missing->count - MISSING_SHOWN);
}

static void add_anomalies(const struct report *report, struct strbuf *out)
{
	size_t count = report->anomalies.count;

	strbuf_puts(out, "\n### Anomalies\n\n");
	if (!count)
		strbuf_puts(out, "None.\n");
	for (size_t i = 0; i < count && i < ANOMALIES_SHOWN; i++) {
		strbuf_printf(out, "- `0x%" PRIvaddr "` ", report->anomalies.items[i].address);
		add_line("", report->anomalies.items[i].what, out);
	}
	if (count > ANOMALIES_SHOWN)
		strbuf_printf(out, "- and %llu more\n",
					  (unsigned long long)(count - ANOMALIES_SHOWN + report->anomalies_dropped));
}

void markdown_render(const struct report *report, struct strbuf *out)
{
	struct table table;

	add_head(report, out);
	waterfall_table(&report->memory, NULL, &table);
	add_table("Where the memory is", &table, out);
	add_owners(&report->memory, out);
	add_heap(report, out);
	add_content(report, out);
	add_references(report, out);
	add_stacks(&report->memory, out);
	add_diagnosis(report, out);
	add_missing(report, out);
	add_anomalies(report, out);
	strbuf_puts(out, "\nMade by analyze ");
	table_markdown_text(report->tool_version, out);
	strbuf_puts(out, ": ");
	table_markdown_code(report->command, out);
	strbuf_putc(out, '\n');
}

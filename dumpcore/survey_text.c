/* The survey as text for people and as JSON. */
#include "dumpcore/survey.h"

#include "base/size.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

/* What one core reads and writes in a second, for an estimate that is not too rosy. */
#define LIKELY_SPEED (UINT64_C(1) << 30)

static void escape(const char *text, struct strbuf *out)
{
	text_escape(span_string(text), out);
}

static void text_row(const char *title, const struct survey_row *row, struct strbuf *out)
{
	char resident[SIZE_TEXT], swapped[SIZE_TEXT], virtual[SIZE_TEXT], selected[SIZE_TEXT];

	strbuf_printf(
		out, "  %-34s %8zu %10s %10s %10s %10s\n", title, row->mappings,
		size_format(row->virtual_bytes, virtual), size_format(row->resident_bytes, resident),
		size_format(row->swapped_bytes, swapped), size_format(row->selected_bytes, selected));
}

static void text_needs(const struct survey *survey, struct strbuf *out)
{
	char bytes[SIZE_TEXT], available[SIZE_TEXT];
	double seconds = (double)survey->total.selected_bytes / (double)LIKELY_SPEED;

	size_format(survey->total.selected_bytes, bytes);
	strbuf_printf(out, "\nA capture (--select %s, --consistency %s)\n", survey->selection,
				  survey->consistency);
	strbuf_printf(out, "  reads    %s\n", bytes);
	if (survey->stops)
		strbuf_printf(out,
					  "  stops    the process while it reads: about %.1f s at 1 GiB/s; "
					  "--consistency live does not stop it\n",
					  seconds);
	else
		strbuf_puts(out, "  stops    nothing; memory that changes meanwhile may be torn\n");
	strbuf_printf(out, "  writes   at most %s to disk, usually a third of it as zstd", bytes);
	if (survey->disk_free)
		strbuf_printf(out, "; free in %s: %s", survey->disk_path,
					  size_format(survey->disk_free, available));
	strbuf_puts(out, "\n  access   ");
	if (survey->may_capture)
		strbuf_puts(out, "granted");
	else
		escape(survey->refusal, out);
	strbuf_putc(out, '\n');
}

void survey_text(const struct survey *survey, struct strbuf *out)
{
	strbuf_printf(out, "Process %d (", (int)survey->pid);
	escape(survey->comm, out);
	strbuf_puts(out, ") ");
	escape(survey->exe, out);
	strbuf_printf(out, ", %zu thread%s\n\n  %-34s %8s %10s %10s %10s %10s\n", survey->threads,
				  survey->threads == 1 ? "" : "s", "memory", "mappings", "virtual", "resident",
				  "swapped", "captured");
	for (int i = 0; i < PLAN_KINDS; i++)
		if (survey->rows[i].mappings)
			text_row(plan_kinds[i].title, &survey->rows[i], out);
	text_row("total", &survey->total, out);
	text_needs(survey, out);
}

static json_t *json_row(const char *id, const struct survey_row *row)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "kind", id, "mappings",
					 (json_int_t)row->mappings, "virtual_bytes", (json_int_t)row->virtual_bytes,
					 "resident_bytes", (json_int_t)row->resident_bytes, "swapped_bytes",
					 (json_int_t)row->swapped_bytes, "captured_bytes",
					 (json_int_t)row->selected_bytes);
}

static json_t *json_text(const char *text)
{
	struct strbuf safe = { 0 };
	json_t *value;

	escape(text, &safe);
	value = json_string(strbuf_text(&safe));
	strbuf_deinit(&safe);
	return value;
}

void survey_json(const struct survey *survey, struct strbuf *out)
{
	json_t *rows = json_array(), *root;
	char *text;

	for (int i = 0; i < PLAN_KINDS; i++)
		if (survey->rows[i].mappings)
			json_array_append_new(rows, json_row(plan_kinds[i].name ? plan_kinds[i].name : "device",
												 &survey->rows[i]));
	root =
		json_pack("{s:s, s:i, s:o, s:o, s:I, s:o, s:o, s:s, s:s, s:b, s:o, s:I}", "event", "survey",
				  "pid", (int)survey->pid, "comm", json_text(survey->comm), "exe",
				  json_text(survey->exe), "threads", (json_int_t)survey->threads, "memory", rows,
				  "total", json_row("total", &survey->total), "selection", survey->selection,
				  "consistency", survey->consistency, "may_capture", survey->may_capture, "refusal",
				  json_text(survey->refusal), "disk_free_bytes", (json_int_t)survey->disk_free);
	text = json_dumps(root, JSON_COMPACT);
	strbuf_puts(out, text ? text : "{}");
	strbuf_putc(out, '\n');
	free(text);
	json_decref(root);
}

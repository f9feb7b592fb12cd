/* The survey as text for people and as JSON. */
#include "dumpcore/survey.h"

#include "base/size.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DURATION_TEXT = 32 };

static void escape(const char *text, struct strbuf *out)
{
	text_escape(span_string(text), out);
}

static void text_row(const char *title, const struct survey_row *row, struct strbuf *out)
{
	char resident[SIZE_TEXT], swapped[SIZE_TEXT], virtual[SIZE_TEXT], selected[SIZE_TEXT];

	strbuf_printf(
		out, "  %-26s %8zu %9s %9s %9s %9s\n", title, row->mappings,
		size_format(row->virtual_bytes, virtual), size_format(row->resident_bytes, resident),
		size_format(row->swapped_bytes, swapped), size_format(row->selected_bytes, selected));
}

static void text_archive(const struct survey *survey, struct strbuf *out)
{
	char bytes[SIZE_TEXT], most[SIZE_TEXT];

	strbuf_printf(out, "  reads      %s of memory, as %s\n",
				  size_format(survey->total.selected_bytes, bytes),
				  survey->is_exact ? "the page map tells" : "smaps lets expect");
	strbuf_printf(out, "  plain      %s on disk", size_format(survey->plain_bytes, bytes));
	strbuf_printf(out, ", a file of %s with its holes\n", size_format(survey->file_bytes, most));
	size_format(survey->zstd_bytes[1], most);
	strbuf_printf(out, "  zstd       %s to %s: nobody knows how well it packs\n",
				  size_format(survey->zstd_bytes[0], bytes), most);
}

static void text_disk(const struct survey *survey, struct strbuf *out)
{
	char available[SIZE_TEXT], reserve[SIZE_TEXT];

	strbuf_puts(out, "  disk       ");
	if (!survey->disk.total) {
		strbuf_puts(out, "its free space is not known\n");
		return;
	}
	strbuf_printf(out, "%s free in ", size_format(survey->disk.free, available));
	escape(survey->disk_path, out);
	strbuf_printf(out, ", %s stay free: %s\n", size_format(survey->disk_reserve, reserve),
				  survey->plain_fits     ? "enough"
				  : survey->zstd_may_fit ? "too little for plain"
										 : "too little");
}

static const char *pause_text(int64_t nanoseconds, char text[DURATION_TEXT])
{
	if (nanoseconds < 0)
		return "?";
	if (!nanoseconds)
		return "not at all";
	if (nanoseconds < 1000000)
		return "under 1 ms";
	if (nanoseconds < 1000000000)
		snprintf(text, DURATION_TEXT, "about %.0f ms", (double)nanoseconds / 1e6);
	else
		snprintf(text, DURATION_TEXT, "about %.1f s", (double)nanoseconds / 1e9);
	return text;
}

static void text_methods(const struct survey *survey, struct strbuf *out)
{
	char memory[SIZE_TEXT], pause[DURATION_TEXT];

	strbuf_printf(out, "\n  %-14s %-18s %-14s %s\n", "--consistency", "stops the process",
				  "cgroup grows", "usable");
	for (size_t i = 0; i < survey->method_count; i++) {
		const struct survey_method *method = &survey->methods[i];
		bool chosen = strcmp(method->name, survey->consistency) == 0;

		strbuf_printf(out, "%c %-14s %-18s %-14s %s", chosen ? '*' : ' ', method->name,
					  pause_text(method->pause_ns, pause),
					  size_format(method->memory_bytes, memory), method->usable ? "yes" : "no: ");
		strbuf_printf(out, "%s\n", method->why_not);
	}
}

static void text_needs(const struct survey *survey, struct strbuf *out)
{
	char bytes[SIZE_TEXT];

	strbuf_printf(out, "\nWhat a capture takes (--select %s)\n\n", survey->selection);
	text_archive(survey, out);
	text_disk(survey, out);
	strbuf_printf(out, "  dumpcore   up to %s of memory for itself\n",
				  size_format(survey->own_bytes, bytes));
	strbuf_puts(out, "  access     ");
	if (survey->may_capture)
		strbuf_puts(out, "granted");
	else
		escape(survey->refusal, out);
	strbuf_putc(out, '\n');
	text_methods(survey, out);
}

void survey_text(const struct survey *survey, struct strbuf *out)
{
	strbuf_printf(out, "Process %d (", (int)survey->pid);
	escape(survey->comm, out);
	strbuf_puts(out, ") ");
	escape(survey->exe, out);
	strbuf_printf(out, ", %zu thread%s\n\n  %-26s %8s %9s %9s %9s %9s\n", survey->threads,
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

static json_t *json_methods(const struct survey *survey)
{
	json_t *array = json_array();

	for (size_t i = 0; i < survey->method_count; i++) {
		const struct survey_method *method = &survey->methods[i];
		bool known = method->pause_ns >= 0;

		json_array_append_new(array,
							  json_pack("{s:s, s:b, s:s, s:o, s:I}", "name", method->name, "usable",
										method->usable, "why_not", method->why_not, "pause_ns",
										known ? json_integer(method->pause_ns) : json_null(),
										"memory_bytes", (json_int_t)method->memory_bytes));
	}
	return array;
}

static json_t *json_archive(const struct survey *survey)
{
	return json_pack("{s:b, s:I, s:I, s:I, s:I}", "exact", survey->is_exact, "file_bytes",
					 (json_int_t)survey->file_bytes, "plain_bytes", (json_int_t)survey->plain_bytes,
					 "zstd_least_bytes", (json_int_t)survey->zstd_bytes[0], "zstd_most_bytes",
					 (json_int_t)survey->zstd_bytes[1]);
}

static json_t *json_disk(const struct survey *survey)
{
	return json_pack("{s:o, s:I, s:I, s:b, s:b}", "folder", json_text(survey->disk_path),
					 "free_bytes", (json_int_t)survey->disk.free, "reserve_bytes",
					 (json_int_t)survey->disk_reserve, "plain_fits", survey->plain_fits,
					 "zstd_may_fit", survey->zstd_may_fit);
}

static json_t *json_memory(const struct survey *survey)
{
	json_t *rows = json_array();

	for (int i = 0; i < PLAN_KINDS; i++)
		if (survey->rows[i].mappings)
			json_array_append_new(rows, json_row(plan_kinds[i].name ? plan_kinds[i].name : "device",
												 &survey->rows[i]));
	return rows;
}

void survey_json(const struct survey *survey, struct strbuf *out)
{
	json_t *root =
		json_pack("{s:s, s:i, s:o, s:o, s:I, s:o, s:o, s:s, s:s, s:b, s:o}", "event", "survey",
				  "pid", (int)survey->pid, "comm", json_text(survey->comm), "exe",
				  json_text(survey->exe), "threads", (json_int_t)survey->threads, "memory",
				  json_memory(survey), "total", json_row("total", &survey->total), "selection",
				  survey->selection, "consistency", survey->consistency, "may_capture",
				  survey->may_capture, "refusal", json_text(survey->refusal));
	char *text;

	json_object_set_new(root, "archive", json_archive(survey));
	json_object_set_new(root, "disk", json_disk(survey));
	json_object_set_new(root, "own_bytes", json_integer((json_int_t)survey->own_bytes));
	json_object_set_new(root, "private_bytes", json_integer((json_int_t)survey->private_bytes));
	json_object_set_new(root, "methods", json_methods(survey));
	text = json_dumps(root, JSON_COMPACT);
	strbuf_puts(out, text ? text : "{}");
	strbuf_putc(out, '\n');
	free(text);
	json_decref(root);
}

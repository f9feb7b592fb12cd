#include "dumpcore/status.h"

#include "base/size.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_USAGE] = "usage",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_PERMISSION] = "permission",
	[ERR_SYSTEM] = "system",
	[ERR_FORMAT] = "format",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_LIMIT] = "limit",
	[ERR_NO_SPACE] = "no_space",
	[ERR_CLOSED] = "closed",
	[ERR_GONE] = "gone",
	[ERR_EXISTS] = "exists",
};

static const char *safe(const char *text, struct strbuf *out)
{
	strbuf_clear(out);
	text_escape(span_string(text), out);
	return strbuf_text(out);
}

json_t *status_json_text(const char *text)
{
	struct strbuf buffer = { 0 };
	json_t *value = json_string(safe(text, &buffer));

	strbuf_deinit(&buffer);
	return value;
}

static void put_json(json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT);

	if (text)
		fprintf(stderr, "%s\n", text);
	free(text);
	json_decref(root);
}

static void put_line(const char *head, const char *text)
{
	struct strbuf line = { 0 };

	fprintf(stderr, "%s%s\n", head, safe(text, &line));
	strbuf_deinit(&line);
}

void status_error(const struct status *status, const struct err *err)
{
	if (status->json) {
		put_json(json_pack("{s:s, s:s, s:o, s:o}", "event", "error", "kind", kind_names[err->kind],
						   "what", status_json_text(err->what), "hint",
						   status_json_text(err->hint)));
		return;
	}
	put_line("dumpcore: ", err->what);
	if (err->hint[0])
		put_line("  hint: ", err->hint);
}

void status_warning(const struct status *status, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (status->json)
		put_json(json_pack("{s:s, s:o}", "event", "warning", "what", status_json_text(text)));
	else
		put_line("dumpcore: warning: ", text);
}

static void put_captured_json(const struct status_capture *capture)
{
	put_json(json_pack("{s:s, s:s, s:o, s:b, s:o, s:o, s:i, s:o, s:I, s:I, s:I, s:I, s:I}", "event",
					   "captured", "consistency", capture->consistency, "why",
					   status_json_text(capture->why), "complete", capture->complete, "reason",
					   status_json_text(capture->reason), "file", status_json_text(capture->path),
					   "pid", (int)capture->pid, "comm", status_json_text(capture->comm),
					   "memory_bytes", (json_int_t)capture->memory_bytes, "stored_bytes",
					   (json_int_t)capture->stored_bytes, "pause_ns", (json_int_t)capture->pause_ns,
					   "total_ns", (json_int_t)capture->total_ns, "threads",
					   (json_int_t)capture->threads));
}

static void put_captured_text(const struct status_capture *capture, struct strbuf *out)
{
	char memory[SIZE_TEXT], stored[SIZE_TEXT];

	strbuf_printf(out, "%s%s of %s (%d) to %s: %s, in %.1f s",
				  capture->complete ? "" : "partial: ", size_format(capture->memory_bytes, memory),
				  capture->comm, (int)capture->pid,
				  strcmp(capture->path, "-") == 0 ? "stdout" : capture->path,
				  size_format(capture->stored_bytes, stored), (double)capture->total_ns / 1e9);
	strbuf_printf(out, "; %s", capture->consistency);
	if (capture->pause_ns)
		strbuf_printf(out, ", the process was stopped for %.*f ms",
					  capture->pause_ns < 10000000 ? 1 : 0, (double)capture->pause_ns / 1e6);
}

void status_event(const struct status *status, const char *line, json_t *object)
{
	if (status->json) {
		put_json(object);
		return;
	}
	if (!status->quiet)
		put_line("", line);
	json_decref(object);
}

void status_captured(const struct status *status, const struct status_capture *capture)
{
	struct strbuf line = { 0 };

	if (status->json) {
		put_captured_json(capture);
		return;
	}
	if (!capture->complete) {
		strbuf_printf(&line, "partial archive kept: %s", capture->reason);
		put_line("dumpcore: warning: ", strbuf_text(&line));
		strbuf_clear(&line);
	}
	put_captured_text(capture, &line);
	if (!status->quiet)
		put_line("", strbuf_text(&line));
	strbuf_deinit(&line);
}

void status_cleaned(const struct status *status, pid_t pid, size_t found, size_t reaped)
{
	char text[128];

	if (status->json) {
		put_json(json_pack("{s:s, s:i, s:I, s:I}", "event", "cleaned", "pid", (int)pid, "found",
						   (json_int_t)found, "reaped", (json_int_t)reaped));
		return;
	}
	if (!found)
		snprintf(text, sizeof text, "process %d: no capture has left anything", (int)pid);
	else
		snprintf(text, sizeof text, "process %d: %zu of %zu ended snapshot children removed",
				 (int)pid, reaped, found);
	if (!status->quiet)
		put_line("", text);
}

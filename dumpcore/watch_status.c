#include "dumpcore/watch_status.h"

#include "base/duration.h"
#include "base/size.h"
#include "base/text.h"

#include <jansson.h>

enum { LINE_COLUMNS = 79 };

static json_t *json_value(enum trigger_kind kind, uint64_t value)
{
	if (value == GAUGE_UNKNOWN)
		return json_null();
	if (trigger_kinds[kind].is_share)
		return json_real((double)value * 100 / GAUGE_WHOLE);
	return json_integer((json_int_t)value);
}

/* A trigger with its last value; growth has its time too. */
static json_t *json_trigger(const struct triggers *triggers, enum trigger_kind kind)
{
	json_t *object = json_pack("{s:s, s:s, s:o, s:o}", "trigger", trigger_kinds[kind].name, "unit",
							   trigger_kinds[kind].is_share ? "percent" : "bytes", "value",
							   json_value(kind, triggers->values[kind]), "threshold",
							   json_value(kind, triggers->limits.thresholds[kind]));

	if (object && kind == TRIGGER_GROWTH)
		json_object_set_new(object, "window_ns", json_integer(triggers->limits.window_ns));
	return object;
}

static json_t *json_triggers(const struct triggers *triggers)
{
	json_t *list = json_array();

	for (size_t kind = 0; kind < TRIGGER_KINDS; kind++)
		if (triggers->limits.thresholds[kind])
			json_array_append_new(list, json_trigger(triggers, kind));
	return list;
}

void watch_status_watching(const struct status *status, pid_t pid, const char *comm,
						   const struct watch_settings *settings, const struct triggers *triggers)
{
	struct strbuf line = { 0 };
	char interval[DURATION_TEXT], captures[COUNT_TEXT];

	strbuf_printf(&line, "watching %s (%d) every %s for up to %s: ", comm, (int)pid,
				  duration_format(settings->interval_ns, interval),
				  count_of(settings->count, "capture", captures));
	triggers_put_all(triggers, false, &line);
	status_event(status, strbuf_text(&line),
				 json_pack("{s:s, s:i, s:o, s:I, s:I, s:I, s:o}", "event", "watching", "pid",
						   (int)pid, "comm", status_json_text(comm), "interval_ns",
						   (json_int_t)settings->interval_ns, "cooldown_ns",
						   (json_int_t)settings->cooldown_ns, "count", (json_int_t)settings->count,
						   "triggers", json_triggers(triggers)));
	strbuf_deinit(&line);
}

void watch_status_triggered(const struct status *status, const struct triggers *triggers,
							enum trigger_kind kind)
{
	json_t *object = json_pack("{s:s}", "event", "triggered");
	json_t *trigger = json_trigger(triggers, kind);
	struct strbuf line = { 0 };

	json_object_update(object, trigger);
	json_decref(trigger);
	strbuf_puts(&line, "triggered: ");
	triggers_put(triggers, kind, &line);
	status_event(status, strbuf_text(&line), object);
	strbuf_deinit(&line);
}

void watch_status_removed(const struct status *status, const struct rotation_file *file)
{
	struct strbuf line = { 0 };
	char size[SIZE_TEXT];

	strbuf_printf(&line, "removed the older archive %s (%s)", file->name,
				  size_format(file->bytes, size));
	status_event(status, strbuf_text(&line),
				 json_pack("{s:s, s:o, s:I}", "event", "removed", "file",
						   status_json_text(file->name), "bytes", (json_int_t)file->bytes));
	strbuf_deinit(&line);
}

void watch_status_ended(const struct status *status, const char *why,
						const struct watch_result *result)
{
	unsigned kept = result->complete + result->partial;
	char captures[COUNT_TEXT];
	struct strbuf line = { 0 };

	strbuf_printf(&line, "%s: the watch is over, with %s", why,
				  count_of(kept, "capture", captures));
	if (result->partial)
		strbuf_printf(&line, ", %u of them partial", result->partial);
	status_event(status, strbuf_text(&line),
				 json_pack("{s:s, s:o, s:i, s:i}", "event", "ended", "why", status_json_text(why),
						   "complete", (int)result->complete, "partial", (int)result->partial));
	strbuf_deinit(&line);
}

void watch_status_line(const char *comm, pid_t pid, const struct triggers *triggers, int64_t now_ns,
					   struct strbuf *out)
{
	struct strbuf line = { 0 };
	char rest[DURATION_TEXT];
	size_t start = out->size;

	strbuf_printf(&line, "%s (%d): ", comm, (int)pid);
	if (now_ns < triggers->rests_until_ns)
		strbuf_printf(&line, "rests for %s; ",
					  duration_format(triggers->rests_until_ns - now_ns, rest));
	triggers_put_all(triggers, true, &line);
	text_escape(strbuf_span(&line), out);
	strbuf_deinit(&line);
	/* Cutting inside a UTF-8 sequence would print half a character: cut before it. */
	if (out->size - start > LINE_COLUMNS) {
		out->size = start + LINE_COLUMNS;
		while ((out->data[out->size] & 0xc0) == 0x80)
			out->size--;
		out->data[out->size] = '\0';
	}
}

#include "dumpcore/trigger.h"

#include "base/duration.h"
#include "base/size.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct trigger_kind_row trigger_kinds[TRIGGER_KINDS] = {
	[TRIGGER_RSS] = { "rss", "RSS", false },
	[TRIGGER_GROWTH] = { "growth", "growth", false },
	[TRIGGER_CGROUP] = { "cgroup", "cgroup", true },
	[TRIGGER_PRESSURE] = { "pressure", "pressure", true },
};

enum { REARM_PERCENT = 95, GROWN_PERCENT = 110 };

static bool parse_size(const char *text, uint64_t *bytes, struct err *err)
{
	if (size_parse(text, bytes) && *bytes)
		return true;
	err_set(err, ERR_USAGE, "'%s' is not a size", text);
	return err_hint(err, "a size is a number and a unit: 500M, 6G, 1.5G");
}

static bool parse_growth(struct trigger_limits *limits, const char *text, uint64_t *bytes,
						 struct err *err)
{
	const char *slash = strchr(text, '/');
	char size[32];

	if (!slash || (size_t)(slash - text) >= sizeof size) {
		err_set(err, ERR_USAGE, "'%s' is not SIZE/TIME", text);
		return err_hint(err, "growth by 500 MiB within ten minutes: --growth 500M/10m");
	}
	snprintf(size, sizeof size, "%.*s", (int)(slash - text), text);
	if (!parse_size(size, bytes, err) || !duration_parse(slash + 1, &limits->window_ns, err))
		return false;
	return limits->window_ns >= DURATION_S ||
		   err_set(err, ERR_USAGE, "'%s': the time must be at least 1s", text);
}

static bool parse_share(const char *text, uint64_t *share, struct err *err)
{
	size_t digits = strspn(text, "0123456789.");
	char *end;
	double value = strtod(text, &end);

	*share = (uint64_t)(value * (GAUGE_WHOLE / 100) + 0.5);
	if (isdigit((unsigned char)text[0]) && end == text + digits &&
		(*end == '\0' || strcmp(end, "%") == 0) && *share && value <= 100)
		return true;
	err_set(err, ERR_USAGE, "'%s' is not a percentage above 0 and up to 100", text);
	return err_hint(err, "write 90%% or 2.5%%");
}

bool trigger_parse(struct trigger_limits *limits, enum trigger_kind kind, const char *text,
				   struct err *err)
{
	uint64_t *threshold = &limits->thresholds[kind];
	bool taken;

	if (kind == TRIGGER_GROWTH)
		taken = parse_growth(limits, text, threshold, err);
	else
		taken = (trigger_kinds[kind].is_share ? parse_share : parse_size)(text, threshold, err);
	return taken || err_prefix(err, "--%s", trigger_kinds[kind].name);
}

bool trigger_wanted(const struct trigger_limits *limits)
{
	for (size_t kind = 0; kind < TRIGGER_KINDS; kind++)
		if (limits->thresholds[kind])
			return true;
	return false;
}

void triggers_init(struct triggers *triggers, const struct trigger_limits *limits)
{
	*triggers = (struct triggers){ .limits = *limits, .window.span_ns = limits->window_ns };
	triggers->rests_until_ns = INT64_MIN;
}

static bool holds(const struct triggers *triggers, enum trigger_kind kind)
{
	uint64_t threshold = triggers->limits.thresholds[kind];

	return threshold && triggers->values[kind] != GAUGE_UNKNOWN &&
		   triggers->values[kind] >= threshold;
}

/* Has the RSS grown so far since the capture that another one would show more? */
static bool has_grown(const struct triggers *triggers)
{
	return (double)triggers->rss_bytes * 100 >= (double)triggers->captured_rss * GROWN_PERCENT;
}

static void rearm(struct triggers *triggers)
{
	for (size_t kind = 0; kind < TRIGGER_KINDS; kind++) {
		double low = (double)triggers->limits.thresholds[kind] * REARM_PERCENT / 100;

		if (has_grown(triggers) || (double)triggers->values[kind] < low)
			triggers->spent[kind] = false;
	}
}

enum trigger_kind triggers_read(struct triggers *triggers, const struct gauge_values *values,
								int64_t now_ns)
{
	triggers->rss_bytes = values->rss_bytes;
	triggers->values[TRIGGER_RSS] = values->rss_bytes;
	triggers->values[TRIGGER_GROWTH] = window_add(&triggers->window, now_ns, values->rss_bytes);
	triggers->values[TRIGGER_CGROUP] = values->cgroup_share;
	triggers->values[TRIGGER_PRESSURE] = values->pressure_share;
	rearm(triggers);
	if (now_ns < triggers->rests_until_ns)
		return TRIGGER_KINDS;
	for (size_t kind = 0; kind < TRIGGER_KINDS; kind++)
		if (holds(triggers, kind) && !triggers->spent[kind])
			return kind;
	return TRIGGER_KINDS;
}

void triggers_rest(struct triggers *triggers, bool kept, int64_t now_ns, int64_t cooldown_ns)
{
	triggers->rests_until_ns = now_ns > INT64_MAX - cooldown_ns ? INT64_MAX : now_ns + cooldown_ns;
	if (!kept)
		return;
	triggers->captured_rss = triggers->rss_bytes;
	window_clear(&triggers->window);
	window_add(&triggers->window, now_ns, triggers->rss_bytes);
	for (size_t kind = 0; kind < TRIGGER_KINDS; kind++)
		triggers->spent[kind] = holds(triggers, kind);
}

void trigger_put_value(enum trigger_kind kind, uint64_t value, struct strbuf *out)
{
	char text[SIZE_TEXT];

	if (value == GAUGE_UNKNOWN)
		strbuf_putc(out, '?');
	else if (trigger_kinds[kind].is_share)
		strbuf_printf(out, "%.1f %%", (double)value / (GAUGE_WHOLE / 100));
	else
		strbuf_puts(out, size_format(value, text));
}

void triggers_put(const struct triggers *triggers, enum trigger_kind kind, struct strbuf *out)
{
	char window[DURATION_TEXT];

	strbuf_printf(out, "%s ", trigger_kinds[kind].title);
	trigger_put_value(kind, triggers->values[kind], out);
	strbuf_puts(out, " (threshold ");
	trigger_put_value(kind, triggers->limits.thresholds[kind], out);
	if (kind == TRIGGER_GROWTH)
		strbuf_printf(out, " in %s", duration_format(triggers->limits.window_ns, window));
	strbuf_putc(out, ')');
}

static void put_brief(const struct triggers *triggers, enum trigger_kind kind, struct strbuf *out)
{
	strbuf_printf(out, "%s ", trigger_kinds[kind].title);
	trigger_put_value(kind, triggers->values[kind], out);
	strbuf_puts(out, " / ");
	trigger_put_value(kind, triggers->limits.thresholds[kind], out);
}

void triggers_put_all(const struct triggers *triggers, bool brief, struct strbuf *out)
{
	const char *separator = "";

	for (size_t kind = 0; kind < TRIGGER_KINDS; kind++) {
		if (!triggers->limits.thresholds[kind])
			continue;
		strbuf_puts(out, separator);
		(brief ? put_brief : triggers_put)(triggers, kind, out);
		separator = ", ";
	}
}

#include "base/duration.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS (60 * DURATION_S)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)

struct unit {
	const char *suffix; /* as it is read */
	const char *name;   /* as it is written */
	int64_t ns;
};

/* Descending. */
static const struct unit units[] = {
	{ "d", "d", DAY_NS },     { "h", "h", HOUR_NS },       { "m", "min", MINUTE_NS },
	{ "s", "s", DURATION_S }, { "ms", "ms", DURATION_MS },
};

enum { UNITS = sizeof units / sizeof *units };

static const struct unit *find_unit(const char *suffix)
{
	for (size_t i = 0; i < UNITS; i++)
		if (strcmp(suffix, units[i].suffix) == 0)
			return &units[i];
	return NULL;
}

static bool refuse(const char *text, bool bare, struct err *err)
{
	err_set(err, ERR_USAGE, bare ? "'%s' has no unit" : "'%s' is not a time", text);
	if (bare)
		return err_hint(err, "%ss are seconds, %sm minutes; units are ms, s, m, h, d", text, text);
	return err_hint(err, "a time is a number and a unit: 100ms, 5s, 10m, 2h, 1d");
}

bool duration_parse(const char *text, int64_t *ns, struct err *err)
{
	size_t digits = strspn(text, "0123456789.");
	const struct unit *unit = find_unit(text + digits);
	double value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return refuse(text, false, err);
	value = strtod(text, &end);
	if (end != text + digits || !unit)
		return refuse(text, end == text + digits && !*end, err);
	value *= (double)unit->ns;
	if (value >= (double)INT64_MAX)
		return refuse(text, false, err);
	*ns = (int64_t)value;
	return true;
}

/* "1.5 s", "250 ms". */
static const char *format_short(int64_t ns, char text[DURATION_TEXT])
{
	int64_t tenths = ns / (DURATION_S / 10);

	if (ns < DURATION_S)
		snprintf(text, DURATION_TEXT, "%" PRId64 " ms", ns / DURATION_MS);
	else if (tenths % 10)
		snprintf(text, DURATION_TEXT, "%" PRId64 ".%" PRId64 " s", tenths / 10, tenths % 10);
	else
		snprintf(text, DURATION_TEXT, "%" PRId64 " s", tenths / 10);
	return text;
}

const char *duration_format(int64_t ns, char text[DURATION_TEXT])
{
	const struct unit *unit = units;
	int64_t rest;

	if (ns < MINUTE_NS)
		return format_short(ns, text);
	while (ns < unit->ns)
		unit++;
	rest = ns % unit->ns / unit[1].ns;
	if (rest)
		snprintf(text, DURATION_TEXT, "%" PRId64 " %s %" PRId64 " %s", ns / unit->ns, unit->name,
				 rest, unit[1].name);
	else
		snprintf(text, DURATION_TEXT, "%" PRId64 " %s", ns / unit->ns, unit->name);
	return text;
}

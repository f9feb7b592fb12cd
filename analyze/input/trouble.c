#include "analyze/input/trouble.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trouble_add(struct core *core, const char *format, ...)
{
	char line[640];
	va_list args;

	if (core->troubles.count > TROUBLES_MAX)
		return;
	if (core->troubles.count == TROUBLES_MAX) {
		*vec_add(&core->troubles) = "there was more of this kind, which is not listed";
		return;
	}
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	*vec_add(&core->troubles) = pool_string(&core->pool, line);
}

void trouble_gap(struct core *core, struct range range, const char *reason)
{
	struct capture_gap *last = core->gaps.count ? &core->gaps.items[core->gaps.count - 1] : NULL;
	const char *kept;

	if (range.end <= range.start)
		return;
	kept = last && strcmp(last->reason, reason) == 0 ? last->reason : NULL;
	if (kept && last->range.end == range.start)
		last->range.end = range.end;
	else
		*vec_add(&core->gaps) =
			(struct capture_gap){ range, kept ? kept : pool_string(&core->pool, reason) };
}

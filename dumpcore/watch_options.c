#include "dumpcore/watch_options.h"

#include "base/duration.h"
#include "base/size.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_INTERVAL_NS DURATION_S
#define LEAST_INTERVAL_NS (100 * DURATION_MS)
#define DEFAULT_COOLDOWN_NS (600 * DURATION_S)
#define LEAST_COOLDOWN_NS DURATION_S /* two archives of one second would have one name */

void watch_options_init(struct watch_settings *settings)
{
	*settings = (struct watch_settings){ .interval_ns = DEFAULT_INTERVAL_NS,
										 .cooldown_ns = DEFAULT_COOLDOWN_NS,
										 .count = 1 };
}

static bool take_rss(struct options *options, const char *value, struct err *err)
{
	return trigger_parse(&options->watch.limits, TRIGGER_RSS, value, err);
}

static bool take_growth(struct options *options, const char *value, struct err *err)
{
	return trigger_parse(&options->watch.limits, TRIGGER_GROWTH, value, err);
}

static bool take_cgroup(struct options *options, const char *value, struct err *err)
{
	return trigger_parse(&options->watch.limits, TRIGGER_CGROUP, value, err);
}

static bool take_pressure(struct options *options, const char *value, struct err *err)
{
	return trigger_parse(&options->watch.limits, TRIGGER_PRESSURE, value, err);
}

static bool take_duration(const char *name, const char *value, int64_t least, int64_t *ns,
						  struct err *err)
{
	char text[DURATION_TEXT];

	if (!duration_parse(value, ns, err))
		return err_prefix(err, "--%s", name);
	return *ns >= least || err_set(err, ERR_USAGE, "--%s: '%s' is less than %s", name, value,
								   duration_format(least, text));
}

static bool take_interval(struct options *options, const char *value, struct err *err)
{
	return take_duration("interval", value, LEAST_INTERVAL_NS, &options->watch.interval_ns, err);
}

static bool take_cooldown(struct options *options, const char *value, struct err *err)
{
	return take_duration("cooldown", value, LEAST_COOLDOWN_NS, &options->watch.cooldown_ns, err);
}

static bool take_number(const char *name, const char *value, unsigned *number, struct err *err)
{
	char *end;
	unsigned long taken = strtoul(value, &end, 10);

	*number = (unsigned)taken;
	return (isdigit((unsigned char)value[0]) && *end == '\0' && taken && taken <= INT_MAX) ||
		   err_set(err, ERR_USAGE, "--%s: '%s' is not a number from 1 on", name, value);
}

static bool take_count(struct options *options, const char *value, struct err *err)
{
	return take_number("count", value, &options->watch.count, err);
}

static bool take_keep(struct options *options, const char *value, struct err *err)
{
	return take_number("keep", value, &options->watch.rotation.keep, err);
}

static bool take_keep_bytes(struct options *options, const char *value, struct err *err)
{
	uint64_t *bytes = &options->watch.rotation.keep_bytes;

	if (size_parse(value, bytes) && *bytes)
		return true;
	err_set(err, ERR_USAGE, "--keep-bytes: '%s' is not a size", value);
	return err_hint(err, "a size is a number and a unit: --keep-bytes 20G");
}

const struct option_row watch_option_rows[WATCH_OPTION_ROWS] = {
	{ 0, "rss", "SIZE", "when the RSS is at least SIZE", take_rss },
	{ 0, "growth", "SIZE/TIME", "when the RSS grew by SIZE within TIME: 500M/10m", take_growth },
	{ 0, "cgroup", "PERCENT",
	  "when the control group, or one above it, uses that much\nof its memory limit", take_cgroup },
	{ 0, "pressure", "PERCENT",
	  "when tasks wait for memory that much of the time (PSI,\nsome avg10)", take_pressure },
	{ 0, "interval", "TIME", "between two readings (default 1s)", take_interval },
	{ 0, "cooldown", "TIME", "after a capture, before the next one (default 10m)", take_cooldown },
	{ 0, "count", "N", "end after N captures (default 1)", take_count },
	{ 0, "keep", "N", "keep the N newest archives of this program in FOLDER", take_keep },
	{ 0, "keep-bytes", "SIZE", "and of together at most SIZE; the newest stays always",
	  take_keep_bytes },
};

static bool check_watch(const struct options *options, struct err *err)
{
	if (!trigger_wanted(&options->watch.limits)) {
		err_set(err, ERR_USAGE, "nothing to watch for");
		return err_hint(err, "add --rss SIZE, --growth SIZE/TIME, --cgroup PERCENT or "
							 "--pressure PERCENT; see dumpcore watch --help");
	}
	if (options->output && strcmp(options->output, "-") == 0) {
		err_set(err, ERR_USAGE, "a watch writes no archive to stdout");
		return err_hint(err, "-o names the folder its archives go to");
	}
	if (options->dry_run) {
		err_set(err, ERR_USAGE, "--dry-run is not for a watch");
		return err_hint(err, "see what a capture would take: dumpcore survey %d",
						(int)options->pid);
	}
	return true;
}

bool watch_options_check(const struct options *options, struct err *err)
{
	if (options->command == COMMAND_WATCH)
		return check_watch(options, err);
	if (!options->watch_only)
		return true;
	err_set(err, ERR_USAGE, "--%s is an option of 'dumpcore watch'", options->watch_only);
	return err_hint(err, "dumpcore watch PID --%s ...; see dumpcore watch --help",
					options->watch_only);
}

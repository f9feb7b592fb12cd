#include "dumpcore/gauge.h"

#include "archive/proc_text.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 64 << 10 };

/* Version 1 writes "no limit" as the largest number of whole pages. */
#define NO_LIMIT (UINT64_C(1) << 62)

static bool read_path(struct gauge *gauge, const char *path)
{
	strbuf_clear(&gauge->text);
	return file_read(AT_FDCWD, path, TEXT_LIMIT, &gauge->text, NULL);
}

/* A file of one number; "max" is none. */
static bool read_number(struct gauge *gauge, const char *path, uint64_t *number)
{
	const char *text;
	char *end;

	if (!read_path(gauge, path))
		return false;
	text = strbuf_text(&gauge->text);
	errno = 0;
	*number = strtoull(text, &end, 10);
	return isdigit((unsigned char)text[0]) && errno == 0 && (*end == '\n' || *end == '\0');
}

/* The share of the level that is nearest to its limit. */
static uint64_t read_cgroup(struct gauge *gauge)
{
	uint64_t most = GAUGE_UNKNOWN;

	for (size_t i = 0; i < gauge->levels.count; i++) {
		const struct cgroup_level *level = &gauge->levels.items[i];
		uint64_t usage, limit, share;

		if (!read_number(gauge, level->limit, &limit) || limit >= NO_LIMIT ||
			!read_number(gauge, level->usage, &usage))
			continue;
		share = limit ? (uint64_t)((double)usage / (double)limit * GAUGE_WHOLE) : GAUGE_WHOLE;
		if (most == GAUGE_UNKNOWN || share > most)
			most = share;
	}
	return most;
}

/* "some avg10=1.23 avg60=…" (Documentation/accounting/psi.rst). */
static uint64_t parse_pressure(const char *text)
{
	static const char head[] = "some avg10=";
	const char *number = strncmp(text, head, sizeof head - 1) == 0 ? text + sizeof head - 1 : "";

	if (!isdigit((unsigned char)number[0]))
		return GAUGE_UNKNOWN;
	return (uint64_t)(strtod(number, NULL) * (GAUGE_WHOLE / 100) + 0.5);
}

static uint64_t read_pressure(struct gauge *gauge)
{
	uint64_t share = GAUGE_UNKNOWN;

	for (size_t i = 0; i < gauge->levels.count && share == GAUGE_UNKNOWN; i++) {
		const struct cgroup_level *level = &gauge->levels.items[i];

		if (level->is_own && level->pressure && read_path(gauge, level->pressure))
			share = parse_pressure(strbuf_text(&gauge->text));
	}
	if (share != GAUGE_UNKNOWN)
		return share;
	strbuf_clear(&gauge->text);
	if (!procfs_read_root(gauge->procfs, "pressure/memory", TEXT_LIMIT, &gauge->text, NULL))
		return GAUGE_UNKNOWN;
	return parse_pressure(strbuf_text(&gauge->text));
}

/* The groups of the process as they are now: it may have been moved. */
static void find_levels(struct gauge *gauge)
{
	struct strbuf text = { 0 };

	vec_deinit(&gauge->levels);
	pool_deinit(&gauge->pool);
	if (procfs_read(gauge->procfs, "cgroup", TEXT_LIMIT, &text, NULL))
		cgroup_find_levels(gauge->procfs, strbuf_span(&text), &gauge->pool, &gauge->levels);
	strbuf_deinit(&text);
}

static bool refuse_cgroup(const struct gauge *gauge, struct err *err)
{
	int pid = (int)gauge->procfs->pid;

	if (!gauge->levels.count) {
		err_set(err, ERR_USAGE, "--cgroup: no memory control group of process %d is visible here",
				pid);
		return err_hint(err, "mount the cgroup file system, run on the host, or use --rss SIZE");
	}
	err_set(err, ERR_USAGE, "--cgroup: the control group of process %d has no memory limit", pid);
	return err_hint(err,
					"use --rss SIZE, or set a limit: systemctl set-property UNIT MemoryMax=8G");
}

static bool refuse_pressure(struct err *err)
{
	err_set(err, ERR_UNSUPPORTED,
			"--pressure: this kernel does not measure memory pressure (PSI is missing or off)");
	return err_hint(err, "boot with psi=1 (a kernel with CONFIG_PSI), or use --rss or --cgroup");
}

bool gauge_open(struct gauge *gauge, const struct procfs *procfs, bool wants_cgroup,
				bool wants_pressure, struct err *err)
{
	*gauge = (struct gauge){ .procfs = procfs,
							 .wants_cgroup = wants_cgroup,
							 .wants_pressure = wants_pressure };
	if (wants_cgroup || wants_pressure)
		find_levels(gauge);
	if (wants_cgroup && read_cgroup(gauge) == GAUGE_UNKNOWN)
		return refuse_cgroup(gauge, err);
	if (wants_pressure && read_pressure(gauge) == GAUGE_UNKNOWN)
		return refuse_pressure(err);
	return true;
}

void gauge_close(struct gauge *gauge)
{
	vec_deinit(&gauge->levels);
	pool_deinit(&gauge->pool);
	strbuf_deinit(&gauge->text);
}

/* A process that is ending has no memory any more before it is a zombie. */
static bool read_rss(struct gauge *gauge, uint64_t *bytes, struct err *err)
{
	struct err why = { 0 };
	struct span state;

	strbuf_clear(&gauge->text);
	if (!procfs_read(gauge->procfs, "status", TEXT_LIMIT, &gauge->text, &why)) {
		if (err)
			*err = why;
		if (err && why.kind == ERR_NOT_FOUND)
			err->kind = ERR_GONE;
		return false;
	}
	state = proc_text_value(strbuf_span(&gauge->text), "State");
	if ((state.size && strchr("ZX", state.data[0])) ||
		!proc_text_number(strbuf_span(&gauge->text), "VmRSS", bytes))
		return err_set(err, ERR_GONE, "process %d has ended", (int)gauge->procfs->pid);
	return true;
}

bool gauge_read(struct gauge *gauge, struct gauge_values *values, struct err *err)
{
	*values =
		(struct gauge_values){ .cgroup_share = GAUGE_UNKNOWN, .pressure_share = GAUGE_UNKNOWN };
	if (!read_rss(gauge, &values->rss_bytes, err))
		return false;
	if (gauge->wants_cgroup)
		values->cgroup_share = read_cgroup(gauge);
	if (gauge->wants_cgroup && values->cgroup_share == GAUGE_UNKNOWN) {
		find_levels(gauge);
		values->cgroup_share = read_cgroup(gauge);
	}
	if (gauge->wants_pressure)
		values->pressure_share = read_pressure(gauge);
	return true;
}

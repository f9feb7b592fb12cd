/* gauge: the numbers of a process that a watch looks at: its RSS, how full its control group is,
 * and the memory pressure. Reads small files only, so it may be asked ten times a second. */
#ifndef DUMPCORE_GAUGE_H
#define DUMPCORE_GAUGE_H

#include "base/err.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "dumpcore/cgroup.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <stdint.h>

enum { GAUGE_WHOLE = 10000 }; /* a share of 100 %: shares count hundredths of a percent */

/* One reading. A share that cannot be read now is GAUGE_UNKNOWN. */
struct gauge_values {
	uint64_t rss_bytes;
	uint64_t cgroup_share;   /* usage of the limit, of the group or ancestor where it is tightest */
	uint64_t pressure_share; /* "some avg10" of memory pressure */
};

#define GAUGE_UNKNOWN UINT64_MAX

struct gauge {
	const struct procfs *procfs; /* not owned */
	bool wants_cgroup, wants_pressure;
	struct pool pool;
	cgroup_levels levels;
	struct strbuf text;
};

/* Finds the files, and checks that what is wanted can be read: ERR_USAGE where the process has no
 * memory limit, ERR_UNSUPPORTED where the kernel does not measure pressure. The caller ends with
 * gauge_close in every case. */
bool gauge_open(struct gauge *gauge, const struct procfs *procfs, bool wants_cgroup,
				bool wants_pressure, struct err *err);
void gauge_close(struct gauge *gauge);

/* ERR_GONE where the process has ended. */
bool gauge_read(struct gauge *gauge, struct gauge_values *values, struct err *err);

#endif

/* trigger: what a watch waits for, and when that has come. Computed from readings alone, so it is
 * tested with fabricated ones.
 *
 * A trigger holds while its value is at or above its threshold. It fires where it holds and is not
 * spent. A kept capture spends every trigger that holds; it is armed again once its value was below
 * 95 % of the threshold, or the RSS is 10 % above that at the capture. Growth counts anew from
 * the reading that fired, which arms it. Nothing fires while the watch rests. */
#ifndef DUMPCORE_TRIGGER_H
#define DUMPCORE_TRIGGER_H

#include "base/err.h"
#include "base/strbuf.h"
#include "dumpcore/gauge.h"
#include "dumpcore/window.h"

#include <stdbool.h>
#include <stdint.h>

enum trigger_kind { TRIGGER_RSS, TRIGGER_GROWTH, TRIGGER_CGROUP, TRIGGER_PRESSURE, TRIGGER_KINDS };

struct trigger_kind_row {
	const char *name;  /* of the option, and in JSON */
	const char *title; /* for people */
	bool is_share;     /* counts hundredths of a percent, else bytes */
};

extern const struct trigger_kind_row trigger_kinds[TRIGGER_KINDS];

/* What is asked for. */
struct trigger_limits {
	uint64_t thresholds[TRIGGER_KINDS]; /* bytes or shares; 0: not watched */
	int64_t window_ns;                  /* of TRIGGER_GROWTH */
};

/* Reads the option's value: a size, "SIZE/TIME" for growth, or "90%" (the sign may be left out). */
bool trigger_parse(struct trigger_limits *limits, enum trigger_kind kind, const char *text,
				   struct err *err);

/* True where anything is watched. */
bool trigger_wanted(const struct trigger_limits *limits);

struct triggers {
	struct trigger_limits limits;
	uint64_t values[TRIGGER_KINDS]; /* of the last reading; GAUGE_UNKNOWN where not known */
	bool spent[TRIGGER_KINDS];
	struct window window;
	uint64_t rss_bytes;     /* of the last reading */
	uint64_t captured_rss;  /* at the last kept capture; 0: there was none */
	int64_t rests_until_ns; /* of the caller's clock */
};

void triggers_init(struct triggers *triggers, const struct trigger_limits *limits);

/* Takes a reading. Gives the first trigger that fires, TRIGGER_KINDS where none does. */
enum trigger_kind triggers_read(struct triggers *triggers, const struct gauge_values *values,
								int64_t now_ns);

/* Rests after an attempt. Only where an archive was kept are triggers spent and growth counted
 * anew: what failed is tried again. */
void triggers_rest(struct triggers *triggers, bool kept, int64_t now_ns, int64_t cooldown_ns);

/* Appends "6.01 GiB" or "91.3 %". */
void trigger_put_value(enum trigger_kind kind, uint64_t value, struct strbuf *out);

/* Appends "growth 12.0 MiB (threshold 500 MiB in 10 min)" of the last reading. */
void triggers_put(const struct triggers *triggers, enum trigger_kind kind, struct strbuf *out);

/* Appends that of all triggers that are watched, separated by commas; or, where `brief`, "growth
 * 12.0 MiB / 500 MiB". */
void triggers_put_all(const struct triggers *triggers, bool brief, struct strbuf *out);

#endif

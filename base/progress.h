/* progress: a line on the terminal for a step that takes over a second, or for a state that
 * changes.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised is silent. progress_add may be called by several threads. */
struct progress {
	bool enabled;
	const char *label; /* not owned */
	uint64_t total;    /* bytes of the step; 0: not known */
	atomic_uint_fast64_t done;
	atomic_int_fast64_t next_draw_ns;
	int64_t started_ns;
	atomic_bool drawn;
};

/* Monotonic clock in nanoseconds. */
int64_t progress_now_ns(void);

/* Shows progress on stderr where that is a terminal, or always where `forced`. */
void progress_init(struct progress *progress, bool wanted, bool forced);

void progress_start(struct progress *progress, const char *label, uint64_t total_bytes);

/* Counts bytes done and redraws at most five times a second. */
void progress_add(struct progress *progress, uint64_t bytes);

/* Shows a text of one line that fits the terminal, at once, in place of what stood there. */
void progress_show(struct progress *progress, const char *text);

/* Wipes the line. */
void progress_end(struct progress *progress);

#endif

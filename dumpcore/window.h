/* window: how much a number grew within the last stretch of time. */
#ifndef DUMPCORE_WINDOW_H
#define DUMPCORE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

enum {
	WINDOW_STEPS = 256, /* parts of the span that are told apart */
	WINDOW_ROOM = WINDOW_STEPS + 2,
};

/* A number that is the smallest of its time on. */
struct window_low {
	int64_t at_ns;
	uint64_t value;
};

/* The lows of the span, ascending by time and by value: the first is the smallest number of the
 * span. Two lows are at least a step apart, so their count is bounded however often and however
 * long is sampled; growth is understated by what came within one step at most, never overstated.
 * Zero-initialised but for span_ns it is empty. */
struct window {
	int64_t span_ns;
	struct window_low lows[WINDOW_ROOM]; /* a ring */
	size_t first, count;
};

/* Adds a sample, taken not earlier than the last one. Gives by how much the value is above the
 * smallest one of the last span_ns nanoseconds. */
uint64_t window_add(struct window *window, int64_t now_ns, uint64_t value);

/* Forgets all samples. */
void window_clear(struct window *window);

#endif

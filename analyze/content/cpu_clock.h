/* cpu_clock: the time a thread has computed, so that a busy machine or a slow disk changes nothing
 * that is decided by it. */
#ifndef ANALYZE_CONTENT_CPU_CLOCK_H
#define ANALYZE_CONTENT_CPU_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of CPU the calling thread has used. */
static inline int64_t cpu_clock_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Nanoseconds of a clock that goes on while the thread waits, and is ten times as fast to read. */
static inline int64_t wall_clock_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif

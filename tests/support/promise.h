/* promise: an assertion of tests and fuzzers that is there in every build. */
#ifndef TESTS_SUPPORT_PROMISE_H
#define TESTS_SUPPORT_PROMISE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void promise(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

#endif

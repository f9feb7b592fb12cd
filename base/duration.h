/* duration: times as people write and read them. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define DURATION_MS INT64_C(1000000) /* nanoseconds */
#define DURATION_S (1000 * DURATION_MS)

/* Room for any formatted duration, as wide as a compiler may think that its numbers are. */
enum { DURATION_TEXT = 64 };

/* Reads "100ms", "5s", "1.5m", "2h" or "1d" into nanoseconds. ERR_USAGE where the text is anything
 * else; a number without its unit is told which unit it may have meant. */
bool duration_parse(const char *text, int64_t *ns, struct err *err);

/* Writes nanoseconds (not negative) in the largest unit that is whole enough to say it: "250 ms",
 * "1.5 s", "10 min", "1 h 30 min", "2 d". What is below the second unit is cut off. Gives text. */
const char *duration_format(int64_t ns, char text[DURATION_TEXT]);

#endif

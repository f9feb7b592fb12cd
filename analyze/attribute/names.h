/* names: names that come from the process or the file, made safe for a report. */
#ifndef ANALYZE_ATTRIBUTE_NAMES_H
#define ANALYZE_ATTRIBUTE_NAMES_H

#include "analyze/input/core.h"
#include "base/pool.h"

#include <stdint.h>

/* The text as printable UTF-8 (text_escape), in the pool; NULL gives "". */
const char *names_safe(const char *text, struct pool *pool);

/* Escaped name of the thread; "" where it was not captured. */
const char *names_thread(const struct core *core, uint32_t tid, struct pool *pool);

#endif

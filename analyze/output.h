/* output: where results go. */
#ifndef ANALYZE_OUTPUT_H
#define ANALYZE_OUTPUT_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>

/* Writes the bytes to the file, which gets mode 0600 where it is made or emptied for it, or to
 * stdout where `path` is NULL or "-". A reader of stdout that went away is ERR_CLOSED. */
bool output_write(const char *path, struct span bytes, struct err *err);

#endif

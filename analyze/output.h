/* output: where results go. */
#ifndef ANALYZE_OUTPUT_H
#define ANALYZE_OUTPUT_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* ERR_USAGE where `path` is the file `evidence` by whatever name: writing it would destroy what is
 * being read. `path` NULL, "-" or not there yet is fine. To be asked before work is done. */
bool output_check(const char *path, const char *evidence, struct err *err);

/* Writes the bytes to the file, which gets mode 0600 where it is made or emptied for it, or to
 * stdout where `path` is NULL or "-". A reader of stdout that went away is ERR_CLOSED. */
bool output_write(const char *path, struct span bytes, struct err *err);

/* Columns of the terminal that stdout is or, where it is a pipe, stderr; 0: it is none, or does not
 * say. */
size_t output_columns(void);

#endif

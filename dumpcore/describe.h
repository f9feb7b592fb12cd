/* describe: the front of the archive: asks for mappings and pages, plans, makes the notes and
 * writes all that stands before the memory. */
#ifndef DUMPCORE_DESCRIBE_H
#define DUMPCORE_DESCRIBE_H

#include "base/err.h"
#include "dumpcore/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* Reserves, so that describe does not allocate while the target stands still (it may where the
 * target grew many times over since it was looked at). */
void describe_reserve(struct snapshot *snapshot);

/* Bytes that describe_reserve takes, most of which hardly any target fills. */
uint64_t describe_room(const struct target *target, const struct choice *choice,
					   uint32_t page_size);

/* On failure nothing was written that is worth keeping. */
bool describe(struct snapshot *snapshot, struct err *err);

/* Gives the mappings in `now` the counts and flags that smaps had of the same ones; what is new or
 * has changed counts as resident. Both lists ascend. */
void describe_inherit(mappings *now, const mappings *before);

#endif

/* describe: the front of the archive: asks for mappings and pages, plans, makes the notes and
 * writes all that stands before the memory. In four steps, so that each way of taking a snapshot
 * does in its stop only what must be done there:
 *
 *     describe_process   status, threads and their registers
 *     describe_mappings  maps, plan, what to ask about pages
 *     (pages_scan        snapshot->map)
 *     describe_write     layout, notes, the bytes */
#ifndef DUMPCORE_DESCRIBE_H
#define DUMPCORE_DESCRIBE_H

#include "base/err.h"
#include "dumpcore/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* Reserves, so that the steps do not allocate while the target stands still (they may where the
 * target grew many times over since it was looked at). */
void describe_reserve(struct snapshot *snapshot);

/* Bytes that describe_reserve takes, most of which hardly any target fills. */
uint64_t describe_room(const struct target *target, const struct choice *choice,
					   uint32_t page_size);

bool describe_process(struct snapshot *snapshot, struct err *err);

bool describe_mappings(struct snapshot *snapshot, enum plan_torn torn, struct err *err);

/* Before a stop in which process and mappings are described once more. What was described until
 * then is kept until describe_settle, which keeps one of both: the new description, or, of a
 * process that ended meanwhile, the old one. */
void describe_again(struct snapshot *snapshot);
void describe_settle(struct snapshot *snapshot, bool keep_new);

/* Behind it nothing before the memory is left to be written. */
void describe_write(struct snapshot *snapshot);

/* The same behind the memory, which is in the file already: the segments say where. */
void describe_write_last(struct snapshot *snapshot, const plan_segments *placed);

/* The front of an archive without memory, of a target that ended before any was read: what was read
 * of it until then, its documents above all. */
void describe_nothing(struct snapshot *snapshot);

/* All steps, for a target that stands still or is not to be stopped at all. On failure nothing was
 * written that is worth keeping. */
bool describe(struct snapshot *snapshot, enum plan_torn torn, struct err *err);

/* Gives the mappings in `now` the counts and flags that smaps had of the same ones; what is new or
 * has changed counts as resident and, where it is private and writable, as written to, and has no
 * counts (has_counts). Both lists ascend. */
void describe_inherit(mappings *now, const mappings *before);

/* Is there a mapping that smaps showed empty, that may have been filled since, and that is too
 * large to be asked page by page? */
bool describe_must_recount(const mappings *before);

#endif

/* choice: what of the process is captured, as the command line asks for it: kinds of memory, and
 * what narrows them.
 *
 * Addresses (--range) come first: what lies inside them is taken whatever its kind, the rest is
 * not. Names (--name) and residency (--min-resident) narrow what is left. The anchors stay as
 * --select says whatever narrows: the first page and the writable data of modules, and the vdso.
 * They are small, and without them an archive is hardly to be understood. Stacks are never left out
 * for their residency. */
#ifndef DUMPCORE_CHOICE_H
#define DUMPCORE_CHOICE_H

#include "archive/proc_text.h"
#include "base/err.h"
#include "base/vaddr.h"
#include "base/vec.h"
#include "dumpcore/plan.h"

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

/* A path and whether --name keeps it. */
struct choice_name {
	const char *path; /* not owned */
	bool kept;
};

/* Zero-initialised narrows nothing. */
struct choice {
	plan_selection selection;
	VEC(struct range) ranges; /* whole pages, ascending, apart; empty: no --range */
	bool by_name;
	regex_t expression; /* where by_name */
	VEC(struct choice_name) known;
	uint64_t least_resident; /* bytes; 0: no --min-resident */
	uint64_t most_bytes;     /* of memory; 0: no --max-size */
	bool read_swapped;       /* --swap read */
};

void choice_deinit(struct choice *choice);

/* Adds "A-B": hexadecimal, with or without 0x; B is not inside. Widened to whole pages of
 * `page_size` bytes. ERR_USAGE where it is none. */
bool choice_add_range(struct choice *choice, const char *text, uint32_t page_size, struct err *err);

/* Takes a POSIX extended expression; ERR_USAGE with regerror's text. */
bool choice_set_name(struct choice *choice, const char *expression, struct err *err);

/* Matches the paths of the mappings, once and before the target stops: regexec allocates, and its
 * time has no bound. The paths must live as long as the choice is applied; learning again forgets
 * them. */
void choice_learn(struct choice *choice, const mappings *list);

/* Items that choice_apply may add to a plan. */
size_t choice_splits(const struct choice *choice);

/* Narrows a plan whose stacks are marked. Splits items where a range ends inside them. A path that
 * choice_learn has not seen is kept: it is new since then. Does not allocate where the plan has
 * room for choice_splits more items. */
void choice_apply(const struct choice *choice, struct plan *plan);

#endif

/* threads: the thread notes of a capture, and where each thread's stack is. */
#ifndef DUMPCORE_THREADS_H
#define DUMPCORE_THREADS_H

#include "base/err.h"
#include "base/strbuf.h"
#include "base/vaddr.h"
#include "base/vec.h"
#include "dumpcore/procfs.h"
#include "dumpcore/registers.h"
#include "dumpcore/seize.h"

#include <stdbool.h>

typedef VEC(vaddr) stack_pointers;

/* Notes of the held threads. Does not allocate where out and stacks have the room. */
bool threads_put_held(const struct seize *seize, const struct registers_processor *processor,
					  const struct procfs_stat *process, struct strbuf *out, stack_pointers *stacks,
					  struct err *err);

/* Notes of threads that run on: what /proc/PID/task/TID/syscall tells of each. */
bool threads_put_running(struct procfs *procfs, const struct procfs_stat *process,
						 struct strbuf *out, stack_pointers *stacks, struct err *err);

#endif

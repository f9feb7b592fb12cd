/* registers: a thread's registers as notes. One file for each machine implements this. */
#ifndef DUMPCORE_REGISTERS_H
#define DUMPCORE_REGISTERS_H

#include "base/err.h"
#include "base/strbuf.h"
#include "base/vaddr.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* EM_* of this machine. */
uint16_t registers_machine(void);

/* Most bytes the notes of one thread take. */
size_t registers_room(void);

/* What a machine's file wants to know of the processor once, before the stop. */
struct registers_processor {
	uint32_t words[32];
};

void registers_processor_init(struct registers_processor *processor);

/* Appends NT_PRSTATUS and the other register notes of a thread that is held stopped, and gives its
 * stack pointer. `process` fills in the ids. Does not allocate where `out` has the room. */
bool registers_put(const struct registers_processor *processor, struct strbuf *out, pid_t tid,
				   const struct procfs_stat *process, vaddr *stack_pointer, struct err *err);

/* Appends NT_PRSTATUS of a thread that is not held: program counter and stack pointer as
 * /proc/PID/task/TID/syscall tells them, zeros for what it does not tell. */
void registers_put_running(struct strbuf *out, pid_t tid, const struct procfs_stat *process,
						   vaddr program_counter, vaddr stack_pointer);

#endif

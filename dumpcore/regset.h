/* regset: what ptrace tells of a thread that is held stopped, as notes; the part that is the same
 * on every machine. */
#ifndef DUMPCORE_REGSET_H
#define DUMPCORE_REGSET_H

#include "base/strbuf.h"
#include "dumpcore/procfs.h"

#include <stddef.h>
#include <sys/procfs.h>
#include <sys/types.h>

/* Reads a register set (NT_*), at most `size` bytes of it. Gives the bytes read, 0 with errno where
 * there is no such set. */
size_t regset_get(pid_t tid, unsigned set, void *to, size_t size);

/* Appends it as a note of the same type; nothing where there is none. */
void regset_put(struct strbuf *out, pid_t tid, const char *owner, unsigned set, size_t most);

/* NT_PRSTATUS with the ids filled in, and for a held thread the signal mask. */
struct elf_prstatus regset_status(pid_t tid, const struct procfs_stat *process);
struct elf_prstatus regset_status_held(pid_t tid, const struct procfs_stat *process);

/* Appends NT_SIGINFO: what stopped the thread, zeros where it was stopped already. */
void regset_put_signal(struct strbuf *out, pid_t tid);

#endif

#include "dumpcore/regset.h"

#include "dumpcore/notes.h"

#include <elf.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum { SIGNAL_MASK_BYTES = 8 }; /* the kernel's sigset_t */

size_t regset_get(pid_t tid, unsigned set, void *to, size_t size)
{
	struct iovec part = { to, size };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)set, &part) < 0)
		return 0;
	return part.iov_len;
}

void regset_put(struct strbuf *out, pid_t tid, const char *owner, unsigned set, size_t most)
{
	struct note_slot slot = notes_open(out, owner, set, most);

	notes_close(out, slot, regset_get(tid, set, slot.bytes, most));
}

struct elf_prstatus regset_status(pid_t tid, const struct procfs_stat *process)
{
	return (struct elf_prstatus){ .pr_pid = tid,
								  .pr_ppid = process->parent,
								  .pr_pgrp = process->group,
								  .pr_sid = process->session };
}

struct elf_prstatus regset_status_held(pid_t tid, const struct procfs_stat *process)
{
	struct elf_prstatus status = regset_status(tid, process);

	ptrace(PTRACE_GETSIGMASK, tid, (void *)(uintptr_t)SIGNAL_MASK_BYTES, &status.pr_sighold);
	status.pr_fpvalid = 1;
	return status;
}

void regset_put_signal(struct strbuf *out, pid_t tid)
{
	siginfo_t signal;

	memset(&signal, 0, sizeof signal);
	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &signal) < 0)
		memset(&signal, 0, sizeof signal); /* a group stop has none (EINVAL) */
	notes_put(out, "CORE", NT_SIGINFO, &signal, sizeof signal);
}

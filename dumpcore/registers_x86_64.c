/* registers of x86_64. Layouts: sys/procfs.h and sys/user.h; which notes and in which order: gdb's
 * gcore (gdb/linux-tdep.c, linux_make_corefile_notes). */
#include "dumpcore/registers.h"

#include "dumpcore/notes.h"
#include "dumpcore/xstate_x86_64.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

enum {
	FLOAT_BYTES = 512,   /* FXSAVE */
	STATE_BYTES = 16384, /* XSAVE: 2.7 KB with AVX-512, 11 KB with AMX */
	NOTE_HEAD_BYTES = 32,
	SIGNAL_MASK_BYTES = 8, /* the kernel's sigset_t */
};

uint16_t registers_machine(void)
{
	return EM_X86_64;
}

size_t registers_room(void)
{
	return sizeof(struct elf_prstatus) + FLOAT_BYTES + STATE_BYTES + sizeof(siginfo_t) +
		   4 * NOTE_HEAD_BYTES;
}

/* Gives the bytes of the register set, 0 where the machine has none. */
static size_t get_set(pid_t tid, unsigned set, void *to, size_t size)
{
	struct iovec part = { to, size };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)set, &part) < 0)
		return 0;
	return part.iov_len;
}

static void put_set(struct strbuf *out, pid_t tid, const char *owner, unsigned set, size_t most)
{
	struct note_slot slot = notes_open(out, owner, set, most);

	notes_close(out, slot, get_set(tid, set, slot.bytes, most));
}

void registers_processor_init(struct registers_processor *processor)
{
	struct xstate_layout layout;

	_Static_assert(sizeof layout <= sizeof processor->words, "the layout fits");
	xstate_layout_read(&layout);
	memcpy(processor->words, &layout, sizeof layout);
}

static void put_state(const struct registers_processor *processor, struct strbuf *out, pid_t tid)
{
	struct note_slot slot = notes_open(out, "LINUX", NT_X86_XSTATE, STATE_BYTES);
	size_t size = get_set(tid, NT_X86_XSTATE, slot.bytes, STATE_BYTES);
	struct xstate_layout layout;

	memcpy(&layout, processor->words, sizeof layout);
	notes_close(out, slot, xstate_arrange(&layout, slot.bytes, size));
}

static struct elf_prstatus status_of(pid_t tid, const struct procfs_stat *process)
{
	return (struct elf_prstatus){ .pr_pid = tid,
								  .pr_ppid = process->parent,
								  .pr_pgrp = process->group,
								  .pr_sid = process->session };
}

bool registers_put(const struct registers_processor *processor, struct strbuf *out, pid_t tid,
				   const struct procfs_stat *process, vaddr *stack_pointer, struct err *err)
{
	struct elf_prstatus status = status_of(tid, process);
	struct user_regs_struct registers;
	siginfo_t signal;
	size_t got = get_set(tid, NT_PRSTATUS, &registers, sizeof registers);

	if (!got)
		return err_sys(err, errno, "cannot read the registers of thread %d", (int)tid);
	if (got != sizeof registers)
		return err_set(err, ERR_UNSUPPORTED, "thread %d runs 32-bit code", (int)tid);
	_Static_assert(sizeof registers == sizeof status.pr_reg, "PRSTATUS holds user_regs_struct");
	memcpy(&status.pr_reg, &registers, sizeof registers);
	ptrace(PTRACE_GETSIGMASK, tid, (void *)(uintptr_t)SIGNAL_MASK_BYTES, &status.pr_sighold);
	status.pr_fpvalid = 1;
	*stack_pointer = registers.rsp;
	notes_put(out, "CORE", NT_PRSTATUS, &status, sizeof status);
	put_set(out, tid, "CORE", NT_PRFPREG, FLOAT_BYTES);
	put_state(processor, out, tid);
	/* A group stop has no siginfo (EINVAL). */
	memset(&signal, 0, sizeof signal);
	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &signal) < 0)
		memset(&signal, 0, sizeof signal);
	notes_put(out, "CORE", NT_SIGINFO, &signal, sizeof signal);
	return true;
}

void registers_put_running(struct strbuf *out, pid_t tid, const struct procfs_stat *process,
						   vaddr program_counter, vaddr stack_pointer)
{
	struct elf_prstatus status = status_of(tid, process);
	struct user_regs_struct registers = { .rip = program_counter, .rsp = stack_pointer };

	memcpy(&status.pr_reg, &registers, sizeof registers);
	notes_put(out, "CORE", NT_PRSTATUS, &status, sizeof status);
}

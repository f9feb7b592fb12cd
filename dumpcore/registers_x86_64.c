/* registers of x86_64. Layouts: sys/procfs.h and sys/user.h; which notes and in which order: gdb's
 * gcore (gdb/linux-tdep.c, linux_make_corefile_notes). */
#include "dumpcore/registers.h"

#include "dumpcore/notes.h"
#include "dumpcore/regset.h"
#include "dumpcore/xstate_x86_64.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>

enum {
	FLOAT_BYTES = 512,   /* FXSAVE */
	STATE_BYTES = 16384, /* XSAVE: 2.7 KB with AVX-512, 11 KB with AMX */
	NOTE_HEAD_BYTES = 32,
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
	size_t size = regset_get(tid, NT_X86_XSTATE, slot.bytes, STATE_BYTES);
	struct xstate_layout layout;

	memcpy(&layout, processor->words, sizeof layout);
	notes_close(out, slot, xstate_arrange(&layout, slot.bytes, size));
}

bool registers_put(const struct registers_processor *processor, struct strbuf *out, pid_t tid,
				   const struct procfs_stat *process, vaddr *stack_pointer, struct err *err)
{
	struct user_regs_struct registers;
	size_t got = regset_get(tid, NT_PRSTATUS, &registers, sizeof registers);
	struct elf_prstatus status;

	if (!got)
		return err_sys(err, errno, "cannot read the registers of thread %d", (int)tid);
	if (got != sizeof registers)
		return err_set(err, ERR_UNSUPPORTED, "thread %d runs 32-bit code", (int)tid);
	status = regset_status_held(tid, process);
	_Static_assert(sizeof registers == sizeof status.pr_reg, "PRSTATUS holds user_regs_struct");
	memcpy(&status.pr_reg, &registers, sizeof registers);
	*stack_pointer = registers.rsp;
	notes_put(out, "CORE", NT_PRSTATUS, &status, sizeof status);
	regset_put(out, tid, "CORE", NT_PRFPREG, FLOAT_BYTES);
	put_state(processor, out, tid);
	regset_put_signal(out, tid);
	return true;
}

void registers_put_running(struct strbuf *out, pid_t tid, const struct procfs_stat *process,
						   vaddr program_counter, vaddr stack_pointer)
{
	struct elf_prstatus status = regset_status(tid, process);
	struct user_regs_struct registers = { .rip = program_counter, .rsp = stack_pointer };

	memcpy(&status.pr_reg, &registers, sizeof registers);
	notes_put(out, "CORE", NT_PRSTATUS, &status, sizeof status);
}

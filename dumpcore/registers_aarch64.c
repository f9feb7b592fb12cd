/* registers of aarch64. Layouts: sys/procfs.h and sys/user.h (struct user_pt_regs and
 * user_fpsimd_state of arch/arm64/include/uapi/asm/ptrace.h). Order: that of gdb's gcore
 * (aarch64_linux_iterate_over_regset_sections of gdb/aarch64-linux-tdep.c), which takes NT_ARM_SVE
 * instead of NT_FPREGSET where it can; here both are written, as the kernel does. */
#include "dumpcore/registers.h"

#include "dumpcore/notes.h"
#include "dumpcore/regset.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>

enum {
	FLOAT_BYTES = sizeof(struct user_fpsimd_struct),
	/* SVE_PT_SIZE of asm/ptrace.h at 2048 bits, the longest vector of the architecture: head, 32
	 * vectors, 16 predicates and the first-fault register of an eighth each, FPSR and FPCR. */
	SCALABLE_BYTES = 16 + 32 * 256 + 17 * 32 + 16,
	POINTER_MASK_BYTES = 16, /* struct user_pac_mask */
	THREAD_POINTER_BYTES = 8,
	SYSTEM_CALL_BYTES = 4,
	NOTE_HEAD_BYTES = 32,
	NOTES = 7,
};

uint16_t registers_machine(void)
{
	return EM_AARCH64;
}

size_t registers_room(void)
{
	return sizeof(struct elf_prstatus) + FLOAT_BYTES + SCALABLE_BYTES + POINTER_MASK_BYTES +
		   THREAD_POINTER_BYTES + SYSTEM_CALL_BYTES + sizeof(siginfo_t) + NOTES * NOTE_HEAD_BYTES;
}

void registers_processor_init(struct registers_processor *processor)
{
	*processor = (struct registers_processor){ 0 };
}

/* The set says its size in its first word (struct user_sve_header). ptrace cuts off what does not
 * fit, and half a set is worse than none. */
static void put_scalable(struct strbuf *out, pid_t tid)
{
	struct note_slot slot = notes_open(out, "LINUX", NT_ARM_SVE, SCALABLE_BYTES);
	size_t got = regset_get(tid, NT_ARM_SVE, slot.bytes, SCALABLE_BYTES);
	uint32_t whole;

	memcpy(&whole, slot.bytes, sizeof whole);
	notes_close(out, slot, whole <= got ? got : 0);
}

bool registers_put(const struct registers_processor *processor, struct strbuf *out, pid_t tid,
				   const struct procfs_stat *process, vaddr *stack_pointer, struct err *err)
{
	struct user_regs_struct registers;
	size_t got = regset_get(tid, NT_PRSTATUS, &registers, sizeof registers);
	struct elf_prstatus status;

	(void)processor;
	if (!got)
		return err_sys(err, errno, "cannot read the registers of thread %d", (int)tid);
	if (got != sizeof registers)
		return err_set(err, ERR_UNSUPPORTED, "thread %d runs 32-bit code", (int)tid);
	status = regset_status_held(tid, process);
	_Static_assert(sizeof registers == sizeof status.pr_reg, "PRSTATUS holds user_regs_struct");
	memcpy(&status.pr_reg, &registers, sizeof registers);
	*stack_pointer = registers.sp;
	notes_put(out, "CORE", NT_PRSTATUS, &status, sizeof status);
	regset_put(out, tid, "CORE", NT_FPREGSET, FLOAT_BYTES);
	put_scalable(out, tid);
	regset_put(out, tid, "LINUX", NT_ARM_PAC_MASK, POINTER_MASK_BYTES);
	regset_put(out, tid, "LINUX", NT_ARM_TLS, THREAD_POINTER_BYTES);
	regset_put(out, tid, "LINUX", NT_ARM_SYSTEM_CALL, SYSTEM_CALL_BYTES);
	regset_put_signal(out, tid);
	return true;
}

void registers_put_running(struct strbuf *out, pid_t tid, const struct procfs_stat *process,
						   vaddr program_counter, vaddr stack_pointer)
{
	struct elf_prstatus status = regset_status(tid, process);
	struct user_regs_struct registers = { .pc = program_counter, .sp = stack_pointer };

	memcpy(&status.pr_reg, &registers, sizeof registers);
	notes_put(out, "CORE", NT_PRSTATUS, &status, sizeof status);
}

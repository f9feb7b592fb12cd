/* inject on aarch64: registers are struct user_regs_struct (sys/user.h).
 *
 * No instruction jumps to any address without a register that holds it, so the code does not load
 * the registers itself: it ends with rt_sigreturn, and a signal frame in the site gives the kernel
 * all of them, the flags and the signal mask in one go. Kernel sources meant below: arch/arm64/.
 *
 * - The frame needs the vector registers (kernel/signal.c, parse_user_sigframe); what no record is
 *   there for (ZA, TPIDR2, POR) the kernel leaves alone.
 * - Its alternate stack is one that do_sigaltstack (kernel/signal.c of the generic part) refuses,
 *   and restore_altstack ignores that: ptrace does not tell which one the thread has.
 * - rt_sigreturn makes restart_syscall fail with EINTR. So after a kill of this program a relative
 *   wait (nanosleep, futex) begins anew instead; one that was interrupted before as well, by an
 *   earlier capture say, ends with EINTR. Neither happens while this program lives.
 * - Signals are blocked before sp leaves the thread's stack: no handler runs on the site.
 * - PSTATE is as the kernel gave it, but for BTYPE, which is cleared for the first instruction (the
 *   vdso is guarded: BTI) and comes back with the frame. valid_user_regs (kernel/ptrace.c) thus
 *   accepts it.
 * - x7 is not the thread's in a system call stop, and writes to it are lost there (kernel/ptrace.c,
 *   report_syscall). It is read and put back in an event stop only (inject_begin, inject_end); at
 *   the stops between, inject_registers_aim leaves it as it is.
 * - An interrupted call is taken back before the stop, not after it as on x86 (kernel/signal.c,
 *   do_signal), and the thread is in no call then as NT_ARM_SYSTEM_CALL has it: nothing to be set.
 *   The instruction at the program counter tells instead. Only -ERESTART_RESTARTBLOCK has its
 *   effect, another x8, after the stop: inject_registers_hide_restart.
 * - Instruction caches: copy_to_user_page (mm/flush.c) cares for what ptrace writes.
 * - A system call destroys what of the scalable vectors exceeds 128 bits, and streaming mode
 *   (Documentation/arm64/sve.rst, sme.rst): a thread that computes with them is not used. Nor is
 * one with a guarded control stack: rt_sigreturn wants a token on it. */
#include "dumpcore/inject_machine.h"

#include "dumpcore/regset.h"

#include <elf.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <time.h>
#include <ucontext.h>

/* The code, copied from here. It stands in the first bytes of the frame, where siginfo would be and
 * nothing is read. */
__asm__(".pushsection .rodata\n"
		".globl inject_code_start, inject_code_clone, inject_code_open, inject_code_call\n"
		".globl inject_code_heal, inject_code_end\n"
		".hidden inject_code_start, inject_code_clone, inject_code_open, inject_code_call\n"
		".hidden inject_code_heal, inject_code_end\n"
		".balign 16\n"
		"inject_code_start:\n"
		"inject_code_clone:\n"
		"	svc #0\n"
		"	cbnz x0, inject_code_heal\n"
		"	mov x8, #94\n" /* exit_group */
		"	svc #0\n"
		"	brk #0\n"
		"inject_code_open:\n"
		"	svc #0\n"
		"	mov x8, #57\n" /* close */
		"	svc #0\n"
		"	b inject_code_heal\n"
		"inject_code_call:\n"
		"	svc #0\n"
		"inject_code_heal:\n"
		"	mov x0, #2\n" /* rt_sigprocmask(SIG_SETMASK, all, NULL, 8) */
		"	adr x1, 1f\n"
		"	mov x2, #0\n"
		"	mov x3, #8\n"
		"	mov x8, #135\n"
		"	svc #0\n"
		"	adr x0, inject_code_start\n"
		"	mov sp, x0\n"
		"	mov x8, #139\n" /* rt_sigreturn */
		"	svc #0\n"
		"	.balign 8\n"
		"1:	.quad -1\n"
		"	.org inject_code_start+144\n" /* uc_stack: an error where the code is longer */
		"inject_code_end:\n"
		".popsection\n");

extern const uint8_t inject_code_start[], inject_code_clone[], inject_code_open[],
	inject_code_call[], inject_code_heal[], inject_code_end[];

/* struct rt_sigframe of the kernel's kernel/signal.c. */
enum {
	FRAME_CONTEXT = sizeof(siginfo_t), /* struct ucontext */
	FRAME_STACK = FRAME_CONTEXT + offsetof(ucontext_t, uc_stack),
	FRAME_MASK = FRAME_CONTEXT + offsetof(ucontext_t, uc_sigmask),
	FRAME_REGISTERS = FRAME_CONTEXT + offsetof(ucontext_t, uc_mcontext.regs),
	FRAME_RECORDS = FRAME_CONTEXT + offsetof(ucontext_t, uc_mcontext.__reserved),
	FRAME_END = FRAME_RECORDS + sizeof(struct fpsimd_context) + sizeof(struct _aarch64_ctx),
	ROOM_BYTES = (FRAME_END + 15) / 16 * 16,
	NO_STACK_MODE = 0x40, /* ss_flags that do_sigaltstack refuses */
};

_Static_assert(FRAME_STACK == 144, "the code ends before it");
_Static_assert((size_t)ROOM_BYTES <= INJECT_CODE_BYTES, "the frame fits");
_Static_assert(offsetof(ucontext_t, uc_mcontext.pstate) ==
				   offsetof(ucontext_t, uc_mcontext.regs) +
					   offsetof(struct user_regs_struct, pstate),
			   "the frame has the registers in ptrace's order");

enum {
	INSTRUCTION_BYTES = 4,
	SVC = 0xd4000001,      /* svc #0 */
	BRANCH_TYPE = 3 << 10, /* PSR_BTYPE_MASK, include/uapi/asm/ptrace.h */
	FLOAT_WORD = sizeof(struct user_regs_struct) / sizeof(uint64_t), /* in inject_registers.words */
	CALL_REGISTER = 8,
	/* Sets that older elf.h lack, and what is looked at in them: struct user_sve_header and struct
	 * user_gcs of include/uapi/asm/ptrace.h. */
	SET_STREAMING_SVE = 0x40b,
	SET_GUARDED_STACK = 0x410,
	SVE_HEAD_BYTES = 16,
	SVE_FLAGS = 12,
	SVE_FLAG_LONG = 1,
	GUARDED_STACK_BYTES = 24,
};

size_t inject_code_bytes(void)
{
	return ROOM_BYTES;
}

static struct user_regs_struct *user(struct inject_registers *registers)
{
	_Static_assert(sizeof(struct user_regs_struct) + sizeof(struct user_fpsimd_struct) <=
					   sizeof registers->words,
				   "they fit");
	return (struct user_regs_struct *)registers->words;
}

static const struct user_regs_struct *user_const(const struct inject_registers *registers)
{
	return (const struct user_regs_struct *)registers->words;
}

bool inject_registers_get(pid_t tid, struct inject_registers *registers)
{
	uint64_t *vectors = registers->words + FLOAT_WORD;

	memset(registers, 0, sizeof *registers);
	registers->size = regset_get(tid, NT_PRSTATUS, user(registers), sizeof *user(registers));
	return registers->size &&
		   regset_get(tid, NT_PRFPREG, vectors, sizeof(struct user_fpsimd_struct));
}

bool inject_registers_set(pid_t tid, const struct inject_registers *registers)
{
	struct iovec part = { (void *)(uintptr_t)registers->words, registers->size };

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &part) == 0;
}

/* A 32-bit thread has a smaller set. */
bool inject_registers_native(const struct inject_registers *registers)
{
	return registers->size == sizeof(struct user_regs_struct);
}

/* The instruction at the program counter (where a call is begun again), and that before it. */
static bool read_instructions(pid_t tid, const struct inject_registers *registers, uint32_t *before,
							  uint32_t *at)
{
	uint64_t from = user_const(registers)->pc - INSTRUCTION_BYTES, both;

	errno = 0;
	both = (uint64_t)ptrace(PTRACE_PEEKTEXT, tid, (void *)(uintptr_t)from, NULL);
	*before = (uint32_t)both;
	*at = (uint32_t)(both >> 32);
	return errno == 0;
}

static bool is_at_call(pid_t tid, const struct inject_registers *registers)
{
	uint32_t before, at;

	return read_instructions(tid, registers, &before, &at) && at == (uint32_t)SVC;
}

/* The result stands where the first argument was, and the kernel does not show orig_x0. */
bool inject_registers_rewind(struct inject_registers *registers)
{
	(void)registers;
	return false;
}

/* Also where it is just about to begin one, or has just ended one: a restartable sequence has no
 * system call in it, and its first instruction follows a store. */
bool inject_registers_in_call(pid_t tid, const struct inject_registers *registers)
{
	uint32_t before, at;

	return read_instructions(tid, registers, &before, &at) &&
		   (at == (uint32_t)SVC || before == (uint32_t)SVC);
}

static bool has_long_vectors(pid_t tid, unsigned set)
{
	uint8_t head[SVE_HEAD_BYTES] = { 0 };

	return regset_get(tid, set, head, sizeof head) && head[SVE_FLAGS] & SVE_FLAG_LONG;
}

bool inject_registers_would_be_lost(pid_t tid, const struct inject_registers *registers)
{
	uint64_t guarded[GUARDED_STACK_BYTES / sizeof(uint64_t)] = { 0 };

	if (regset_get(tid, SET_GUARDED_STACK, guarded, sizeof guarded) && guarded[0])
		return true;
	/* At a call they are void already, whatever the kernel says of them. */
	return (has_long_vectors(tid, NT_ARM_SVE) || has_long_vectors(tid, SET_STREAMING_SVE)) &&
		   !is_at_call(tid, registers);
}

/* The calls that end with -ERESTART_RESTARTBLOCK: kernel/time/hrtimer.c, posix-timers.c,
 * kernel/futex/waitswake.c (an absolute time limit does no harm when it is begun anew). */
bool inject_registers_hide_restart(pid_t tid, const struct inject_registers *registers)
{
	const struct user_regs_struct *r = user_const(registers);
	bool relative =
		r->regs[CALL_REGISTER] == SYS_nanosleep ||
		(r->regs[CALL_REGISTER] == SYS_clock_nanosleep && !(r->regs[1] & TIMER_ABSTIME)) ||
		(r->regs[CALL_REGISTER] == SYS_futex &&
		 (r->regs[1] & (uint64_t)FUTEX_CMD_MASK) == FUTEX_WAIT && r->regs[3]);

	return relative && is_at_call(tid, registers);
}

static void put_vectors(const struct user_fpsimd_struct *from, uint8_t *record)
{
	struct fpsimd_context vectors = { .head = { FPSIMD_MAGIC, sizeof vectors },
									  .fpsr = from->fpsr,
									  .fpcr = from->fpcr };

	_Static_assert(sizeof vectors.vregs == sizeof from->vregs, "the same registers");
	memcpy(vectors.vregs, from->vregs, sizeof vectors.vregs);
	memcpy(record, &vectors, sizeof vectors); /* the zeros behind it end the records */
}

size_t inject_code_make(const struct inject_registers *registers,
						const struct inject_registers *first, uint64_t mask,
						uint8_t code[INJECT_CODE_BYTES])
{
	struct user_regs_struct r = *user_const(registers);
	struct user_fpsimd_struct vectors;
	stack_t stack = { .ss_flags = NO_STACK_MODE };

	if (r.regs[CALL_REGISTER] == SYS_restart_syscall && r.pc == user_const(first)->pc)
		r.regs[CALL_REGISTER] = user_const(first)->regs[CALL_REGISTER];
	memcpy(&vectors, registers->words + FLOAT_WORD, sizeof vectors);
	memset(code, 0, ROOM_BYTES);
	memcpy(code, inject_code_start, (size_t)(inject_code_end - inject_code_start));
	memcpy(code + FRAME_STACK, &stack, sizeof stack);
	memcpy(code + FRAME_MASK, &mask, sizeof mask);
	memcpy(code + FRAME_REGISTERS, &r, sizeof r);
	put_vectors(&vectors, code + FRAME_RECORDS);
	return ROOM_BYTES;
}

void inject_registers_aim(struct inject_registers *registers, vaddr code, enum inject_entry entry,
						  long number, const uint64_t arguments[6])
{
	const uint8_t *const entries[INJECT_ENTRIES] = { inject_code_clone, inject_code_open,
													 inject_code_call, inject_code_heal };
	struct user_regs_struct *r = user(registers);

	r->pc = code + (uint64_t)(entries[entry] - inject_code_start);
	r->pstate &= ~(uint64_t)BRANCH_TYPE;
	r->regs[CALL_REGISTER] = (uint64_t)number;
	memcpy(r->regs, arguments, 6 * sizeof *arguments);
}

int64_t inject_registers_result(const struct inject_registers *registers)
{
	return (int64_t)user_const(registers)->regs[0];
}

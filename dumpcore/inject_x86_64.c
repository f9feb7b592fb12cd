/* inject on x86_64: registers are struct user_regs_struct (sys/user.h). */
#include "dumpcore/inject_machine.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

/* The code, copied from here. It uses no stack but for popfq, and that before signals are let in
 * again: with rsp in the code a handler would fault. Behind popfq no instruction changes flags
 * (syscall keeps them). */
__asm__(".pushsection .rodata\n"
		".globl inject_code_start, inject_code_clone, inject_code_open, inject_code_call\n"
		".globl inject_code_heal, inject_code_data, inject_code_end\n"
		".hidden inject_code_start, inject_code_clone, inject_code_open, inject_code_call\n"
		".hidden inject_code_heal, inject_code_data, inject_code_end\n"
		".balign 16\n"
		"inject_code_start:\n"
		"inject_code_clone:\n"
		"	syscall\n"
		"	test %eax, %eax\n"
		"	jnz inject_code_heal\n"
		"	mov $231, %eax\n" /* exit_group */
		"	xor %edi, %edi\n"
		"	syscall\n"
		"	hlt\n"
		"inject_code_open:\n"
		"	syscall\n"
		"	mov %eax, %edi\n"
		"	mov $3, %eax\n" /* close */
		"	syscall\n"
		"	jmp inject_code_heal\n"
		"inject_code_call:\n"
		"	syscall\n"
		"inject_code_heal:\n"
		"	lea inject_code_data+8*17(%rip), %rsp\n"
		"	popfq\n"
		"	mov inject_code_data+8*15(%rip), %rsp\n"
		"	mov $14, %eax\n" /* rt_sigprocmask(SIG_SETMASK, mask, NULL, 8) */
		"	mov $2, %edi\n"
		"	lea inject_code_data+8*18(%rip), %rsi\n"
		"	mov $0, %edx\n"
		"	mov $8, %r10d\n"
		"	syscall\n"
		"	mov inject_code_data+8*0(%rip), %rax\n"
		"	mov inject_code_data+8*1(%rip), %rbx\n"
		"	mov inject_code_data+8*2(%rip), %rcx\n"
		"	mov inject_code_data+8*3(%rip), %rdx\n"
		"	mov inject_code_data+8*4(%rip), %rsi\n"
		"	mov inject_code_data+8*5(%rip), %rdi\n"
		"	mov inject_code_data+8*6(%rip), %rbp\n"
		"	mov inject_code_data+8*7(%rip), %r8\n"
		"	mov inject_code_data+8*8(%rip), %r9\n"
		"	mov inject_code_data+8*9(%rip), %r10\n"
		"	mov inject_code_data+8*10(%rip), %r11\n"
		"	mov inject_code_data+8*11(%rip), %r12\n"
		"	mov inject_code_data+8*12(%rip), %r13\n"
		"	mov inject_code_data+8*13(%rip), %r14\n"
		"	mov inject_code_data+8*14(%rip), %r15\n"
		"	jmp *inject_code_data+8*16(%rip)\n"
		".balign 8\n"
		"inject_code_data:\n"
		"	.fill 19, 8, 0\n"
		"inject_code_end:\n"
		".popsection\n");

extern const uint8_t inject_code_start[], inject_code_clone[], inject_code_open[],
	inject_code_call[], inject_code_heal[], inject_code_data[], inject_code_end[];

enum {
	ROOM_BYTES = 512,
	CODE_64 = 0x33, /* __USER_CS, arch/x86/include/asm/segment.h */
	SYSCALL_BYTES = 2,
	WORDS = 19,
	/* include/linux/errno.h: never seen by a program, but by its tracer. */
	RESTART_SYS = 512,
	RESTART_NOINTR = 513,
	RESTART_NOHAND = 514,
	RESTART_BLOCK = 516,
};

size_t inject_code_bytes(void)
{
	return ROOM_BYTES;
}

static struct user_regs_struct *user(struct inject_registers *registers)
{
	_Static_assert(sizeof(struct user_regs_struct) <= sizeof registers->words, "they fit");
	return (struct user_regs_struct *)registers->words;
}

static const struct user_regs_struct *user_const(const struct inject_registers *registers)
{
	return (const struct user_regs_struct *)registers->words;
}

bool inject_registers_get(pid_t tid, struct inject_registers *registers)
{
	struct iovec part = { registers->words, sizeof registers->words };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &part) < 0)
		return false;
	registers->size = part.iov_len;
	return true;
}

bool inject_registers_set(pid_t tid, const struct inject_registers *registers)
{
	struct iovec part = { (void *)(uintptr_t)registers->words, registers->size };

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &part) == 0;
}

bool inject_registers_native(const struct inject_registers *registers)
{
	return registers->size == sizeof(struct user_regs_struct) &&
		   user_const(registers)->cs == CODE_64;
}

bool inject_registers_in_call(pid_t tid, const struct inject_registers *registers)
{
	(void)tid;
	return (int64_t)user_const(registers)->orig_rax >= 0;
}

/* signal(7): these fail with EINTR when the thread was stopped, without a handler. All arguments
 * are still in their registers; a timeout begins anew. */
static bool is_fragile(uint64_t number)
{
	static const uint16_t calls[] = { SYS_epoll_wait,      SYS_epoll_pwait, SYS_epoll_pwait2,
									  SYS_rt_sigtimedwait, SYS_semop,       SYS_semtimedop,
									  SYS_msgrcv,          SYS_msgsnd,      SYS_io_getevents,
									  SYS_io_pgetevents };

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (number == calls[i])
			return true;
	return false;
}

bool inject_registers_rewind(struct inject_registers *registers)
{
	struct user_regs_struct *r = user(registers);

	if (!inject_registers_native(registers) || (int64_t)r->rax != -EINTR ||
		!is_fragile(r->orig_rax))
		return false;
	r->rax = r->orig_rax;
	r->rip -= SYSCALL_BYTES;
	r->orig_rax = UINT64_MAX;
	return true;
}

/* The kernel keeps the vector registers over a system call. */
bool inject_registers_would_be_lost(pid_t tid, const struct inject_registers *registers)
{
	(void)tid;
	(void)registers;
	return false;
}

/* rax tells. */
bool inject_registers_hide_restart(pid_t tid, const struct inject_registers *registers)
{
	(void)tid;
	(void)registers;
	return false;
}

/* As arch/x86/kernel/signal.c, arch_do_signal_or_restart, where no handler runs. */
static void restart(struct user_regs_struct *registers)
{
	int64_t result = (int64_t)registers->rax;

	if ((int64_t)registers->orig_rax < 0)
		return;
	if (result == -RESTART_SYS || result == -RESTART_NOINTR || result == -RESTART_NOHAND)
		registers->rax = registers->orig_rax;
	else if (result == -RESTART_BLOCK)
		registers->rax = SYS_restart_syscall;
	else
		return;
	registers->rip -= SYSCALL_BYTES;
}

size_t inject_code_make(const struct inject_registers *registers,
						const struct inject_registers *first, uint64_t mask,
						uint8_t code[INJECT_CODE_BYTES])
{
	struct user_regs_struct r = *user_const(registers);
	size_t size = (size_t)(inject_code_end - inject_code_start);

	(void)first;
	restart(&r);
	memcpy(code, inject_code_start, size);
	memcpy(code + (inject_code_data - inject_code_start),
		   (uint64_t[WORDS]){ r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.r8, r.r9, r.r10,
							  r.r11, r.r12, r.r13, r.r14, r.r15, r.rsp, r.rip, r.eflags, mask },
		   WORDS * sizeof(uint64_t));
	return size;
}

void inject_registers_aim(struct inject_registers *registers, vaddr code, enum inject_entry entry,
						  long number, const uint64_t arguments[6])
{
	const uint8_t *const entries[INJECT_ENTRIES] = { inject_code_clone, inject_code_open,
													 inject_code_call, inject_code_heal };
	struct user_regs_struct *r = user(registers);

	r->rip = code + (uint64_t)(entries[entry] - inject_code_start);
	r->orig_rax = UINT64_MAX; /* what the kernel must not begin again */
	r->rax = (uint64_t)number;
	r->rdi = arguments[0];
	r->rsi = arguments[1];
	r->rdx = arguments[2];
	r->r10 = arguments[3];
	r->r8 = arguments[4];
	r->r9 = arguments[5];
}

int64_t inject_registers_result(const struct inject_registers *registers)
{
	return (int64_t)user_const(registers)->rax;
}

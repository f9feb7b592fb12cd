#include "analyze/input/registers.h"

#include <elf.h>

/* In the order of struct user_regs_struct (arch/x86/include/asm/user_64.h and user_32.h) and struct
 * user_pt_regs (arch/arm64/include/uapi/asm/ptrace.h) of Linux. */
static const char *const x86_64_names[] = { "r15",    "r14", "r13", "r12",      "rbp",     "rbx",
											"r11",    "r10", "r9",  "r8",       "rax",     "rcx",
											"rdx",    "rsi", "rdi", "orig_rax", "rip",     "cs",
											"eflags", "rsp", "ss",  "fs_base",  "gs_base", "ds",
											"es",     "fs",  "gs" };
static const char *const i386_names[] = { "ebx", "ecx", "edx",    "esi", "edi", "ebp",
										  "eax", "ds",  "es",     "fs",  "gs",  "orig_eax",
										  "eip", "cs",  "eflags", "esp", "ss" };
static const char *const aarch64_names[] = { "x0",  "x1",  "x2",  "x3",  "x4",  "x5",    "x6",
											 "x7",  "x8",  "x9",  "x10", "x11", "x12",   "x13",
											 "x14", "x15", "x16", "x17", "x18", "x19",   "x20",
											 "x21", "x22", "x23", "x24", "x25", "x26",   "x27",
											 "x28", "x29", "x30", "sp",  "pc",  "pstate" };

#define COUNT(names) (sizeof(names) / sizeof *(names))

static const struct {
	uint16_t machine;
	const char *const *names;
	size_t count;
} machines[] = {
	{ EM_X86_64, x86_64_names, COUNT(x86_64_names) },
	{ EM_386, i386_names, COUNT(i386_names) },
	{ EM_AARCH64, aarch64_names, COUNT(aarch64_names) },
};

/* /proc/PID/syscall gives a capture of a running process pc and sp, and no other register. */
enum { ALONE = 2 };

size_t registers_count(const struct core *core, const struct core_thread *thread)
{
	size_t count = thread->registers.size / core->word, set = 0;

	for (size_t i = 0; i < count && set <= ALONE; i++)
		set += registers_get(core, thread, i) != 0;
	return set > ALONE ? count : 0;
}

uint64_t registers_get(const struct core *core, const struct core_thread *thread, size_t index)
{
	struct cursor cursor = cursor_make(thread->registers, false);

	cursor_skip(&cursor, index * core->word);
	return cursor_word(&cursor, core->word);
}

const char *registers_name(uint16_t machine, size_t index)
{
	for (size_t i = 0; i < COUNT(machines); i++)
		if (machines[i].machine == machine)
			return index < machines[i].count ? machines[i].names[index] : "";
	return "";
}

/* inject_machine: the part of inject that knows the processor. One file for each machine implements
 * this. */
#ifndef DUMPCORE_INJECT_MACHINE_H
#define DUMPCORE_INJECT_MACHINE_H

#include "base/vaddr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INJECT_CODE_BYTES = 1152 }; /* most of all machines */

/* Bytes of this machine's code and of what it puts back, a multiple of 16. */
size_t inject_code_bytes(void);

/* The parts of the code that a call can begin with. */
enum inject_entry {
	INJECT_CLONE, /* the call, and where it gives 0 the end of the process */
	INJECT_OPEN,  /* the call, and a close of the descriptor it gave */
	INJECT_CALL,  /* the call */
	INJECT_HEAL,  /* no call: only what stands behind all of them */
	INJECT_ENTRIES
};

/* The general registers of a thread (NT_PRSTATUS), and what else the code puts back. */
struct inject_registers {
	uint64_t words[104];
	size_t size; /* bytes of the general registers that the kernel gave */
};

/* Reads them, and writes the general ones; false leaves errno. */
bool inject_registers_get(pid_t tid, struct inject_registers *registers);
bool inject_registers_set(pid_t tid, const struct inject_registers *registers);

/* Does the thread run code of this machine's main mode (not 32-bit code)? */
bool inject_registers_native(const struct inject_registers *registers);

/* Was the thread stopped inside a system call? */
bool inject_registers_in_call(pid_t tid, const struct inject_registers *registers);

/* Are there registers that a system call changes and that nothing here could put back? */
bool inject_registers_would_be_lost(pid_t tid, const struct inject_registers *registers);

/* Is the thread held in a system call of which its registers do not tell how the kernel goes on
 * with it? They do after the thread was in that call once more. */
bool inject_registers_hide_restart(pid_t tid, const struct inject_registers *registers);

/* Where the thread was stopped in a system call that failed with EINTR and that the kernel never
 * begins again by itself: changes the registers so that the thread makes it again. False where that
 * is not so, or where the machine has lost an argument. */
bool inject_registers_rewind(struct inject_registers *registers);

/* The code that puts back these registers and that signal mask: an interrupted system call is begun
 * again, as the kernel does where no handler runs. `first`: as they were before the thread was led
 * into its call once more, else the same. Gives the bytes used. */
size_t inject_code_make(const struct inject_registers *registers,
						const struct inject_registers *first, uint64_t mask,
						uint8_t code[INJECT_CODE_BYTES]);

/* Aims at an entry of the code at `code`. */
void inject_registers_aim(struct inject_registers *registers, vaddr code, enum inject_entry entry,
						  long number, const uint64_t arguments[6]);

/* What the call gave. */
int64_t inject_registers_result(const struct inject_registers *registers);

#endif

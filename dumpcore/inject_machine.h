/* inject_machine: the part of inject that knows the processor. One file for each machine implements
 * this. */
#ifndef DUMPCORE_INJECT_MACHINE_H
#define DUMPCORE_INJECT_MACHINE_H

#include "base/vaddr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INJECT_CODE_BYTES = 512 };

/* The parts of the code that a call can begin with. */
enum inject_entry {
	INJECT_CLONE, /* the call, and where it gives 0 the end of the process */
	INJECT_OPEN,  /* the call, and a close of the descriptor it gave */
	INJECT_CALL,  /* the call */
	INJECT_HEAL,  /* no call: only what stands behind all of them */
	INJECT_ENTRIES
};

/* The general registers of a thread (NT_PRSTATUS). */
struct inject_registers {
	uint64_t words[40];
	size_t size; /* bytes that the kernel gave */
};

/* Reads and writes them; false leaves errno. */
bool inject_registers_get(pid_t tid, struct inject_registers *registers);
bool inject_registers_set(pid_t tid, const struct inject_registers *registers);

/* Does the thread run code of this machine's main mode (not 32-bit code)? */
bool inject_registers_native(const struct inject_registers *registers);

/* Was the thread stopped inside a system call? */
bool inject_registers_in_call(const struct inject_registers *registers);

/* Where the thread was stopped in a system call that failed with EINTR and that the kernel never
 * begins again by itself: changes the registers so that the thread makes it again. False where that
 * is not so, or where the machine has lost an argument. */
bool inject_registers_rewind(struct inject_registers *registers);

/* The code that puts back these registers and that signal mask: an interrupted system call is begun
 * again, as the kernel does where no handler runs. Gives the bytes used. */
size_t inject_code_make(const struct inject_registers *registers, uint64_t mask,
						uint8_t code[INJECT_CODE_BYTES]);

/* Aims at an entry of the code at `code`. */
void inject_registers_aim(struct inject_registers *registers, vaddr code, enum inject_entry entry,
						  long number, const uint64_t arguments[6]);

/* What the call gave. */
int64_t inject_registers_result(const struct inject_registers *registers);

#endif

/* inject: a system call made by a thread of the target, which is held stopped by ptrace.
 *
 * This program may be killed at any instant, and the kernel then lets the thread run on with
 * whatever registers it has. So the thread never runs anything but a few instructions of ours that
 * undo everything by themselves: they make the call, clean up after it (a snapshot child ends
 * itself, a descriptor is closed), set the signal mask back, load every register as it was and jump
 * to where the thread was. They stand behind the end of the vdso's image, in its last page, which
 * no program uses (writing there gives the target one private page of its own). With this program
 * alive it stops the thread after the call and puts everything back through ptrace, where the
 * kernel also restarts an interrupted system call.
 *
 * Order of events, and what a SIGKILL of this program does behind each:
 *
 *     the code is written        nothing runs it
 *     registers -> heal part     the thread sets its mask and registers, as they were, and goes on
 *     all signals are blocked    the same; nothing is lost, signals stay pending meanwhile
 *     registers -> the call      the call is made and cleaned up, then as above
 *     mask, then registers back  the thread goes on
 *     the code is wiped          it goes on
 *
 * Where a machine does not show how an interrupted wait goes on (aarch64), the thread is first let
 * into its call once more and stopped there. It runs nothing but its own call for that.
 *
 * PTRACE_SYSCALL is used, never PTRACE_SINGLESTEP: the kernel does not take a step back when the
 * tracer ends, so the thread would die of a SIGTRAP (kernel/ptrace.c, exit_ptrace). */
#ifndef DUMPCORE_INJECT_H
#define DUMPCORE_INJECT_H

#include "archive/proc_text.h"
#include "base/err.h"
#include "base/vaddr.h"
#include "dumpcore/inject_machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where the code goes in a target. */
struct inject_site {
	vaddr code;      /* in the target; 0: none */
	size_t size;     /* bytes of it that are used */
	const char *why; /* there is none */
	uint8_t before[INJECT_CODE_BYTES];
};

/* Looks for room behind the vdso's image, which is the same in every process of this machine. */
void inject_find_site(const mappings *list, struct inject_site *site);

/* A thread that is being used. */
struct inject {
	const struct inject_site *site;
	pid_t tid;
	pid_t child;   /* of INJECT_CLONE, as seen from here; it is traced and stopped */
	uint64_t mask; /* the thread's signal mask */
	bool armed;    /* inject_end has something to put back */
	bool called;   /* the thread left its first stop: it stands in a system call stop */
	struct inject_registers first; /* as they were when it was taken */
	struct inject_registers before, now;
};

/* May the thread be used? It must not be inside a restartable sequence (rseq(2)): the kernel would
 * forget it. One that waits in a system call never is; `in_call` tells. Nor may it have registers
 * that a system call destroys. */
bool inject_may_use(pid_t tid, bool *in_call);

/* The same, for whom it makes no difference where the thread is. */
bool inject_suits(pid_t tid);

/* Takes a thread that is held in a PTRACE_EVENT_STOP. `through_seccomp` suspends its seccomp filter
 * while it is held (PTRACE_O_SUSPEND_SECCOMP, needs CAP_SYS_ADMIN). On failure nothing was
 * changed. */
bool inject_begin(struct inject *inject, const struct inject_site *site, pid_t tid,
				  bool through_seccomp, struct err *err);

/* Makes one call. False where the thread is gone or does not answer; what the call itself says, a
 * negative errno among it, is in `result`. After INJECT_OPEN the descriptor is open in the target
 * until inject_close. */
bool inject_call(struct inject *inject, enum inject_entry entry, long number,
				 const uint64_t arguments[6], int64_t *result, struct err *err);
bool inject_close(struct inject *inject, struct err *err);

/* Puts everything back. The thread is in a stop as before inject_begin; seize_release lets it go.
 * Does nothing where nothing was begun. */
bool inject_end(struct inject *inject, struct err *err);

#endif

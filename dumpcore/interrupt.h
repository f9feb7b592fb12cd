/* interrupt: SIGINT and SIGTERM end a capture in good order. The first one raises a flag; a second
 * one ends the program at once, and the kernel then releases the target. */
#ifndef DUMPCORE_INTERRUPT_H
#define DUMPCORE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Installs the handlers, and ignores SIGPIPE and SIGXFSZ: a closed pipe and a file above its limit
 * (ulimit -f) are errors of write(2). */
void interrupt_install(void);

/* Not zero once a signal came. */
const volatile sig_atomic_t *interrupt_flag(void);

/* Waits for that many nanoseconds at most; a signal ends the wait, also one that comes just before
 * it. False once a signal came. */
bool interrupt_wait(int64_t ns);

#endif

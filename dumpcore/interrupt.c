#include "dumpcore/interrupt.h"

#include <stddef.h>

/* A signal handler has no other way to say anything. */
static volatile sig_atomic_t flag;

static void raise_flag(int signal)
{
	(void)signal;
	flag = 1;
}

void interrupt_install(void)
{
	struct sigaction action = { .sa_handler = raise_flag, .sa_flags = (int)SA_RESETHAND };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

const volatile sig_atomic_t *interrupt_flag(void)
{
	return &flag;
}

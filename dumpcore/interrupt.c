#include "dumpcore/interrupt.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>

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

bool interrupt_wait(int64_t ns)
{
	enum { SECOND_NS = 1000000000 };
	struct timespec limit = { .tv_sec = (time_t)(ns / SECOND_NS), .tv_nsec = ns % SECOND_NS };
	sigset_t both, before;

	/* The signals are let in by the wait alone: none can slip in between the question and it. */
	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &both, &before);
	if (!flag)
		ppoll(NULL, 0, &limit, &before);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !flag;
}

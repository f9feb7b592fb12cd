#include "dumpcore/interrupt.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>

/* A signal handler has no other way to say anything. */
static volatile sig_atomic_t flag;

/* The next one of either kind ends the program. */
static void raise_flag(int number)
{
	(void)number;
	flag = 1;
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

void interrupt_install(void)
{
	struct sigaction action = { .sa_handler = raise_flag };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
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

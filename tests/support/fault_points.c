/* The fault points of the build for fault tests: stands in for base/fault.c. */
#include "base/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTLE_US = 20000 };

void fault_point(const char *name)
{
	const char *wanted = getenv("DUMPCORE_FAULT");
	size_t length = strlen(name);

	if (!wanted || strncmp(wanted, name, length) != 0)
		return;
	if (wanted[length] == '\0')
		kill(getpid(), SIGKILL);
	if (wanted[length] == ':') {
		kill((pid_t)atoi(wanted + length + 1), SIGKILL);
		usleep(SETTLE_US);
	}
}

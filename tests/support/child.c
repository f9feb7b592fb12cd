#include "tests/support/child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void *child_shared(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	return memory;
}

void child_start(struct child *child, child_job *job, void *shared)
{
	int ends[2];
	char byte;

	if (pipe(ends) != 0)
		abort();
	child->pid = fork();
	if (child->pid < 0)
		abort();
	if (child->pid == 0) {
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		close(ends[0]);
		job(shared);
		if (write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	child->ready = ends[0];
	if (read(child->ready, &byte, 1) != 1)
		abort();
}

void child_end(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	close(child->ready);
}

char child_state(pid_t pid)
{
	char path[64], text[512] = "", *close_bracket;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return 'X';
	if (!fgets(text, sizeof text, file))
		text[0] = '\0';
	fclose(file);
	close_bracket = strrchr(text, ')');
	return close_bracket ? close_bracket[2] : 'X';
}

/* child: a process of the test's own, to be stopped, read and killed. It runs a function and then
 * waits for its end. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdint.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int ready; /* the child writes a byte here when it is set up */
};

/* What the child does; `shared` is memory that parent and child both see, 4096 bytes of zeros. */
typedef void child_job(void *shared);

/* Starts a child that any process of the user may trace; returns when its job is done and it
 * waits. The job may leave threads behind. */
void child_start(struct child *child, child_job *job, void *shared);

/* Memory for `shared`. */
void *child_shared(void);

/* Kills it and takes its exit status. */
void child_end(struct child *child);

/* The state letter of /proc/PID/stat, 'X' where there is no process. */
char child_state(pid_t pid);

#endif

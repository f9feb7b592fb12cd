/* traceable: runs a program that any process of the same user may trace.
 *
 * usage: traceable PROGRAM [ARGUMENT...]
 *
 * Where kernel.yama.ptrace_scope is 1 a process may be traced by its ancestors only, unless it
 * allows more with PR_SET_PTRACER, which lasts across exec (Linux
 * Documentation/admin-guide/LSM/Yama.rst). */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: traceable PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* EINVAL without Yama: not needed then */
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}

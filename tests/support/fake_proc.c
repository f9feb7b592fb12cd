#include "tests/support/fake_proc.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fake_proc_init(struct fake_proc *proc)
{
	strcpy(proc->root, "/tmp/dumpcore-proc-XXXXXX");
	if (!mkdtemp(proc->root))
		abort();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status, (void)type, (void)where;
	return remove(path);
}

void fake_proc_deinit(struct fake_proc *proc)
{
	nftw(proc->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The full path, with its folders made. */
static void make_path(const struct fake_proc *proc, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", proc->root, name);
	for (char *slash = strchr(path + strlen(proc->root) + 1, '/'); slash;
		 slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

void fake_proc_file(const struct fake_proc *proc, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	make_path(proc, name, path, sizeof path);
	unlink(path);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

void fake_proc_link(const struct fake_proc *proc, const char *name, const char *target)
{
	char path[512];

	make_path(proc, name, path, sizeof path);
	unlink(path);
	if (symlink(target, path) != 0)
		abort();
}

static void put(const struct fake_proc *proc, pid_t pid, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%d/%s", (int)pid, name);
	fake_proc_file(proc, path, text);
}

void fake_proc_process(const struct fake_proc *proc, pid_t pid, const char *comm)
{
	char text[512], name[64];

	snprintf(text, sizeof text, "%d (%s) S 1 7 8 0 -1 4194304 0 0 0 0 0 0 0 0 20 5 1 0 4242 1 2\n",
			 (int)pid, comm);
	put(proc, pid, "stat", text);
	snprintf(text, sizeof text,
			 "Name:\t%s\nTgid:\t%d\nTracerPid:\t0\nUid:\t1000\t1000\t1000\t1000\nVmRSS:\t12 kB\n",
			 comm, (int)pid);
	put(proc, pid, "status", text);
	put(proc, pid, "cmdline", comm);
	put(proc, pid, "limits", "Max stack size 8388608\n");
	put(proc, pid, "smaps",
		"1000-3000 rw-p 00000000 00:00 0 [heap]\nRss: 8 kB\nAnonymous: 8 kB\nSwap: 0 kB\n"
		"VmFlags: rd wr mr mw me ac \n");
	put(proc, pid, "cgroup", "0::/app\n");
	snprintf(name, sizeof name, "task/%d/comm", (int)pid);
	put(proc, pid, name, comm);
	snprintf(name, sizeof name, "task/%d/status", (int)pid);
	put(proc, pid, name, "Name:\tx\n");
	fake_proc_file(proc, "self/status",
				   "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n");
}

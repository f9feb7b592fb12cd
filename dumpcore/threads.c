#include "dumpcore/threads.h"

#include "base/cleanup.h"
#include "dumpcore/registers.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "NUMBER 0x… … SP PC" in a system call, "-1 SP PC" blocked elsewhere, "running" on a processor
 * (proc_pid_syscall(5)): the last two words are the registers. */
static void read_where(const struct procfs *procfs, pid_t tid, vaddr *pc, vaddr *sp)
{
	char name[64], text[512];
	AUTO_CLOSE int fd = -1;
	ssize_t got;
	char *last, *before;

	*pc = *sp = 0;
	snprintf(name, sizeof name, "task/%d/syscall", (int)tid);
	fd = procfs_open_file(procfs, name, O_RDONLY);
	got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	text[got > 0 ? got : 0] = '\0';
	last = strrchr(text, ' ');
	if (!last)
		return; /* "running" */
	*last++ = '\0';
	before = strrchr(text, ' ');
	*pc = strtoull(last, NULL, 16);
	*sp = before ? strtoull(before, NULL, 16) : 0;
}

static void put_running(const struct procfs *procfs, pid_t tid, const struct procfs_stat *process,
						struct strbuf *out, stack_pointers *stacks)
{
	vaddr pc, sp;

	read_where(procfs, tid, &pc, &sp);
	registers_put_running(out, tid, process, pc, sp);
	if (sp)
		*vec_add(stacks) = sp;
}

bool threads_put_held(const struct seize *seize, const struct registers_processor *processor,
					  const struct procfs_stat *process, struct strbuf *out, stack_pointers *stacks,
					  struct err *err)
{
	for (size_t i = 0; i < seize->threads.count; i++) {
		const struct seize_thread *thread = &seize->threads.items[i];
		vaddr sp;

		if (thread->gone)
			continue;
		if (!thread->stopped) {
			put_running(seize->procfs, thread->tid, process, out, stacks);
			continue;
		}
		if (!registers_put(processor, out, thread->tid, process, &sp, err))
			return false;
		*vec_add(stacks) = sp;
	}
	return true;
}

bool threads_put_running(struct procfs *procfs, const struct procfs_stat *process,
						 struct strbuf *out, stack_pointers *stacks, struct err *err)
{
	procfs_tids tids = { 0 };
	bool listed = procfs_list_tids(procfs, &tids, err);

	for (size_t i = 0; listed && i < tids.count; i++)
		put_running(procfs, tids.items[i], process, out, stacks);
	vec_deinit(&tids);
	return listed;
}

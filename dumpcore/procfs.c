#include "dumpcore/procfs.h"

#include "archive/proc_text.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STAT_LIMIT = 4096, STATUS_LIMIT = 64 << 10, INSIDERS = 4 };

static bool parse_tid(const char *name, pid_t *tid)
{
	char *end;
	long value = strtol(name, &end, 10);

	*tid = (pid_t)value;
	return name[0] >= '0' && name[0] <= '9' && *end == '\0' && value > 0 && value <= INT32_MAX;
}

/* "NSpid:\t4711\t7": the ids of a process, from this pid namespace inwards (proc_pid_status(5)). */
static bool is_inside_as(int root, pid_t outer, pid_t inner, struct strbuf *text)
{
	char path[32];
	const char *last;
	struct span ids;

	snprintf(path, sizeof path, "%d/status", (int)outer);
	strbuf_clear(text);
	if (!file_read(root, path, STATUS_LIMIT, text, NULL))
		return false;
	ids = proc_text_value(strbuf_span(text), "NSpid");
	if (!ids.size)
		return false;
	text->data[ids.data + ids.size - (const uint8_t *)text->data] = '\0';
	last = strrchr((const char *)ids.data, '\t');
	return last && strtol(last, NULL, 10) == inner;
}

/* Lists the processes that call themselves `inner` in a pid namespace below this one; gives how
 * many there are, at most INSIDERS. */
static size_t find_inside(const char *root, pid_t inner, pid_t found[INSIDERS])
{
	DIR *folder = opendir(root);
	struct strbuf text = { 0 };
	struct dirent *entry;
	size_t count = 0;
	pid_t outer;

	while (folder && count < INSIDERS && (entry = readdir(folder)))
		if (parse_tid(entry->d_name, &outer) && is_inside_as(dirfd(folder), outer, inner, &text))
			found[count++] = outer;
	if (folder)
		closedir(folder);
	strbuf_deinit(&text);
	return count;
}

static bool refuse_missing(const char *root, pid_t pid, struct err *err)
{
	pid_t found[INSIDERS];
	size_t count = find_inside(root, pid, found);
	struct strbuf list = { 0 };

	err_set(err, ERR_NOT_FOUND, "no process has the id %d", (int)pid);
	for (size_t i = 0; i < count; i++)
		strbuf_printf(&list, "%s%d", i ? "," : "", (int)found[i]);
	if (count == 1)
		err_hint(err, "process %d inside a container is %d here: dumpcore %d", (int)pid,
				 (int)found[0], (int)found[0]);
	else if (count)
		err_hint(err, "several containers have a process %d; see which you mean: ps -fp %s",
				 (int)pid, strbuf_text(&list));
	else
		err_hint(err, "see `ps -e`; a process of a container has another id on the host");
	strbuf_deinit(&list);
	return false;
}

bool procfs_open(struct procfs *procfs, const char *root, pid_t pid, struct err *err)
{
	char path[4096];

	*procfs = (struct procfs){ .root = root, .pid = pid, .folder = -1 };
	snprintf(path, sizeof path, "%s/%d", root, (int)pid);
	procfs->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (procfs->folder < 0 && errno == ENOENT)
		return refuse_missing(root, pid, err);
	if (procfs->folder < 0)
		return err_sys(err, errno, "cannot open %s", path);
	return true;
}

void procfs_close(struct procfs *procfs)
{
	if (procfs->tasks)
		closedir(procfs->tasks);
	if (procfs->folder >= 0)
		close(procfs->folder);
	procfs->tasks = NULL;
	procfs->folder = -1;
}

bool procfs_read(const struct procfs *procfs, const char *name, size_t limit, struct strbuf *out,
				 struct err *err)
{
	if (file_read(procfs->folder, name, limit, out, err))
		return true;
	return err_prefix(err, "process %d", (int)procfs->pid);
}

bool procfs_read_root(const struct procfs *procfs, const char *name, size_t limit,
					  struct strbuf *out, struct err *err)
{
	AUTO_CLOSE int root = open(procfs->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_sys(err, errno, "cannot open %s", procfs->root);
	return file_read(root, name, limit, out, err);
}

int procfs_open_root(const struct procfs *procfs, const char *name)
{
	AUTO_CLOSE int root = open(procfs->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -1 : openat(root, name, O_RDONLY | O_CLOEXEC);
}

const char *procfs_link(const struct procfs *procfs, const char *name, char *text, size_t size)
{
	ssize_t length = readlinkat(procfs->folder, name, text, size - 1);

	text[length > 0 ? length : 0] = '\0';
	return text;
}

int procfs_open_file(const struct procfs *procfs, const char *name, int flags)
{
	return openat(procfs->folder, name, flags | O_CLOEXEC);
}

/* "42 (name) S 1 42 42 0 -1 4194560 …": the name may hold blanks and brackets, so the last
 * bracket ends it. */
static bool parse_stat(const char *text, struct procfs_stat *stat)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	int group, parent, session, fields;

	*stat = (struct procfs_stat){ 0 };
	if (!open || !close || close < open)
		return false;
	snprintf(stat->comm, sizeof stat->comm, "%.*s", (int)(close - open - 1), open + 1);
	stat->exit_signal = -1;
	fields = sscanf(close + 1,
					" %c %d %d %d %*d %*d %" SCNu64 " %*u %*u %*u %*u %*u %*u %*d %*d %*d %" SCNd64
					" %*d %*d %" SCNu64
					" %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %d",
					&stat->state, &parent, &group, &session, &stat->flags, &stat->nice,
					&stat->started, &stat->exit_signal);
	if (fields < 7)
		return false;
	stat->parent = parent;
	stat->group = group;
	stat->session = session;
	return true;
}

bool procfs_read_stat(const struct procfs *procfs, const char *name, struct procfs_stat *stat,
					  struct err *err)
{
	AUTO_CLOSE int fd = procfs_open_file(procfs, name, O_RDONLY);
	char text[STAT_LIMIT];
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (got < 0)
		return err_sys(err, errno, "process %d: cannot read %s", (int)procfs->pid, name);
	text[got] = '\0';
	if (!parse_stat(text, stat))
		return err_set(err, ERR_FORMAT, "process %d: cannot understand %s", (int)procfs->pid, name);
	return true;
}

static bool open_tasks(struct procfs *procfs, struct err *err)
{
	int fd;

	if (procfs->tasks) {
		rewinddir(procfs->tasks);
		return true;
	}
	fd = openat(procfs->folder, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	procfs->tasks = fd < 0 ? NULL : fdopendir(fd);
	if (!procfs->tasks)
		return err_sys(err, errno, "process %d: cannot list its threads", (int)procfs->pid);
	return true;
}

bool procfs_list_tids(struct procfs *procfs, procfs_tids *tids, struct err *err)
{
	struct dirent *entry;
	pid_t tid;

	tids->count = 0;
	if (!open_tasks(procfs, err))
		return false;
	errno = 0;
	while ((entry = readdir(procfs->tasks))) {
		if (!parse_tid(entry->d_name, &tid))
			continue;
		*vec_add(tids) = tid;
		if (tid == procfs->pid) {
			tids->items[tids->count - 1] = tids->items[0];
			tids->items[0] = tid;
		}
	}
	if (errno)
		return err_sys(err, errno, "process %d: cannot list its threads", (int)procfs->pid);
	return true;
}

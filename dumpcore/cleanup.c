#include "dumpcore/cleanup.h"

#include "archive/proc_text.h"
#include "base/cleanup.h"
#include "dumpcore/inject.h"
#include "dumpcore/replica.h"
#include "dumpcore/seize.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_LIMIT = 64 << 10 };

/* The last number of "NSpid:\t4711\t42": the id in the innermost namespace, which is the target's.
 */
static pid_t innermost(struct span status)
{
	struct span value = proc_text_value(status, "NSpid");
	pid_t last = 0;

	for (size_t at = 0; at < value.size; at++)
		if (value.data[at] >= '0' && value.data[at] <= '9')
			last = last * 10 + (value.data[at] - '0');
		else
			last = 0;
	return last;
}

/* A clone has the name of the thread that made it. */
static bool is_name_of_thread(const struct target *target, const char *comm)
{
	for (size_t i = 0; i < target->documents.items.count; i++) {
		const struct document *document = &target->documents.items.items[i];
		struct span text = strbuf_span(&document->text);

		if (strncmp(document->name, "task/", 5) == 0 && text.size > 1 &&
			span_equal(span_part(text, 0, text.size - 1), span_string(comm)))
			return true;
	}
	return strcmp(comm, target->stat.comm) == 0;
}

static bool is_left(const struct target *target, const struct procfs_stat *stat)
{
	return stat->state == 'Z' && stat->parent == target->procfs.pid && stat->exit_signal == 0 &&
		   is_name_of_thread(target, stat->comm);
}

static void look_at(const struct target *target, pid_t pid, cleanup_zombies *zombies)
{
	struct procfs procfs = { .folder = -1 };
	struct strbuf status = { 0 };
	struct procfs_stat stat;

	if (procfs_open(&procfs, target->procfs.root, pid, NULL) &&
		procfs_read_stat(&procfs, "stat", &stat, NULL) && is_left(target, &stat) &&
		procfs_read(&procfs, "status", STATUS_LIMIT, &status, NULL))
		*vec_add(zombies) = (struct cleanup_zombie){ pid, innermost(strbuf_span(&status)) };
	strbuf_deinit(&status);
	procfs_close(&procfs);
}

void cleanup_find(const struct target *target, cleanup_zombies *zombies)
{
	DIR *root = opendir(target->procfs.root);
	struct dirent *entry;

	while (root && (entry = readdir(root))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (end > entry->d_name && *end == '\0' && pid > 0)
			look_at(target, (pid_t)pid, zombies);
	}
	if (root)
		closedir(root);
}

static bool reap_all(struct seize *seize, const struct inject_site *site, bool through,
					 const cleanup_zombies *zombies, size_t *reaped, struct err *err)
{
	pid_t tid = seize_stop_one(seize, inject_suits, err);
	bool called = tid != 0;

	for (size_t i = 0; called && i < zombies->count; i++) {
		struct replica replica = { .target_pid = zombies->items[i].target_pid };

		called = replica_reap(&replica, site, tid, through, err);
		*reaped += called && !replica.target_pid;
	}
	if (tid)
		seize_release(seize);
	return called;
}

bool cleanup_reap(struct target *target, const cleanup_zombies *zombies, size_t *reaped,
				  struct err *err)
{
	struct inject_site site;
	struct seize seize;
	bool through, done;

	*reaped = 0;
	inject_find_site(&target->mappings, &site);
	if (!site.code)
		return err_set(err, ERR_UNSUPPORTED, "process %d: %s", (int)target->procfs.pid, site.why);
	if (!target_check_filter(target, &through, err))
		return false;
	seize_init(&seize, &target->procfs, target->threads);
	done = reap_all(&seize, &site, through, zombies, reaped, err);
	seize_deinit(&seize);
	return done;
}

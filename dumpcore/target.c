#include "dumpcore/target.h"

#include "archive/format.h"
#include "base/cleanup.h"
#include "dumpcore/java_heap.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A process of the other word size has other registers and other notes. */
static bool check_class(const struct procfs *procfs, struct err *err)
{
	AUTO_CLOSE int fd = procfs_open_file(procfs, "exe", O_RDONLY);
	unsigned char ident[EI_NIDENT];

	if (fd < 0 || read(fd, ident, sizeof ident) != sizeof ident)
		return true; /* not readable here: the registers will tell */
	if (memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_CLASS] == ELFCLASS64)
		return true;
	err_set(err, ERR_UNSUPPORTED, "process %d is a 32-bit program", (int)procfs->pid);
	return err_hint(err, "gcore can capture it, and analyze reads its core");
}

bool target_explain(const struct target *target, const char *command, struct err *err)
{
	struct access_facts now;

	if (!err || err->kind != ERR_PERMISSION)
		return false;
	/* A tracer may have come since the target was opened. */
	return access_explain(access_read(&target->procfs, &now, NULL) ? &now : &target->access,
						  command, err);
}

bool target_is_filtered(const struct target *target)
{
	for (size_t i = 0; i < target->documents.items.count; i++) {
		const struct document *document = &target->documents.items.items[i];
		const char *last = strrchr(document->name, '/');
		uint64_t mode = 0;

		if (strcmp(last ? last + 1 : document->name, FORMAT_DOCUMENT_STATUS) == 0 &&
			proc_text_number(strbuf_span(&document->text), "Seccomp", &mode) && mode)
			return true;
	}
	return false;
}

static bool read_mappings(struct target *target, struct err *err)
{
	struct span smaps = documents_find(&target->documents, FORMAT_DOCUMENT_SMAPS);

	if (!proc_text_mappings(smaps, &target->pool, &target->mappings, err))
		return err_prefix(err, "smaps of process %d", (int)target->procfs.pid);
	if (!target->mappings.count)
		return err_set(err, ERR_GONE, "process %d (%s) has no memory: it has just ended",
					   (int)target->procfs.pid, target->stat.comm);
	java_heap_find(&target->mappings, &target->java_heap);
	return true;
}

bool target_open(struct target *target, const char *root, pid_t pid, const char *command,
				 struct err *err)
{
	procfs_tids tids = { 0 };

	*target = (struct target){ .procfs.folder = -1 };
	if (!procfs_open(&target->procfs, root, pid, err) ||
		!access_read(&target->procfs, &target->access, err) ||
		!access_check_kind(&target->access, err) ||
		!procfs_read_stat(&target->procfs, "stat", &target->stat, err) ||
		!check_class(&target->procfs, err))
		return false;
	if (!documents_read(&target->documents, &target->procfs, err))
		return target_explain(target, command, err);
	procfs_link(&target->procfs, "exe", target->exe, sizeof target->exe);
	if (procfs_list_tids(&target->procfs, &tids, NULL))
		target->threads = tids.count;
	vec_deinit(&tids);
	return read_mappings(target, err);
}

void target_close(struct target *target)
{
	vec_deinit(&target->mappings);
	pool_deinit(&target->pool);
	documents_deinit(&target->documents);
	procfs_close(&target->procfs);
}

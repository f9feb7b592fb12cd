#include "dumpcore/survey.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void add_item(struct survey_row *row, const struct plan_item *item, uint64_t page_size)
{
	bool first_page = item->first_page && item->resident_bytes > page_size;

	row->mappings++;
	row->virtual_bytes += range_bytes(item->range);
	row->resident_bytes += item->resident_bytes;
	row->swapped_bytes += item->swapped_bytes;
	if (item->selected)
		row->selected_bytes += first_page ? page_size : item->resident_bytes;
}

/* Opening mem asks the same question of the kernel as a capture does, and touches nothing. */
static void check_access(struct survey *survey, const struct target *target, const char *command)
{
	AUTO_CLOSE int memory = procfs_open_file(&target->procfs, "mem", O_RDONLY);
	struct err err = { 0 };

	survey->may_capture = memory >= 0 && !target->access.tracer;
	if (survey->may_capture)
		return;
	err_sys(&err, memory < 0 ? errno : EPERM, "cannot read the memory");
	target_explain(target, command, &err);
	snprintf(survey->refusal, sizeof survey->refusal, "%s%s%s", err.what, err.hint[0] ? "; " : "",
			 err.hint);
}

void survey_make(struct survey *survey, const struct target *target, const struct choice *choice,
				 const char *folder, const char *command)
{
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	struct plan plan = { 0 };
	struct statvfs disk;

	survey->pid = target->procfs.pid;
	survey->comm = target->stat.comm;
	survey->exe = target->exe;
	survey->threads = target->threads;
	survey->disk_path = folder;
	plan_select(&plan, &target->mappings, choice->selection, target->java_heap);
	choice_apply(choice, &plan);
	for (size_t i = 0; i < plan.items.count; i++) {
		const struct plan_item *item = &plan.items.items[i];

		survey->rows[item->kind].kind = item->kind;
		add_item(&survey->rows[item->kind], item, page_size);
		add_item(&survey->total, item, page_size);
	}
	plan_deinit(&plan);
	if (folder && statvfs(folder, &disk) == 0)
		survey->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
	check_access(survey, target, command);
}

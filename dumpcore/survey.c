#include "dumpcore/survey.h"

#include "base/cleanup.h"
#include "dumpcore/describe.h"
#include "dumpcore/forecast.h"
#include "dumpcore/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* Text shrinks to about a tenth as zstd:1 packs it; what is packed or encrypted not at all. */
enum { ZSTD_BEST = 10 };

static void add_item(struct survey_row *row, const struct forecast *forecast,
					 const struct plan_item *item)
{
	uint64_t bytes[PAGE_STATES];

	page_map_sum(&forecast->map, item->range, bytes);
	row->mappings++;
	row->virtual_bytes += range_bytes(item->range);
	row->resident_bytes += bytes[PAGE_PRESENT];
	row->swapped_bytes += bytes[PAGE_SWAPPED];
	row->selected_bytes += plan_item_bytes(&forecast->plan, item, &forecast->map);
}

static void add_memory(struct survey *survey, const struct forecast *forecast)
{
	for (size_t i = 0; i < forecast->plan.items.count; i++) {
		const struct plan_item *item = &forecast->plan.items.items[i];

		survey->rows[item->kind].kind = item->kind;
		add_item(&survey->rows[item->kind], forecast, item);
		add_item(&survey->total, forecast, item);
	}
}

/* Opening mem asks the same question of the kernel as a capture does, and touches nothing. */
static void check_access(struct survey *survey, const struct target *target, const char *command)
{
	AUTO_CLOSE int memory = procfs_open_file(&target->procfs, "mem", O_RDONLY);
	struct err err = { 0 };

	survey->may_read = memory >= 0;
	survey->may_capture = survey->may_read && !target->access.tracer;
	if (survey->may_capture)
		return;
	err_sys(&err, memory < 0 ? errno : EPERM, "cannot read the memory");
	target_explain(target, command, &err);
	snprintf(survey->refusal, sizeof survey->refusal, "%s%s%s", err.what, err.hint[0] ? "; " : "",
			 err.hint);
}

static void add_methods(struct survey *survey, struct target *target, const struct choice *choice)
{
	struct outlook_request request = { .choice = choice,
									   .may_read = survey->may_read,
									   .selected_bytes = survey->total.selected_bytes,
									   .file_bytes = survey->file_bytes,
									   .spool_folder = survey->spool_folder,
									   .spool_asked = survey->spool_asked,
									   .most_pause_ns = survey->most_pause_ns };

	outlook_make(&survey->outlook, target, &request);
}

static void look_at_disk(struct survey *survey, const char *folder)
{
	struct disk_need need;

	survey->disk_path = folder;
	if (!disk_of_folder(folder, &survey->disk))
		return;
	survey->disk_reserve = disk_reserve(&survey->disk, survey->reserve_disk);
	need = (struct disk_need){ .bytes = survey->plain_bytes, .reserve = survey->disk_reserve };
	survey->plain_fits = disk_fits(&survey->disk, &need);
	need.bytes = survey->zstd_bytes[0];
	survey->zstd_may_fit = disk_fits(&survey->disk, &need);
}

static void add_forecast(struct survey *survey, struct target *target, const struct choice *choice)
{
	struct pages pages = { .fd = -1 };
	bool asked = survey->may_capture && pages_open(&pages, &target->procfs, NULL);
	struct forecast forecast;

	forecast_make(&forecast, target, choice, asked ? &pages : NULL);
	pages_close(&pages);
	add_memory(survey, &forecast);
	survey->is_exact = forecast.is_exact;
	survey->file_bytes = forecast.file_bytes;
	survey->plain_bytes = survey->zstd_bytes[1] = forecast.stored_bytes;
	survey->zstd_bytes[0] = forecast.stored_bytes / ZSTD_BEST;
	survey->own_bytes = SNAPSHOT_SINK_BYTES + describe_room(target, choice, forecast.map.page_size);
	forecast_deinit(&forecast);
}

void survey_make(struct survey *survey, struct target *target, const struct choice *choice,
				 const char *folder, const char *command)
{
	survey->pid = target->procfs.pid;
	survey->comm = target->stat.comm;
	survey->exe = target->exe;
	survey->threads = target->threads;
	for (size_t i = 0; i < target->mappings.count; i++)
		if (!(target->mappings.items[i].protection & MAPPING_SHARED))
			survey->private_bytes += target->mappings.items[i].anonymous_bytes;
	check_access(survey, target, command);
	add_forecast(survey, target, choice);
	add_methods(survey, target, choice);
	look_at_disk(survey, folder);
}

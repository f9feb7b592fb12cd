#include "dumpcore/forecast.h"

#include "archive/format.h"
#include "archive/writer.h"
#include "dumpcore/budget.h"
#include "dumpcore/notes.h"
#include "dumpcore/registers.h"
#include "dumpcore/threads.h"

#include <unistd.h>

/* JSON of one gap, and of the rest of the capture description. */
enum { GAP_BYTES = 100, FACTS_BYTES = 1024 };

void forecast_deinit(struct forecast *forecast)
{
	plan_deinit(&forecast->plan);
	page_map_deinit(&forecast->map);
}

/* Stack pointers of the threads that wait in a system call: the others do not tell theirs. */
static void mark_stacks(struct forecast *forecast, struct target *target,
						const struct choice *choice)
{
	stack_pointers stacks = { 0 };
	struct strbuf notes = { 0 };

	threads_put_running(&target->procfs, &target->stat, &notes, &stacks, NULL);
	for (size_t i = 0; i < stacks.count; i++)
		plan_mark_stack(&forecast->plan, stacks.items[i], choice->selection);
	strbuf_deinit(&notes);
	vec_deinit(&stacks);
}

static bool ask(struct forecast *forecast, const struct pages *pages)
{
	pages_ranges ranges = { 0 };
	bool asked;

	plan_ranges(&forecast->plan, TORN_NONE, &ranges);
	asked = pages_scan(pages, &ranges, &forecast->map, NULL);
	vec_deinit(&ranges);
	return asked;
}

/* All that a mapping has stands at its start, and each part of one that was split may have all. */
static void guess(struct forecast *forecast)
{
	struct page_map *map = &forecast->map;

	map->runs.count = 0;
	map->page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < forecast->plan.items.count; i++) {
		const struct plan_item *item = &forecast->plan.items.items[i];
		vaddr start = item->range.start, present = start + item->resident_bytes;
		vaddr swapped = present + item->swapped_bytes;
		const struct range parts[] = { { start, present },
									   { present, swapped },
									   { swapped, item->range.end } };

		page_map_append(map, range_overlap(parts[0], item->range), PAGE_PRESENT);
		page_map_append(map, range_overlap(parts[1], item->range), PAGE_SWAPPED);
		page_map_append(map, range_overlap(parts[2], item->range), PAGE_ABSENT);
	}
}

static uint64_t own_bytes(const struct forecast *forecast, const struct documents *documents)
{
	uint64_t facts = FACTS_BYTES + forecast->plan.gaps.count * GAP_BYTES;
	uint64_t bytes = writer_note_bytes(FORMAT_NOTE_OWNER, facts) +
					 writer_note_bytes(FORMAT_NOTE_OWNER, page_map_encoded_bytes(&forecast->map));

	for (size_t i = 0; i < documents->items.count; i++)
		bytes += writer_document_bytes(documents->items.items[i].name,
									   documents->items.items[i].text.size);
	return bytes;
}

static void measure(struct forecast *forecast, const struct target *target)
{
	struct writer writer = { .page_size = forecast->map.page_size,
							 .segments = forecast->plan.segments.items,
							 .segment_count = forecast->plan.segments.count,
							 .standard_bytes = target->threads * registers_room() +
											   notes_files_room(&target->mappings),
							 .own_bytes = own_bytes(forecast, &target->documents) };

	writer_layout(&writer);
	forecast->file_bytes = writer_file_bytes(&writer);
	forecast->stored_bytes =
		forecast->file_bytes - forecast->plan.segment_bytes + forecast->plan.memory_bytes;
}

void forecast_make(struct forecast *forecast, struct target *target, const struct choice *choice,
				   const struct pages *pages)
{
	struct plan *plan = &forecast->plan;

	*forecast = (struct forecast){ 0 };
	plan_select(plan, &target->mappings, choice->selection, target->java_heap);
	if (pages)
		mark_stacks(forecast, target, choice);
	choice_apply(choice, plan);
	forecast->is_exact = pages && ask(forecast, pages);
	if (!forecast->is_exact)
		guess(forecast);
	if (choice->most_bytes)
		budget_apply(plan, &forecast->map, choice->most_bytes);
	plan_lay_out(plan, &forecast->map);
	measure(forecast, target);
}

#include "dumpcore/kept.h"

#include "base/mem.h"

#include <stdlib.h>

enum { PARTS = 4096 };

static bool is_uncloned(const struct mapping *mapping)
{
	return (mapping_has_flag(mapping, "dc") || mapping_has_flag(mapping, "wf")) &&
		   !(mapping->protection & MAPPING_SHARED);
}

void kept_reserve(struct kept *kept, struct reader *reader, const mappings *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_uncloned(&list->items[i]))
			*vec_add(&kept->ranges) =
				(struct pages_range){ list->items[i].range, PAGE_PRESENT, false };
	if (!kept->ranges.count)
		return;
	kept->buffer = mem_zeroed(1, KEPT_BYTES);
	reader->parts.items = mem_resize(NULL, PARTS, sizeof *reader->parts.items);
	reader->parts.capacity = PARTS;
	page_map_reserve(&kept->map, 2 * PARTS + 2 * kept->ranges.count);
}

void kept_deinit(struct kept *kept)
{
	free(kept->buffer);
	vec_deinit(&kept->ranges);
	page_map_deinit(&kept->map);
}

/* One run: a part of the reader from now on. */
static void keep_run(struct kept *kept, struct page_run *run, struct reader *target,
					 struct reader_part *part)
{
	uint64_t bytes = range_bytes(run->range);

	*part = (struct reader_part){ .range = run->range };
	if (bytes > KEPT_BYTES - kept->used) {
		if (run->state == PAGE_PRESENT)
			run->state = PAGE_TORN;
		return;
	}
	part->kept = kept->buffer + kept->used;
	reader_fill(target, run->range.start, kept->buffer + kept->used, (size_t)bytes);
	kept->used += (size_t)bytes;
}

bool kept_copy(struct kept *kept, struct reader *reader, const struct pages *pages, bool swapped,
			   struct err *err)
{
	struct reader target = *reader; /* without the parts that are being made */

	target.parts.count = 0;
	if (!pages_scan(pages, &kept->ranges, &kept->map, err))
		return false;
	for (size_t i = 0; i < kept->map.runs.count; i++) {
		struct page_run *run = &kept->map.runs.items[i];

		if (run->state != PAGE_PRESENT && !(swapped && run->state == PAGE_SWAPPED))
			continue;
		if (reader->parts.count == PARTS)
			return err_set(err, ERR_LIMIT,
						   "fork: memory that a clone does not get is in over %d pieces", PARTS);
		keep_run(kept, run, &target, vec_add(&reader->parts));
	}
	reader->errors = target.errors;
	return true;
}

bool kept_has(const struct kept *kept, struct range range)
{
	for (size_t i = 0; i < kept->ranges.count; i++)
		if (range_bytes(range_overlap(kept->ranges.items[i].range, range)))
			return true;
	return false;
}

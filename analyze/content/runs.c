#include "analyze/content/runs.h"

void runs_deinit(struct runs *runs)
{
	vec_deinit(&runs->items);
	vec_deinit(&runs->units);
}

static void add_run(struct runs *runs, struct range range, const uint8_t *data, size_t block)
{
	struct run *last = runs->items.count ? &runs->items.items[runs->items.count - 1] : NULL;

	if (range.start == range.end)
		return;
	if (last && last->block == block && last->range.end == range.start &&
		last->data + range_bytes(last->range) == data)
		last->range.end = range.end;
	else
		*vec_add(&runs->items) = (struct run){ range, data, block };
}

/* Of swapped pages only those have a piece whose bytes are in the file. */
static bool is_readable(enum page_state state)
{
	return state == PAGE_PRESENT || state == PAGE_TORN || state == PAGE_SWAPPED;
}

/* Leaves out the pages of the range that are known not to be there. Pages the map does not know may
 * be. */
static void add_readable(struct runs *runs, const struct page_map *map, struct range range,
						 const struct piece *piece, size_t block)
{
	vaddr at = range.start;

	for (size_t i = page_map_find(map, at); at < range.end; i++) {
		struct range known = { range.end, range.end };
		bool readable = false;
		struct range part;

		if (i < map->runs.count && map->runs.items[i].range.start < range.end) {
			known = range_overlap(range, map->runs.items[i].range);
			readable = is_readable(map->runs.items[i].state);
		}
		part = (struct range){ at, readable ? known.end : known.start };
		if (part.end > part.start)
			add_run(runs, part, piece->data + (part.start - piece->range.start), block);
		at = known.end;
	}
}

static void add_block(struct runs *runs, const struct image *image, const struct page_map *map,
					  struct range block_range, size_t block)
{
	for (size_t i = image_find(image, block_range.start); i < image->pieces.count; i++) {
		const struct piece *piece = &image->pieces.items[i];
		struct range range = range_overlap(piece->range, block_range);

		if (piece->range.start >= block_range.end)
			break;
		if (map)
			add_readable(runs, map, range, piece, block);
		else
			add_run(runs, range, piece->data + (range.start - piece->range.start), block);
	}
}

static void cut_units(struct runs *runs, uint64_t unit_bytes)
{
	for (size_t i = 0; i < runs->items.count; i++) {
		struct range range = runs->items.items[i].range;

		runs->bytes += range_bytes(range);
		for (vaddr at = range.start; at < range.end;) {
			vaddr end = range.end - at > unit_bytes ? at + unit_bytes : range.end;

			*vec_add(&runs->units) = (struct unit){ { at, end }, i, end - at };
			at = end;
		}
	}
}

void runs_keep(struct runs *runs, struct range range)
{
	size_t kept = 0;

	runs->bytes = 0;
	for (size_t i = 0; i < runs->units.count; i++) {
		struct unit unit = runs->units.items[i];

		unit.range = range_overlap(unit.range, range);
		if (unit.range.start >= unit.range.end)
			continue;
		runs->bytes += range_bytes(unit.range);
		runs->units.items[kept++] = unit;
	}
	runs->units.count = kept;
}

void runs_init(struct runs *runs, const struct image *image, const struct chunk_table *chunks,
			   const struct page_map *page_map, uint64_t unit_bytes)
{
	*runs = (struct runs){ 0 };
	for (size_t i = 0; i < chunks->blocks.count; i++)
		add_block(runs, image, page_map, chunks->blocks.items[i].range, i);
	cut_units(runs, unit_bytes);
}

vaddr runs_first_chunk(const struct runs *runs, const struct chunk_table *chunks,
					   const struct unit *unit)
{
	const struct chunk_block *block = &chunks->blocks.items[runs->items.items[unit->run].block];
	vaddr start = unit->range.start;

	return block->count ? chunk_block_get(block, chunk_block_find(block, start)).address : start;
}

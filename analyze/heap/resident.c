#include "analyze/heap/resident.h"

uint64_t resident_bytes(struct resident *resident, struct range range)
{
	const struct page_map *map = resident->map;
	size_t at;

	if (!map)
		return 0;
	if (range.start >= resident->stretch.start && range.end <= resident->stretch.end)
		return resident->is_resident ? range_bytes(range) : 0;
	at = page_map_find(map, range.end - 1);
	if (at < map->runs.count) {
		resident->stretch = map->runs.items[at].range;
		resident->is_resident = page_map_resident(map, resident->stretch) > 0;
	}
	return page_map_resident(map, range);
}

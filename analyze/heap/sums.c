#include "analyze/heap/sums.h"

#include "archive/page_map.h"

/* The stretch around the last chunk whose pages are all resident or all not: most chunks lie in the
 * same one as the chunk before. */
struct stretch {
	struct range range;
	bool resident;
};

static uint64_t resident_bytes(const struct page_map *map, struct range chunk,
							   struct stretch *stretch)
{
	size_t at;

	if (chunk.start >= stretch->range.start && chunk.end <= stretch->range.end)
		return stretch->resident ? range_bytes(chunk) : 0;
	at = page_map_find(map, chunk.end - 1);
	if (at < map->runs.count) {
		stretch->range = map->runs.items[at].range;
		stretch->resident = page_map_resident(map, stretch->range) > 0;
	}
	return page_map_resident(map, chunk);
}

void sums_block(const struct chunk_block *block, const struct page_map *page_map,
				struct chunk_sum sums[CHUNK_STATES])
{
	struct stretch stretch = { 0 };

	for (size_t i = 0; i < block->count; i++) {
		struct chunk chunk = chunk_block_get(block, i);
		struct chunk_sum *sum = &sums[chunk.state];

		sum->chunks++;
		sum->bytes += chunk.bytes;
		if (page_map)
			sum->resident_bytes += resident_bytes(
				page_map, (struct range){ chunk.address, chunk.address + chunk.bytes }, &stretch);
	}
}

void sums_add(struct chunk_sum sums[CHUNK_STATES], const struct chunk_sum more[CHUNK_STATES])
{
	for (int i = 0; i < CHUNK_STATES; i++) {
		sums[i].chunks += more[i].chunks;
		sums[i].bytes += more[i].bytes;
		sums[i].resident_bytes += more[i].resident_bytes;
	}
}

#include "analyze/heap/sums.h"

#include "analyze/heap/resident.h"

void sums_block(const struct chunk_block *block, const struct page_map *page_map,
				struct chunk_sum sums[CHUNK_STATES])
{
	struct resident resident = { .map = page_map };

	for (size_t i = 0; i < block->count; i++) {
		struct chunk chunk = chunk_block_get(block, i);
		struct chunk_sum *sum = &sums[chunk.state];

		sum->chunks++;
		sum->bytes += chunk.bytes;
		sum->resident_bytes +=
			resident_bytes(&resident, (struct range){ chunk.address, chunk.address + chunk.bytes });
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

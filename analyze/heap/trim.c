#include "analyze/heap/trim.h"

/* What mtrim releases of a free chunk: the whole pages behind its header and links. */
static struct range inside_free(const struct layout *layout, struct range chunk)
{
	uint64_t page = layout->page_size, links = 6 * layout->word;
	vaddr start = (chunk.start + links + page - 1) & ~(page - 1);

	return (struct range){ start, chunk.end & ~(page - 1) };
}

/* What systrim cuts off the top chunk, which ends on a page. */
static struct range end_of_top(const struct layout *layout, struct range top)
{
	uint64_t page = layout->page_size, bytes = range_bytes(top);

	if (bytes <= layout->min_bytes + 1)
		return (struct range){ 0, 0 };
	return (struct range){ top.end - ((bytes - layout->min_bytes - 1) & ~(page - 1)), top.end };
}

uint64_t trim_block(const struct chunk_block *block, const struct layout *layout, bool brk_top,
					const struct page_map *page_map)
{
	struct range free = { 0, 0 };
	uint64_t bytes = 0;

	for (size_t i = 0; page_map && i < block->count; i++) {
		struct chunk chunk = chunk_block_get(block, i);
		vaddr end = chunk.address + chunk.bytes;

		switch (chunk.state) {
		case CHUNK_FASTBIN:
		case CHUNK_BINNED:
			if (free.end != chunk.address)
				free.start = chunk.address;
			free.end = end;
			continue;
		case CHUNK_TOP:
			if (free.end != chunk.address)
				free.start = chunk.address;
			free.end = end;
			if (brk_top)
				bytes += page_map_resident(page_map, end_of_top(layout, free));
			break;
		default:
			if (free.end == chunk.address && range_bytes(free))
				bytes += page_map_resident(page_map, inside_free(layout, free));
			break;
		}
		free = (struct range){ 0, 0 };
	}
	return bytes;
}

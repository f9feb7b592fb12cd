#include "analyze/attribute/pointers.h"

struct pointers pointers_make(const struct image *image, const struct chunk_table *table)
{
	struct pointers pointers = { .table = table, .image = image };
	size_t count = table->blocks.count;

	if (count)
		pointers.all = (struct range){ table->blocks.items[0].range.start,
									   table->blocks.items[count - 1].range.end + image->word };
	return pointers;
}

struct range pointers_usable(const struct chunk_table *table, const struct chunk *chunk)
{
	unsigned word = table->header_bytes / 2;
	vaddr end = chunk->address + chunk->bytes;

	return (struct range){ chunk->address + table->header_bytes,
						   chunk->state == CHUNK_MMAPPED ? end : end + word };
}

/* The block that holds the address; mostly that of the last one. */
static bool find_block(struct pointers *pointers, vaddr address)
{
	const struct chunk_table *table = pointers->table;
	size_t index = pointers->last;

	if (index < table->blocks.count && range_holds(table->blocks.items[index].range, address))
		return true;
	index = chunk_table_find_block(table, address);
	if (index >= table->blocks.count || !range_holds(table->blocks.items[index].range, address))
		return false;
	pointers->last = (uint32_t)index;
	return true;
}

bool pointers_find(struct pointers *pointers, vaddr address, struct chunk_place *place,
				   struct chunk *chunk)
{
	const struct chunk_block *block;
	vaddr before = address - pointers->image->word;

	if (!range_holds(pointers->all, address) || !find_block(pointers, before))
		return false;
	block = &pointers->table->blocks.items[pointers->last];
	if (!block->count)
		return false;
	*place = (struct chunk_place){ pointers->last, (uint32_t)chunk_block_find(block, before) };
	*chunk = chunk_block_get(block, place->index);
	return range_holds(pointers_usable(pointers->table, chunk), address);
}

/* Rounds up to a multiple of mask + 1; the last address where there is none. */
static vaddr round_up(vaddr address, uint64_t mask)
{
	return address + mask < address ? UINT64_MAX : (address + mask) & ~mask;
}

struct span pointers_next(struct pointers *pointers, struct range *range, vaddr *at)
{
	const struct image *image = pointers->image;
	uint64_t mask = image->word - 1, bytes;
	const struct piece *piece;

	range->start = round_up(range->start, mask);
	while (range->start < range->end) {
		if (pointers->piece >= image->pieces.count ||
			!range_holds(image->pieces.items[pointers->piece].range, range->start))
			pointers->piece = image_find(image, range->start);
		if (pointers->piece == image->pieces.count)
			break;
		piece = &image->pieces.items[pointers->piece];
		*at = range->start > piece->range.start ? range->start : piece->range.start;
		*at = round_up(*at, mask);
		range->start = range->end < piece->range.end ? range->end : piece->range.end;
		bytes = range->start > *at ? (range->start - *at) & ~mask : 0;
		range->start = round_up(range->start, mask);
		if (bytes)
			return span_make(piece->data + (*at - piece->range.start), bytes);
	}
	return span_make(NULL, 0);
}

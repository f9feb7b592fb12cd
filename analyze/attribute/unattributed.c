#include "analyze/attribute/unattributed.h"

/* The payload's bytes that are captured. The piece of the chunk before is asked first: neighbours
 * lie in the same one. */
static struct span bytes_of(const struct unattributed *where, const struct chunk *chunk,
							uint64_t most, const struct piece **last)
{
	vaddr at = chunk->address + where->chunks->header_bytes;
	vaddr end = chunk->address + chunk->bytes;
	uint64_t size = end > at ? end - at : 0;
	const struct piece *piece = *last;

	size = size < most ? size : most;
	if (!piece || !range_holds(piece->range, at)) {
		size_t index = image_find(where->image, at);

		if (index == where->image->pieces.count)
			return (struct span){ 0 };
		piece = &where->image->pieces.items[index];
		if (!range_holds(piece->range, at))
			return (struct span){ 0 };
		*last = piece;
	}
	if (piece->range.end - at < size)
		size = piece->range.end - at;
	return span_make(piece->data + (at - piece->range.start), size);
}

void unattributed_each(const struct unattributed *where, uint64_t most, unattributed_visit *visit,
					   void *context)
{
	const struct findings *findings = where->findings;
	const struct piece *last = NULL;
	size_t hit = 0;

	for (size_t i = 0; i < where->chunks->blocks.count; i++) {
		const struct chunk_block *block = &where->chunks->blocks.items[i];

		for (size_t j = 0; j < block->count; j++) {
			struct chunk chunk = chunk_block_get(block, j);

			while (hit < findings->hits.count && findings->hits.items[hit].start < chunk.address)
				hit++;
			if (!chunk_is_live(chunk.state) ||
				(hit < findings->hits.count &&
				 findings->hits.items[hit].start < chunk.address + chunk.bytes))
				continue;
			visit(context, &chunk, bytes_of(where, &chunk, most, &last));
		}
	}
}

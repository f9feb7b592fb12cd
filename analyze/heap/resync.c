#include "analyze/heap/resync.h"

/* The next address at which a chunk can be and something was captured; `until` where there is none.
 */
static vaddr skip_missing(struct chain *chain, vaddr chunk, vaddr until)
{
	const struct image *image = chain->reader.image;
	size_t next = image_find(image, chunk + 2 * chain->layout->word);

	if (next == image->pieces.count)
		return until;
	if (image->pieces.items[next].range.start > chunk)
		return layout_chunk_from(chain->layout, image->pieces.items[next].range.start);
	return chunk + chain->layout->alignment;
}

vaddr resync_find(struct chain *chain, vaddr from, vaddr until, vaddr beyond, unsigned hops)
{
	vaddr chunk = layout_chunk_from(chain->layout, from);
	uint64_t header;

	while (chunk < until) {
		if (!reader_word(&chain->reader, chunk + chain->layout->word, &header)) {
			chunk = skip_missing(chain, chunk, until);
			continue;
		}
		if (chain_header_fits(chain, chunk, header) &&
			chain_holds(chain, chunk, hops, chunk < beyond ? beyond : chunk))
			return chunk;
		chunk += chain->layout->alignment;
	}
	return until;
}

vaddr resync_next(struct resync *resync, struct chain *chain, vaddr damaged, vaddr from,
				  vaddr until)
{
	if (from > resync->barren)
		resync->barren = resync_find(chain, from, until, damaged, RESYNC_HOPS);
	return resync_find(chain, from, resync->barren, damaged, RESYNC_HOPS_NEAR);
}

#include "analyze/attribute/clusters.h"

#include "analyze/attribute/chunk_jobs.h"
#include "analyze/attribute/shape.h"

/* Key of the tally: size << KEY_BITS | shape. */
enum { KEY_BITS = SHAPE_WORDS * SHAPE_BITS, KEY_MASK = (1 << KEY_BITS) - 1 };

enum { AHEAD = 12 }; /* chunks for whose memory the processor is asked early */

struct clustering {
	const struct findings *findings;
	const struct image *image;
	const struct regions *regions;
	unsigned header_bytes;
};

/* First hit that starts at or behind the address. */
static size_t find_hit(const struct findings *findings, vaddr address)
{
	size_t low = 0, high = findings->hits.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (findings->hits.items[middle].start < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The piece remembered from the chunk before: neighbours lie in the same one. */
struct view {
	const struct image *image;
	const struct piece *piece;
};

static const uint8_t *view_at(struct view *view, vaddr address, uint64_t size)
{
	const struct piece *piece = view->piece;

	if (!piece || !range_holds(piece->range, address) || piece->range.end - address < size) {
		size_t index = image_find(view->image, address);

		if (index == view->image->pieces.count)
			return NULL;
		piece = &view->image->pieces.items[index];
		if (!range_holds(piece->range, address) || piece->range.end - address < size)
			return NULL;
		view->piece = piece;
	}
	return piece->data + (address - piece->range.start);
}

/* Asks for the first bytes of a chunk that is to come, so that its memory is there by then. */
static void fetch_ahead(const struct view *view, const struct chunk_block *block, size_t index)
{
	vaddr address;

	if (index >= block->count || !view->piece)
		return;
	address = chunk_block_get(block, index).address;
	if (range_holds(view->piece->range, address))
		__builtin_prefetch(view->piece->data + (address - view->piece->range.start));
}

static void count(void *context, const struct chunk_block *block, size_t first, size_t last,
				  struct tally *tally)
{
	const struct clustering *clustering = context;
	const struct findings *findings = clustering->findings;
	struct shape_reader reader = shape_reader_make(clustering->regions, clustering->image->word);
	struct view view = { .image = clustering->image };
	size_t hit = find_hit(findings, chunk_block_get(block, first).address);

	for (size_t i = first; i < last; i++) {
		struct chunk chunk = chunk_block_get(block, i);
		vaddr end = chunk.address + chunk.bytes;
		uint64_t size;

		fetch_ahead(&view, block, i + AHEAD);
		while (hit < findings->hits.count && findings->hits.items[hit].start < chunk.address)
			hit++;
		if (!chunk_is_live(chunk.state) ||
			(hit < findings->hits.count && findings->hits.items[hit].start < end))
			continue;
		size = chunk.bytes > clustering->header_bytes ? chunk.bytes - clustering->header_bytes : 0;
		if (size > SHAPE_WORDS * (uint64_t)reader.word)
			size = SHAPE_WORDS * (uint64_t)reader.word;
		tally_add(tally,
				  chunk.bytes << KEY_BITS |
					  shape_of(&reader,
							   view_at(&view, chunk.address + clustering->header_bytes, size),
							   size),
				  chunk.bytes);
	}
}

void clusters_fill(struct report_content *content, const struct chunk_table *chunks,
				   const struct findings *findings, const struct image *image,
				   const struct regions *regions, unsigned workers, struct pool *pool)
{
	struct clustering clustering = { findings, image, regions, chunks->header_bytes };
	struct tally tally = { 0 };
	size_t rows;

	chunk_jobs_run(chunks, workers, count, &clustering, &tally);
	rows = tally_sort(&tally);
	for (size_t i = 0; i < rows; i++) {
		const struct tally_row *row = &tally.slots[i];

		content->unattributed_chunks += row->chunks;
		content->unattributed_bytes += row->bytes;
		if (i < CLUSTERS_MAX)
			*vec_add(&content->clusters) = (struct report_cluster){
				.size = row->key >> KEY_BITS,
				.prefix = shape_text((uint32_t)(row->key & KEY_MASK), pool),
				.kind = shape_kind((uint32_t)(row->key & KEY_MASK)),
				.chunks = row->chunks,
				.bytes = row->bytes,
			};
	}
	tally_deinit(&tally);
}

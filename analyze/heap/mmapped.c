#include "analyze/heap/mmapped.h"

#include "analyze/heap/reader.h"
#include "base/mem.h"

/* A consistent header: the mapping [start, start + bytes) holds the chunk. */
struct mapped {
	vaddr start, chunk;
	uint64_t bytes; /* of the mapping */
	uint64_t chunk_bytes;
};

/* Whether the header at `chunk` describes a mapping that starts at `start`. prev_size is the
 * distance from there (bit 0, since 2.43: huge pages were used), size the rest of the mapping, in
 * recent releases without the tail. */
static bool header_fits(struct reader *reader, const struct layout *layout, vaddr start,
						vaddr chunk, struct mapped *mapped)
{
	uint64_t before, size, flags = layout->state->mapped_tail ? 1 : 0, bytes;

	if (!reader_word(reader, chunk + layout->word, &size) ||
		(size & LAYOUT_FLAGS) != LAYOUT_IS_MMAPPED || !reader_word(reader, chunk, &before) ||
		(before & ~flags) != chunk - start)
		return false;
	size &= ~(uint64_t)LAYOUT_FLAGS;
	bytes = chunk - start + size + layout->state->mapped_tail;
	if (size < layout->min_bytes || bytes < size || bytes % layout->page_size ||
		start + bytes < start)
		return false;
	*mapped = (struct mapped){ start, chunk, bytes, size };
	return true;
}

static void try_chunk(struct reader *reader, const struct layout *layout, struct range run,
					  vaddr user, struct mapped *best)
{
	struct mapped other;
	vaddr chunk = user - layout->header;

	if (chunk > best->chunk && chunk < run.end &&
		header_fits(reader, layout, best->start, chunk, &other) &&
		best->start + other.bytes <= run.end)
		*best = other;
}

/* memalign moves the chunk to an aligned address inside the mapping and leaves the first header as
 * it was; the header furthest from the start is the live one. Candidates are the addresses that
 * memalign would choose for each power of two (malloc.c, _int_memalign); below the page size they
 * stay candidates when mremap moves the mapping. mremap changes the live header alone: then the
 * first one may claim more than there is. */
static void find_aligned(struct reader *reader, const struct layout *layout, struct range run,
						 struct mapped *best)
{
	vaddr start = best->start, user = best->chunk + layout->header;
	uint64_t bytes = best->bytes;

	for (uint64_t power = 2 * layout->alignment; power < bytes && power < run.end - start;
		 power *= 2) {
		vaddr aligned = (user + power - 1) & ~(power - 1);

		try_chunk(reader, layout, run, aligned, best);
		try_chunk(reader, layout, run, aligned + power, best);
		try_chunk(reader, layout, run, start + power, best);
	}
}

static void add_mapped(struct chunk_table *chunks, const struct mapped *mapped)
{
	struct range range = { mapped->start, mapped->start + mapped->bytes };
	struct chunk_block *block = chunk_table_add(chunks, range, CHUNK_NO_ARENA);
	uint64_t tail = mapped->chunk - mapped->start + mapped->chunk_bytes;

	block->packed = mem_zeroed(3, sizeof *block->packed);
	if (mapped->chunk > mapped->start)
		block->packed[block->count++] = CHUNK_OVERHEAD;
	block->packed[block->count++] = (uint32_t)(mapped->chunk - mapped->start) | CHUNK_MMAPPED;
	if (tail < mapped->bytes && tail < CHUNK_BLOCK_MAX_BYTES)
		block->packed[block->count++] = (uint32_t)tail | CHUNK_OVERHEAD;
}

static void find_in_run(struct reader *reader, const struct layout *layout, struct range run,
						struct chunk_table *chunks, struct mmapped_found *found)
{
	const struct image *image = reader->image;
	vaddr page = layout->page_size, start = (run.start + page - 1) & -page;
	vaddr first = layout_chunk_from(layout, 0);

	while (start < run.end) {
		struct mapped mapped;
		uint64_t ignored;

		if (!reader_word(reader, start, &ignored)) {
			size_t next = image_find(image, start);

			if (next == image->pieces.count || image->pieces.items[next].range.start >= run.end)
				return;
			ignored = image->pieces.items[next].range.start & -page;
			start = ignored > start ? ignored : start + page;
			continue;
		}
		if (header_fits(reader, layout, start, start + first, &mapped))
			find_aligned(reader, layout, run, &mapped);
		else
			mapped.bytes = UINT64_MAX;
		if (mapped.bytes > run.end - start) {
			start += page;
			continue;
		}
		if (mapped.chunk - mapped.start < CHUNK_BLOCK_MAX_BYTES)
			add_mapped(chunks, &mapped);
		found->count++;
		found->bytes += mapped.bytes;
		start += mapped.bytes;
	}
}

struct mmapped_found mmapped_find(const struct image *image, const struct layout *layout,
								  const anonymous_runs *runs, struct chunk_table *chunks)
{
	struct reader reader = reader_make(image);
	struct mmapped_found found = { 0 };

	for (size_t i = 0; i < runs->count; i++)
		find_in_run(&reader, layout, runs->items[i], chunks, &found);
	return found;
}

static int compare_bytes(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Whether the bytes are what malloc counts; since 2.43 each mremap adds two words too much. */
static bool bytes_agree(const struct layout *layout, uint64_t mmapped_mem, uint64_t bytes)
{
	uint64_t excess = mmapped_mem - bytes;

	return excess == 0 || (layout->state->mapped_tail && excess < layout->page_size &&
						   excess % (2 * layout->word) == 0);
}

static void drop_below(uint64_t limit, struct chunk_table *chunks)
{
	size_t kept = 0;

	for (size_t i = 0; i < chunks->blocks.count; i++) {
		struct chunk_block *block = &chunks->blocks.items[i];

		if (block->arena == CHUNK_NO_ARENA && range_bytes(block->range) < limit)
			chunk_block_deinit(block);
		else
			chunks->blocks.items[kept++] = *block;
	}
	chunks->blocks.count = kept;
}

void mmapped_drop_false(const struct layout *layout, uint64_t n_mmaps, uint64_t mmapped_mem,
						struct chunk_table *chunks, struct mmapped_found *found)
{
	VEC(uint64_t) sizes = { 0 };
	uint64_t bytes = found->bytes;
	size_t excess = (size_t)(found->count - n_mmaps);

	for (size_t i = 0; i < chunks->blocks.count; i++)
		if (chunks->blocks.items[i].arena == CHUNK_NO_ARENA)
			*vec_add(&sizes) = range_bytes(chunks->blocks.items[i].range);
	vec_sort(&sizes, compare_bytes);
	for (size_t i = 0; i < excess && i < sizes.count; i++)
		bytes -= sizes.items[i];
	if (found->count > n_mmaps && sizes.count == found->count && n_mmaps &&
		sizes.items[excess] > sizes.items[excess - 1] && bytes_agree(layout, mmapped_mem, bytes)) {
		drop_below(sizes.items[excess], chunks);
		*found = (struct mmapped_found){ n_mmaps, bytes };
	}
	vec_deinit(&sizes);
}

#include "analyze/heap/params.h"

#include "analyze/heap/reader.h"

enum {
	NEAR_BYTES = 0x2000,      /* 0x600 to 0x960 in the builds seen: a linker's choice */
	N_MMAPS_MAX = 65536,      /* DEFAULT_MMAP_MAX */
	TCACHE_COUNT_MAX = 65535, /* MAX_TCACHE_COUNT */
};

/* Whether so many mappings can have so many bytes: whole pages, and since 2.43 two words more for
 * each mremap. */
static bool sum_fits(const struct layout *layout, const struct params *params)
{
	uint64_t unit = layout->state->mapped_tail ? 2 * layout->word : layout->page_size;

	return params->mmapped_mem / layout->page_size >= params->n_mmaps &&
		   params->mmapped_mem % unit == 0 &&
		   (params->n_mmaps || !params->mmapped_mem || unit < layout->page_size);
}

/* How well the row fits at the address; negative where it cannot be. */
static int fit(struct reader *reader, const struct layout *layout, const struct layout_params *row,
			   vaddr address, struct params *params)
{
	const struct image *image = reader->image;
	uint32_t most_now = 0, most_ever = 0;
	uint64_t bytes_ever, threshold, trim, cached = 0;

	*params = (struct params){ .address = address };
	if (row->thp_page_at) {
		vaddr at = address + row->thp_page_at;

		params->thp_page = reader_word_or_zero(reader, at);
		params->huge_page = reader_word_or_zero(reader, at + row->word);
	}
	if (!image_u32(image, address + row->n_mmaps_at, &params->n_mmaps) ||
		!image_u32(image, address + row->n_mmaps_at + 4U, &most_now) ||
		!image_u32(image, address + row->n_mmaps_at + 8U, &most_ever) ||
		!reader_word(reader, address + row->mmapped_mem_at, &params->mmapped_mem) ||
		!reader_word(reader, address + row->mmapped_mem_at + row->word, &bytes_ever))
		return -1;
	if (params->n_mmaps > most_ever || most_ever > INT32_MAX || params->mmapped_mem > bytes_ever ||
		!sum_fits(layout, params))
		return -1;
	/* In 32-bit programs the shapes of 2.26 and 2.35 differ in what stands before n_mmaps only: a
	 * threshold of the one is a page size of the other, where huge pages are used; trim_threshold
	 * is arena_test, a small number. */
	trim = reader_word_or_zero(reader, address);
	threshold = reader_word_or_zero(reader, address + 2U * row->word);
	if (row->tcache_count_at)
		cached = reader_word_or_zero(reader, address + row->tcache_count_at);
	if (cached > TCACHE_COUNT_MAX)
		return -1;
	return (most_now == N_MMAPS_MAX) + (cached != 0) + (threshold != 0) +
		   (trim >= image->page_size);
}

/* What fits best of all that was looked at. */
struct best {
	int score;
	struct params params;
	const struct layout_params *row;
};

/* Looks around the main arena. */
static void find_beside(const struct image *image, const struct layout *layout, vaddr main_arena,
						vaddr sbrk_base, struct best *best)
{
	const struct layout_params *rows;
	size_t count = layout_params(&rows);
	unsigned shapes = layout_params_shapes(layout);
	struct reader reader = reader_make(image);
	vaddr start = main_arena > NEAR_BYTES ? main_arena - NEAR_BYTES : 0;

	for (vaddr at = start & -(vaddr)layout->word; at < main_arena + NEAR_BYTES;
		 at += layout->word) {
		/* Memory below it is not walked where it is unaligned (2.31 keeps GLIBC_TUNABLES there). */
		if (((reader_word_or_zero(&reader, at) + 7) & ~UINT64_C(7)) != sbrk_base)
			continue;
		for (size_t i = 0; i < count; i++) {
			struct params candidate;
			int score = -1;

			if (rows[i].word == layout->word && (rows[i].shape & shapes))
				score = fit(&reader, layout, &rows[i], at - rows[i].sbrk_base_at, &candidate);
			if (score > best->score)
				*best = (struct best){ score, candidate, &rows[i] };
		}
	}
}

static bool find_of(const struct image *image, struct layout *layout, const arenas *found,
					const arena_blocks *blocks, int arena, struct params *params)
{
	struct best best = { 0 };

	/* Any of the regions may be the first: other words of libc can point to one of them as well. */
	for (size_t i = 0; i < blocks->count; i++)
		if (blocks->items[i].arena == arena)
			find_beside(image, layout, found->items[arena].address, blocks->items[i].range.start,
						&best);
	if (!best.score)
		return false;
	*params = best.params;
	layout->params = best.row;
	return true;
}

bool params_find(const struct image *image, struct layout *layout, const arenas *found,
				 const arena_blocks *blocks, struct params *params)
{
	*params = (struct params){ 0 };
	for (size_t i = 0; i < found->count; i++) {
		struct params one;

		if (!found->items[i].main || !found->items[i].top)
			continue;
		if (!find_of(image, layout, found, blocks, (int)i, &one))
			return false;
		if (!params->address) {
			*params = one;
			continue;
		}
		params->n_mmaps += one.n_mmaps;
		params->mmapped_mem += one.mmapped_mem;
	}
	return params->address != 0;
}

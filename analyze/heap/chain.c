#include "analyze/heap/chain.h"

struct chain chain_make(const struct image *image, const struct layout *layout, bool main,
						vaddr last)
{
	return (struct chain){
		.reader = reader_make(image),
		.layout = layout,
		.bad_flags = main ? LAYOUT_IS_MMAPPED | LAYOUT_NON_MAIN : LAYOUT_IS_MMAPPED,
		.last = last,
		.steps = UINT64_MAX,
	};
}

bool chain_footer_fits(struct chain *chain, vaddr chunk, uint64_t size)
{
	uint64_t footer;

	return reader_word(&chain->reader, chunk + size, &footer) && footer == size;
}

bool chain_is_linked(struct chain *chain, vaddr chunk)
{
	unsigned word = chain->layout->word;
	uint64_t next, previous, back, forward;

	return reader_word(&chain->reader, chunk + 2 * word, &next) &&
		   reader_word(&chain->reader, chunk + 3 * word, &previous) &&
		   reader_word(&chain->reader, next + 3 * word, &back) && back == chunk &&
		   reader_word(&chain->reader, previous + 2 * word, &forward) && forward == chunk;
}

/* Steps over the chunk. False where its header, or as a free one its footer, does not fit. */
static bool step(struct chain *chain, vaddr *chunk)
{
	unsigned word = chain->layout->word;
	uint64_t header, next, size;

	if (!reader_word(&chain->reader, *chunk + word, &header) ||
		!chain_header_fits(chain, *chunk, header))
		return false;
	size = chain_size(header);
	if (!reader_word(&chain->reader, *chunk + size + word, &next))
		return false;
	if (!(next & LAYOUT_PREV_IN_USE) && !chain_footer_fits(chain, *chunk, size))
		return false;
	*chunk += size;
	return true;
}

/* Whether the chunk is the first of the two fenceposts of which the second is `last` (malloc.c,
 * sysmalloc: the old top of a heap). */
static bool is_last_fence(struct chain *chain, vaddr chunk)
{
	uint64_t header;

	return chunk + chain->layout->header == chain->last &&
		   reader_word(&chain->reader, chunk + chain->layout->word, &header) &&
		   chain_size(header) == chain->layout->header;
}

bool chain_holds(struct chain *chain, vaddr chunk, unsigned hops, vaddr beyond)
{
	for (unsigned i = 0; chunk != chain->last; i++) {
		if (chunk > beyond && (i >= hops || (i > 0 && chain_is_fence(chain, chunk))))
			return true;
		if (i > 0 && is_last_fence(chain, chunk))
			return true;
		if (!chain->steps || !step(chain, &chunk))
			return false;
		chain->steps--;
	}
	return true;
}

bool chain_is_fence(struct chain *chain, vaddr chunk)
{
	unsigned word = chain->layout->word;
	uint64_t first, second;

	return reader_word(&chain->reader, chunk + word, &first) && chain_size(first) == 2 * word &&
		   reader_word(&chain->reader, chunk + 3 * word, &second) &&
		   second == (2 * word | LAYOUT_PREV_IN_USE);
}

vaddr chain_region_end(struct chain *chain, vaddr chunk, uint32_t page_size)
{
	unsigned word = chain->layout->word;

	while (chunk != chain->last) {
		if (chain_is_fence(chain, chunk)) {
			/* before them the rest of an old top too small for a chunk (malloc.c, sysmalloc) */
			vaddr end = chunk + (chain_is_fence(chain, chunk + 2 * word) ? 6 : 4) * word;
			vaddr page_end = (end + page_size - 1) & ~(vaddr)(page_size - 1);

			return page_end - end < chain->layout->alignment ? page_end : 0;
		}
		if (!chain->steps || !step(chain, &chunk))
			return 0;
		chain->steps--;
	}
	return chunk;
}

vaddr chain_find_top(struct chain *chain, vaddr chunk)
{
	vaddr first = chunk;
	uint64_t header;

	while (reader_word(&chain->reader, chunk + chain->layout->word, &header)) {
		/* Its size is the only one that need not be aligned: on i386 it ends at a page. */
		if (chain_size(header) == chain->last - chunk)
			return chunk != first && (header & LAYOUT_FLAGS) == LAYOUT_PREV_IN_USE ? chunk : 0;
		if (!step(chain, &chunk))
			return 0;
	}
	return 0;
}

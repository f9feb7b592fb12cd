#include "analyze/heap/main_regions.h"

#include "analyze/heap/chain.h"
#include "analyze/heap/anonymous.h"

static struct arena_block *add_block(arena_blocks *blocks, struct range range, vaddr first,
									 vaddr last, int index)
{
	struct arena_block *block = vec_add(blocks);

	block->range = range;
	block->first = first;
	block->last = last;
	block->main = true;
	block->arena = index;
	return block;
}

/* The run of brk memory: the one the kernel calls so, else the one that holds top. Memory of
 * secondary arenas is none of it. An empty range where there is none. */
static struct range find_brk(const struct regions *regions, vaddr top, const arena_blocks *blocks)
{
	struct range brk = { 0, 0 };
	anonymous_runs runs = { 0 };

	anonymous_find(regions, &runs);
	for (size_t i = 0; i < blocks->count; i++)
		anonymous_remove(&runs, blocks->items[i].range);
	for (size_t i = 0; i < regions->items.count; i++)
		if (regions->items.items[i].kind == REGION_BRK)
			brk = regions->items.items[i].range;
	for (size_t i = 0; i < runs.count; i++)
		if (range_holds(runs.items[i], brk.start ? brk.start : top))
			brk = runs.items[i];
	vec_deinit(&runs);
	return brk;
}

/* For a main arena whose top pointer, top's size or system_mem is damaged: all of its brk memory,
 * up to the chunk that ends it. */
static void guess_contiguous(const struct image *image, const struct regions *regions,
							 const struct layout *layout, const struct arena *arena, int index,
							 arena_blocks *blocks)
{
	struct range brk = find_brk(regions, arena->top, blocks);
	vaddr by_size = (brk.end - arena->system_bytes + 7) & ~(vaddr)7, top;
	struct chain chain = chain_make(image, layout, true, brk.end);

	if (range_bytes(brk) < 2 * layout->min_bytes)
		return;
	top = chain_find_top(&chain, layout_chunk_from(layout, brk.start));
	/* That of a static program does not begin with malloc's memory. */
	if (!top && range_holds(brk, by_size)) {
		top = chain_find_top(&chain, layout_chunk_from(layout, by_size));
		brk.start = top ? by_size : brk.start;
	}
	if (!top && range_holds(brk, arena->top) && layout_aligned(layout, arena->top))
		top = arena->top;
	if (!top)
		top = layout_chunk_from(layout, brk.end - layout->min_bytes);
	add_block(blocks, brk, layout_chunk_from(layout, brk.start), top, index)->has_top = true;
}

/* Whether chunks lead from the start of brk memory to the address: then system_mem is damaged, and
 * malloc's memory does not begin there. */
static bool begins_before(const struct image *image, const struct layout *layout, struct range brk,
						  vaddr start)
{
	struct chain chain = chain_make(image, layout, true, start);
	vaddr first = layout_chunk_from(layout, brk.start);

	return first < start && range_holds(brk, start) &&
		   chain_region_end(&chain, first, layout->page_size) == start;
}

/* brk memory is [top end - system_mem, top end), and its end is page-aligned (malloc.c, sysmalloc).
 */
static void add_contiguous(const struct image *image, const struct regions *regions,
						   const struct layout *layout, const struct arena *arena, int index,
						   arena_blocks *blocks, struct anomalies *anomalies)
{
	vaddr end = arena->top + arena->top_bytes, start = end - arena->system_bytes;

	if (arena->top_bytes && end > arena->top && start <= arena->top &&
		end % layout->page_size == 0 && image_has(image, start, layout->word) &&
		regions_mapped_until(regions, start, end) == end &&
		!begins_before(image, layout, find_brk(regions, arena->top, blocks), start)) {
		start = (start + 7) & ~(vaddr)7;
		add_block(blocks, (struct range){ start, end }, layout_chunk_from(layout, start),
				  arena->top, index)
			->has_top = true;
		return;
	}
	anomaly_add(anomalies, arena->address,
				"main arena's system_mem is %" PRIu64 " and its top at 0x%" PRIx64 " has %" PRIu64
				" bytes, which do not fit each other in brk memory: its start is "
				"guessed",
				arena->system_bytes, arena->top, arena->top_bytes);
	guess_contiguous(image, regions, layout, arena, index, blocks);
}

/* Whether the word pair looks like a region's first chunk; cheap, most pages fail here. */
static bool can_start(struct chain *chain, vaddr chunk)
{
	uint64_t header;

	return reader_word(&chain->reader, chunk + chain->layout->word, &header) &&
		   (header & LAYOUT_PREV_IN_USE) &&
		   (chain_header_fits(chain, chunk, header) || chunk == chain->last);
}

/* Regions in one run of memory: each starts on a page (brk memory of a static program does not) and
 * its chunks lead to its fenceposts or to top. Gives the bytes found. */
static uint64_t add_from_run(const struct image *image, const struct layout *layout,
							 const struct arena *arena, int index, struct range run,
							 arena_blocks *blocks)
{
	bool has_top = range_holds(run, arena->top);
	vaddr page = layout->page_size, at = run.start;
	uint64_t total = 0;

	while (at < run.end) {
		vaddr first = layout_chunk_from(layout, at), end = 0;
		bool below = has_top && first <= arena->top;
		struct chain chain =
			chain_make(image, layout, true, below ? arena->top : run.end + layout->alignment);

		if (can_start(&chain, first))
			end = chain_region_end(&chain, first, layout->page_size);
		if (end == arena->top && below) {
			end += arena->top_bytes;
			add_block(blocks, (struct range){ at, end }, first, arena->top, index)->has_top = true;
		} else if (end && end <= run.end) {
			add_block(blocks, (struct range){ at, end }, first, blocks_terminator(layout, end),
					  index);
		} else {
			end = 0;
		}
		total += end ? end - at : 0;
		at = end ? (end + page - 1) & ~(page - 1) : (at & ~(page - 1)) + page;
	}
	return total;
}

static void add_mapped(const struct image *image, const struct regions *regions,
					   const struct layout *layout, const struct arena *arena, int index,
					   arena_blocks *blocks, struct anomalies *anomalies)
{
	anonymous_runs runs = { 0 };
	size_t others = blocks->count;
	uint64_t total = 0;

	anonymous_find(regions, &runs);
	for (size_t i = 0; i < others; i++)
		anonymous_remove(&runs, blocks->items[i].range);
	for (size_t i = 0; i < runs.count; i++)
		total += add_from_run(image, layout, arena, index, runs.items[i], blocks);
	vec_deinit(&runs);
	if (total != arena->system_bytes)
		anomaly_add(anomalies, arena->address,
					"main arena says it has %" PRIu64 " bytes, its regions sum to %" PRIu64,
					arena->system_bytes, total);
}

void main_regions_find(const struct image *image, const struct regions *regions,
					   const struct layout *layout, const struct arena *arena, int index,
					   arena_blocks *blocks, struct anomalies *anomalies)
{
	(arena->contiguous ? add_contiguous : add_mapped)(image, regions, layout, arena, index, blocks,
													  anomalies);
}

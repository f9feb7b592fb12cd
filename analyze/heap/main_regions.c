#include "analyze/heap/main_regions.h"

#include "analyze/heap/anonymous.h"
#include "analyze/heap/chain.h"

/* Steps along chunks that lead to no region's end, in all: each page can start a chain as long as
 * all of memory. */
enum { WASTED_MAX = 1 << 25 };

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

/* Regions of an arena that lie anywhere in anonymous memory. */
struct search {
	const struct image *image;
	const struct layout *layout;
	const struct arena *arena;
	int index;
	arena_blocks *blocks;
	anonymous_runs runs;
	uint64_t bytes;  /* found */
	uint64_t wasted; /* steps along chunks that led nowhere */
};

static void add_region(struct search *search, struct range region, bool has_top)
{
	const struct layout *layout = search->layout;
	vaddr last = has_top ? search->arena->top : blocks_terminator(layout, region.end);

	add_block(search->blocks, region, layout_chunk_from(layout, region.start), last, search->index)
		->has_top = has_top;
	search->bytes += range_bytes(region);
}

/* Where the region ends that starts at the address, behind its fenceposts or top; 0 where its
 * chunks do not lead there. */
static vaddr region_end(struct search *search, struct range run, vaddr start)
{
	const struct arena *arena = search->arena;
	vaddr first = layout_chunk_from(search->layout, start), end = 0;
	bool below = range_holds(run, arena->top) && first <= arena->top;
	struct chain chain = chain_make(search->image, search->layout, true,
									below ? arena->top : run.end + search->layout->alignment);

	if (can_start(&chain, first))
		end = chain_region_end(&chain, first, search->layout->page_size);
	if (!end)
		search->wasted += UINT64_MAX - chain.steps;
	if (below && end == arena->top)
		return arena->top + arena->top_bytes;
	return end <= run.end ? end : 0;
}

/* Each starts on a page and its chunks lead to its fenceposts or to top. */
static void find_in_run(struct search *search, struct range run)
{
	vaddr page = search->layout->page_size, at = run.start;

	while (at < run.end && search->wasted < WASTED_MAX) {
		vaddr end = region_end(search, run, at);

		if (end)
			add_region(search, (struct range){ at, end },
					   range_holds((struct range){ at, end }, search->arena->top));
		at = end ? (end + page - 1) & ~(page - 1) : (at & ~(page - 1)) + page;
	}
}

/* The region found that starts at the address, or NULL. */
static struct arena_block *starting_at(struct search *search, vaddr address)
{
	for (size_t i = 0; i < search->blocks->count; i++, search->wasted++)
		if (search->blocks->items[i].range.start == address &&
			search->blocks->items[i].arena == search->index)
			return &search->blocks->items[i];
	return NULL;
}

/* Whether a region ends at the page: top does, or fenceposts stand there. */
static bool ends_region(struct search *search, vaddr end)
{
	const struct layout *layout = search->layout;
	struct chain chain = chain_make(search->image, layout, true, end);

	return end == search->arena->top + search->arena->top_bytes ||
		   chain_is_fence(&chain, blocks_terminator(layout, end) - layout->header);
}

/* Whether what is missing can end at the page: as a region, or where a region was found, which then
 * is the rest of a longer one. */
static bool can_be_missing(struct search *search, struct range run, vaddr end, uint64_t bytes)
{
	struct chain chain = chain_make(search->image, search->layout, true, end);

	return bytes <= end - run.start &&
		   can_start(&chain, layout_chunk_from(search->layout, end - bytes)) &&
		   (ends_region(search, end) || (end == run.end && starting_at(search, end)));
}

/* The end of the only place that what is missing fits into; 0 where none does, or several do. */
static vaddr find_place(struct search *search, uint64_t bytes)
{
	vaddr page = search->layout->page_size, found = 0;

	for (size_t i = 0; i < search->runs.count && search->wasted < WASTED_MAX; i++) {
		struct range run = search->runs.items[i];

		for (vaddr end = (run.start + page) & -page; end <= run.end && end > run.start;
			 end += page) {
			if (!can_be_missing(search, run, end, bytes))
				continue;
			if (found)
				return 0;
			found = end;
		}
	}
	return found;
}

/* One region was not found, or the start of one: its chunks are damaged, or it does not start on a
 * page, as brk memory of a static program. It is as long as what malloc has more than was found. */
static void find_missing(struct search *search)
{
	uint64_t missing = search->arena->system_bytes - search->bytes;
	vaddr end = find_place(search, missing), start = (end - missing + 7) & ~(vaddr)7;
	struct arena_block *rest = end && !ends_region(search, end) ? starting_at(search, end) : NULL;

	if (rest) {
		rest->range.start = start;
		rest->first = layout_chunk_from(search->layout, start);
		search->bytes += missing;
	} else if (end) {
		add_region(search, (struct range){ start, end },
				   end == search->arena->top + search->arena->top_bytes);
		search->bytes = search->arena->system_bytes;
	}
}

static void remove_found(struct search *search, size_t from)
{
	for (size_t i = from; i < search->blocks->count; i++)
		anonymous_remove(&search->runs, search->blocks->items[i].range);
}

static void add_mapped(const struct image *image, const struct regions *regions,
					   const struct layout *layout, const struct arena *arena, int index,
					   arena_blocks *blocks, struct anomalies *anomalies)
{
	struct search search = { image, layout, arena, index, blocks, { 0 }, 0, 0 };
	size_t others = blocks->count;

	anonymous_find(regions, &search.runs);
	remove_found(&search, 0);
	for (size_t i = 0; i < search.runs.count; i++)
		find_in_run(&search, search.runs.items[i]);
	remove_found(&search, others);
	if (search.bytes < arena->system_bytes)
		find_missing(&search);
	vec_deinit(&search.runs);
	if (search.bytes != arena->system_bytes)
		anomaly_add(anomalies, arena->address,
					"main arena says it has %" PRIu64 " bytes, its regions sum to %" PRIu64,
					arena->system_bytes, search.bytes);
}

void main_regions_find(const struct image *image, const struct regions *regions,
					   const struct layout *layout, const struct arena *arena, int index,
					   arena_blocks *blocks, struct anomalies *anomalies)
{
	(arena->contiguous ? add_contiguous : add_mapped)(image, regions, layout, arena, index, blocks,
													  anomalies);
}

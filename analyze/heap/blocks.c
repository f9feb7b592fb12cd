#include "analyze/heap/blocks.h"

#include "analyze/heap/chain.h"
#include "analyze/heap/main_regions.h"
#include "analyze/heap/reader.h"
#include "base/cleanup.h"
#include "base/mem.h"

enum {
	HEAPS_MAX = 1 << 18, /* of all arenas */
	GUESSES_MAX = 1024,  /* heaps and tops looked for by guess: each looks at all blocks */
};

/* What was found of an arena so far. */
struct part {
	uint64_t bytes; /* of its heaps */
	bool has_top;
};

struct finder {
	struct reader reader;
	const struct layout *layout;
	const arenas *found;
	arena_blocks *blocks;
	struct part *parts; /* one for each arena */
	unsigned guesses;   /* that may still be made */
};

static int compare_blocks(const void *left, const void *right)
{
	const struct arena_block *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

/* struct heap_info as far as all releases have it. */
struct heap_fields {
	uint64_t arena, previous, bytes, writable;
};

static bool read_heap(struct finder *finder, vaddr heap, struct heap_fields *fields)
{
	unsigned word = finder->layout->word;

	return reader_word(&finder->reader, heap, &fields->arena) &&
		   reader_word(&finder->reader, heap + word, &fields->previous) &&
		   reader_word(&finder->reader, heap + 2 * word, &fields->bytes) &&
		   reader_word(&finder->reader, heap + 3 * word, &fields->writable);
}

static bool heap_fits(const struct finder *finder, const struct heap_fields *fields,
					  const struct arena *arena)
{
	return fields->arena == arena->address && fields->bytes >= finder->layout->page_size &&
		   fields->bytes % finder->layout->page_size == 0 && fields->bytes <= fields->writable &&
		   fields->writable <= finder->layout->heap_max;
}

vaddr blocks_terminator(const struct layout *layout, vaddr end)
{
	vaddr fence = end - 4 * layout->word;

	return ((fence + layout->header) & ~(vaddr)(layout->alignment - 1)) - layout->header +
		   2 * layout->word;
}

static bool has_block(const struct finder *finder, vaddr start)
{
	for (size_t i = 0; i < finder->blocks->count; i++)
		if (finder->blocks->items[i].range.start == start)
			return true;
	return false;
}

static void add_heap(struct finder *finder, vaddr heap, uint64_t bytes, const struct arena *arena,
					 int index)
{
	const struct layout *layout = finder->layout;
	struct arena_block *block = vec_add(finder->blocks);
	bool holds_state = range_holds((struct range){ heap, heap + bytes }, arena->address);

	block->range = (struct range){ heap, heap + bytes };
	block->arena = index;
	block->first = layout_chunk_from(layout, holds_state ? arena->address + layout->state->bytes
														 : heap + layout->heap_info->bytes);
	block->has_top = range_holds((struct range){ block->first, block->range.end }, arena->top) &&
					 arena->top + arena->top_bytes == block->range.end;
	block->last = block->has_top ? arena->top : blocks_terminator(layout, block->range.end);
	finder->parts[index].bytes += bytes;
	finder->parts[index].has_top |= block->has_top;
}

/* From the newest heap, which holds top, back to the one that holds the malloc_state. */
static void follow_heaps(struct finder *finder, const struct arena *arena, int index)
{
	vaddr heap = arena->top & ~(finder->layout->heap_max - 1);
	struct heap_fields fields;

	while (read_heap(finder, heap, &fields) && heap_fits(finder, &fields, arena)) {
		if (finder->blocks->count >= HEAPS_MAX || finder->parts[index].bytes > arena->system_bytes)
			break;
		add_heap(finder, heap, fields.bytes, arena, index);
		if (!fields.previous || fields.previous & (finder->layout->heap_max - 1))
			break;
		heap = fields.previous;
	}
}

static bool is_complete(const struct finder *finder, size_t index)
{
	return finder->parts[index].bytes == finder->found->items[index].system_bytes;
}

/* An arena by its address. */
struct known_arena {
	vaddr address;
	size_t index;
};

typedef VEC(struct known_arena) known_arenas;

static int compare_known(const void *left, const void *right)
{
	const struct known_arena *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

static void list_incomplete(const struct finder *finder, known_arenas *incomplete)
{
	for (size_t i = 0; i < finder->found->count; i++)
		if (!finder->found->items[i].main && !is_complete(finder, i))
			*vec_add(incomplete) = (struct known_arena){ finder->found->items[i].address, i };
	vec_sort(incomplete, compare_known);
}

/* Adds the heap at the aligned address if it is one of the incomplete arenas'. */
static void try_heap(struct finder *finder, vaddr heap, const known_arenas *incomplete,
					 const arena_blocks *followed)
{
	struct known_arena wanted = { 0 }, *known;
	struct heap_fields fields;

	if (finder->blocks->count >= HEAPS_MAX || !read_heap(finder, heap, &fields) ||
		blocks_at(followed, heap))
		return;
	wanted.address = fields.arena;
	known = bsearch(&wanted, incomplete->items, incomplete->count, sizeof *known, compare_known);
	if (known && heap_fits(finder, &fields, &finder->found->items[known->index]))
		add_heap(finder, heap, fields.bytes, &finder->found->items[known->index],
				 (int)known->index);
}

/* Heaps at any aligned address, of arenas whose chain is broken; one look at the image for all. */
static void scan_heaps(struct finder *finder)
{
	const struct image *image = finder->reader.image;
	uint64_t step = finder->layout->heap_max;
	known_arenas incomplete = { 0 };
	arena_blocks followed = { 0 };

	list_incomplete(finder, &incomplete);
	vec_sort(finder->blocks, compare_blocks);
	for (size_t i = 0; incomplete.count && i < finder->blocks->count; i++)
		*vec_add(&followed) = finder->blocks->items[i];
	for (size_t i = 0; incomplete.count && i < image->pieces.count; i++) {
		struct range range = image->pieces.items[i].range;
		vaddr heap = (range.start + step - 1) & ~(step - 1);

		for (; heap >= range.start && heap < range.end; heap += step)
			try_heap(finder, heap, &incomplete, &followed);
	}
	vec_deinit(&incomplete);
	vec_deinit(&followed);
}

/* A heap of the arena whose heap_info is damaged or was not captured: up to top where that is in
 * it, else what the arena lacks, else as far as it was captured. */
static void guess_heap(struct finder *finder, const struct arena *arena, int index, vaddr heap,
					   struct anomalies *anomalies)
{
	const struct layout *layout = finder->layout;
	uint64_t page = layout->page_size, missing = arena->system_bytes - finder->parts[index].bytes;
	uint64_t bytes = image_span(finder->reader.image, heap, layout->heap_max).size;

	if (!heap || heap & (layout->heap_max - 1) || !finder->guesses)
		return;
	finder->guesses--;
	if (has_block(finder, heap))
		return;
	if (arena->top - heap < layout->heap_max && arena->top_bytes)
		bytes = arena->top + arena->top_bytes - heap;
	else if (missing <= layout->heap_max && missing % page == 0)
		bytes = missing;
	bytes &= ~(page - 1);
	if (bytes > layout->heap_max || bytes < page)
		return;
	add_heap(finder, heap, bytes, arena, index);
	anomaly_add(anomalies, heap,
				"the heap_info here is damaged or was not captured: %" PRIu64
				" bytes are taken for this heap of the arena at 0x%" PRIx64,
				bytes, arena->address);
}

/* The heaps that something leads to: the malloc_state itself, top, and the heap_info of newer ones.
 */
static void guess_heaps(struct finder *finder, const struct arena *arena, int index,
						struct anomalies *anomalies)
{
	vaddr mask = ~(finder->layout->heap_max - 1);

	guess_heap(finder, arena, index, arena->address & mask, anomalies);
	if (arena->top_bytes && (arena->top + arena->top_bytes) % finder->layout->page_size == 0)
		guess_heap(finder, arena, index, arena->top & mask, anomalies);
	for (size_t i = 0; i < finder->blocks->count; i++) {
		vaddr heap = finder->blocks->items[i].range.start;

		if (finder->blocks->items[i].arena == index)
			guess_heap(finder, arena, index,
					   reader_word_or_zero(&finder->reader, heap + finder->layout->word),
					   anomalies);
	}
}

/* Where no chunk that ends one of the arena's heaps is top, its pointer or its size is damaged: the
 * heap in which chunks lead to its very end has it; else the one that the pointer leads to. */
static void find_top(struct finder *finder, const struct arena *arena, int index)
{
	const struct layout *layout = finder->layout;
	struct arena_block *pointed = NULL;

	if (finder->parts[index].has_top || !finder->guesses)
		return;
	finder->guesses--;
	for (size_t i = 0; i < finder->blocks->count; i++) {
		struct arena_block *block = &finder->blocks->items[i];
		struct chain chain = chain_make(finder->reader.image, layout, false, block->range.end);
		vaddr top = block->arena == index ? chain_find_top(&chain, block->first) : 0;

		if (top) {
			block->has_top = true;
			block->last = top;
			return;
		}
		if (block->arena == index &&
			range_holds((struct range){ block->first, block->range.end }, arena->top))
			pointed = block;
	}
	if (pointed && layout_aligned(layout, arena->top)) {
		pointed->has_top = true;
		pointed->last = arena->top;
	}
}

/* What is left to be done when the heaps that are sound are known, of every arena. */
static void complete_heaps(struct finder *finder, const struct arena *arena, int index,
						   struct anomalies *anomalies)
{
	if (!is_complete(finder, (size_t)index))
		guess_heaps(finder, arena, index, anomalies);
	find_top(finder, arena, index);
	if (!is_complete(finder, (size_t)index))
		anomaly_add(anomalies, arena->address,
					"arena says it has %" PRIu64 " bytes, its heaps sum to %" PRIu64,
					arena->system_bytes, finder->parts[index].bytes);
}

/* Of every secondary arena. */
static void find_heaps(struct finder *finder, struct anomalies *anomalies)
{
	const arenas *found = finder->found;

	for (size_t i = 0; i < found->count; i++)
		if (!found->items[i].main)
			follow_heaps(finder, &found->items[i], (int)i);
	scan_heaps(finder);
	for (size_t i = 0; i < found->count; i++)
		if (!found->items[i].main)
			complete_heaps(finder, &found->items[i], (int)i, anomalies);
}

/* HEAP_MAX_SIZE: the value with which most arenas are found from their top. */
static void decide_heap_max(struct finder *finder, struct layout *layout, const arenas *found)
{
	const uint64_t *maxima = layout_heap_maxima(layout->word);
	size_t best = 0;

	for (size_t i = 0; maxima[i]; i++) {
		size_t fits = 0;

		for (size_t k = 0; k < found->count; k++) {
			const struct arena *arena = &found->items[k];
			vaddr heap = arena->top & ~(maxima[i] - 1);

			fits += !arena->main && arena->top &&
					reader_word_or_zero(&finder->reader, heap) == arena->address;
		}
		if (fits > best) {
			best = fits;
			layout->heap_max = maxima[i];
		}
	}
}

/* Damaged fields can claim memory twice; the first claim stays. */
static void drop_overlaps(arena_blocks *blocks, struct anomalies *anomalies)
{
	size_t kept = 0;

	for (size_t i = 0; i < blocks->count; i++) {
		if (kept && blocks->items[i].range.start < blocks->items[kept - 1].range.end)
			anomaly_add(anomalies, blocks->items[i].range.start,
						"two arenas claim the same memory; the second claim is left out");
		else
			blocks->items[kept++] = blocks->items[i];
	}
	blocks->count = kept;
}

/* Damaged fields can claim memory that the process does not have. */
static void cut_unmapped(const struct regions *regions, const struct layout *layout,
						 arena_blocks *blocks, struct anomalies *anomalies)
{
	size_t kept = 0;

	for (size_t i = 0; i < blocks->count; i++) {
		struct arena_block block = blocks->items[i];
		vaddr end = regions_mapped_until(regions, block.range.start, block.range.end);

		if (end < block.range.end) {
			anomaly_add(anomalies, block.range.start,
						"malloc says it has memory up to 0x%" PRIx64
						" here, the process has it up to 0x%" PRIx64,
						block.range.end, end);
			block.range.end = end;
			block.has_top &= block.last < end;
			block.last = block.has_top ? block.last : blocks_terminator(layout, end);
		}
		if (range_bytes(block.range) > 4 * layout->min_bytes)
			blocks->items[kept++] = block;
	}
	blocks->count = kept;
}

void blocks_find(const struct image *image, const struct regions *regions, struct layout *layout,
				 const arenas *found, arena_blocks *blocks, struct anomalies *anomalies)
{
	AUTO_FREE struct part *parts = mem_zeroed(found->count + 1, sizeof *parts);
	struct finder finder = { reader_make(image), layout, found, blocks, parts, GUESSES_MAX };

	decide_heap_max(&finder, layout, found);
	if (layout->heap_info)
		find_heaps(&finder, anomalies);
	for (size_t i = 0; i < found->count; i++)
		if (found->items[i].main && (found->items[i].top || found->items[i].system_bytes))
			main_regions_find(image, regions, layout, &found->items[i], (int)i, blocks, anomalies);
	vec_sort(blocks, compare_blocks);
	drop_overlaps(blocks, anomalies);
	cut_unmapped(regions, layout, blocks, anomalies);
}

const struct arena_block *blocks_at(const arena_blocks *blocks, vaddr address)
{
	size_t at = range_search(blocks->items, blocks->count, sizeof *blocks->items, address);
	const struct arena_block *block = at < blocks->count ? &blocks->items[at] : NULL;

	return block && range_holds(block->range, address) ? block : NULL;
}

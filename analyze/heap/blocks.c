#include "analyze/heap/blocks.h"

#include "analyze/heap/chain.h"
#include "analyze/heap/main_regions.h"
#include "analyze/heap/reader.h"

enum { HEAPS_MAX = 1 << 18 }; /* of all arenas */

struct finder {
	struct reader reader;
	const struct layout *layout;
	arena_blocks *blocks;
};

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
	block->has_top = range_holds((struct range){ block->first, block->range.end }, arena->top);
	block->last = block->has_top ? arena->top : blocks_terminator(layout, block->range.end);
}

/* From the newest heap, which holds top, back to the one that holds the malloc_state. Gives the
 * bytes of all. */
static uint64_t follow_heaps(struct finder *finder, const struct arena *arena, int index)
{
	vaddr heap = arena->top & ~(finder->layout->heap_max - 1);
	uint64_t total = 0;
	struct heap_fields fields;

	while (read_heap(finder, heap, &fields) && heap_fits(finder, &fields, arena)) {
		if (finder->blocks->count >= HEAPS_MAX || total > arena->system_bytes)
			break;
		add_heap(finder, heap, fields.bytes, arena, index);
		total += fields.bytes;
		if (!fields.previous || fields.previous & (finder->layout->heap_max - 1))
			break;
		heap = fields.previous;
	}
	return total;
}

/* Heaps of the arena at any aligned address, for a chain that is broken. Gives their bytes. */
static uint64_t scan_heaps(struct finder *finder, const struct arena *arena, int index)
{
	const struct image *image = finder->reader.image;
	uint64_t step = finder->layout->heap_max, total = 0;
	struct heap_fields fields;

	for (size_t i = 0; i < image->pieces.count; i++) {
		struct range range = image->pieces.items[i].range;
		vaddr heap = (range.start + step - 1) & ~(step - 1);

		for (; heap >= range.start && heap < range.end; heap += step) {
			if (finder->blocks->count >= HEAPS_MAX || has_block(finder, heap) ||
				!read_heap(finder, heap, &fields) || !heap_fits(finder, &fields, arena))
				continue;
			add_heap(finder, heap, fields.bytes, arena, index);
			total += fields.bytes;
		}
	}
	return total;
}

/* The heap of the malloc_state, whose heap_info is damaged: up to top where that is in it, else as
 * far as it was captured. */
static uint64_t guess_first_heap(struct finder *finder, const struct arena *arena, int index)
{
	vaddr heap = arena->address & ~(finder->layout->heap_max - 1);
	uint64_t bytes = image_span(finder->reader.image, heap, finder->layout->heap_max).size;

	if (has_block(finder, heap) || !finder->layout->heap_info)
		return 0;
	if (arena->top - heap < finder->layout->heap_max)
		bytes = arena->top + arena->top_bytes - heap;
	bytes &= ~(uint64_t)(finder->layout->page_size - 1);
	if (bytes > finder->layout->heap_max || bytes < finder->layout->page_size)
		return 0;
	add_heap(finder, heap, bytes, arena, index);
	return bytes;
}

/* Where none of the arena's heaps holds top, whose pointer is damaged then: the heap in which
 * chunks lead to its very end has it. */
static void find_top(struct finder *finder, size_t first_block)
{
	const struct layout *layout = finder->layout;

	for (size_t i = first_block; i < finder->blocks->count; i++)
		if (finder->blocks->items[i].has_top)
			return;
	for (size_t i = first_block; i < finder->blocks->count; i++) {
		struct arena_block *block = &finder->blocks->items[i];
		struct chain chain = chain_make(finder->reader.image, layout, false, block->range.end);
		vaddr top = chain_find_top(&chain, block->first);

		block->has_top = top != 0;
		block->last = top ? top : block->last;
	}
}

static void find_heaps(struct finder *finder, const struct arena *arena, int index,
					   struct anomalies *anomalies)
{
	size_t first_block = finder->blocks->count;
	uint64_t total = follow_heaps(finder, arena, index);

	if (total != arena->system_bytes) {
		total += scan_heaps(finder, arena, index);
		total += guess_first_heap(finder, arena, index);
	}
	find_top(finder, first_block);
	if (total != arena->system_bytes)
		anomaly_add(anomalies, arena->address,
					"arena says it has %" PRIu64 " bytes, its heaps sum to %" PRIu64,
					arena->system_bytes, total);
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

static int compare_blocks(const void *left, const void *right)
{
	const struct arena_block *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
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

void blocks_find(const struct image *image, const struct regions *regions, struct layout *layout,
				 const arenas *found, arena_blocks *blocks, struct anomalies *anomalies)
{
	struct finder finder = { reader_make(image), layout, blocks };

	decide_heap_max(&finder, layout, found);
	for (size_t i = 0; i < found->count; i++)
		if (!found->items[i].main && layout->heap_info)
			find_heaps(&finder, &found->items[i], (int)i, anomalies);
	for (size_t i = 0; i < found->count; i++)
		if (found->items[i].main && (found->items[i].top || found->items[i].system_bytes))
			main_regions_find(image, regions, layout, &found->items[i], (int)i, blocks, anomalies);
	vec_sort(blocks, compare_blocks);
	drop_overlaps(blocks, anomalies);
}

const struct arena_block *blocks_at(const arena_blocks *blocks, vaddr address)
{
	size_t low = 0, high = blocks->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (blocks->items[middle].range.end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == blocks->count || !range_holds(blocks->items[low].range, address))
		return NULL;
	return &blocks->items[low];
}

#include "analyze/heap/sums.h"

#include "analyze/heap/resident.h"
#include "base/mem.h"
#include "base/workers.h"

/* Of one block of chunks. */
struct block_sums {
	struct chunk_sum states[CHUNK_STATES];
	struct trim_sum trim;
};

struct summing {
	struct heap *heap;
	const struct layout *layout;
	uint64_t thp_page;
	const struct page_map *page_map;
	struct block_sums *sums; /* one for each block of chunks */
};

static void sum_states(const struct chunk_block *block, const struct page_map *page_map,
					   struct chunk_sum sums[CHUNK_STATES])
{
	struct resident resident = { .map = page_map };

	for (size_t i = 0; i < block->count; i++) {
		struct chunk chunk = chunk_block_get(block, i);
		struct chunk_sum *sum = &sums[chunk.state];

		sum->chunks++;
		sum->bytes += chunk.bytes;
		sum->resident_bytes +=
			resident_bytes(&resident, (struct range){ chunk.address, chunk.address + chunk.bytes });
	}
}

static void add_states(struct chunk_sum sums[CHUNK_STATES],
					   const struct chunk_sum more[CHUNK_STATES])
{
	for (int i = 0; i < CHUNK_STATES; i++) {
		sums[i].chunks += more[i].chunks;
		sums[i].bytes += more[i].bytes;
		sums[i].resident_bytes += more[i].resident_bytes;
	}
}

/* In which steps malloc_trim cuts the end of the block: whole pages, or huge ones where brk memory
 * grows in them; 0: not at all, as its end is not the break (malloc.c, systrim). */
static uint64_t top_unit(const struct summing *summing, const struct heap_block *block)
{
	uint64_t page = summing->layout->page_size, huge = summing->thp_page;

	if (!block->shrinks)
		return 0;
	return huge > page && !(huge & (huge - 1)) ? huge : page;
}

/* The heap block that the block of an arena's chunks lies in; there is one. */
static struct heap_block *block_of(struct heap *heap, const struct chunk_block *chunks)
{
	return &heap->blocks.items[range_search(heap->blocks.items, heap->blocks.count,
											sizeof *heap->blocks.items, chunks->range.start)];
}

static void sum_one(void *context, size_t job, unsigned worker)
{
	struct summing *summing = context;
	const struct chunk_block *block = &summing->heap->chunks.blocks.items[job];

	(void)worker;
	if (block->arena != CHUNK_NO_ARENA)
		trim_block(block, summing->layout, top_unit(summing, block_of(summing->heap, block)),
				   summing->page_map, &summing->sums[job].trim);
	sum_states(block, summing->page_map, summing->sums[job].states);
}

static void add_block(struct heap *heap, const struct chunk_block *block,
					  const struct block_sums *sums)
{
	add_states(heap->arenas.items[block->arena].states, sums->states);
	trim_add(&heap->arenas.items[block->arena].trim, &sums->trim);
	block_of(heap, block)->trimmable_bytes += sums->trim.bytes;
}

void sums_fill(struct heap *heap, const struct layout *layout, uint64_t thp_page,
			   const struct page_map *page_map, unsigned workers)
{
	struct summing summing = { heap, layout, thp_page, page_map, NULL };
	struct chunk_sum mapped[CHUNK_STATES] = { 0 };
	size_t count = heap->chunks.blocks.count;

	summing.sums = mem_zeroed(count + 1, sizeof *summing.sums);
	workers_run(workers, count, sum_one, &summing);
	for (size_t i = 0; i < count; i++)
		if (heap->chunks.blocks.items[i].arena == CHUNK_NO_ARENA)
			add_states(mapped, summing.sums[i].states);
		else
			add_block(heap, &heap->chunks.blocks.items[i], &summing.sums[i]);
	heap->mmapped = mapped[CHUNK_MMAPPED];
	heap->mmapped_cached = mapped[CHUNK_TCACHE];
	heap->mmapped_overhead = mapped[CHUNK_OVERHEAD];
	free(summing.sums);
}

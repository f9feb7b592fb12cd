#include "analyze/heap/heap.h"

#include "analyze/heap/arenas.h"
#include "analyze/heap/bins.h"
#include "analyze/heap/blocks.h"
#include "analyze/heap/fastbins.h"
#include "analyze/heap/lanes.h"
#include "analyze/heap/mmapped.h"
#include "analyze/heap/params.h"
#include "analyze/heap/anonymous.h"
#include "analyze/heap/sums.h"
#include "analyze/heap/tcache.h"
#include "analyze/heap/threads.h"
#include "archive/page_map.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/workers.h"

/* What the steps share. */
struct state {
	struct heap *heap;
	const struct image *image;
	const struct regions *regions;
	const struct core *core;
	const struct page_map *page_map;
	unsigned workers;
	struct progress *progress;
	struct anomalies *anomalies;

	struct layout layout;
	arenas arenas;
	arena_blocks blocks;
	struct params params; /* zero where not found */
	tcaches caches;
	struct walk_result *walks; /* one for each block */
	struct block_sums *sums;   /* one for each chunk block */
};

struct block_sums {
	struct chunk_sum states[CHUNK_STATES];
	struct trim_sum trim;
};

/* The break, as far as mappings show it: the end of what the kernel calls [heap]; 0: not known. A
 * mapping that touches it is one with it to the kernel: then what is trimmable is understated. */
static vaddr find_break(const struct regions *regions)
{
	vaddr end = 0;

	for (size_t i = 0; i < regions->items.count; i++)
		if (regions->items.items[i].kind == REGION_BRK)
			end = regions->items.items[i].range.end;
	return end;
}

static void copy_arenas(struct state *state)
{
	vaddr brk_end = find_break(state->regions);
	struct heap *heap = state->heap;

	for (size_t i = 0; i < state->arenas.count; i++) {
		const struct arena *arena = &state->arenas.items[i];

		*vec_add(&heap->arenas) = (struct heap_arena){
			.address = arena->address,
			.main = arena->main,
			.heaps = arena->main ? 1 : 0,
			.system_bytes = arena->system_bytes,
			.locked = arena->locked,
		};
	}
	for (size_t i = 0; i < state->blocks.count; i++) {
		const struct arena_block *block = &state->blocks.items[i];

		*vec_add(&heap->blocks) = (struct heap_block){
			.range = block->range,
			.arena = block->arena,
			.has_top = block->has_top,
			.shrinks = block->main && block->has_top &&
					   (brk_end ? block->range.end == brk_end
								: state->arenas.items[block->arena].contiguous),
		};
		heap->arenas.items[block->arena].heaps += !block->main;
		heap->arenas.items[block->arena].block_bytes += range_bytes(block->range);
	}
}

static void find_threads(struct state *state, bool *complete)
{
	thread_uses uses = { 0 };

	*complete =
		threads_find(state->image, state->regions, state->core, &state->layout, &state->arenas,
					 &state->blocks, &uses, &state->caches, state->anomalies);
	for (size_t i = 0; i < uses.count; i++)
		*vec_add(&state->heap->threads) =
			(struct heap_thread){ uses.items[i].tid, uses.items[i].arena };
	vec_deinit(&uses);
}

static void take_walk(struct state *state, struct walk_result *walk)
{
	for (size_t i = 0; i < walk->blocks.count; i++) {
		struct chunk_block *block = &walk->blocks.items[i];

		*chunk_table_add(&state->heap->chunks, block->range, block->arena) = *block;
	}
	for (size_t i = 0; i < walk->damages.count; i++) {
		char text[WALK_DAMAGE_TEXT_BYTES];

		walk_damage_describe(&walk->damages.items[i], &state->layout, text);
		anomaly_add(state->anomalies, walk->damages.items[i].range.start, "%s", text);
	}
	if (walk->damage_count > walk->damages.count)
		anomaly_add(state->anomalies, walk->damages.items[0].range.start,
					"and %" PRIu64 " more damaged places in the same block",
					walk->damage_count - walk->damages.count);
	vec_deinit(&walk->blocks);
	vec_deinit(&walk->damages);
}

static void walk_blocks(struct state *state)
{
	uint64_t total = 0;

	for (size_t i = 0; i < state->blocks.count; i++)
		total += range_bytes(state->blocks.items[i].range);
	state->walks = mem_zeroed(state->blocks.count + 1, sizeof *state->walks);
	progress_start(state->progress, "walking the heap", total);
	lanes_walk(state->image, &state->layout, &state->blocks, state->workers, state->progress,
			   state->walks);
	progress_end(state->progress);
	for (size_t i = 0; i < state->blocks.count; i++)
		take_walk(state, &state->walks[i]);
	free(state->walks);
}

/* malloc_par beside the main arena, by the start of one of its regions. */
static bool find_params_of(struct state *state, int arena, struct params *params)
{
	for (size_t i = 0; i < state->blocks.count; i++) {
		const struct arena_block *block = &state->blocks.items[i];

		if (block->arena == arena &&
			params_find(state->image, &state->layout, state->arenas.items[arena].address,
						block->range.start, params))
			return true;
	}
	return false;
}

/* Sums malloc_par of every libc: each dlmopen namespace has one; the page sizes are the first
 * one's. False where one is not found. */
static bool find_params(struct state *state)
{
	struct params sum = { 0 };

	for (size_t i = 0; i < state->arenas.count; i++) {
		struct params params;

		if (!state->arenas.items[i].main || !state->arenas.items[i].top)
			continue;
		if (!find_params_of(state, (int)i, &params))
			return false;
		if (!sum.address) {
			sum = params;
			continue;
		}
		sum.n_mmaps += params.n_mmaps;
		sum.mmapped_mem += params.mmapped_mem;
	}
	state->params = sum;
	return sum.address != 0;
}

static void find_mmapped(struct state *state)
{
	const struct params *params = &state->params;
	bool known = find_params(state);
	struct mmapped_found found = { 0 };
	anonymous_runs runs = { 0 };

	if (known && !params->n_mmaps)
		return;
	anonymous_find(state->regions, &runs);
	for (size_t i = 0; i < state->blocks.count; i++) {
		struct range range = state->blocks.items[i].range;

		if (!state->blocks.items[i].main)
			range.end = range.start + state->layout.heap_max;
		anonymous_remove(&runs, range);
	}
	found = mmapped_find(state->image, &state->layout, &runs, known ? params : NULL,
						 &state->heap->chunks);
	vec_deinit(&runs);
	if (known)
		mmapped_compare(&state->layout, params, &found, state->anomalies);
}

/* The chunks in caches, which look used to the walk. */
static void mark_cached(struct state *state, bool caches_complete)
{
	struct links_votes votes = { 0 };
	struct chunk_table *chunks = &state->heap->chunks;

	if (!caches_complete)
		tcache_scan(state->image, &state->layout, &state->blocks, chunks, &state->caches);
	if (state->caches.count)
		state->layout.tcache = state->caches.items[0].form;
	tcache_vote(state->image, &state->layout, &state->caches, &state->blocks, &votes);
	fastbins_vote(state->image, &state->layout, &state->arenas, &state->blocks, &votes);
	links_decide(&state->layout, &votes);
	tcache_mark(state->image, &state->layout, &state->caches, chunks, state->anomalies);
	fastbins_mark(state->image, &state->layout, &state->arenas, chunks, state->workers,
				  state->anomalies);
}

/* In which steps malloc_trim cuts the end of the block: whole pages, or huge ones where brk memory
 * grows in them; 0: not at all, as its end is not the break (malloc.c, systrim). */
static uint64_t top_unit(const struct state *state, const struct heap_block *block)
{
	uint64_t page = state->layout.page_size, huge = state->params.thp_page;

	if (!block->shrinks)
		return 0;
	return huge > page && !(huge & (huge - 1)) ? huge : page;
}

/* The heap block that the chunk block lies in, or NULL. */
static struct heap_block *block_of(struct heap *heap, const struct chunk_block *chunks)
{
	size_t i = range_search(heap->blocks.items, heap->blocks.count, sizeof *heap->blocks.items,
							chunks->range.start);

	return i < heap->blocks.count ? &heap->blocks.items[i] : NULL;
}

static void sum_one(void *context, size_t job, unsigned worker)
{
	struct state *state = context;
	const struct chunk_block *block = &state->heap->chunks.blocks.items[job];

	(void)worker;
	if (block->arena != CHUNK_NO_ARENA)
		trim_block(block, &state->layout, top_unit(state, block_of(state->heap, block)),
				   state->page_map, &state->sums[job].trim);
	sums_block(block, state->page_map, state->sums[job].states);
}

static void sum_blocks(struct state *state)
{
	struct heap *heap = state->heap;
	struct chunk_sum mapped[CHUNK_STATES] = { 0 };

	state->sums = mem_zeroed(heap->chunks.blocks.count + 1, sizeof *state->sums);
	workers_run(state->workers, heap->chunks.blocks.count, sum_one, state);
	for (size_t i = 0; i < heap->chunks.blocks.count; i++) {
		const struct chunk_block *block = &heap->chunks.blocks.items[i];
		const struct block_sums *sums = &state->sums[i];

		if (block->arena == CHUNK_NO_ARENA) {
			sums_add(mapped, sums->states);
			continue;
		}
		sums_add(heap->arenas.items[block->arena].states, sums->states);
		trim_add(&heap->arenas.items[block->arena].trim, &sums->trim);
		block_of(heap, block)->trimmable_bytes += sums->trim.bytes;
	}
	heap->mmapped = mapped[CHUNK_MMAPPED];
	heap->mmapped_cached = mapped[CHUNK_TCACHE];
	heap->mmapped_overhead = mapped[CHUNK_OVERHEAD];
	free(state->sums);
}

static const char *links_text(const struct layout *layout)
{
	switch (layout->links) {
	case LAYOUT_LINKS_PLAIN:
		return "plain links";
	case LAYOUT_LINKS_SAFE:
		return "mangled links";
	}
	return "links not seen";
}

static void describe(struct state *state)
{
	struct heap *heap = state->heap;
	const struct layout *layout = &state->layout;
	char generation[LAYOUT_NAME_BYTES];

	layout_generation(layout, generation);
	heap->state_bytes = layout->state->bytes;
	heap->generation = pool_string(&heap->pool, generation);
	heap->basis = pool_printf(
		&heap->pool, "bins at +%u and system_mem at +%u of malloc_state (class %s), %s, %s, %s%s",
		layout->state->bins_at, layout->state->system_mem_at, layout->state->name,
		layout->heap_info
			? pool_printf(&heap->pool, "heap_info of %u bytes", layout->heap_info->bytes)
			: "one arena",
		layout->tcache
			? pool_printf(&heap->pool, "tcache struct of %u bytes", layout->tcache->bytes)
			: "no tcache",
		links_text(layout),
		layout->key == LAYOUT_KEY_OWNER    ? ", keys point to the tcache"
		: layout->key == LAYOUT_KEY_RANDOM ? ", one random key"
										   : "");
}

void heap_walk(struct heap *heap, const struct image *image, const struct regions *regions,
			   const struct core *core, const struct page_map *page_map, unsigned workers,
			   struct progress *progress, struct anomalies *anomalies)
{
	struct state state = { .heap = heap,
						   .image = image,
						   .regions = regions,
						   .core = core,
						   .page_map = page_map,
						   .workers = workers,
						   .progress = progress,
						   .anomalies = anomalies };
	size_t rows_before = anomalies->rows.count;
	bool caches_complete;

	*heap = (struct heap){ .generation = "", .basis = "" };
	heap->chunks.header_bytes = 2 * image->word;
	heap->found =
		arenas_find(image, regions, workers, &state.layout, &state.arenas, &heap->basis, anomalies);
	heap->unused =
		!heap->found && heap->basis != arenas_given_up && anomalies->rows.count == rows_before;
	if (!heap->found)
		return;
	blocks_find(image, regions, &state.layout, &state.arenas, &state.blocks, anomalies);
	copy_arenas(&state);
	find_threads(&state, &caches_complete);
	walk_blocks(&state);
	find_mmapped(&state);
	chunk_table_seal(&heap->chunks);
	mark_cached(&state, caches_complete);
	sum_blocks(&state);
	bins_compare(image, &state.layout, heap, core_is_torn(core), workers, anomalies);
	describe(&state);
	vec_deinit(&state.arenas);
	vec_deinit(&state.blocks);
	vec_deinit(&state.caches);
}

void heap_deinit(struct heap *heap)
{
	vec_deinit(&heap->arenas);
	vec_deinit(&heap->threads);
	vec_deinit(&heap->blocks);
	chunk_table_deinit(&heap->chunks);
	pool_deinit(&heap->pool);
}

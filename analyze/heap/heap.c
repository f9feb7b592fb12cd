#include "analyze/heap/heap.h"

#include "analyze/heap/anonymous.h"
#include "analyze/heap/arenas.h"
#include "analyze/heap/bins.h"
#include "analyze/heap/blocks.h"
#include "analyze/heap/fastbins.h"
#include "analyze/heap/lanes.h"
#include "analyze/heap/mmapped.h"
#include "analyze/heap/params.h"
#include "analyze/heap/sums.h"
#include "analyze/heap/tcache.h"
#include "analyze/heap/threads.h"
#include "base/mem.h"

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
	const char
		*cause; /* of what is odd in lists and chunks, for the end of a sentence; "": damage */

	struct layout layout;
	arenas arenas;
	arena_blocks blocks;
	struct params params; /* zero where not found */
	tcaches caches;
	struct walk_result *walks; /* one for each block */
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
		anomaly_add(state->anomalies, walk->damages.items[i].range.start, "%s%s", text,
					state->cause);
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

static void find_mmapped(struct state *state)
{
	const struct params *params = &state->params;
	bool known =
		params_find(state->image, &state->layout, &state->arenas, &state->blocks, &state->params);
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
	tcache_mark(state->image, &state->layout, &state->caches, chunks, state->cause,
				state->anomalies);
	fastbins_mark(state->image, &state->layout, &state->arenas, chunks, state->workers,
				  state->cause, state->anomalies);
}

static void describe(struct state *state)
{
	struct heap *heap = state->heap;
	char generation[LAYOUT_NAME_BYTES];

	layout_generation(&state->layout, generation);
	heap->state_bytes = state->layout.state->bytes;
	heap->generation = pool_string(&heap->pool, generation);
	heap->basis = layout_basis(&state->layout, &heap->pool);
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
						   .anomalies = anomalies,
						   .cause = core_is_torn(core) ? "; the process ran while it was captured"
													   : "" };
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
	sums_fill(heap, &state.layout, state.params.thp_page, page_map, workers);
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

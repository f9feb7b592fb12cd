#include "analyze/attribute/heap_summary.h"

#include "analyze/attribute/evidence.h"
#include "analyze/attribute/names.h"

static struct report_sum from_sum(const struct chunk_sum *sum)
{
	return (struct report_sum){ sum->chunks, sum->bytes, sum->resident_bytes };
}

static struct report_sum take(const struct heap_arena *arena, enum chunk_state state)
{
	return from_sum(&arena->states[state]);
}

static void add(struct report_sum *to, struct report_sum sum)
{
	to->chunks += sum.chunks;
	to->bytes += sum.bytes;
	to->resident_bytes += sum.resident_bytes;
}

struct report_sum heap_summary_free(const struct report_arena *arena)
{
	struct report_sum sum = arena->tcache;

	add(&sum, arena->fastbin);
	add(&sum, arena->binned);
	add(&sum, arena->top);
	return sum;
}

static uint64_t sum_states(const struct heap_arena *arena)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < CHUNK_STATES; i++)
		bytes += arena->states[i].bytes;
	return bytes;
}

static struct report_pinned take_pinned(const struct trim_sum *trim)
{
	return (struct report_pinned){
		.cache_bytes = trim->pinned[TRIM_CACHE],
		.small_bytes = trim->pinned[TRIM_SMALL],
		.edge_bytes = trim->pinned[TRIM_EDGE],
		.top_bytes = trim->pinned[TRIM_TOP],
		.live_chunks = trim->live_chunks,
		.live_bytes = trim->live_bytes,
	};
}

static void add_arena(struct report_heap *out, const struct heap_arena *arena)
{
	struct report_arena *row = vec_add(&out->arenas);
	struct report_sum free;

	*row = (struct report_arena){
		.index = (unsigned)(out->arenas.count - 1),
		.main = arena->main,
		.locked = arena->locked,
		.address = arena->address,
		.heaps = arena->heaps,
		.system_bytes = arena->system_bytes,
		.heap_bytes = arena->block_bytes,
		.in_use = take(arena, CHUNK_IN_USE),
		.tcache = take(arena, CHUNK_TCACHE),
		.fastbin = take(arena, CHUNK_FASTBIN),
		.binned = take(arena, CHUNK_BINNED),
		.top = take(arena, CHUNK_TOP),
		.overhead = take(arena, CHUNK_OVERHEAD),
		.unwalkable = take(arena, CHUNK_UNWALKABLE),
		.foreign_bytes = arena->block_bytes - sum_states(arena),
		.trimmable_bytes = arena->trim.bytes,
		.pinned = take_pinned(&arena->trim),
	};
	free = heap_summary_free(row);
	row->free_resident_bytes = free.resident_bytes;
	row->free_gone_bytes = free.bytes - free.resident_bytes;
	row->pinned_free_bytes = free.resident_bytes - row->trimmable_bytes;
}

static void add_pinned(struct report_pinned *totals, const struct report_pinned *arena)
{
	totals->cache_bytes += arena->cache_bytes;
	totals->small_bytes += arena->small_bytes;
	totals->edge_bytes += arena->edge_bytes;
	totals->top_bytes += arena->top_bytes;
	totals->live_chunks += arena->live_chunks;
	totals->live_bytes += arena->live_bytes;
}

static void add_to_totals(struct report_arena *totals, const struct report_arena *arena)
{
	totals->heaps += arena->heaps;
	totals->system_bytes += arena->system_bytes;
	totals->heap_bytes += arena->heap_bytes;
	add(&totals->in_use, arena->in_use);
	add(&totals->tcache, arena->tcache);
	add(&totals->fastbin, arena->fastbin);
	add(&totals->binned, arena->binned);
	add(&totals->top, arena->top);
	add(&totals->overhead, arena->overhead);
	add(&totals->unwalkable, arena->unwalkable);
	totals->foreign_bytes += arena->foreign_bytes;
	totals->free_resident_bytes += arena->free_resident_bytes;
	totals->free_gone_bytes += arena->free_gone_bytes;
	totals->trimmable_bytes += arena->trimmable_bytes;
	totals->pinned_free_bytes += arena->pinned_free_bytes;
	add_pinned(&totals->pinned, &arena->pinned);
	totals->locked |= arena->locked;
}

static void add_threads(struct report_heap *out, const struct heap *heap, const struct core *core,
						struct pool *pool)
{
	for (size_t i = 0; i < heap->threads.count; i++) {
		const struct heap_thread *thread = &heap->threads.items[i];

		if (thread->arena >= 0 && (size_t)thread->arena < out->arenas.count)
			*vec_add(&out->arenas.items[thread->arena].threads) = (struct report_thread){
				.tid = thread->tid,
				.name = names_thread(core, thread->tid, pool),
			};
	}
}

void heap_summary_fill(struct report_heap *out, const struct heap *heap, const struct core *core,
					   struct pool *pool)
{
	out->found = heap->found;
	out->has_threads = evidence_knows_threads(core, heap);
	out->mmapped = from_sum(&heap->mmapped);
	out->mmapped_cached = from_sum(&heap->mmapped_cached);
	out->mmapped_overhead = from_sum(&heap->mmapped_overhead);
	for (size_t i = 0; i < heap->arenas.count; i++)
		add_arena(out, &heap->arenas.items[i]);
	for (size_t i = 0; i < out->arenas.count; i++)
		add_to_totals(&out->totals, &out->arenas.items[i]);
	add_threads(out, heap, core, pool);
}

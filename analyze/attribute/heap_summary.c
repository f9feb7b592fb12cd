#include "analyze/attribute/heap_summary.h"

#include "analyze/attribute/names.h"

static struct report_sum take(const struct heap_arena *arena, enum chunk_state state)
{
	const struct chunk_sum *sum = &arena->states[state];

	return (struct report_sum){ sum->chunks, sum->bytes, sum->resident_bytes };
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

static void add_arena(struct report_heap *out, const struct heap_arena *arena)
{
	struct report_arena *row = vec_add(&out->arenas);

	*row = (struct report_arena){
		.index = (unsigned)(out->arenas.count - 1),
		.main = arena->main,
		.locked = arena->locked,
		.address = arena->address,
		.heaps = arena->heaps,
		.system_bytes = arena->system_bytes,
		.in_use = take(arena, CHUNK_IN_USE),
		.tcache = take(arena, CHUNK_TCACHE),
		.fastbin = take(arena, CHUNK_FASTBIN),
		.binned = take(arena, CHUNK_BINNED),
		.top = take(arena, CHUNK_TOP),
		.overhead_bytes = arena->states[CHUNK_OVERHEAD].bytes,
		.unwalkable_bytes = arena->states[CHUNK_UNWALKABLE].bytes,
		.trimmable_bytes = arena->trimmable_bytes,
	};
	row->free_resident_bytes = heap_summary_free(row).resident_bytes;
}

static void add_to_totals(struct report_arena *totals, const struct report_arena *arena)
{
	totals->heaps += arena->heaps;
	totals->system_bytes += arena->system_bytes;
	add(&totals->in_use, arena->in_use);
	add(&totals->tcache, arena->tcache);
	add(&totals->fastbin, arena->fastbin);
	add(&totals->binned, arena->binned);
	add(&totals->top, arena->top);
	totals->overhead_bytes += arena->overhead_bytes;
	totals->unwalkable_bytes += arena->unwalkable_bytes;
	totals->free_resident_bytes += arena->free_resident_bytes;
	totals->trimmable_bytes += arena->trimmable_bytes;
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
	out->mmapped = (struct report_sum){ heap->mmapped.chunks, heap->mmapped.bytes,
										heap->mmapped.resident_bytes };
	out->mmapped_cached =
		(struct report_sum){ heap->mmapped_cached.chunks, heap->mmapped_cached.bytes,
							 heap->mmapped_cached.resident_bytes };
	for (size_t i = 0; i < heap->arenas.count; i++)
		add_arena(out, &heap->arenas.items[i]);
	for (size_t i = 0; i < out->arenas.count; i++)
		add_to_totals(&out->totals, &out->arenas.items[i]);
	add_threads(out, heap, core, pool);
}

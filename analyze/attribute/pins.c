#include "analyze/attribute/pins.h"

#include "analyze/attribute/ledger.h"
#include "analyze/attribute/tally.h"
#include "analyze/heap/resident.h"
#include "base/mem.h"
#include "base/workers.h"

#include <string.h>

/* tcache_perthread_struct has 328 bytes or more, fenceposts less than 64. */
enum { CACHE_LEAST_BYTES = 256 };

/* A heap while its chunks are looked at, by ascending address. */
struct holding {
	const struct heap_block *block;
	bool whole; /* it goes as a whole, else from its end */
	bool damaged;
	struct resident resident;
	struct range open;      /* the free stretch before the next chunk */
	uint64_t open_resident; /* of it */
	uint64_t longest;       /* bytes of the longest stretch so far */
	vaddr from;             /* pins are looked for from here on */
	uint64_t held, held_resident;
	uint64_t live_chunks, live_bytes, cached_chunks, cached_bytes;
};

struct pinning {
	const struct heap *heap;
	const struct findings *findings;
	const struct page_map *page_map;
	struct holding *holdings; /* one for each heap block */
};

/* In use to malloc: what the program holds, thread caches and what is in them. */
static bool is_pin(const struct heap_block *block, const struct chunk *chunk)
{
	return chunk->state == CHUNK_IN_USE || chunk->state == CHUNK_TCACHE ||
		   (chunk->state == CHUNK_OVERHEAD && chunk->address > block->range.start &&
			chunk->bytes >= CACHE_LEAST_BYTES);
}

static void hold_open(struct holding *holding)
{
	holding->held += range_bytes(holding->open);
	holding->held_resident += holding->open_resident;
	holding->open = (struct range){ 0, 0 };
	holding->open_resident = 0;
}

static void take_pin(struct holding *holding, const struct chunk *chunk)
{
	uint64_t stretch = range_bytes(holding->open);

	/* Only what lies behind the longest stretch keeps it. */
	if (!holding->whole && stretch > holding->longest) {
		holding->longest = stretch;
		holding->from = holding->open.start;
		holding->held = holding->held_resident = 0;
		holding->live_chunks = holding->live_bytes = 0;
		holding->cached_chunks = holding->cached_bytes = 0;
	}
	hold_open(holding);
	if (chunk->state == CHUNK_IN_USE) {
		holding->live_chunks++;
		holding->live_bytes += chunk->bytes;
	} else {
		holding->cached_chunks++;
		holding->cached_bytes += chunk->bytes;
	}
}

static void take_chunk(struct holding *holding, const struct chunk *chunk)
{
	struct range range = { chunk->address, chunk->address + chunk->bytes };

	if (chunk->state == CHUNK_BINNED || chunk->state == CHUNK_FASTBIN) {
		if (holding->open.end != range.start)
			hold_open(holding);
		if (!range_bytes(holding->open))
			holding->open.start = range.start;
		holding->open.end = range.end;
		holding->open_resident += resident_bytes(&holding->resident, range);
	} else if (is_pin(holding->block, chunk)) {
		take_pin(holding, chunk);
	}
	holding->damaged |= chunk->state == CHUNK_UNWALKABLE;
}

/* Index of the first block of chunks in the heap block, and of the one behind the last. */
static void chunk_blocks(const struct heap *heap, const struct heap_block *block, size_t *first,
						 size_t *end)
{
	*first = chunk_table_find_block(&heap->chunks, block->range.start);
	for (*end = *first; *end < heap->chunks.blocks.count &&
						heap->chunks.blocks.items[*end].range.start < block->range.end;)
		++*end;
}

static void hold_one(void *context, size_t job, unsigned worker)
{
	struct pinning *pinning = context;
	const struct heap_block *block = &pinning->heap->blocks.items[job];
	const struct heap_arena *arena = &pinning->heap->arenas.items[block->arena];
	struct holding *holding = &pinning->holdings[job];
	size_t first, end;

	(void)worker;
	*holding =
		(struct holding){ .block = block,
						  .whole = !arena->main && !range_holds(block->range, arena->address),
						  .resident = { .map = pinning->page_map },
						  .from = block->range.start };
	if (arena->main && !block->shrinks)
		return;
	chunk_blocks(pinning->heap, block, &first, &end);
	for (; first < end; first++) {
		const struct chunk_block *chunks = &pinning->heap->chunks.blocks.items[first];

		for (size_t i = 0; i < chunks->count; i++) {
			struct chunk chunk = chunk_block_get(chunks, i);

			take_chunk(holding, &chunk);
		}
	}
	if (holding->whole && !block->has_top)
		hold_open(holding);
}

/* The rule that has the chunk's first bytes that any has, or NULL. */
static const struct hit *hit_of(const struct findings *findings, const struct chunk *chunk)
{
	const struct hit *best = NULL;
	size_t low = 0, high = findings->hits.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (findings->hits.items[middle].start < chunk->address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < findings->hits.count &&
		   findings->hits.items[low].start < chunk->address + chunk->bytes;
		 low++)
		if (!best || ledger_precedes(findings, &findings->hits.items[low], best))
			best = &findings->hits.items[low];
	return best;
}

/* Key of the tally: a rule's index, or a state and a size. */
#define KEY_RULE (UINT64_C(1) << 63)
enum { KEY_SIZE_BITS = 56 };

/* What is in a cache is free to us: what it once was is of no use here. */
static const char *rule_of(const struct findings *findings, const struct chunk *chunk,
						   uint64_t *key)
{
	const struct hit *hit = chunk->state == CHUNK_IN_USE ? hit_of(findings, chunk) : NULL;

	*key = hit ? KEY_RULE | hit->rule : (uint64_t)chunk->state << KEY_SIZE_BITS | chunk->bytes;
	return hit ? findings->rules.items[hit->rule].id : NULL;
}

static struct report_pin_group group_of(const struct findings *findings,
										const struct tally_row *row, struct pool *pool)
{
	struct report_pin_group group = { .chunks = row->chunks, .bytes = row->bytes };

	if (row->key & KEY_RULE) {
		group.rule = pool_string(pool, findings->rules.items[row->key & ~KEY_RULE].id);
		group.state = chunk_state_name(CHUNK_IN_USE);
	} else {
		group.state = chunk_state_name((enum chunk_state)(row->key >> KEY_SIZE_BITS));
		group.size = row->key & ((UINT64_C(1) << KEY_SIZE_BITS) - 1);
	}
	return group;
}

/* The pins of a heap that is shown: by kind, and the last ones. */
static void list_pins(const struct pinning *pinning, const struct holding *holding,
					  struct report_pin *row, struct pool *pool)
{
	const unsigned header = pinning->heap->chunks.header_bytes;
	struct tally tally = { 0 };
	size_t first, end, groups;
	uint64_t key;

	chunk_blocks(pinning->heap, holding->block, &first, &end);
	while (end-- > first) {
		const struct chunk_block *chunks = &pinning->heap->chunks.blocks.items[end];

		for (size_t i = chunks->count; i--;) {
			struct chunk chunk = chunk_block_get(chunks, i);
			const char *rule;

			if (chunk.address < holding->from)
				break;
			if (!is_pin(holding->block, &chunk))
				continue;
			rule = rule_of(pinning->findings, &chunk, &key);
			tally_add(&tally, key, chunk.bytes);
			if (row->last.count < PINS_LAST)
				*vec_add(&row->last) = (struct report_pin_chunk){
					.address = chunk.address + header,
					.bytes = chunk.bytes,
					.state = chunk_state_name(chunk.state),
					.rule = rule ? pool_string(pool, rule) : NULL,
				};
		}
	}
	groups = tally_sort(&tally);
	for (size_t i = 0; i < groups && i < PINS_GROUPS; i++)
		*vec_add(&row->groups) = group_of(pinning->findings, &tally.slots[i], pool);
	tally_deinit(&tally);
}

static bool is_shown(const struct holding *holding)
{
	return !holding->damaged && holding->held >= PINS_LEAST_BYTES &&
		   holding->held / PINS_TIMES > holding->live_bytes + holding->cached_bytes;
}

static int compare(const void *a, const void *b)
{
	const struct holding *x = a, *y = b;

	if (x->held_resident != y->held_resident)
		return x->held_resident < y->held_resident ? 1 : -1;
	if (x->held != y->held)
		return x->held < y->held ? 1 : -1;
	return x->block->range.start < y->block->range.start ? -1 : 1;
}

static void add_row(struct report_heap *out, const struct pinning *pinning,
					const struct holding *holding, struct pool *pool)
{
	const struct heap_block *block = holding->block;
	struct report_pin *row = vec_add(&out->pins);

	*row = (struct report_pin){
		.heap = block->range,
		.arena = (unsigned)block->arena,
		.kind = pinning->heap->arenas.items[block->arena].main ? "brk"
				: block->has_top                               ? "newest"
															   : "older",
		.held_bytes = holding->held,
		.held_resident_bytes = holding->held_resident,
		.trimmable_bytes = block->trimmable_bytes,
		.live_chunks = holding->live_chunks,
		.live_bytes = holding->live_bytes,
		.cached_chunks = holding->cached_chunks,
		.cached_bytes = holding->cached_bytes,
	};
	list_pins(pinning, holding, row, pool);
}

void pins_fill(struct report_heap *out, const struct heap *heap, const struct findings *findings,
			   const struct page_map *page_map, unsigned workers, struct pool *pool)
{
	struct pinning pinning = { heap, findings, page_map, NULL };
	size_t count = heap->blocks.count, shown = 0;

	pinning.holdings = mem_zeroed(count + 1, sizeof *pinning.holdings);
	workers_run(workers, count, hold_one, &pinning);
	for (size_t i = 0; i < count; i++)
		if (is_shown(&pinning.holdings[i]))
			pinning.holdings[shown++] = pinning.holdings[i];
	qsort(pinning.holdings, shown, sizeof *pinning.holdings, compare);
	for (size_t i = 0; i < shown && i < PINS_MAX; i++)
		add_row(out, &pinning, &pinning.holdings[i], pool);
	free(pinning.holdings);
}

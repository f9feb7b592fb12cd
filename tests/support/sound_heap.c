#include "tests/support/sound_heap.h"

#include "analyze/attribute/buckets.h"
#include "analyze/memory/owners.h"
#include "tests/support/core_exercise.h"

enum { PAGE = 4096 };

static const struct {
	const char *class;
	unsigned word, threads;
} rows[] = {
	{ "C", 8, 3 }, { "D", 8, 2 }, { "A1", 8, 3 }, { "B", 8, 1 }, { "C-2.26", 8, 2 },
	{ "C", 4, 3 }, { "D", 4, 2 }, { "A1", 4, 2 }, { "C", 8, 1 },
};

size_t sound_heap_rows(void)
{
	return sizeof rows / sizeof rows[0];
}

static uint64_t below(uint64_t *random, uint64_t limit)
{
	return core_random(random, limit);
}

/* Content as programs have it: zeros, text, small numbers that look like size words, pointers. */
static void fill(uint64_t *random, struct heap_builder *builder, vaddr chunk, uint64_t bytes)
{
	unsigned word = builder->class->word;
	uint64_t kind = below(random, 4);

	for (vaddr at = chunk + 2 * word; at < chunk + bytes; at += word) {
		if (kind == 1)
			heap_builder_set(builder, at, 0x2074786574207361);
		else if (kind == 2)
			heap_builder_set(builder, at, 16 * below(random, 20) + below(random, 8));
		else if (kind == 3 && below(random, 2))
			heap_builder_set(builder, at, chunk + 16 * below(random, 256));
	}
}

static uint64_t chunk_bytes(uint64_t *random, const struct heap_builder *builder)
{
	uint64_t units = below(random, 20) ? 2 + below(random, 12) : 2 + below(random, 300);

	return units * 16 < 4 * builder->class->word ? 32 : units * 16;
}

static void add_chunks(uint64_t *random, struct heap_builder *builder, size_t arena, vaddr tcache,
					   unsigned count)
{
	bool binned = true;

	for (unsigned i = 0; i < count; i++) {
		uint64_t bytes = chunk_bytes(random, builder), dice = below(random, 10);
		vaddr chunk;

		if (dice < 2 && !binned) {
			chunk = heap_builder_chunk(builder, arena, bytes, HEAP_BINNED);
			binned = true;
			continue;
		}
		if (dice == 2 && builder->class->fastbins) {
			heap_builder_chunk(builder, arena, 32, HEAP_FASTBIN);
		} else {
			chunk = heap_builder_chunk(builder, arena, bytes, HEAP_USED);
			fill(random, builder, chunk, bytes);
			if (tcache && bytes < 0x200 && dice == 3)
				heap_builder_cache(builder, tcache, chunk);
		}
		binned = false;
	}
}

static void map_pages(uint64_t *random, struct core *core, const struct regions *regions)
{
	core->has_page_map = true;
	core->page_map.page_size = PAGE;
	for (size_t i = 0; i < regions->items.count; i++) {
		struct range range = regions->items.items[i].range;

		while (range_bytes(range)) {
			struct range part = { range.start, range.start + PAGE * (1 + below(random, 16)) };

			part.end = part.end < range.end ? part.end : range.end;
			page_map_append(&core->page_map, part, below(random, 5) ? PAGE_PRESENT : PAGE_ABSENT);
			range.start = part.end;
		}
	}
}

/* Leaves the inside of tops and mmapped chunks out of the image, as a capture does with pages that
 * were never touched. */
static void drop_untouched(struct heap_builder *builder, struct range mapped)
{
	for (size_t i = 0; i < builder->arenas.count; i++) {
		const struct heap_builder_arena *arena = &builder->arenas.items[i];
		vaddr top = (arena->cursor + 2 * PAGE) & ~(vaddr)(PAGE - 1);
		size_t piece = image_find(&builder->image, arena->cursor);
		vaddr end = builder->image.pieces.items[piece].range.end - PAGE;

		if (top < end)
			heap_builder_drop(builder, (struct range){ top, end });
	}
	for (size_t i = 0; i < builder->areas.count; i++) {
		struct range range = builder->areas.items[i].range;

		if (range_holds(mapped, range.start))
			heap_builder_drop(builder, (struct range){ range.start + PAGE, range.end - PAGE });
	}
}

void sound_heap_build(struct sound_heap *heap, size_t row, unsigned chunks)
{
	struct heap_builder *builder = &heap->builder;
	struct range mapped;
	uint64_t random = row;

	*heap = (struct sound_heap){ .name = rows[row].class, .built = true };
	heap_builder_init(builder, rows[row].class, rows[row].word);
	for (unsigned i = 0; i < rows[row].threads; i++) {
		vaddr tcache;

		if (i)
			heap_builder_arena(builder, 0x21000);
		tcache = builder->class->tcache_bytes ? heap_builder_tcache(builder, i) : 0;
		heap_builder_thread(builder, 100 + i, i, tcache);
		add_chunks(&random, builder, i, tcache, chunks);
		if (i == 1)
			heap_builder_heap(builder, i, 0x21000);
		add_chunks(&random, builder, i, tcache, chunks / 2);
	}
	mapped.start = builder->next_mapping;
	for (unsigned i = 0; i < 3; i++)
		heap_builder_mmapped(builder, 0x21000 + 0x1000 * i, 0);
	mapped.end = builder->next_mapping;
	heap_builder_finish(builder);
	drop_untouched(builder, mapped);
	heap->core = builder->core;
	heap->image = builder->image;
	heap->regions = builder->regions;
	map_pages(&random, &heap->core, &heap->regions);
}

bool sound_heap_open(struct sound_heap *heap, const char *path, struct err *err)
{
	struct progress silent = { 0 };

	*heap = (struct sound_heap){ .name = path };
	if (!core_open(&heap->core, path, 2, &silent, err))
		return false;
	image_init(&heap->image, &heap->core);
	regions_init(&heap->regions, &heap->core);
	return true;
}

void sound_heap_deinit(struct sound_heap *heap)
{
	specimen_deinit(&heap->specimen);
	heap_deinit(&heap->truth);
	if (heap->built) {
		page_map_deinit(&heap->core.page_map);
		heap_builder_deinit(&heap->builder);
		return;
	}
	regions_deinit(&heap->regions);
	image_deinit(&heap->image);
	core_close(&heap->core);
}

static struct heap_walked_sums sum_buckets(const struct sound_heap *sound, const struct heap *heap)
{
	struct report_memory memory = { 0 };
	struct owners owners = { 0 };
	struct pool pool = { 0 };
	struct heap_walked_sums sums = { 0 };

	owners_find(&owners, &sound->specimen.image, &sound->regions, &sound->core);
	buckets_fill(&memory, &sound->core, &sound->specimen.image, &sound->regions, &owners, heap,
				 &pool);
	owners_deinit(&owners);
	for (size_t i = 0; i < memory.buckets.count; i++) {
		sums.virtual_bytes += memory.buckets.items[i].virtual_bytes;
		sums.resident_bytes += memory.buckets.items[i].resident_bytes;
	}
	vec_deinit(&memory.buckets);
	pool_deinit(&pool);
	return sums;
}

void heap_walked_init(struct heap_walked *walked, const struct sound_heap *sound)
{
	struct progress silent = { 0 };
	const struct page_map *map = sound->core.has_page_map ? &sound->core.page_map : NULL;

	*walked = (struct heap_walked){ 0 };
	heap_walk(&walked->heap, &sound->specimen.image, &sound->regions, &sound->core, map, 1, &silent,
			  &walked->anomalies);
	walked->sums = sum_buckets(sound, &walked->heap);
}

void heap_walked_deinit(struct heap_walked *walked)
{
	heap_deinit(&walked->heap);
	anomalies_deinit(&walked->anomalies);
}

bool sound_heap_examine(struct sound_heap *heap)
{
	struct heap_walked walked;
	bool sound;

	specimen_init(&heap->specimen, &heap->image, &heap->regions, &heap->core);
	heap_walked_init(&walked, heap);
	sound = walked.heap.found && (!heap->built || !walked.anomalies.rows.count);
	heap->truth = walked.heap;
	heap->sums = walked.sums;
	anomalies_deinit(&walked.anomalies);
	return sound;
}

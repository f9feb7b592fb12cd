#include "analyze/heap/lanes.h"

#include "base/mem.h"
#include "base/workers.h"

enum {
	PART_BYTES = 4 << 20,      /* of a block that is cut */
	LANES = 8,                 /* parts that a worker walks at once */
	START_SEARCH_BYTES = 65536 /* memory looked through for a part's start; none: no cut there */
};

/* A part of a block, walked for itself. */
struct part {
	size_t block;
	struct range range; /* from a chunk up to the next part's */
	struct walk_result result;
};

struct lanes {
	const struct image *image;
	const struct layout *layout;
	const arena_blocks *blocks;
	struct progress *progress;
	VEC(struct part) parts;
};

static bool can_walk(const struct arena_block *block)
{
	return block->first <= block->last && block->last < block->range.end;
}

static void add_part(struct lanes *lanes, size_t block, vaddr start)
{
	struct part *part = vec_add(&lanes->parts);

	part->block = block;
	part->range = (struct range){ start, lanes->blocks->items[block].last };
}

/* Cuts a block, or gives it up. The places, not yet the starts: those are looked for by the
 * workers. */
static void add_block(struct lanes *lanes, size_t index, struct walk_result *result)
{
	const struct arena_block *block = &lanes->blocks->items[index];

	if (!can_walk(block)) {
		walk_give_up(lanes->image, lanes->layout, block, result);
		return;
	}
	add_part(lanes, index, block->first);
	for (vaddr at = block->first + PART_BYTES; at < block->last && block->last - at > PART_BYTES;
		 at += PART_BYTES)
		add_part(lanes, index, at);
}

static void find_start(void *context, size_t job, unsigned worker)
{
	struct lanes *lanes = context;
	struct part *part = &lanes->parts.items[job];
	const struct arena_block *block = &lanes->blocks->items[part->block];
	vaddr start = part->range.start;

	(void)worker;
	if (start != block->first)
		part->range.start = walk_find_start(lanes->image, lanes->layout, block,
											(struct range){ start, start + START_SEARCH_BYTES });
}

/* Leaves out the parts without a start; the one before goes on to the next. */
static void join_parts(struct lanes *lanes)
{
	size_t kept = 0;

	for (size_t i = 0; i < lanes->parts.count; i++) {
		struct part *part = &lanes->parts.items[i];

		if (!part->range.start)
			continue;
		if (kept && lanes->parts.items[kept - 1].block == part->block)
			lanes->parts.items[kept - 1].range.end = part->range.start;
		lanes->parts.items[kept++] = *part;
	}
	lanes->parts.count = kept;
}

static void walk_group(void *context, size_t job, unsigned worker)
{
	struct lanes *lanes = context;
	size_t first = job * LANES, count = lanes->parts.count - first;
	struct walk walks[LANES], *open[LANES];
	size_t left;

	(void)worker;
	count = count < LANES ? count : LANES;
	for (size_t i = 0; i < count; i++) {
		struct part *part = &lanes->parts.items[first + i];

		walk_begin(&walks[i], lanes->image, lanes->layout, &lanes->blocks->items[part->block],
				   part->range, &part->result);
		open[i] = &walks[i];
	}
	for (left = count; left;)
		for (size_t i = 0; i < left;)
			if (walk_step(open[i]))
				i++;
			else
				open[i] = open[--left];
	for (size_t i = 0; i < count; i++) {
		walk_end(&walks[i]);
		progress_add(lanes->progress, range_bytes(lanes->parts.items[first + i].range));
	}
}

static void result_deinit(struct walk_result *result)
{
	for (size_t i = 0; i < result->blocks.count; i++)
		chunk_block_deinit(&result->blocks.items[i]);
	vec_deinit(&result->blocks);
	vec_deinit(&result->damages);
	*result = (struct walk_result){ 0 };
}

/* Drops of the part's first block what stands before the chunk, and the damages there. False where
 * that block has no such chunk. */
static bool drop_before(struct walk_result *result, vaddr chunk)
{
	struct chunk_block *block = result->blocks.count ? &result->blocks.items[0] : NULL;
	size_t index, kept = 0;
	struct chunk found;

	if (!block || !range_holds(block->range, chunk) || result->damage_count > result->damages.count)
		return false;
	index = chunk_block_find(block, chunk);
	found = chunk_block_get(block, index);
	if (found.address != chunk || found.state == CHUNK_UNWALKABLE)
		return false;
	chunk_block_drop(block, index);
	for (size_t i = 0; i < result->damages.count; i++)
		if (result->damages.items[i].range.start >= chunk)
			result->damages.items[kept++] = result->damages.items[i];
	result->damage_count -= result->damages.count - kept;
	result->damages.count = kept;
	return true;
}

/* Appends what the part found to the whole block's. */
static void append(struct walk_result *whole, struct walk_result *part)
{
	struct chunk_block *last =
		whole->blocks.count ? &whole->blocks.items[whole->blocks.count - 1] : NULL;
	size_t first = 0;

	if (last && part->blocks.count && chunk_block_join(last, &part->blocks.items[0]))
		first = 1;
	for (size_t i = first; i < part->blocks.count; i++) {
		*vec_add(&whole->blocks) = part->blocks.items[i];
		part->blocks.items[i] = (struct chunk_block){ 0 };
	}
	for (size_t i = 0; i < part->damages.count && whole->damages.count < WALK_DAMAGES_MAX; i++)
		*vec_add(&whole->damages) = part->damages.items[i];
	whole->damage_count += part->damage_count;
	whole->end = part->end;
}

static void walk_again(const struct lanes *lanes, struct part *part, vaddr start)
{
	struct walk walk;

	result_deinit(&part->result);
	walk_begin(&walk, lanes->image, lanes->layout, &lanes->blocks->items[part->block],
			   (struct range){ start, part->range.end }, &part->result);
	while (walk_step(&walk))
		;
	walk_end(&walk);
}

/* Puts the parts of one block, [first, last), together. */
static void stitch(struct lanes *lanes, size_t first, size_t last, struct walk_result *whole)
{
	struct part *parts = lanes->parts.items;

	append(whole, &parts[first].result);
	for (size_t i = first + 1; i < last; i++) {
		bool passed = whole->end >= parts[i].range.end && i + 1 < last;

		if (!passed && whole->end != parts[i].range.start &&
			!drop_before(&parts[i].result, whole->end))
			walk_again(lanes, &parts[i], whole->end);
		if (!passed)
			append(whole, &parts[i].result);
	}
	for (size_t i = first; i < last; i++)
		result_deinit(&parts[i].result);
}

static void stitch_all(struct lanes *lanes, struct walk_result *results)
{
	const struct part *parts = lanes->parts.items;

	for (size_t first = 0, last; first < lanes->parts.count; first = last) {
		for (last = first; last < lanes->parts.count && parts[last].block == parts[first].block;)
			last++;
		stitch(lanes, first, last, &results[parts[first].block]);
	}
}

static void index_result(void *context, size_t job, unsigned worker)
{
	struct walk_result *results = context;

	(void)worker;
	for (size_t i = 0; i < results[job].blocks.count; i++)
		chunk_block_index(&results[job].blocks.items[i]);
}

void lanes_walk(const struct image *image, const struct layout *layout, const arena_blocks *blocks,
				unsigned workers, struct progress *progress, struct walk_result *results)
{
	struct lanes lanes = { image, layout, blocks, progress, { 0 } };

	for (size_t i = 0; i < blocks->count; i++)
		add_block(&lanes, i, &results[i]);
	workers_run(workers, lanes.parts.count, find_start, &lanes);
	join_parts(&lanes);
	workers_run(workers, (lanes.parts.count + LANES - 1) / LANES, walk_group, &lanes);
	stitch_all(&lanes, results);
	workers_run(workers, blocks->count, index_result, results);
	vec_deinit(&lanes.parts);
}

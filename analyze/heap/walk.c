#include "analyze/heap/walk.h"

#include "analyze/heap/chain.h"
#include "analyze/heap/resync.h"
#include "base/mem.h"

enum {
	PACKED_FIRST = 4096, /* chunks there is room for at first */
	/* Headers looked at to tell which of two sizes is the damaged one: for one damage, and for all
	 * of a walk. Old headers inside a freed stretch make long chains that lead nowhere. */
	DOUBT_STEPS = 1 << 18,
	DOUBT_STEPS_ALL = 1 << 20,
};

static void open_block(struct walk *walk, vaddr start)
{
	walk->open = (struct chunk_block){ .range = { start, start }, .arena = walk->block->arena };
	walk->capacity = 0;
}

static void close_block(struct walk *walk, vaddr end)
{
	struct chunk_block *open = &walk->open;

	if (!open->count)
		return;
	open->range.end = end;
	open->packed = mem_resize(open->packed, open->count, sizeof *open->packed);
	*vec_add(&walk->result->blocks) = *open;
	*open = (struct chunk_block){ 0 };
}

static void grow_packed(struct walk *walk)
{
	walk->capacity = walk->capacity ? walk->capacity * 2 : PACKED_FIRST;
	walk->open.packed = mem_resize(walk->open.packed, walk->capacity, sizeof *walk->open.packed);
}

static inline void emit(struct walk *walk, vaddr chunk, enum chunk_state state)
{
	uint64_t offset = chunk - walk->open.range.start;

	if (offset >= CHUNK_BLOCK_MAX_BYTES) {
		close_block(walk, chunk);
		open_block(walk, chunk);
		offset = 0;
	}
	if (walk->open.count == walk->capacity)
		grow_packed(walk);
	walk->open.packed[walk->open.count++] = (uint32_t)offset | (uint32_t)state;
}

/* Takes back the chunk emitted last, if it is at the address. */
static void take_back(struct walk *walk, vaddr chunk)
{
	struct chunk_block *open = &walk->open;

	if (open->count && open->range.start + (open->packed[open->count - 1] & ~UINT32_C(7)) == chunk)
		open->count--;
}

static void emit_unwalkable(struct walk *walk, struct range range, enum walk_trouble trouble)
{
	struct walk_result *result = walk->result;
	struct walk_damage damage = { .range = range,
								  .trouble = trouble,
								  .most = walk->block->last - range.start,
								  .bad_flags = walk->chain.bad_flags };

	if (!range_bytes(range))
		return;
	emit(walk, range.start, CHUNK_UNWALKABLE);
	damage.header = reader_word_or_zero(&walk->chain.reader, range.start + walk->layout->word);
	if (result->damages.count < WALK_DAMAGES_MAX)
		*vec_add(&result->damages) = damage;
	result->damage_count++;
}

/* An address inside the chunk before the one at `beyond` from which chunks follow each other and
 * past that one: the size of the chunk is damaged then. `beyond` where there is none. */
static vaddr resync_inside(struct walk *walk, vaddr previous, vaddr beyond)
{
	vaddr from = previous + walk->layout->min_bytes, next;
	uint64_t steps = walk->doubt_steps < DOUBT_STEPS ? walk->doubt_steps : DOUBT_STEPS;

	walk->chain.steps = steps;
	next = resync_find(&walk->chain, from, beyond, beyond, RESYNC_HOPS);
	if (next == beyond)
		next = resync_find(&walk->chain, from, beyond, beyond, RESYNC_HOPS_NEAR);
	walk->doubt_steps -= steps - walk->chain.steps;
	walk->chain.steps = UINT64_MAX;
	return next;
}

/* The header behind the chunk is damaged, and with it the flag whether the chunk is free. If it is
 * in a bin, its list knows it; else it is taken for used. */
static void decide_without_flag(struct walk *walk, vaddr chunk)
{
	take_back(walk, chunk);
	emit(walk, chunk, chain_is_linked(&walk->chain, chunk) ? CHUNK_BINNED : CHUNK_IN_USE);
}

/* The header at the address does not fit. Either it was overwritten, or the size of the chunk
 * before it was: then chunks follow each other from an address inside that one and past this one,
 * or from one so near that no chunk can be here. Gives where the walk goes on. */
static vaddr step_over_damage(struct walk *walk, vaddr chunk, enum walk_trouble trouble)
{
	vaddr previous = walk->previous, next = chunk;

	if (previous)
		next = resync_inside(walk, previous, chunk);
	if (next == chunk)
		next = resync_next(&walk->resync, &walk->chain, chunk, chunk + walk->layout->alignment,
						   walk->block->last);
	if (previous && next < chunk + walk->layout->min_bytes) {
		take_back(walk, previous);
		emit_unwalkable(walk, (struct range){ previous, next }, WALK_BAD_LEAD);
	} else {
		if (previous)
			decide_without_flag(walk, previous);
		emit_unwalkable(walk, (struct range){ chunk, next }, trouble);
	}
	walk->previous = 0;
	return next;
}

/* Two fenceposts inside brk memory: somebody else moved the break (malloc.c, sysmalloc). What
 * follows up to the next region of malloc is theirs. */
static vaddr step_over_foreign(struct walk *walk, vaddr fence)
{
	vaddr page = walk->layout->page_size;
	vaddr end = (fence + 4 * walk->layout->word + page - 1) & ~(page - 1), next;

	if (end > walk->block->last)
		end = walk->block->last;
	emit(walk, fence, CHUNK_OVERHEAD);
	next = resync_find(&walk->chain, end, walk->block->last, end, RESYNC_HOPS);
	close_block(walk, end);
	open_block(walk, next);
	walk->previous = 0;
	return next;
}

/* A chunk that does not fit: a fencepost or damage. Gives where the walk goes on. */
static vaddr step_odd(struct walk *walk, vaddr chunk, bool captured, uint64_t header)
{
	if (captured && chain_size(header) == walk->layout->header) {
		if (chunk + walk->layout->header == walk->block->last && !walk->block->has_top) {
			emit(walk, chunk, CHUNK_OVERHEAD);
			return walk->block->last;
		}
		/* before the fenceposts the rest of an old top too small for a chunk (malloc.c, sysmalloc)
		 */
		if (chunk + 2 * walk->layout->header == walk->block->last && !walk->block->has_top) {
			emit(walk, chunk, CHUNK_OVERHEAD);
			return chunk + walk->layout->header;
		}
		if (walk->block->main && chain_is_fence(&walk->chain, chunk))
			return step_over_foreign(walk, chunk);
	}
	return step_over_damage(walk, chunk, captured ? WALK_BAD_SIZE : WALK_NO_HEADER);
}

/* The rest of an old top too small to be freed, joined with its fencepost: in no bin, though nobody
 * holds it. Used chunks of a secondary arena have the NON_MAIN flag, it has not. */
static bool is_joined_fence(const struct walk *walk, uint64_t header, vaddr next)
{
	return !walk->block->main && !walk->block->has_top && next == walk->block->last &&
		   !(header & LAYOUT_NON_MAIN) && chain_size(header) <= walk->layout->min_bytes;
}

static inline void look_at(struct walk *walk, vaddr chunk)
{
	walk->chunk = chunk;
	walk->captured = reader_word(&walk->chain.reader, chunk + walk->layout->word, &walk->header);
}

/* The next chunk's header was not captured, and with it the flag whether this chunk is free; only
 * its bin could tell. */
static void step_to_missing(struct walk *walk, vaddr next)
{
	vaddr chunk = walk->chunk;

	walk->previous = 0;
	if (!chain_is_linked(&walk->chain, chunk))
		next = step_over_damage(walk, chunk, WALK_NO_NEXT);
	else
		emit(walk, chunk, CHUNK_BINNED);
	look_at(walk, next);
}

bool walk_step(struct walk *walk)
{
	struct reader *reader = &walk->chain.reader;
	const unsigned word = walk->layout->word;
	vaddr chunk = walk->chunk, next = chunk + chain_size(walk->header);
	bool fits = walk->captured && chain_header_fits(&walk->chain, chunk, walk->header);
	uint64_t next_header;

	/* A walk ends at a chunk that fits: the size that led to another may be the damaged one. */
	if (chunk >= walk->until && (fits || chunk >= walk->block->last))
		return false;
	if (!fits) {
		look_at(walk, step_odd(walk, chunk, walk->captured, walk->header));
		return true;
	}
	if (!reader_word(reader, next + word, &next_header)) {
		step_to_missing(walk, next);
		return true;
	}
	if (!(next_header & LAYOUT_PREV_IN_USE))
		emit(walk, chunk, CHUNK_BINNED);
	else
		emit(walk, chunk,
			 is_joined_fence(walk, walk->header, next) ? CHUNK_OVERHEAD : CHUNK_IN_USE);
	walk->previous = chunk;
	walk->chunk = next;
	walk->header = next_header;
	reader_prefetch(reader, next + chain_size(next_header) + word);
	return true;
}

void walk_begin(struct walk *walk, const struct image *image, const struct layout *layout,
				const struct arena_block *block, struct range part, struct walk_result *result)
{
	*walk = (struct walk){
		.chain = chain_make(image, layout, block->main, block->last),
		.layout = layout,
		.block = block,
		.result = result,
		.until = part.end,
		.doubt_steps = DOUBT_STEPS_ALL,
	};
	open_block(walk, part.start);
	look_at(walk, part.start);
	if (part.start != block->first)
		return;
	open_block(walk, block->range.start);
	if (block->first > block->range.start)
		emit(walk, block->range.start, CHUNK_OVERHEAD);
}

void walk_end(struct walk *walk)
{
	const struct arena_block *block = walk->block;

	walk->result->end = walk->chunk;
	if (walk->until == block->last) {
		emit(walk, block->last, block->has_top ? CHUNK_TOP : CHUNK_OVERHEAD);
		close_block(walk, block->range.end);
	} else {
		close_block(walk, walk->chunk);
	}
}

vaddr walk_find_start(const struct image *image, const struct layout *layout,
					  const struct arena_block *block, struct range where)
{
	struct walk walk = { .chain = chain_make(image, layout, block->main, block->last),
						 .layout = layout,
						 .block = block };
	vaddr start;

	walk.chain.steps = DOUBT_STEPS;
	start = resync_find(&walk.chain, where.start, where.end, where.start, RESYNC_HOPS);
	return start < where.end ? start : 0;
}

void walk_give_up(const struct image *image, const struct layout *layout,
				  const struct arena_block *block, struct walk_result *result)
{
	struct walk walk = { .chain = chain_make(image, layout, block->main, block->last),
						 .layout = layout,
						 .block = block,
						 .result = result };

	open_block(&walk, block->range.start);
	emit_unwalkable(&walk, block->range, WALK_NO_CHUNKS);
	close_block(&walk, block->range.end);
}

#include "analyze/attribute/reach.h"

#include "analyze/input/registers.h"
#include "base/mem.h"
#include "base/workers.h"

#include <stdlib.h>

enum {
	STACK_CHUNKS = 1 << 14,
	SLICE_BYTES = 1 << 20, /* of a root, for one job */
	SLICE_WORDS = 1 << 8,  /* of a plane, for one job: 16,384 chunks */
	SHOW_BYTES = 1 << 20,
	BUDGET_FIRST = 1 << 11,
	BUDGET_LAST = 1 << 24,
};

/* One thread's state. */
struct follower {
	struct pointers pointers;
	struct reach_sum sum;
	size_t depth;
	bool overflow;    /* a chunk was anchored and is not on any stack */
	uint64_t unshown; /* bytes that progress was not told of yet */
	struct chunk_place *stack;
};

/* What the threads share. */
struct walk {
	struct reach *reach;
	const struct core *core;
	const struct image *image;
	struct progress *progress;
	struct follower *followers;
	unsigned workers;
	size_t budget; /* chunks that a job may read */
	VEC(struct range) slices;
};

static bool get_bit(const struct reach *reach, enum reach_plane plane, size_t number)
{
	return atomic_load_explicit(&reach->planes[plane][number / 64], memory_order_relaxed) >>
			   number % 64 &
		   1;
}

/* True for the one thread that set it. The chunks' contents do not change, so no order is needed.
 */
static bool set_bit(struct reach *reach, enum reach_plane plane, size_t number)
{
	uint64_t bit = UINT64_C(1) << number % 64;

	if (get_bit(reach, plane, number))
		return false;
	return !(
		atomic_fetch_or_explicit(&reach->planes[plane][number / 64], bit, memory_order_relaxed) &
		bit);
}

static void push(struct follower *follower, struct chunk_place place)
{
	if (follower->depth == STACK_CHUNKS)
		follower->overflow = true;
	else
		follower->stack[follower->depth++] = place;
}

/* True where the value leads to a live chunk. */
static bool follow(struct walk *walk, struct follower *follower, uint64_t value)
{
	struct chunk_place place;
	struct chunk chunk;
	size_t number;

	if (!pointers_find(&follower->pointers, value, &place, &chunk) || !chunk_is_live(chunk.state))
		return false;
	number = chunk_numbers_of(&walk->reach->numbers, place);
	if (value == chunk.address + walk->reach->table->header_bytes)
		set_bit(walk->reach, REACH_EXACT, number);
	if (set_bit(walk->reach, REACH_ANCHORED, number)) {
		follower->sum.chunks++;
		follower->sum.chunk_bytes += chunk.bytes;
		push(follower, place);
	}
	return true;
}

/* Gives the number of bytes that were captured; *references those of its words that lead to live
 * chunks. */
static uint64_t follow_range(struct walk *walk, struct follower *follower, struct range range,
							 uint64_t *references)
{
	unsigned word = walk->image->word;
	struct range all = follower->pointers.all;
	uint64_t total = 0, size = range_bytes(all);
	struct span span;
	vaddr at;

	while ((span = pointers_next(&follower->pointers, &range, &at)).size) {
		for (size_t i = 0; i < span.size; i += word) {
			uint64_t value = pointers_word(span.data + i, word);

			if (value - all.start < size)
				*references += follow(walk, follower, value);
		}
		total += span.size;
	}
	return total;
}

static void show(struct walk *walk, struct follower *follower, uint64_t bytes)
{
	follower->unshown += bytes;
	if (follower->unshown < SHOW_BYTES)
		return;
	progress_add(walk->progress, follower->unshown);
	follower->unshown = 0;
}

static void read_chunk(struct walk *walk, struct follower *follower, struct chunk_place place)
{
	const struct chunk_table *table = walk->reach->table;
	struct chunk chunk = chunk_numbers_get(&walk->reach->numbers, place);
	uint64_t references = 0;

	if (!set_bit(walk->reach, REACH_READ, chunk_numbers_of(&walk->reach->numbers, place)))
		return;
	show(walk, follower, follow_range(walk, follower, pointers_usable(table, &chunk), &references));
}

/* As far as the budget goes. What is left then is anchored and not read: the next round finds it
 * and shares it out among all threads. */
static void empty_stack(struct walk *walk, struct follower *follower)
{
	for (size_t left = walk->budget; follower->depth && left; left--)
		read_chunk(walk, follower, follower->stack[--follower->depth]);
	follower->overflow |= follower->depth > 0;
	follower->depth = 0;
}

static void read_root(void *context, size_t job, unsigned worker)
{
	struct walk *walk = context;
	struct follower *follower = &walk->followers[worker];
	uint64_t bytes =
		follow_range(walk, follower, walk->slices.items[job], &follower->sum.references);

	follower->sum.bytes += bytes;
	show(walk, follower, bytes);
	empty_stack(walk, follower);
}

static void read_registers(struct walk *walk)
{
	struct follower *follower = &walk->followers[0];

	for (size_t i = 0; i < walk->core->threads.count; i++) {
		const struct core_thread *thread = &walk->core->threads.items[i];
		size_t count = registers_count(walk->core, thread);

		for (size_t j = 0; j < count; j++)
			follower->sum.references +=
				follow(walk, follower, registers_get(walk->core, thread, j));
		follower->sum.bytes += count * walk->core->word;
	}
	empty_stack(walk, follower);
}

/* Chunks of a slice of the planes that were anchored, but not read. */
static void read_left(void *context, size_t job, unsigned worker)
{
	struct walk *walk = context;
	struct reach *reach = walk->reach;
	size_t last = (job + 1) * SLICE_WORDS < reach->words ? (job + 1) * SLICE_WORDS : reach->words;

	for (size_t i = job * SLICE_WORDS; i < last; i++) {
		uint64_t left;

		while (
			(left = atomic_load_explicit(&reach->planes[REACH_ANCHORED][i], memory_order_relaxed) &
					~atomic_load_explicit(&reach->planes[REACH_READ][i], memory_order_relaxed))) {
			size_t number = i * 64 + (size_t)__builtin_ctzll(left);

			read_chunk(walk, &walk->followers[worker],
					   chunk_numbers_place(&reach->numbers, number));
			empty_stack(walk, &walk->followers[worker]);
		}
	}
}

static bool take_overflow(struct walk *walk)
{
	bool overflow = false;

	for (unsigned i = 0; i < walk->workers; i++) {
		overflow |= walk->followers[i].overflow;
		walk->followers[i].overflow = false;
	}
	return overflow;
}

/* Whoever reads a chunk sets its bit before, so a chunk that another thread is reading counts as
 * read: its pointers are on that thread's stack, or an overflow that the next round finds. */
static void read_overflow(struct walk *walk)
{
	while (take_overflow(walk)) {
		workers_run(walk->workers, (walk->reach->words + SLICE_WORDS - 1) / SLICE_WORDS, read_left,
					walk);
		if (walk->budget < BUDGET_LAST)
			walk->budget *= 2; /* a list of millions is one thread's all the same */
	}
	walk->budget = BUDGET_FIRST;
}

static void slice(struct walk *walk, struct range range)
{
	for (; range_bytes(range) > SLICE_BYTES; range.start += SLICE_BYTES)
		*vec_add(&walk->slices) = (struct range){ range.start, range.start + SLICE_BYTES };
	if (range_bytes(range))
		*vec_add(&walk->slices) = range;
}

/* Of what was captured only: a mapping may be as large as the address space. */
static void slice_roots(struct walk *walk, const struct roots *roots, enum root_kind kind)
{
	const struct image *image = walk->image;

	walk->slices.count = 0;
	for (size_t i = 0; i < roots->items.count; i++) {
		struct range range = roots->items.items[i].range;

		if (roots->items.items[i].kind != kind)
			continue;
		for (size_t j = image_find(image, range.start);
			 j < image->pieces.count && image->pieces.items[j].range.start < range.end; j++)
			slice(walk, range_overlap(range, image->pieces.items[j].range));
	}
}

/* Moves what the threads counted to the kind's sum. */
static void take_sums(struct walk *walk, enum root_kind kind)
{
	struct reach_sum *sum = &walk->reach->sums[kind];

	for (unsigned i = 0; i < walk->workers; i++) {
		const struct reach_sum *part = &walk->followers[i].sum;

		sum->bytes += part->bytes;
		sum->references += part->references;
		sum->chunks += part->chunks;
		sum->chunk_bytes += part->chunk_bytes;
		walk->followers[i].sum = (struct reach_sum){ 0 };
	}
}

/* Kind by kind: what is anchored after each is the closure of a set, so it does not depend on which
 * thread came first. */
static void follow_roots(struct walk *walk, const struct roots *roots)
{
	for (unsigned kind = 0; kind < ROOT_KINDS; kind++) {
		if (kind == ROOT_REGISTER) {
			read_registers(walk);
		} else {
			slice_roots(walk, roots, (enum root_kind)kind);
			workers_run(walk->workers, walk->slices.count, read_root, walk);
		}
		read_overflow(walk);
		take_sums(walk, (enum root_kind)kind);
	}
}

/* Marks what an unreachable chunk points to, but for itself. */
static void hold_from(struct walk *walk, struct follower *follower, struct range range, size_t self)
{
	unsigned word = walk->image->word;
	struct chunk_place place;
	struct chunk chunk;
	struct span span;
	vaddr at;

	while ((span = pointers_next(&follower->pointers, &range, &at)).size)
		for (size_t i = 0; i < span.size; i += word) {
			size_t number;

			if (!pointers_find(&follower->pointers, pointers_word(span.data + i, word), &place,
							   &chunk) ||
				!chunk_is_live(chunk.state))
				continue;
			number = chunk_numbers_of(&walk->reach->numbers, place);
			if (number != self && !get_bit(walk->reach, REACH_ANCHORED, number))
				set_bit(walk->reach, REACH_HELD, number);
		}
}

static void read_unreachable(void *context, size_t job, unsigned worker)
{
	struct walk *walk = context;
	const struct reach *reach = walk->reach;
	size_t count = chunk_numbers_count(&reach->numbers);
	size_t number = job * SLICE_WORDS * 64, last = number + SLICE_WORDS * 64;
	struct chunk_place place = chunk_numbers_place(&reach->numbers, number);

	for (; number < last && number < count; number++, place.index++) {
		struct chunk chunk;

		while (place.index == reach->table->blocks.items[place.block].count)
			place = (struct chunk_place){ place.block + 1, 0 };
		chunk = chunk_numbers_get(&reach->numbers, place);
		if (chunk_is_live(chunk.state) && !get_bit(reach, REACH_ANCHORED, number))
			hold_from(walk, &walk->followers[worker], pointers_usable(reach->table, &chunk),
					  number);
	}
}

static void init_planes(struct reach *reach, const struct chunk_table *table)
{
	*reach = (struct reach){ .table = table };
	chunk_numbers_init(&reach->numbers, table);
	reach->words = (chunk_numbers_count(&reach->numbers) + 63) / 64;
	for (size_t i = 0; i < REACH_PLANES; i++)
		reach->planes[i] = mem_zeroed(reach->words + 1, sizeof *reach->planes[i]);
}

static uint64_t captured_bytes(const struct image *image)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < image->pieces.count; i++)
		bytes += range_bytes(image->pieces.items[i].range);
	return bytes;
}

void reach_init(struct reach *reach, const struct core *core, const struct image *image,
				const struct roots *roots, const struct chunk_table *table, unsigned workers,
				struct progress *progress)
{
	struct walk walk = { .reach = reach,
						 .core = core,
						 .image = image,
						 .progress = progress,
						 .workers = workers ? workers : 1,
						 .budget = BUDGET_FIRST };

	init_planes(reach, table);
	walk.followers = mem_zeroed(walk.workers, sizeof *walk.followers);
	for (unsigned i = 0; i < walk.workers; i++) {
		walk.followers[i].pointers = pointers_make(image, table);
		walk.followers[i].stack = mem_zeroed(STACK_CHUNKS, sizeof *walk.followers[i].stack);
	}
	progress_start(progress, "following pointers", captured_bytes(image));
	follow_roots(&walk, roots);
	workers_run(walk.workers, (reach->words + SLICE_WORDS - 1) / SLICE_WORDS, read_unreachable,
				&walk);
	progress_end(progress);
	for (unsigned i = 0; i < walk.workers; i++)
		free(walk.followers[i].stack);
	free(walk.followers);
	vec_deinit(&walk.slices);
}

void reach_deinit(struct reach *reach)
{
	for (size_t i = 0; i < REACH_PLANES; i++)
		free((void *)reach->planes[i]);
	chunk_numbers_deinit(&reach->numbers);
	*reach = (struct reach){ 0 };
}

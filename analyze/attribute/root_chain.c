#include "analyze/attribute/root_chain.h"

#include "analyze/input/registers.h"
#include "base/mem.h"

#include <stdlib.h>

/* Who led to a chunk first: nobody yet, a root, or chunk `parent - FIRST`. */
enum { UNSEEN, FROM_ROOT, FIRST };

struct search {
	const struct core *core;
	const struct roots *roots;
	struct chunk_numbers numbers;
	struct pointers pointers;
	struct progress *progress;
	uint32_t *parents, *queue; /* one for each chunk */
	size_t head, tail;         /* of the queue */
	size_t target;             /* number */
};

/* The live chunk that the value leads to. */
static bool leads_to(struct search *search, uint64_t value, size_t *number)
{
	struct chunk_place place;
	struct chunk chunk;

	if (!pointers_find(&search->pointers, value, &place, &chunk) || !chunk_is_live(chunk.state))
		return false;
	*number = chunk_numbers_of(&search->numbers, place);
	return true;
}

static void take(struct search *search, uint64_t value, uint32_t parent)
{
	size_t number;

	if (!leads_to(search, value, &number) || search->parents[number] != UNSEEN)
		return;
	search->parents[number] = parent;
	search->queue[search->tail++] = (uint32_t)number;
}

/* Calls `take` for each word of the range. */
static void take_range(struct search *search, struct range range, uint32_t parent)
{
	unsigned word = search->pointers.image->word;
	struct range all = search->pointers.all;
	struct span span;
	vaddr at;

	while ((span = pointers_next(&search->pointers, &range, &at)).size) {
		for (size_t i = 0; i < span.size; i += word) {
			uint64_t value = pointers_word(span.data + i, word);

			if (range_holds(all, value))
				take(search, value, parent);
		}
		progress_add(search->progress, span.size);
	}
}

static void take_registers(struct search *search)
{
	for (size_t i = 0; i < search->core->threads.count; i++) {
		const struct core_thread *thread = &search->core->threads.items[i];
		size_t count = registers_count(search->core, thread);

		for (size_t j = 0; j < count; j++)
			take(search, registers_get(search->core, thread, j), FROM_ROOT);
	}
}

static void take_roots(struct search *search)
{
	for (unsigned kind = 0; kind < ROOT_KINDS; kind++) {
		if (kind == ROOT_REGISTER)
			take_registers(search);
		for (size_t i = 0; i < search->roots->items.count; i++)
			if (search->roots->items.items[i].kind == kind)
				take_range(search, search->roots->items.items[i].range, FROM_ROOT);
	}
}

static void search_breadth_first(struct search *search)
{
	take_roots(search);
	while (search->head < search->tail && search->parents[search->target] == UNSEEN) {
		uint32_t number = search->queue[search->head++];
		struct chunk chunk =
			chunk_numbers_get(&search->numbers, chunk_numbers_place(&search->numbers, number));

		take_range(search, pointers_usable(search->numbers.table, &chunk), number + FIRST);
	}
}

/* The first word of the range that leads to the chunk; 0 where none does. */
static vaddr find_word(struct search *search, struct range range, size_t wanted)
{
	unsigned word = search->pointers.image->word;
	struct span span;
	vaddr at;

	while ((span = pointers_next(&search->pointers, &range, &at)).size)
		for (size_t i = 0; i < span.size; i += word) {
			size_t number;

			if (leads_to(search, pointers_word(span.data + i, word), &number) && number == wanted)
				return at + i;
		}
	return 0;
}

static bool find_register(struct search *search, size_t wanted, struct root_chain *chain)
{
	for (size_t i = 0; i < search->core->threads.count; i++) {
		const struct core_thread *thread = &search->core->threads.items[i];
		size_t count = registers_count(search->core, thread), number;

		for (size_t j = 0; j < count; j++)
			if (leads_to(search, registers_get(search->core, thread, j), &number) &&
				number == wanted) {
				chain->thread = i;
				chain->index = j;
				return true;
			}
	}
	return false;
}

/* Where the chain begins: in the order in which roots were taken. */
static void find_start(struct search *search, size_t first, struct root_chain *chain)
{
	for (unsigned kind = 0; kind < ROOT_KINDS; kind++) {
		if (kind == ROOT_REGISTER && find_register(search, first, chain))
			return;
		for (size_t i = 0; i < search->roots->items.count; i++) {
			const struct root *root = &search->roots->items.items[i];

			if (root->kind == kind && (chain->at = find_word(search, root->range, first)))
				return;
		}
	}
}

static void take_chain(struct search *search, struct root_chain *chain)
{
	size_t number = search->target, length = 1;

	if (search->parents[number] == UNSEEN)
		return;
	for (; search->parents[number] != FROM_ROOT; length++)
		number = search->parents[number] - FIRST;
	find_start(search, number, chain);
	for (size_t i = 0; i < length; i++)
		vec_add(&chain->chunks);
	number = search->target;
	for (size_t i = length; i > 0; i--) {
		chain->chunks.items[i - 1] = chunk_numbers_place(&search->numbers, number);
		number = search->parents[number] - FIRST;
	}
}

static uint64_t captured_bytes(const struct image *image)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < image->pieces.count; i++)
		bytes += range_bytes(image->pieces.items[i].range);
	return bytes;
}

void root_chain_find(struct root_chain *chain, const struct core *core, const struct image *image,
					 const struct roots *roots, const struct chunk_table *table,
					 struct chunk_place target, struct progress *progress)
{
	struct search search = { .core = core, .roots = roots, .progress = progress };
	size_t count;

	*chain = (struct root_chain){ 0 };
	chunk_numbers_init(&search.numbers, table);
	count = chunk_numbers_count(&search.numbers);
	if (count < UINT32_MAX - FIRST) {
		chain->known = true;
		search.pointers = pointers_make(image, table);
		search.target = chunk_numbers_of(&search.numbers, target);
		search.parents = mem_zeroed(count, sizeof *search.parents);
		search.queue = mem_zeroed(count, sizeof *search.queue);
		progress_start(progress, "looking for a root", captured_bytes(image));
		search_breadth_first(&search);
		progress_end(progress);
		take_chain(&search, chain);
		free(search.parents);
		free(search.queue);
	}
	chunk_numbers_deinit(&search.numbers);
}

void root_chain_deinit(struct root_chain *chain)
{
	vec_deinit(&chain->chunks);
}

vaddr root_chain_word(struct pointers *pointers, struct chunk_place from, struct chunk_place to)
{
	const struct chunk_table *table = pointers->table;
	struct chunk chunk = chunk_block_get(&table->blocks.items[from.block], from.index);
	struct range range = pointers_usable(table, &chunk);
	unsigned word = pointers->image->word;
	struct chunk_place place;
	struct span span;
	vaddr at;

	while ((span = pointers_next(pointers, &range, &at)).size)
		for (size_t i = 0; i < span.size; i += word)
			if (pointers_find(pointers, pointers_word(span.data + i, word), &place, &chunk) &&
				place.block == to.block && place.index == to.index)
				return at + i;
	return 0;
}

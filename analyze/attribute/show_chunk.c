#include "analyze/attribute/show_chunk.h"

#include "analyze/attribute/root_chain.h"
#include "analyze/attribute/evidence.h"
#include "analyze/attribute/holders.h"
#include "analyze/attribute/names.h"
#include "analyze/attribute/places.h"
#include "analyze/attribute/roots.h"
#include "analyze/attribute/shape.h"
#include "analyze/attribute/unseen.h"
#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

struct filler {
	struct show *show;
	const struct show_input *input;
	struct roots roots;
	struct places places;
	struct chunk chunk;
	struct chunk_place at;
	struct range usable;
};

static bool find_chunk(struct filler *filler)
{
	const struct chunk_table *table = &filler->input->heap->chunks;
	vaddr address = filler->input->address;
	size_t block = chunk_table_find_block(table, address);

	if (block == table->blocks.count || !table->blocks.items[block].count ||
		!range_holds(table->blocks.items[block].range, address))
		return false;
	filler->at =
		(struct chunk_place){ (uint32_t)block,
							  (uint32_t)chunk_block_find(&table->blocks.items[block], address) };
	filler->chunk = chunk_block_get(&table->blocks.items[block], filler->at.index);
	filler->usable = pointers_usable(table, &filler->chunk);
	return true;
}

static void fill_identity(struct filler *filler)
{
	struct show *show = filler->show;
	struct chunk_place place;
	struct chunk before;

	show->is_chunk = true;
	show->user = filler->usable.start;
	show->bytes = filler->chunk.bytes;
	show->usable_bytes = range_bytes(filler->usable);
	show->offset = (int64_t)(filler->input->address - show->user);
	show->state = chunk_state_name(filler->chunk.state);
	show->is_live = chunk_is_live(filler->chunk.state);
	if (pointers_find(&filler->places.pointers, filler->input->address, &place, &before) &&
		before.address != filler->chunk.address && chunk_is_live(before.state))
		show->also = before.address + filler->input->heap->chunks.header_bytes;
}

static void fill_arena(struct filler *filler)
{
	const struct heap *heap = filler->input->heap;
	struct show *show = filler->show;
	int arena = filler->chunk.arena;

	if (arena < 0 || (size_t)arena >= heap->arenas.count)
		return;
	show->has_arena = true;
	show->arena.index = (unsigned)arena;
	show->arena.main = heap->arenas.items[arena].main;
	show->arena.address = heap->arenas.items[arena].address;
	for (size_t i = 0; i < heap->threads.count; i++)
		if (heap->threads.items[i].arena == arena)
			*vec_add(&show->arena.threads) = (struct report_thread){
				heap->threads.items[i].tid,
				names_thread(filler->input->core, heap->threads.items[i].tid, &show->pool),
			};
}

static void add_hit(struct filler *filler, const struct hit *hit)
{
	const struct findings *findings = filler->input->findings;
	const char *key = hit->group == HIT_NO_GROUP ? "" : findings->groups.items[hit->group].key;
	const struct finding_rule *rule = &findings->rules.items[hit->rule];
	struct show *show = filler->show;

	for (size_t i = 0; i < show->rules.count; i++)
		if (strcmp(show->rules.items[i].id, rule->id) == 0 &&
			strcmp(show->rules.items[i].key, key) == 0) {
			show->rules.items[i].hits++;
			return;
		}
	if (show->rules.count >= filler->input->limit) {
		show->more_hits++;
		return;
	}
	*vec_add(&show->rules) = (struct show_rule){ pool_string(&show->pool, rule->id),
												 pool_string(&show->pool, rule->title),
												 pool_string(&show->pool, key), 1 };
}

static void fill_rules(struct filler *filler)
{
	const struct findings *findings = filler->input->findings;
	vaddr end = filler->chunk.address + filler->chunk.bytes;

	filler->show->rules_applied = findings->rules.count;
	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *hit = &findings->hits.items[i];

		if (hit->start >= end)
			break;
		if (hit->start >= filler->chunk.address)
			add_hit(filler, hit);
	}
}

static void count_bytes(struct show_content *content, struct span span)
{
	content->captured += span.size;
	for (size_t i = 0; i < span.size; i++)
		if (span.data[i] == 0)
			content->zeros++;
		else if ((span.data[i] >= 0x20 && span.data[i] < 0x7f) ||
				 (span.data[i] >= '\t' && span.data[i] <= '\r'))
			content->text++;
	content->other = content->captured - content->zeros - content->text;
}

static void count_word(struct show_content *content, enum word_class class)
{
	switch (class) {
	case WORD_ZERO:
		content->zero_words++;
		break;
	case WORD_POINTER:
		content->pointers++;
		break;
	case WORD_TEXT:
		content->text_words++;
		break;
	case WORD_INT:
		content->integers++;
		break;
	default:
		content->data_words++;
		break;
	}
}

/* A pointer of the chunk: to a chunk, or to what else is mapped. */
static void add_outgoing(struct filler *filler, vaddr at, uint64_t value)
{
	struct show_references *outgoing = &filler->show->outgoing;
	struct show_place place;

	if (outgoing->items.count >= filler->input->limit) {
		outgoing->total++;
	} else if (places_of(&filler->places, value, &place)) {
		outgoing->total++;
		*vec_add(&outgoing->items) = (struct show_reference){ at - filler->usable.start, place };
	}
}

static void fill_content(struct filler *filler)
{
	const struct show_input *input = filler->input;
	struct shape_reader reader = shape_reader_make(input->regions, input->image->word);
	struct pointers pointers = pointers_make(input->image, &input->heap->chunks);
	struct range range = filler->usable;
	unsigned word = input->image->word;
	struct span span;
	vaddr at;

	while ((span = pointers_next(&pointers, &range, &at)).size) {
		count_bytes(&filler->show->content, span);
		for (size_t i = 0; i < span.size; i += word) {
			uint64_t value = pointers_word(span.data + i, word);
			/* the address of something may look like text: here it is a pointer all the same */
			enum word_class class =
				range_holds(reader.all, value) && regions_find(input->regions, value)
					? WORD_POINTER
					: shape_word(&reader, span.data + i);

			count_word(&filler->show->content, class);
			if (class == WORD_POINTER)
				add_outgoing(filler, at + i, value);
		}
	}
}

static void add_incoming(struct filler *filler, const struct holder *holder, bool is_register)
{
	struct show_references *incoming = &filler->show->incoming;
	struct show_place place;

	if (incoming->items.count >= filler->input->limit)
		return;
	if (is_register)
		place = places_register(&filler->places, holder->thread, holder->index);
	else if (!places_of(&filler->places, holder->at, &place))
		return;
	*vec_add(&incoming->items) =
		(struct show_reference){ holder->target - filler->usable.start, place };
}

static void fill_incoming(struct filler *filler)
{
	const struct show_input *input = filler->input;
	struct holders holders;

	holders_find(&holders, input->core, input->image, &filler->roots, &input->heap->chunks,
				 filler->usable, input->limit, input->workers, input->progress);
	for (size_t i = 0; i < holders.registers.count; i++)
		add_incoming(filler, &holders.registers.items[i], true);
	for (size_t i = 0; i < holders.roots.count; i++)
		add_incoming(filler, &holders.roots.items[i], false);
	for (size_t i = 0; i < holders.chunks.count; i++)
		add_incoming(filler, &holders.chunks.items[i], false);
	filler->show->incoming.total = holders.total;
	filler->show->stale = holders.stale;
	holders_deinit(&holders);
}

/* Link `index` of the chain: 0 is the root, the others are the chunks but for the last. */
static void add_link(struct filler *filler, const struct root_chain *chain, size_t index)
{
	struct show_place place = { 0 };

	if (index == 0 && !chain->at)
		place = places_register(&filler->places, chain->thread, chain->index);
	else if (index == 0)
		places_of(&filler->places, chain->at, &place);
	else
		places_of(&filler->places,
				  root_chain_word(&filler->places.pointers, chain->chunks.items[index - 1],
								  chain->chunks.items[index]),
				  &place);
	*vec_add(&filler->show->chain) = place;
}

/* As many links as a list has rows, from both ends. */
static void fill_chain(struct filler *filler)
{
	const struct show_input *input = filler->input;
	struct show *show = filler->show;
	struct root_chain chain;
	size_t length, head;

	if (!show->is_live)
		return;
	root_chain_find(&chain, input->core, input->image, &filler->roots, &input->heap->chunks,
					filler->at, input->progress);
	length = chain.chunks.count;
	head = length <= input->limit ? length : (input->limit + 1) / 2;
	show->chain_known = chain.known;
	show->chain_length = length;
	show->chain_from = length <= input->limit ? length : length - input->limit / 2;
	for (size_t i = 0; i < length; i++)
		if (i < head || i >= show->chain_from)
			add_link(filler, &chain, i);
	root_chain_deinit(&chain);
}

static void fill_revealed(struct filler *filler)
{
	struct strbuf dump = { 0 };
	uint8_t line[16];

	for (uint64_t at = 0; at < filler->show->usable_bytes && at < SHOW_REVEALED_BYTES; at += 16) {
		uint64_t left = filler->show->usable_bytes - at;
		uint64_t size = image_copy(filler->input->image, filler->usable.start + at, line,
								   left < sizeof line ? left : sizeof line);

		strbuf_printf(&dump, "  +0x%04llx ", (unsigned long long)at);
		for (size_t i = 0; i < sizeof line; i++)
			if (i < size)
				strbuf_printf(&dump, " %02x", line[i]);
			else
				strbuf_puts(&dump, "   ");
		strbuf_puts(&dump, "  ");
		for (size_t i = 0; i < size; i++)
			strbuf_putc(&dump, line[i] >= 0x20 && line[i] < 0x7f ? (char)line[i] : '.');
		strbuf_putc(&dump, '\n');
	}
	filler->show->revealed = pool_span(&filler->show->pool, strbuf_span(&dump));
	strbuf_deinit(&dump);
}

static void fill_chunk(struct filler *filler)
{
	const struct show_input *input = filler->input;

	fill_identity(filler);
	fill_arena(filler);
	fill_rules(filler);
	fill_content(filler);
	fill_incoming(filler);
	fill_chain(filler);
	if (input->reveal)
		fill_revealed(filler);
	unseen_describe(input->core, input->image, input->regions, input->heap, &filler->roots,
					&filler->show->pool, &filler->show->missing);
}

bool show_chunk_fill(struct show *show, const struct show_input *input)
{
	struct filler filler = { .show = show, .input = input };
	bool found = true;

	show->file = names_safe(input->path, &show->pool);
	show->address = input->address;
	show->complete = evidence_is_complete(input->core);
	roots_init(&filler.roots, input->core, input->regions, input->heap);
	filler.places = (struct places){ input->core,
									 input->regions,
									 input->heap,
									 &filler.roots,
									 pointers_make(input->image, &input->heap->chunks),
									 &show->pool };
	if (find_chunk(&filler))
		fill_chunk(&filler);
	else
		found = places_of(&filler.places, input->address, &show->place);
	roots_deinit(&filler.roots);
	return found;
}

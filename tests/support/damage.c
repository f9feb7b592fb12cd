#include "tests/support/damage.h"

#include "tests/support/core_exercise.h"

#include <stdio.h>

enum { PAGE = 4096, STATE_WORDS = 275, SIZES_MAX = 12, OVERFLOW_MAX = 600 };

struct doing {
	struct specimen *specimen;
	const struct heap *truth;
	struct damage *damage;
	uint64_t random;
	unsigned word;
};

static uint64_t below(struct doing *doing, uint64_t limit)
{
	return core_random(&doing->random, limit ? limit : 1);
}

static void set(struct doing *doing, vaddr at, uint64_t value)
{
	uint64_t old = specimen_get(doing->specimen, at);
	size_t done = doing->damage->ranges.count;

	specimen_set(doing->specimen, at, value);
	*vec_add(&doing->damage->ranges) = (struct range){ at, at + doing->word };
	if (done == 0)
		snprintf(doing->damage->text, sizeof doing->damage->text,
				 "0x%" PRIx64 ": 0x%" PRIx64 " became 0x%" PRIx64, at, old, value);
}

/* A block of an arena, empty ones left out; NULL where there is none. */
static const struct chunk_block *choose_block(struct doing *doing)
{
	const struct chunk_table *table = &doing->truth->chunks;

	for (int i = 0; i < 64 && table->blocks.count; i++) {
		const struct chunk_block *block = &table->blocks.items[below(doing, table->blocks.count)];

		if (block->arena != CHUNK_NO_ARENA && block->count > 2)
			return block;
	}
	return NULL;
}

static struct chunk choose_chunk(struct doing *doing, const struct chunk_block *block)
{
	return chunk_block_get(block, below(doing, block->count));
}

/* Some chunk of the state, or of at least its first kin, in any arena; bytes 0 where there is none.
 */
static struct chunk choose_of_state(struct doing *doing, enum chunk_state state)
{
	const struct chunk_block *block = choose_block(doing);

	for (int i = 0; block && i < 2000; i++) {
		struct chunk chunk = choose_chunk(doing, block);

		if (chunk.state == state)
			return chunk;
		if (i % 200 == 199)
			block = choose_block(doing);
	}
	return (struct chunk){ 0 };
}

static vaddr any_address(struct doing *doing)
{
	const struct image *image = &doing->specimen->image;
	const struct piece *piece = &image->pieces.items[below(doing, image->pieces.count)];
	uint64_t words = range_bytes(piece->range) / doing->word;

	return piece->range.start + below(doing, words) * doing->word;
}

/* What a word may turn into: noise, a neighbour of itself, nothing, or an address. */
static uint64_t wrong_value(struct doing *doing, uint64_t old)
{
	const struct chunk_block *block = choose_block(doing);
	uint64_t mask = doing->word == 8 ? UINT64_MAX : UINT32_MAX, value;

	switch (below(doing, 12)) {
	case 0:
		value = 0;
		break;
	case 1:
		value = UINT64_MAX;
		break;
	case 2:
		value = old + 8;
		break;
	case 3:
		value = old - 8;
		break;
	case 4:
		value = old + 16 * (1 + below(doing, 64));
		break;
	case 5:
		value = old - 16 * (1 + below(doing, 64));
		break;
	case 6:
		value = 0x4141414141414141;
		break;
	case 7:
		value = block ? choose_chunk(doing, block).address : any_address(doing);
		break;
	case 8:
		value = any_address(doing);
		break;
	case 9:
		value = 16 * below(doing, 1 << 12) | below(doing, 8);
		break;
	case 10:
		value = core_random(&doing->random, UINT64_MAX);
		break;
	default:
		value = old ^ UINT64_C(1) << below(doing, 8 * doing->word);
	}
	value &= mask;
	return value == (old & mask) ? value ^ 1 : value;
}

static void spoil(struct doing *doing, vaddr at)
{
	set(doing, at, wrong_value(doing, specimen_get(doing->specimen, at)));
}

static void spoil_size(struct doing *doing, const struct chunk_block *block)
{
	struct chunk chunk;

	for (int i = 0; i < 64; i++) {
		chunk = choose_chunk(doing, block);
		if (chunk.state != CHUNK_OVERHEAD) {
			spoil(doing, chunk.address + doing->word);
			return;
		}
	}
}

static void spoil_sizes(struct doing *doing, uint64_t count)
{
	const struct chunk_block *block = choose_block(doing);

	for (uint64_t i = 0; block && i < count; i++)
		spoil_size(doing, block);
}

static void overflow(struct doing *doing)
{
	struct chunk chunk = choose_of_state(doing, CHUNK_IN_USE);
	vaddr at =
		chunk.address + 2 * doing->word + below(doing, chunk.bytes / doing->word) * doing->word;
	uint64_t words = 1 + below(doing, OVERFLOW_MAX / doing->word), same = below(doing, 3);
	uint64_t value = below(doing, 2) ? 0x4141414141414141 : 0x20;

	for (uint64_t i = 0; chunk.bytes && i < words; i++)
		set(doing, at + i * doing->word, same ? value : wrong_value(doing, 0));
}

static void spoil_link(struct doing *doing)
{
	static const enum chunk_state states[] = { CHUNK_BINNED, CHUNK_TCACHE, CHUNK_FASTBIN };
	struct chunk chunk = choose_of_state(doing, states[below(doing, 3)]);

	if (chunk.bytes)
		spoil(doing, chunk.address + (2 + below(doing, 2)) * doing->word);
}

/* Words in front of the bins and behind them hold the other fields. */
static void spoil_state(struct doing *doing, bool bins)
{
	const struct heap *truth = doing->truth;
	vaddr state = truth->arenas.items[below(doing, truth->arenas.count)].address;
	uint64_t at = below(doing, STATE_WORDS);

	if (!bins)
		at = below(doing, 2) ? below(doing, 20) : STATE_WORDS - 20 + below(doing, 20);
	spoil(doing, state + at * doing->word);
}

static void spoil_heap_info(struct doing *doing)
{
	const struct heap *truth = doing->truth;

	for (int i = 0; i < 64; i++) {
		const struct heap_block *block = &truth->blocks.items[below(doing, truth->blocks.count)];

		if (truth->arenas.items[block->arena].main)
			continue;
		spoil(doing, block->range.start + below(doing, 5) * doing->word);
		return;
	}
}

/* A tcache struct is the only overhead of its size that is not at the start of a block. */
static void spoil_tcache(struct doing *doing)
{
	for (int i = 0; i < 32; i++) {
		struct chunk chunk = choose_of_state(doing, CHUNK_OVERHEAD);

		if (chunk.bytes < 0x140 || chunk.bytes > 0x320)
			continue;
		spoil(doing, chunk.address + (1 + below(doing, chunk.bytes / doing->word)) * doing->word);
		return;
	}
}

static struct range choose_page(struct doing *doing)
{
	vaddr page = any_address(doing) & ~(vaddr)(PAGE - 1);
	const struct chunk_block *block = choose_block(doing);

	if (block && below(doing, 4))
		page = (block->range.start + below(doing, range_bytes(block->range))) & ~(vaddr)(PAGE - 1);
	return (struct range){ page, page + PAGE };
}

static void zero_page(struct doing *doing)
{
	struct range page = choose_page(doing);

	for (vaddr at = page.start; at < page.end; at += doing->word)
		specimen_set(doing->specimen, at, 0);
	*vec_add(&doing->damage->ranges) = page;
}

static void drop(struct doing *doing, struct range range)
{
	specimen_drop(doing->specimen, range);
	*vec_add(&doing->damage->ranges) = range;
}

static struct range choose_segment(struct doing *doing)
{
	const struct image *image = &doing->specimen->image;

	return image->pieces.items[below(doing, image->pieces.count)].range;
}

static void do_kind(struct doing *doing, enum damage_kind kind)
{
	switch (kind) {
	case DAMAGE_SIZE:
		spoil_sizes(doing, 1);
		break;
	case DAMAGE_SIZES:
		spoil_sizes(doing, 2 + below(doing, SIZES_MAX));
		break;
	case DAMAGE_OVERFLOW:
		overflow(doing);
		break;
	case DAMAGE_LINK:
		spoil_link(doing);
		break;
	case DAMAGE_BIN:
		spoil_state(doing, true);
		break;
	case DAMAGE_STATE:
		spoil_state(doing, false);
		break;
	case DAMAGE_HEAP_INFO:
		spoil_heap_info(doing);
		break;
	case DAMAGE_TCACHE:
		spoil_tcache(doing);
		break;
	case DAMAGE_WORD:
		spoil(doing, any_address(doing));
		break;
	case DAMAGE_ZEROED:
		zero_page(doing);
		break;
	case DAMAGE_PAGE:
		drop(doing, choose_page(doing));
		break;
	case DAMAGE_SEGMENT:
		drop(doing, choose_segment(doing));
		break;
	default:
		drop(doing, (struct range){ any_address(doing) + below(doing, doing->word), UINT64_MAX });
	}
}

void damage_do(struct specimen *specimen, const struct heap *truth, uint64_t seed,
			   struct damage *damage)
{
	struct doing doing = { .specimen = specimen,
						   .truth = truth,
						   .damage = damage,
						   .random = seed * 0x2545f4914f6cdd1d,
						   .word = specimen->image.word };
	struct range first;

	*damage = (struct damage){ 0 };
	/* Half of all seeds smash one size: the damage that programs do most. */
	damage->kind = below(&doing, 2) ? DAMAGE_SIZE : (enum damage_kind)below(&doing, DAMAGE_KINDS);
	do_kind(&doing, damage->kind);
	first = damage->ranges.count ? damage->ranges.items[0] : (struct range){ 0, 0 };
	if (!*damage->text)
		snprintf(damage->text, sizeof damage->text, "0x%" PRIx64 "-0x%" PRIx64, first.start,
				 first.end);
}

const char *damage_name(enum damage_kind kind)
{
	static const char *const names[DAMAGE_KINDS] = {
		[DAMAGE_SIZE] = "size",
		[DAMAGE_SIZES] = "sizes",
		[DAMAGE_OVERFLOW] = "overflow",
		[DAMAGE_LINK] = "link",
		[DAMAGE_BIN] = "bin",
		[DAMAGE_STATE] = "state",
		[DAMAGE_HEAP_INFO] = "heap_info",
		[DAMAGE_TCACHE] = "tcache",
		[DAMAGE_WORD] = "word",
		[DAMAGE_ZEROED] = "zeroed",
		[DAMAGE_PAGE] = "page",
		[DAMAGE_SEGMENT] = "segment",
		[DAMAGE_CUT] = "cut",
	};

	return names[kind];
}

#include "analyze/content/probe.h"

#include <endian.h>
#include <string.h>

static unsigned bit_length(uint64_t value)
{
	return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* What a pointer may be as far as its value tells: of most targets only that it is not null. One
 * into its own chunk leads no further than the largest chunk is. */
static void bound_pointer(const struct structure_word *word, uint64_t largest, struct probe *probe)
{
	probe->null = word->null;
	probe->from_start = word->to == WORD_TO_SELF || word->to == WORD_TO_END;
	if (probe->from_start && !word->has_in)
		probe->span = largest;
	if (probe->from_start || (word->to == WORD_TO_ANY && word->has_in))
		return;
	probe->min = word->null ? 0 : 1;
	probe->span = UINT64_MAX - probe->min;
}

static struct probe make(const struct structure_word *word, unsigned pointer, uint64_t largest)
{
	struct probe probe = {
		.at = word->at,
		.bytes = structure_word_bytes(word->type, pointer),
		.min = word->has_in ? word->in.min : 0,
		.span = word->has_in ? word->in.max - word->in.min : UINT64_MAX,
	};

	if (word->type == WORD_PTR)
		bound_pointer(word, largest, &probe);
	return probe;
}

/* How sure the word is to be something else, in bits. Small numbers are what most words hold, then
 * pointers, also to what is near. */
static unsigned strength(const struct structure_word *word, const struct probe *probe)
{
	enum { SMALL = 4096, SMALL_BITS = 6, NEAR = 1 << 16, NEAR_BITS = 12 };
	unsigned length = bit_length(probe->span), all = probe->bytes * 8;
	unsigned bits = length < all ? all - length : 0;
	bool small = probe->null || (!probe->from_start && probe->min < SMALL);
	bool near = probe->from_start && (probe->span > NEAR || !word->has_in);
	unsigned most = small ? SMALL_BITS : near ? NEAR_BITS : all;

	return bits < most ? bits : most;
}

struct probe probe_of(const struct structure *structure, unsigned pointer, uint64_t largest)
{
	struct probe best = { .bytes = 1, .span = UINT64_MAX };
	unsigned most = 0;

	largest = largest < CHUNK_BLOCK_MAX_BYTES ? largest : CHUNK_BLOCK_MAX_BYTES;
	for (size_t i = 0; i < structure->words.count; i++) {
		const struct structure_word *word = &structure->words.items[i];
		struct probe probe = make(word, pointer, largest);
		unsigned bits = strength(word, &probe);

		if (i && bits <= most)
			continue;
		best = probe;
		most = bits;
	}
	return best;
}

static inline uint64_t load(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, from, bytes);
	return le64toh(value);
}

/* What a word is compared with, in registers. */
struct comparison {
	uint64_t min, span, null;
	uint64_t base; /* 1: the value counts from the structure's address */
};

static inline __attribute__((always_inline)) bool
passes(const struct comparison *comparison, const uint8_t *word, unsigned size, vaddr address)
{
	uint64_t value = load(word, size);

	return (value - comparison->base * address - comparison->min <= comparison->span) |
		   (value == comparison->null);
}

static inline struct comparison comparison_of(const struct probe *probe)
{
	return (struct comparison){ probe->min, probe->span, probe->null ? 0 : UINT64_MAX,
								probe->from_start };
}

/* One loop for each size of a word, so that loading it is one instruction; four places at a time,
 * as hardly any passes. */
static inline __attribute__((always_inline)) size_t find(const struct probe *probe,
														 struct span bytes, vaddr address,
														 size_t from, size_t step, unsigned size)
{
	const struct comparison comparison = comparison_of(probe);
	const uint8_t *words = bytes.data + probe->at;
	size_t end = bytes.size - probe->at - size + 1, at = from;

	for (; end > 3 * step && at < end - 3 * step; at += 4 * step)
		if (passes(&comparison, words + at, size, address + at) |
			passes(&comparison, words + at + step, size, address + at + step) |
			passes(&comparison, words + at + 2 * step, size, address + at + 2 * step) |
			passes(&comparison, words + at + 3 * step, size, address + at + 3 * step))
			break;
	for (; at < end; at += step)
		if (passes(&comparison, words + at, size, address + at))
			return at;
	return bytes.size;
}

/* Places of a 64-bit heap, and those that are looked at together. */
enum { NEAR_STEP = 16, NEAR_BLOCK = 8 * NEAR_STEP };

typedef uint32_t halves __attribute__((vector_size(NEAR_STEP)));

/* Has one of the words at the places of a block that upper half? */
static inline bool has_upper(const uint8_t *words, halves upper)
{
	halves found = { 0 }, word;

	for (size_t at = 0; at < NEAR_BLOCK; at += NEAR_STEP) {
		memcpy(&word, words + at, sizeof word);
		found |= (halves)(word == upper);
	}
	return found[1];
}

/* As find, for a pointer to what is near: nearly all other words differ from it in the upper half.
 */
static size_t find_near(const struct probe *probe, struct span bytes, vaddr address, size_t from,
						uint64_t upper)
{
	const struct comparison comparison = comparison_of(probe);
	const halves uppers = (halves){ 0 } + htole32((uint32_t)upper);
	const uint8_t *words = bytes.data + probe->at;

	for (; from <= bytes.size && bytes.size - from >= probe->at + NEAR_BLOCK; from += NEAR_BLOCK) {
		if (!has_upper(words + from, uppers))
			continue;
		for (size_t at = from; at < from + NEAR_BLOCK; at += NEAR_STEP)
			if (passes(&comparison, words + at, 8, address + at))
				return at;
	}
	return find(probe, bytes, address, from, NEAR_STEP, 8);
}

/* Have all values that pass at one of the places the same upper half? */
static bool is_near(const struct probe *probe, struct span bytes, vaddr address, size_t step,
					uint64_t *upper)
{
	vaddr least = address + probe->min;

	*upper = least >> 32;
	return probe->from_start && !probe->null && step == NEAR_STEP &&
		   probe->span < CHUNK_BLOCK_MAX_BYTES &&
		   (least + bytes.size + probe->span) >> 32 == *upper;
}

size_t probe_next(const struct probe *probe, struct span bytes, vaddr address, size_t from,
				  size_t step)
{
	uint64_t upper;

	if (bytes.size < probe->bytes || bytes.size - probe->bytes < probe->at)
		return bytes.size;
	switch (probe->bytes) {
	case 8:
		if (is_near(probe, bytes, address, step, &upper))
			return find_near(probe, bytes, address, from, upper);
		return find(probe, bytes, address, from, step, 8);
	case 4:
		return find(probe, bytes, address, from, step, 4);
	case 2:
		return find(probe, bytes, address, from, step, 2);
	default:
		return find(probe, bytes, address, from, step, 1);
	}
}

#include "analyze/attribute/profile.h"

#include "analyze/rules/byte_set.h"
#include "base/text.h"

#include <string.h>

static void widen(struct profile_range *range, uint64_t value, bool first)
{
	if (first || value < range->min)
		range->min = value;
	if (first || value > range->max)
		range->max = value;
}

static bool is_printable(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f;
}

/* False where it leads nowhere. */
static bool add_pointer(struct profile_word *word, const struct profile_tables *tables,
						const struct chunk *own, uint64_t value)
{
	vaddr payload = own->address + tables->chunks->header_bytes;
	struct chunk chunk;

	if (value >= payload && value < own->address + own->bytes) {
		widen(&word->self, value - payload, !word->to_self);
		word->to_self++;
	} else if (chunk_table_find(tables->chunks, value, &chunk) && chunk_is_live(chunk.state) &&
			   value == chunk.address + tables->chunks->header_bytes) {
		widen(&word->sizes, chunk.bytes, !word->to_chunk);
		word->to_chunk++;
	} else if (regions_find(tables->regions, value) || image_has(tables->image, value, 1)) {
		word->to_mapped++;
	} else {
		return false;
	}
	return true;
}

static void add_word(struct profile_word *word, const struct profile_tables *tables,
					 const struct chunk *own, uint64_t value)
{
	unsigned half = tables->image->word * 4; /* bits */
	bool first = !word->members;

	widen(&word->values, value, first);
	widen(&word->low, value & ((UINT64_C(1) << half) - 1), first);
	widen(&word->high, value >> half, first);
	word->members++;
	word->zeros += !value;
	/* letters may be an address, but on 64 bits hardly one that is mapped (shape.c) */
	if (tables->image->word == 4 && text_is_word(value))
		word->texts++;
	else if (value && !add_pointer(word, tables, own, value))
		word->texts += text_is_word(value);
}

/* Places behind the end of the text in some member are out for good. */
static void add_text(struct profile *profile, struct span bytes)
{
	size_t size = bytes.size < PROFILE_TEXT ? bytes.size : PROFILE_TEXT, length = 0;

	if (!profile->chunks) {
		profile->text = size;
		memcpy(profile->first, bytes.data, size);
	}
	size = size < profile->text ? size : profile->text;
	while (length < size && is_printable(bytes.data[length])) {
		byte_set_add(profile->seen[length], bytes.data[length]);
		length++;
	}
	profile->text = length;
}

void profile_add(struct profile *profile, const struct profile_tables *tables,
				 const struct chunk *chunk, struct span bytes)
{
	struct cursor cursor = cursor_make(bytes, false);
	unsigned size = tables->image->word;

	if (!bytes.size)
		return;
	add_text(profile, bytes);
	for (size_t i = 0; i < PROFILE_WORDS && (i + 1) * size <= bytes.size; i++)
		add_word(&profile->words[i], tables, chunk,
				 size == 8 ? cursor_u64(&cursor) : cursor_u32(&cursor));
	widen(&profile->sizes, chunk->bytes, !profile->chunks);
	profile->mmapped |= chunk->state == CHUNK_MMAPPED;
	profile->chunks++;
	profile->bytes += chunk->bytes;
}

unsigned profile_variety(const struct profile *profile, size_t place)
{
	unsigned count = 0;

	for (unsigned byte = 0; byte < 256; byte++)
		count += byte_set_has(profile->seen[place], (uint8_t)byte);
	return count;
}

size_t profile_prefix(const struct profile *profile)
{
	size_t length = 0;

	while (length < profile->text && profile_variety(profile, length) == 1)
		length++;
	return length;
}

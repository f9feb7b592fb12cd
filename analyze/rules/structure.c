#include "analyze/rules/structure.h"

void structure_deinit(struct structure *structure)
{
	vec_deinit(&structure->words);
}

const struct content_kind *structure_content(const struct structure *structure)
{
	for (size_t i = 0; i < structure->words.count; i++)
		if (structure->words.items[i].content)
			return structure->words.items[i].content;
	return NULL;
}

unsigned structure_word_bytes(enum word_type type, unsigned pointer)
{
	static const unsigned bytes[] = { 1, 2, 4, 8 };

	return type == WORD_PTR ? pointer : bytes[type];
}

static bool in_range(struct word_range range, uint64_t value)
{
	return value >= range.min && value <= range.max;
}

/* The bytes of a word, NULL where they are not all there, or not all in the chunk. */
static const uint8_t *find_word(const struct structure_tables *tables,
								const struct structure_place *place, uint32_t at, unsigned size)
{
	vaddr end = place->chunk.address + place->chunk.bytes;

	if (at <= place->bytes.size && place->bytes.size - at >= size)
		return place->bytes.data + at;
	if (place->address + at + size > end)
		return NULL;
	return image_at(tables->image, place->address + at, size);
}

/* Little-endian, as the image is. False where the word is not there. */
static bool read_word(const struct structure_tables *tables, const struct structure_place *place,
					  const struct structure_word *word, uint64_t *value)
{
	unsigned size = structure_word_bytes(word->type, tables->image->word);
	const uint8_t *bytes = find_word(tables, place, word->at, size);

	*value = 0;
	for (unsigned i = size; bytes && i-- > 0;)
		*value = *value << 8 | bytes[i];
	return bytes;
}

/* The live chunk whose user address this is, or, behind a header of the caller of malloc, the
 * address that it hands out. */
static bool find_chunk_start(const struct structure_word *word,
							 const struct structure_tables *tables, vaddr pointer,
							 struct chunk *chunk)
{
	pointer -= word->header;
	return chunk_table_find(tables->chunks, pointer, chunk) && chunk_is_live(chunk->state) &&
		   pointer == chunk->address + tables->chunks->header_bytes;
}

static bool is_mapped(const struct structure_tables *tables, vaddr pointer)
{
	if (tables->regions && regions_find(tables->regions, pointer))
		return true;
	return image_has(tables->image, pointer, 1);
}

static bool leads_to_end(const struct chunk *own, vaddr pointer)
{
	vaddr end = own->address + own->bytes;

	return pointer <= end && end - pointer <= WORD_END_SLACK;
}

static bool target_passes(const struct structure_word *word, const struct structure_tables *tables,
						  const struct chunk *own, vaddr start, vaddr pointer)
{
	struct chunk chunk;

	switch (word->to) {
	case WORD_TO_MAPPED:
		return is_mapped(tables, pointer);
	case WORD_TO_CHUNK_START:
		return find_chunk_start(word, tables, pointer, &chunk) && in_range(word->size, chunk.bytes);
	case WORD_TO_SELF:
		return pointer >= start && pointer - own->address < own->bytes &&
			   (!word->has_in || in_range(word->in, pointer - start));
	case WORD_TO_END:
		return leads_to_end(own, pointer);
	case WORD_TO_FREE:
		return chunk_table_find(tables->chunks, pointer, &chunk) && chunk_is_free(chunk.state);
	default:
		return !word->has_in || in_range(word->in, pointer);
	}
}

static bool pointer_passes(const struct structure_word *word, const struct structure_tables *tables,
						   const struct chunk *own, vaddr start, vaddr pointer)
{
	uint64_t back;

	if (!pointer)
		return word->null;
	if (!target_passes(word, tables, own, start, pointer))
		return false;
	if (!word->has_back)
		return true;
	return image_word(tables->image, pointer + word->back, &back) && back == start;
}

static bool word_passes(const struct structure_word *word, const struct structure_tables *tables,
						const struct chunk *chunk, vaddr address, uint64_t value)
{
	if (word->type == WORD_PTR)
		return pointer_passes(word, tables, chunk, address, value);
	return !word->has_in || in_range(word->in, value);
}

struct structure_failure structure_find_failure(const struct structure *structure,
												const struct structure_tables *tables,
												const struct structure_place *place)
{
	struct structure_failure failure = { 0 };

	for (; failure.word < structure->words.count; failure.word++) {
		const struct structure_word *word = &structure->words.items[failure.word];

		failure.is_there = read_word(tables, place, word, &failure.value);
		if (!failure.is_there ||
			!word_passes(word, tables, &place->chunk, place->address, failure.value))
			break;
	}
	return failure;
}

bool structure_match(const struct structure *structure, const struct structure_tables *tables,
					 const struct structure_place *place)
{
	return structure_find_failure(structure, tables, place).word == structure->words.count;
}

/* The whole chunk where the pointer is the user address of a live one of the right size. */
static bool claim_chunk(const struct structure_word *word, const struct structure_tables *tables,
						vaddr pointer, struct structure_claim *claim)
{
	if (!find_chunk_start(word, tables, pointer, &claim->chunk) ||
		!in_range(word->size, claim->chunk.bytes))
		return false;
	claim->start = claim->chunk.address;
	claim->bytes = claim->chunk.bytes;
	return true;
}

/* Bytes that were freed and not handed out since: all of them are inside one free chunk. */
static bool claim_freed(const struct structure_word *word, const struct structure_tables *tables,
						vaddr pointer, struct structure_claim *claim)
{
	if (!chunk_table_find(tables->chunks, pointer, &claim->chunk) ||
		!chunk_is_free(claim->chunk.state) ||
		claim->chunk.address + claim->chunk.bytes - pointer < word->claim_bytes)
		return false;
	claim->start = pointer;
	claim->bytes = word->claim_bytes;
	return true;
}

void structure_claim(const struct structure *structure, const struct structure_tables *tables,
					 const struct structure_place *place, struct structure_claims *claims)
{
	claims->count = 0;
	for (size_t i = 0; i < structure->words.count && claims->count < STRUCTURE_CLAIMS; i++) {
		const struct structure_word *word = &structure->words.items[i];
		struct structure_claim *claim = &claims->items[claims->count];
		uint64_t pointer;

		if (!word->claim || !read_word(tables, place, word, &pointer) || !pointer)
			continue;
		claim->pointer = pointer;
		claim->content = word->content;
		claims->count += word->claim_bytes ? claim_freed(word, tables, pointer, claim)
										   : claim_chunk(word, tables, pointer, claim);
	}
}

bool structure_may_claim(const struct structure *structure, const struct chunk *chunk)
{
	for (size_t i = 0; i < structure->words.count; i++) {
		const struct structure_word *word = &structure->words.items[i];

		if (word->claim &&
			(word->claim_bytes ? chunk_is_free(chunk->state) && chunk->bytes >= word->claim_bytes
							   : chunk_is_live(chunk->state) && in_range(word->size, chunk->bytes)))
			return true;
	}
	return false;
}

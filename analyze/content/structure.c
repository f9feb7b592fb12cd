#include "analyze/content/structure.h"

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

/* Little-endian, as the image is. False where the word is not all there. */
static bool read_word(struct span bytes, const struct structure_word *word, unsigned pointer,
					  uint64_t *value)
{
	unsigned size = structure_word_bytes(word->type, pointer);

	if (word->at > bytes.size || bytes.size - word->at < size)
		return false;
	*value = 0;
	for (unsigned i = size; i-- > 0;)
		*value = *value << 8 | bytes.data[word->at + i];
	return true;
}

/* The live chunk whose user address this is. */
static bool find_chunk_start(const struct structure_tables *tables, vaddr pointer,
							 struct chunk *chunk)
{
	return chunk_table_find(tables->chunks, pointer, chunk) && chunk_is_live(chunk->state) &&
		   pointer == chunk->address + tables->chunks->header_bytes;
}

static bool is_mapped(const struct structure_tables *tables, vaddr pointer)
{
	if (tables->regions && regions_find(tables->regions, pointer))
		return true;
	return image_has(tables->image, pointer, 1);
}

static bool target_passes(const struct structure_word *word, const struct structure_tables *tables,
						  const struct chunk *own, vaddr start, vaddr pointer)
{
	struct chunk chunk;

	switch (word->to) {
	case WORD_TO_MAPPED:
		return is_mapped(tables, pointer);
	case WORD_TO_CHUNK_START:
		return find_chunk_start(tables, pointer, &chunk) && in_range(word->size, chunk.bytes);
	case WORD_TO_SELF:
		return pointer >= start && pointer - own->address < own->bytes &&
			   (!word->has_in || in_range(word->in, pointer - start));
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
												const struct chunk *chunk, vaddr address,
												struct span bytes)
{
	struct structure_failure failure = { 0 };

	for (; failure.word < structure->words.count; failure.word++) {
		const struct structure_word *word = &structure->words.items[failure.word];

		failure.is_there = read_word(bytes, word, tables->image->word, &failure.value);
		if (!failure.is_there || !word_passes(word, tables, chunk, address, failure.value))
			break;
	}
	return failure;
}

bool structure_match(const struct structure *structure, const struct structure_tables *tables,
					 const struct chunk *chunk, vaddr address, struct span bytes)
{
	return structure_find_failure(structure, tables, chunk, address, bytes).word ==
		   structure->words.count;
}

/* The whole chunk where the pointer is the user address of a live one of the right size. */
static bool claim_chunk(const struct structure_word *word, const struct structure_tables *tables,
						vaddr pointer, struct structure_claim *claim)
{
	if (!find_chunk_start(tables, pointer, &claim->chunk) ||
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
					 struct span bytes, struct structure_claims *claims)
{
	claims->count = 0;
	for (size_t i = 0; i < structure->words.count && claims->count < STRUCTURE_CLAIMS; i++) {
		const struct structure_word *word = &structure->words.items[i];
		struct structure_claim *claim = &claims->items[claims->count];
		uint64_t pointer;

		if (!word->claim || !read_word(bytes, word, tables->image->word, &pointer) || !pointer)
			continue;
		claim->pointer = pointer;
		claim->content = word->content;
		claims->count += word->claim_bytes ? claim_freed(word, tables, pointer, claim)
										   : claim_chunk(word, tables, pointer, claim);
	}
}

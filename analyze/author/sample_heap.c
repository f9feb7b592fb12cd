#include "analyze/author/sample_heap.h"

#include "base/mem.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL_BYTES = 64 };

/* A machine the rule is about: x86_64 where it leaves that open. */
static uint16_t sample_machine(const struct rule *rule)
{
	if (rule->scan.machine)
		return (uint16_t)rule->scan.machine;
	return rule->scan.word == 4 ? EM_386 : EM_X86_64;
}

unsigned sample_pointer_bytes(const struct rule *rule)
{
	uint16_t machine = sample_machine(rule);

	return machine == EM_386 || machine == EM_ARM ? 4 : 8;
}

unsigned sample_word_bytes(const struct rule *rule, uint32_t at)
{
	unsigned pointer = sample_pointer_bytes(rule);

	for (size_t i = 0; i < rule->structure.words.count; i++)
		if (rule->structure.words.items[i].at == at)
			return structure_word_bytes(rule->structure.words.items[i].type, pointer);
	return pointer;
}

static void put_word(uint8_t *at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* The state the rule looks at: in use where it can be. */
static enum chunk_state sample_state(const struct rule *rule)
{
	static const enum chunk_state order[] = { CHUNK_IN_USE, CHUNK_MMAPPED, CHUNK_BINNED,
											  CHUNK_FASTBIN, CHUNK_TCACHE };

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (rule->scan.states >> order[i] & 1)
			return order[i];
	return CHUNK_TOP;
}

/* As small as holds the sample, but of a size the rule looks at. */
static uint64_t sample_size(const struct rule *rule, const struct rule_test *test, unsigned header)
{
	uint64_t bytes = test->bytes.size + header + 16;

	if (test->size)
		return test->size;
	if (bytes < rule->scan.sizes.min && rule->scan.sizes.min <= 1 << 20)
		bytes = rule->scan.sizes.min;
	return (bytes + 15) / 16 * 16;
}

static uint64_t add_chunk(struct sample_heap *heap, uint64_t bytes, enum chunk_state state)
{
	uint64_t start = heap->bytes;

	heap->offsets[heap->count] = (uint32_t)start;
	heap->states[heap->count++] = state;
	heap->bytes += bytes;
	return start;
}

/* Lays out the chunks the words ask for; other[i] is the payload's offset of word i's chunk. */
static void lay_out(struct sample_heap *heap, const struct rule *rule, const struct rule_test *test,
					uint64_t other[SAMPLE_HEAP_OTHERS])
{
	unsigned header = heap->chunks.header_bytes;

	add_chunk(heap, sample_size(rule, test, header), sample_state(rule));
	for (size_t i = 0; i < test->words.count && i < SAMPLE_HEAP_OTHERS; i++) {
		const struct rule_test_word *word = &test->words.items[i];

		if (word->kind == RULE_WORD_CHUNK)
			other[i] = add_chunk(heap, word->value, CHUNK_IN_USE) + header;
		else if (word->kind == RULE_WORD_FREE)
			other[i] = add_chunk(heap, word->value, CHUNK_BINNED) + header;
	}
	add_chunk(heap, TAIL_BYTES, CHUNK_OVERHEAD);
	heap->memory = mem_zeroed(heap->bytes, 1);
}

static void fill_words(struct sample_heap *heap, const struct rule *rule,
					   const struct rule_test *test, const uint64_t other[SAMPLE_HEAP_OTHERS])
{
	unsigned header = heap->chunks.header_bytes, pointer = heap->image.word;

	for (size_t i = 0; i < test->words.count && i < SAMPLE_HEAP_OTHERS; i++) {
		const struct rule_test_word *word = &test->words.items[i];
		unsigned size = sample_word_bytes(rule, word->at);
		uint64_t value = word->value;

		if (header + word->at + size > sample_size(rule, test, header))
			continue; /* the scan will not find it there either */
		if (word->kind == RULE_WORD_SELF)
			value += heap->start + header;
		else if (word->kind != RULE_WORD_NUMBER)
			value = heap->start + other[i] + word->header;
		put_word(heap->memory + header + word->at, value, size);
		if (word->has_back && word->header + word->back + pointer + header <= word->value)
			put_word(heap->memory + other[i] + word->header + word->back, heap->start + header,
					 pointer);
	}
}

static void add_block(struct sample_heap *heap)
{
	struct chunk_block *block =
		chunk_table_add(&heap->chunks, (struct range){ heap->start, heap->start + heap->bytes }, 0);

	block->packed = mem_zeroed(heap->count, sizeof *block->packed);
	block->count = heap->count;
	for (size_t i = 0; i < heap->count; i++)
		block->packed[i] = heap->offsets[i] / 8 << 3 | (uint32_t)heap->states[i];
	chunk_table_seal(&heap->chunks);
}

void sample_heap_init(struct sample_heap *heap, const struct rule *rule,
					  const struct rule_test *test)
{
	uint64_t other[SAMPLE_HEAP_OTHERS] = { 0 };
	uint64_t room;

	*heap = (struct sample_heap){ 0 };
	heap->image.machine = sample_machine(rule);
	heap->image.word = sample_pointer_bytes(rule);
	heap->start = heap->image.word == 4 ? UINT64_C(0xf5500000) : UINT64_C(0x7f5500000000);
	heap->image.page_size = 4096;
	heap->chunks.header_bytes = 2 * heap->image.word;
	lay_out(heap, rule, test, other);
	room = sample_size(rule, test, heap->chunks.header_bytes) - heap->chunks.header_bytes;
	if (test->bytes.size)
		memcpy(heap->memory + heap->chunks.header_bytes, test->bytes.data,
			   test->bytes.size < room ? test->bytes.size : room);
	fill_words(heap, rule, test, other);
	*vec_add(&heap->image.pieces) =
		(struct piece){ { heap->start, heap->start + heap->bytes }, heap->memory, true };
	add_block(heap);
	runs_init(&heap->runs, &heap->image, &heap->chunks, NULL, UNIT_BYTES);
}

void sample_heap_deinit(struct sample_heap *heap)
{
	runs_deinit(&heap->runs);
	chunk_table_deinit(&heap->chunks);
	vec_deinit(&heap->image.pieces);
	free(heap->memory);
}

#include "analyze/heap/states.h"

#include <elf.h>

enum {
	BINS = 127,         /* headers; NBINS - 1 */
	GOOD_BINS_MIN = 64, /* a torn or damaged state still has most bins empty or sound */
	FLAG_NONCONTIGUOUS = 2,
	DATA_ALIGNMENT = 32,
	FIRST_CHUNKS = 8, /* that must follow each other */
};

/* The two links of bin i (1..127), whose header is at the address given. */
static bool read_bin(struct states *states, vaddr bins, unsigned i, vaddr *header,
					 uint64_t links[2])
{
	*header = bins + 2 * states->word * (i - 1) - 2 * states->word;
	return reader_word(&states->reader, *header + 2 * states->word, &links[0]) &&
		   reader_word(&states->reader, *header + 3 * states->word, &links[1]);
}

bool states_is_arena(struct states *states, vaddr address)
{
	vaddr bins = address + states->row->bins_at, header;
	unsigned good = 0, empty = 0;
	uint64_t links[2], ignored;

	if (address & (states->word - 1) || !states->steps)
		return false;
	states->steps--;
	for (unsigned i = 1; i <= BINS; i++) {
		if (!read_bin(states, bins, i, &header, links))
			continue;
		good += !((links[0] | links[1]) & (states->word - 1)) &&
				reader_word(&states->reader, links[0] + 2 * states->word, &ignored) &&
				reader_word(&states->reader, links[1] + 2 * states->word, &ignored);
		empty += links[0] == header && links[1] == header;
	}
	return good >= GOOD_BINS_MIN && empty;
}

bool states_has_last_bin(struct states *states, vaddr address)
{
	vaddr bins = address + states->row->bins_at, header;
	uint64_t links[2];

	return read_bin(states, bins, BINS, &header, links) && links[0] == header &&
		   links[1] == header && read_bin(states, bins, BINS + 1, &header, links) &&
		   links[0] != header && links[1] != header;
}

const struct layout_heap_info *states_heap_info(struct states *states, vaddr address)
{
	const struct layout_heap_info *rows;
	size_t count = layout_heap_infos(&rows);
	const uint64_t *maxima = layout_heap_maxima(states->word);
	uint64_t mask = UINT64_MAX;

	for (size_t i = 0; maxima[i]; i++)
		mask = maxima[i] - 1 < mask ? maxima[i] - 1 : mask;
	for (size_t i = 0; i < count; i++) {
		vaddr heap = address - rows[i].bytes;
		uint64_t page = 0;

		if (rows[i].word != states->word || heap & mask)
			continue;
		if (rows[i].page_size_at)
			page = reader_word_or_zero(&states->reader, heap + rows[i].page_size_at);
		if (!rows[i].page_size_at || (page >= 4096 && !(page & (page - 1))))
			return &rows[i];
		if (states->word == 8 && reader_word_or_zero(&states->reader, heap) == address)
			return &rows[i];
	}
	return NULL;
}

bool states_is_certain(struct states *states, vaddr address)
{
	const struct layout_heap_info *row = states_heap_info(states, address);

	return row && reader_word_or_zero(&states->reader, address - row->bytes) == address;
}

struct arena states_read(struct states *states, const struct layout_state *row, vaddr address)
{
	struct arena arena = { .address = address, .main = !states_heap_info(states, address) };
	unsigned word = states->word;
	vaddr top_field = address + row->bins_at - 2 * word;
	uint32_t lock = 0, flags = 0;

	image_u32(states->reader.image, address, &lock);
	image_u32(states->reader.image, address + 4, &flags);
	arena.locked = lock != 0;
	arena.contiguous = !(flags & FLAG_NONCONTIGUOUS);
	arena.system_bytes = reader_word_or_zero(&states->reader, address + row->system_mem_at);
	arena.top = reader_word_or_zero(&states->reader, top_field);
	if (arena.top == top_field)
		arena.top = 0;
	if (arena.top)
		arena.top_bytes =
			reader_word_or_zero(&states->reader, arena.top + word) & ~(uint64_t)LAYOUT_FLAGS;
	return arena;
}

int states_vote(struct states *states, const struct layout_state *row, vaddr address)
{
	struct arena arena = states_read(states, row, address);
	uint64_t most = reader_word_or_zero(&states->reader, address + row->system_mem_at + row->word);
	uint64_t step = arena.main ? 2U * row->word : states->page_size;

	if (!arena.top && !arena.system_bytes)
		return 0;
	if (!arena.system_bytes || arena.system_bytes > most || arena.system_bytes & (step - 1))
		return -1;
	if (!arena.top || (arena.top + 2 * row->word) & (row->alignment - 1U) ||
		arena.system_bytes < arena.top_bytes)
		return 1;
	return 2;
}

/* Whether a chunk that the row allows is at the address, of a size from `least` up. */
static bool has_chunk(struct states *states, const struct layout_state *row, vaddr chunk,
					  uint64_t least, uint64_t *size)
{
	uint64_t mask = row->alignment - 1U;

	if (((chunk + 2 * row->word) & mask) || !reader_word(&states->reader, chunk + row->word, size))
		return false;
	*size &= ~(uint64_t)LAYOUT_FLAGS;
	return *size >= least && !(*size & mask);
}

/* Whether the row's first chunk, in the arena's first heap or at the start of brk memory, leads to
 * some more. */
static bool first_chunks_fit(struct states *states, const struct layout_state *row,
							 const struct arena *arena)
{
	vaddr chunk = arena->top + arena->top_bytes - arena->system_bytes;
	uint64_t size = 0, mask = row->alignment - 1U;

	if (arena->main && !arena->contiguous)
		return false;
	if (!arena->main)
		chunk = arena->address + row->bytes;
	chunk = ((chunk + 2 * row->word + mask) & ~mask) - 2 * row->word;
	for (int i = 0; i < FIRST_CHUNKS && chunk != arena->top; i++) {
		if (!has_chunk(states, row, chunk, 4U * row->word, &size) ||
			(arena->main && chunk > arena->top))
			return false;
		chunk += size;
	}
	return true;
}

static bool has_data_alignment(const struct image *image, vaddr address)
{
	bool x86 = image->machine == EM_X86_64 || image->machine == EM_386;

	return x86 && address % DATA_ALIGNMENT == 0;
}

bool states_is_certain_main(struct states *states, vaddr address)
{
	struct arena arena = states_read(states, states->row, address);

	return has_data_alignment(states->reader.image, address) && arena.main && arena.top &&
		   (arena.top + arena.top_bytes) % states->page_size == 0 &&
		   states_vote(states, states->row, address) == 2 &&
		   first_chunks_fit(states, states->row, &arena);
}

int states_chunks(struct states *states, const struct layout_state *row, vaddr address)
{
	struct arena arena = states_read(states, row, address);
	int score = first_chunks_fit(states, row, &arena) ? FIRST_CHUNKS : 0;
	uint64_t size = 0, head;

	for (unsigned i = 0; i < row->fastbins; i++) {
		head = reader_word_or_zero(&states->reader, address + row->fastbins_at + i * row->word);
		if (head)
			score += has_chunk(states, row, head, 1, &size) && (size >> row->fast_shift) == i + 2
						 ? 1
						 : -1;
	}
	for (unsigned i = 1; i <= BINS; i++) {
		uint64_t links[2];
		vaddr header;

		if (read_bin(states, address + row->bins_at, i, &header, links) && links[0] != header)
			score -= !has_chunk(states, row, links[0], 1, &size);
	}
	return score;
}

#include "analyze/heap/arenas.h"

#include "analyze/heap/reader.h"
#include "analyze/heap/search.h"

enum {
	BINS = 127,         /* headers; NBINS - 1 */
	GOOD_BINS_MIN = 64, /* a torn or damaged state still has most bins empty or sound */
	RING_MAX = 1 << 16, /* arenas; M_ARENA_MAX has no bound of its own */
	FLAG_NONCONTIGUOUS = 2,
};

struct ring {
	VEC(vaddr) members;
	bool closed;
};

struct search_state {
	struct reader reader;
	unsigned word;
	const struct layout_state *row; /* any row with the bins offset in question */
};

/* The two links of bin i (1..127), whose header is at the address given. */
static bool read_bin(struct search_state *state, vaddr bins, unsigned i, vaddr *header,
					 uint64_t links[2])
{
	*header = bins + 2 * state->word * (i - 1) - 2 * state->word;
	return reader_word(&state->reader, *header + 2 * state->word, &links[0]) &&
		   reader_word(&state->reader, *header + 3 * state->word, &links[1]);
}

/* Whether the last bin is empty, and most others are too or lead to memory. Not more is asked: in a
 * live capture almost no list is whole, yet every head is some chunk's address. */
static bool is_arena(struct search_state *state, vaddr address)
{
	vaddr bins = address + state->row->bins_at, header;
	unsigned good = 0;
	uint64_t links[2], ignored;

	if (address & (state->word - 1) || !read_bin(state, bins, BINS, &header, links) ||
		links[0] != header || links[1] != header)
		return false;
	for (unsigned i = 1; i < BINS; i++)
		if (read_bin(state, bins, i, &header, links))
			good += !((links[0] | links[1]) & (state->word - 1)) &&
					reader_word(&state->reader, links[0] + 2 * state->word, &ignored) &&
					reader_word(&state->reader, links[1] + 2 * state->word, &ignored);
	return good >= GOOD_BINS_MIN;
}

/* The heap_info row by which the address is a secondary arena: it stands right behind the heap_info
 * at an aligned address. NULL for a main arena. */
static const struct layout_heap_info *secondary(struct search_state *state, vaddr address)
{
	const struct layout_heap_info *rows;
	size_t count = layout_heap_infos(&rows);
	const uint64_t *maxima = layout_heap_maxima(state->word);
	uint64_t mask = UINT64_MAX;

	for (size_t i = 0; maxima[i]; i++)
		mask = maxima[i] - 1 < mask ? maxima[i] - 1 : mask;
	for (size_t i = 0; i < count; i++) {
		vaddr heap = address - rows[i].bytes;
		uint64_t page = 0;

		if (rows[i].word != state->word || heap & mask)
			continue;
		if (rows[i].page_size_at)
			page = reader_word_or_zero(&state->reader, heap + rows[i].page_size_at);
		if (!rows[i].page_size_at || (page >= 4096 && !(page & (page - 1))))
			return &rows[i];
	}
	return NULL;
}

/* Follows `next` from the arena until it comes round. */
static void follow_ring(struct search_state *state, vaddr from, struct ring *ring)
{
	vaddr arena = from;
	uint64_t next;

	ring->closed = false;
	ring->members.count = 0;
	while (ring->members.count < RING_MAX && is_arena(state, arena)) {
		*vec_add(&ring->members) = arena;
		if (!reader_word(&state->reader, arena + state->row->next_at, &next))
			return;
		ring->closed = next == from;
		if (ring->closed || next == arena)
			return;
		arena = next;
	}
}

/* Arenas behind a heap_info at an aligned address: what is left to find where the ring is broken.
 */
static void add_strays(struct search_state *state, struct ring *ring)
{
	const struct image *image = state->reader.image;
	uint64_t step = layout_heap_maxima(state->word)[0];
	const struct layout_heap_info *rows;
	size_t count = layout_heap_infos(&rows), known = ring->members.count;

	for (size_t i = 0; i < image->pieces.count; i++) {
		struct range range = image->pieces.items[i].range;
		vaddr heap = (range.start + step - 1) & ~(step - 1);

		for (; range_holds(range, heap) && ring->members.count < RING_MAX; heap += step)
			for (size_t k = 0; k < count; k++) {
				vaddr arena = heap + rows[k].bytes;
				bool seen = reader_word_or_zero(&state->reader, heap) != arena;

				for (size_t m = 0; m < known && !seen; m++)
					seen = ring->members.items[m] == arena;
				if (!seen && rows[k].word == state->word && is_arena(state, arena)) {
					*vec_add(&ring->members) = arena;
					break;
				}
			}
	}
}

/* Tries each bins offset at which the hit could be: the ring closes for one of them only. A broken
 * ring is taken where the arena is proved otherwise. */
static bool ring_at(struct search_state *state, vaddr bins, struct ring *ring)
{
	const struct layout_state *rows;
	size_t count = layout_states(&rows);

	for (int broken = 0; broken <= 1; broken++)
		for (size_t i = 0; i < count; i++) {
			vaddr arena = bins - rows[i].bins_at;

			if (rows[i].word != state->word)
				continue;
			state->row = &rows[i];
			follow_ring(state, arena, ring);
			if (ring->closed)
				return true;
			if (broken && (ring->members.count > 1 ||
						   (ring->members.count == 1 && secondary(state, arena) &&
							reader_word_or_zero(&state->reader,
												arena - secondary(state, arena)->bytes) == arena)))
				return true;
		}
	return false;
}

/* What the malloc_state says if its class is the row's. */
static struct arena read_arena(struct search_state *state, const struct layout_state *row,
							   vaddr address)
{
	struct arena arena = { .address = address, .main = !secondary(state, address) };
	unsigned word = state->word;
	vaddr top_field = address + row->bins_at - 2 * word;
	uint32_t lock = 0, flags = 0;

	image_u32(state->reader.image, address, &lock);
	image_u32(state->reader.image, address + 4, &flags);
	arena.locked = lock != 0;
	arena.contiguous = !(flags & FLAG_NONCONTIGUOUS);
	arena.system_bytes = reader_word_or_zero(&state->reader, address + row->system_mem_at);
	arena.top = reader_word_or_zero(&state->reader, top_field);
	if (arena.top == top_field)
		arena.top = 0;
	if (arena.top)
		arena.top_bytes =
			reader_word_or_zero(&state->reader, arena.top + word) & ~(uint64_t)LAYOUT_FLAGS;
	return arena;
}

/* +1 where the fields make sense under the row, 0 where they do not tell, -1 where they do not. */
static int row_vote(struct search_state *state, const struct layout_state *row, vaddr address,
					uint32_t page_size)
{
	struct arena arena = read_arena(state, row, address);
	uint64_t most = reader_word_or_zero(&state->reader, address + row->system_mem_at + row->word);
	uint64_t mask = row->alignment - 1U;

	if (!arena.top)
		return arena.system_bytes == 0 ? 0 : -1;
	if ((arena.top + 2 * row->word) & mask)
		return -1;
	if (!arena.system_bytes || arena.system_bytes > most || arena.system_bytes < arena.top_bytes)
		return -1;
	if (!arena.main)
		return arena.system_bytes & (page_size - 1) ? -1 : 1;
	return arena.system_bytes & (2U * row->word - 1) ? -1 : 1;
}

/* The class, from where system_mem is. Fields before it (next_free, attached_threads) look like no
 * size, the one behind it (max_system_mem) does: so the first row that fits is the right one. */
static const struct layout_state *decide_row(struct search_state *state, const struct ring *ring,
											 uint32_t page_size)
{
	const struct layout_state *rows, *best = NULL;
	size_t count = layout_states(&rows);
	long best_votes = 0;

	for (size_t i = 0; i < count; i++) {
		long votes = 0;

		if (rows[i].word != state->word || rows[i].bins_at != state->row->bins_at)
			continue;
		for (size_t k = 0; k < ring->members.count; k++)
			votes += row_vote(state, &rows[i], ring->members.items[k], page_size);
		if (votes > best_votes) {
			best = &rows[i];
			best_votes = votes;
		}
	}
	return best;
}

/* Appends the ring's arenas, the main one first. */
static void add_ring(struct search_state *state, const struct ring *ring, struct layout *layout,
					 arenas *found)
{
	size_t count = ring->members.count, first = 0;

	while (first < count && secondary(state, ring->members.items[first]))
		first++;
	if (first == count)
		first = 0;
	for (size_t i = 0; i < count; i++) {
		vaddr address = ring->members.items[(first + i) % count];
		const struct layout_heap_info *row = secondary(state, address);

		if (row && !layout->heap_info)
			layout->heap_info = row;
		*vec_add(found) = read_arena(state, layout->state, address);
	}
}

static bool is_known(const arenas *found, const search_hits *unused, vaddr bins, uint16_t bins_at)
{
	for (size_t i = 0; i < found->count; i++)
		if (found->items[i].address + bins_at == bins)
			return true;
	for (size_t i = 0; i < unused->count; i++)
		if (unused->items[i] == bins)
			return true;
	return false;
}

static void take_ring(struct search_state *state, struct ring *ring, struct layout *layout,
					  arenas *found, search_hits *unused, uint32_t page_size,
					  struct anomalies *anomalies)
{
	const struct layout_state *row;

	if (!ring->closed) {
		add_strays(state, ring);
		anomaly_add(anomalies, ring->members.items[0],
					"the ring of malloc arenas is broken: arenas may be missing");
	}
	row = decide_row(state, ring, page_size);
	if (!row || (layout->state && layout->state != row)) {
		for (size_t i = 0; i < ring->members.count; i++)
			*vec_add(unused) = ring->members.items[i] + state->row->bins_at;
		return;
	}
	if (!layout->state)
		layout_choose(layout, row, page_size);
	add_ring(state, ring, layout, found);
}

bool arenas_find(const struct image *image, const struct regions *regions, unsigned workers,
				 struct layout *layout, arenas *found, const char **why,
				 struct anomalies *anomalies)
{
	struct search_state state = { .reader = reader_make(image), .word = image->word };
	uint32_t page_size = image->page_size ? image->page_size : 4096;
	search_hits hits = { 0 }, unused = { 0 };
	struct ring ring = { 0 };

	*layout = (struct layout){ 0 };
	for (int everywhere = 0; everywhere <= 1 && !found->count && !unused.count; everywhere++) {
		hits.count = 0;
		(everywhere ? search_everything : search_modules)(image, regions, workers, &hits);
		for (size_t i = 0; i < hits.count; i++)
			if (!is_known(found, &unused, hits.items[i],
						  layout->state ? layout->state->bins_at : 0) &&
				ring_at(&state, hits.items[i], &ring))
				take_ring(&state, &ring, layout, found, &unused, page_size, anomalies);
	}
	*why = unused.count ? "malloc arenas are there, but nothing was allocated from them"
						: "no malloc arena in the captured memory";
	vec_deinit(&hits);
	vec_deinit(&unused);
	vec_deinit(&ring.members);
	return found->count > 0;
}

#include "analyze/heap/arenas.h"

#include "analyze/heap/lone.h"
#include "analyze/heap/search.h"
#include "analyze/heap/states.h"

const char arenas_given_up[] = "too much memory looks like a malloc arena: the search was given up";

enum {
	RING_MAX = 1 << 16,    /* arenas; M_ARENA_MAX has no bound of its own */
	DAMAGED_BINS_MAX = 8,  /* at the end of a main arena's, where a search looks behind the rest */
	STEPS_MAX = 1 << 20,   /* states looked at: memory made of false rings must not hold us up */
	LONE_SEARCHES_MAX = 4, /* each looks through all memory */
};

struct ring {
	VEC(vaddr) members;
	bool closed;
};

/* Follows `next` from the arena until it comes round. One that leads back elsewhere is noticed by
 * comparing with a member that is moved up at powers of two (Brent, "An improved Monte Carlo
 * factorization algorithm", 1980, section 2); its members are then in the ring more than once. */
static void follow_ring(struct states *state, vaddr from, struct ring *ring)
{
	vaddr arena = from;
	size_t mark = 0;
	uint64_t next;

	ring->closed = false;
	ring->members.count = 0;
	while (ring->members.count < RING_MAX && states_is_arena(state, arena)) {
		size_t last = ring->members.count;

		*vec_add(&ring->members) = arena;
		if (last > mark && arena == ring->members.items[mark])
			return;
		if ((last & (last - 1)) == 0)
			mark = last;
		if (!reader_word(&state->reader, arena + state->row->next_at, &next))
			return;
		ring->closed = next == from;
		if (ring->closed || next == arena)
			return;
		arena = next;
	}
}

/* Whether the arena's top chunk ends on a page, as every top does. */
static bool has_sound_top(struct states *state, vaddr address)
{
	struct arena arena = states_read(state, state->row, address);

	return arena.top_bytes && (arena.top + arena.top_bytes) % state->page_size == 0;
}

/* Whether a row of the same bins offset finds top and system_mem where they make sense. */
static bool has_sound_sums(struct states *state, vaddr address)
{
	const struct layout_state *rows;
	size_t count = layout_states(&rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].word == state->word && rows[i].bins_at == state->row->bins_at &&
			states_vote(state, &rows[i], address) == 2)
			return true;
	return false;
}

/* The class, from where system_mem is. Fields before it (next_free, attached_threads) look like no
 * size, the one behind it (max_system_mem) does: so the first row that fits is the right one, but
 * of two with all fields at the same places the one with which chunks stand better. Where none
 * fits, system_mem is damaged; one of the tops and a row that stands alone are enough then. */
static const struct layout_state *decide_row(struct states *state, const struct ring *ring)
{
	const struct layout_state *rows, *best = NULL;
	size_t count = layout_states(&rows), candidates = 0;
	long best_votes = -1, best_chunks = 0;

	for (size_t i = 0; i < count; i++) {
		long votes = 0, most = 0, chunks = 0;

		if (rows[i].word != state->word || rows[i].bins_at != state->row->bins_at)
			continue;
		candidates++;
		for (size_t k = 0; k < ring->members.count; k++) {
			long vote = states_vote(state, &rows[i], ring->members.items[k]);

			votes += vote;
			most = vote > most ? vote : most;
			chunks += states_chunks(state, &rows[i], ring->members.items[k]);
		}
		if (most > 0 &&
			(votes > best_votes || (best && votes == best_votes && best->bytes == rows[i].bytes &&
									chunks > best_chunks))) {
			best = &rows[i];
			best_votes = votes;
			best_chunks = chunks;
		}
	}
	for (size_t k = 0; candidates == 1 && !best && k < ring->members.count; k++)
		best = has_sound_top(state, ring->members.items[k]) ? state->row : NULL;
	return best;
}

/* A ring is whole where it comes round and holds a main arena. */
static bool is_whole(struct states *state, const struct ring *ring)
{
	for (size_t i = 0; ring->closed && i < ring->members.count; i++)
		if (!states_heap_info(state, ring->members.items[i]))
			return true;
	return false;
}

/* Leaves of a broken ring its certain members and the first main arena; false where no member is
 * certain. */
static bool keep_certain(struct states *state, struct ring *ring)
{
	size_t kept = 0, certain = 0;
	bool main = false;

	for (size_t i = 0; i < ring->members.count; i++) {
		vaddr address = ring->members.items[i];

		if (states_is_certain(state, address))
			certain++;
		else if (main || states_heap_info(state, address))
			continue;
		else
			main = true;
		certain += states_is_certain_main(state, address);
		ring->members.items[kept++] = address;
	}
	ring->members.count = kept;
	return certain > 0;
}

/* Tries each bins offset at which the hit could be: the ring closes for one of them only. */
static bool whole_ring_at(struct states *state, vaddr bins, struct ring *ring)
{
	const struct layout_state *rows;
	size_t count = layout_states(&rows);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].word != state->word)
			continue;
		state->row = &rows[i];
		follow_ring(state, bins - rows[i].bins_at, ring);
		if (is_whole(state, ring))
			return true;
	}
	return false;
}

/* How many members confirm the row: each is where its heap_info says, and its bins end where the
 * row puts their end. Where a main arena starts follows from the row alone. */
static size_t count_exact(struct states *state, const struct ring *ring)
{
	size_t exact = 0;

	for (size_t i = 0; i < ring->members.count; i++)
		exact += states_is_certain(state, ring->members.items[i]) &&
				 (!i || states_has_last_bin(state, ring->members.items[i]));
	return exact;
}

/* The row with which the main arena is one beyond doubt; NULL where there is none, or more. */
static const struct layout_state *certain_main_row(struct states *state, vaddr bins)
{
	const struct layout_state *rows, *best = NULL;
	size_t count = layout_states(&rows), found = 0;

	for (size_t i = 0; i < count; i++) {
		if (rows[i].word != state->word || (best && best->bins_at == rows[i].bins_at))
			continue;
		state->row = &rows[i];
		if (states_is_certain_main(state, bins - rows[i].bins_at)) {
			best = &rows[i];
			found++;
		}
	}
	return found == 1 ? best : NULL;
}

/* As broken_row, for a main arena whose `next` leads nowhere. A run of empty bins that ends at one
 * in use looks like the end of the bins too: what stands behind must make sense. */
static const struct layout_state *lone_main_row(struct states *state, vaddr bins)
{
	const struct layout_state *row;

	/* top stands right before the bins in every row. */
	if (!has_sound_top(state, bins - state->row->bins_at))
		return NULL;
	row = certain_main_row(state, bins);
	if (row || !state->lone_searches)
		return row;
	state->lone_searches--;
	row = lone_row(state->reader.image, bins);
	state->row = row ? row : state->row;
	return row && has_sound_sums(state, bins - row->bins_at) ? row : NULL;
}

/* The row that most members of the broken ring confirm; for a main arena whose `next` leads nowhere
 * the one by which others point to it. NULL: the evidence does not tell. */
static const struct layout_state *broken_row(struct states *state, vaddr bins, struct ring *ring)
{
	const struct layout_state *rows, *best = NULL;
	size_t count = layout_states(&rows), most = 0;

	for (size_t i = 0; i < count; i++) {
		size_t exact;

		if (rows[i].word != state->word)
			continue;
		state->row = &rows[i];
		follow_ring(state, bins - rows[i].bins_at, ring);
		exact = count_exact(state, ring);
		if (exact > most) {
			most = exact;
			best = &rows[i];
		}
	}
	return best ? best : lone_main_row(state, bins);
}

/* A broken ring is taken, if at all, where it holds an arena beyond doubt or a main arena alone. */
static bool broken_ring_at(struct states *state, vaddr bins, struct ring *ring)
{
	state->row = broken_row(state, bins, ring);
	if (!state->row)
		return false;
	follow_ring(state, bins - state->row->bins_at, ring);
	ring->closed = false;
	return keep_certain(state, ring) || ring->members.count == 1;
}

/* The ring of the hit. A damaged last bin gives no hit: behind the last hit of a run of empty bins
 * the true place may be some bins on. */
static bool ring_of_hit(struct states *state, vaddr bins, bool broken, struct ring *ring)
{
	for (unsigned i = 0; i <= (broken ? DAMAGED_BINS_MAX : 0); i++) {
		vaddr place = bins + (vaddr)i * 2 * state->word;

		if (whole_ring_at(state, place, ring) || (broken && broken_ring_at(state, place, ring)))
			return true;
	}
	return false;
}

static bool is_known(const arenas *found, vaddr address)
{
	for (size_t i = 0; i < found->count; i++)
		if (found->items[i].address == address)
			return true;
	return false;
}

/* Appends the ring's arenas, the main one first. */
static void add_ring(struct states *state, const struct ring *ring, struct layout *layout,
					 arenas *found)
{
	size_t count = ring->members.count, first = 0;

	while (first < count && states_heap_info(state, ring->members.items[first]))
		first++;
	if (first == count)
		first = 0;
	for (size_t i = 0; i < count; i++) {
		vaddr address = ring->members.items[(first + i) % count];
		const struct layout_heap_info *row = states_heap_info(state, address);

		if (is_known(found, address))
			continue;
		if (row && !layout->heap_info)
			layout->heap_info = row;
		*vec_add(found) = states_read(state, layout->state, address);
	}
}

static bool is_unused(const search_hits *unused, vaddr bins)
{
	for (size_t i = 0; i < unused->count; i++)
		if (unused->items[i] == bins)
			return true;
	return false;
}

/* Whether nothing was ever allocated from any of the arenas. */
static bool is_untouched(struct states *state, const struct ring *ring)
{
	const struct layout_state *rows;
	size_t count = layout_states(&rows);

	for (size_t i = 0; i < count; i++) {
		size_t k = 0;

		if (rows[i].word != state->word || rows[i].bins_at != state->row->bins_at)
			continue;
		while (k < ring->members.count && !states_vote(state, &rows[i], ring->members.items[k]))
			k++;
		if (k == ring->members.count)
			return true;
	}
	return false;
}

static void take_ring(struct states *state, struct ring *ring, struct layout *layout, arenas *found,
					  search_hits *unused, struct anomalies *anomalies)
{
	const struct layout_state *row = decide_row(state, ring);

	if (!ring->closed)
		anomaly_add(anomalies, ring->members.items[0],
					"the ring of malloc arenas is broken: arenas may be missing");
	if (!row || (layout->state && layout->state != row)) {
		if (!is_untouched(state, ring))
			anomaly_add(
				anomalies, ring->members.items[0],
				"malloc arenas are here, %zu in a ring, but their tops and sizes fit %s: they "
				"are left out",
				ring->members.count, row ? "another release than the rest" : "no release");
		for (size_t i = 0; i < ring->members.count; i++)
			*vec_add(unused) = ring->members.items[i] + state->row->bins_at;
		return;
	}
	if (!layout->state)
		layout_choose(layout, row, state->page_size);
	add_ring(state, ring, layout, found);
}

/* The heap_info row by which an arena that is not known yet is in the heap at the aligned address;
 * NULL where there is none. */
static const struct layout_heap_info *stray_at(struct states *state, const arenas *found,
											   vaddr heap)
{
	uint64_t arena = reader_word_or_zero(&state->reader, heap);
	const struct layout_heap_info *row = arena - heap < 64 ? states_heap_info(state, arena) : NULL;

	/* A heap_info holds one arena: where the ring has led to it, its pointer is damaged. */
	for (size_t i = 0; row && i < found->count; i++)
		if (found->items[i].address - heap < 64)
			return NULL;
	if (!row || arena != heap + row->bytes || !states_is_arena(state, arena))
		return NULL;
	return row;
}

/* Arenas that no ring led to: their heap_info at an aligned address says what they are. */
static void add_strays(struct states *state, struct layout *layout, arenas *found,
					   struct anomalies *anomalies)
{
	const struct image *image = state->reader.image;
	uint64_t step = layout_heap_maxima(state->word)[0];
	size_t ringed = found->count;

	state->row = layout->state;
	for (size_t i = 0; i < image->pieces.count; i++) {
		struct range range = image->pieces.items[i].range;
		vaddr heap = (range.start + step - 1) & ~(step - 1);

		for (; range_holds(range, heap) && found->count < RING_MAX; heap += step) {
			const struct layout_heap_info *row = stray_at(state, found, heap);

			if (!row)
				continue;
			layout->heap_info = layout->heap_info ? layout->heap_info : row;
			*vec_add(found) = states_read(state, layout->state, heap + row->bytes);
		}
	}
	if (found->count > ringed)
		anomaly_add(anomalies, found->items[ringed].address,
					"the ring of malloc arenas leaves out this one and %zu more",
					found->count - ringed - 1);
}

/* Every empty bin is a hit; the last one of a run of them alone can be bin 127. */
static bool is_followed(struct states *state, vaddr bins)
{
	vaddr header = bins + 252 * state->word;

	return reader_word_or_zero(&state->reader, header + 2 * state->word) == header &&
		   reader_word_or_zero(&state->reader, header + 3 * state->word) == header;
}

static void take_rings(struct states *state, const search_hits *hits, bool broken,
					   struct layout *layout, arenas *found, search_hits *unused,
					   struct anomalies *anomalies)
{
	struct ring ring = { 0 };

	for (size_t i = 0; i < hits->count; i++) {
		vaddr bins = hits->items[i];

		if (is_followed(state, bins) || is_unused(unused, bins) ||
			(layout->state && is_known(found, bins - layout->state->bins_at)))
			continue;
		if (ring_of_hit(state, bins, broken, &ring))
			take_ring(state, &ring, layout, found, unused, anomalies);
	}
	vec_deinit(&ring.members);
}

bool arenas_find(const struct image *image, const struct regions *regions, unsigned workers,
				 struct layout *layout, arenas *found, const char **why,
				 struct anomalies *anomalies)
{
	struct states state = {
		.reader = reader_make(image),
		.word = image->word,
		.steps = STEPS_MAX,
		.lone_searches = LONE_SEARCHES_MAX,
		.page_size = image->page_size ? image->page_size : 4096,
	};
	search_hits modules = { 0 }, all = { 0 }, unused = { 0 };
	size_t rows_before = anomalies->rows.count;

	*layout = (struct layout){ 0 };
	search_modules(image, regions, workers, &modules);
	take_rings(&state, &modules, false, layout, found, &unused, anomalies);
	if (!found->count && !unused.count) {
		search_everything(image, regions, workers, &all);
		take_rings(&state, &all, false, layout, found, &unused, anomalies);
	}
	for (int i = 0; i <= 1 && !found->count && !unused.count; i++)
		take_rings(&state, i ? &all : &modules, true, layout, found, &unused, anomalies);
	if (found->count)
		add_strays(&state, layout, found, anomalies);
	if (unused.count && anomalies->rows.count > rows_before)
		*why = "malloc arenas are there, but they are damaged";
	else if (unused.count)
		*why = "malloc arenas are there, but nothing was allocated from them";
	else if (!state.steps)
		*why = arenas_given_up;
	else
		*why = "no malloc arena in the captured memory";
	vec_deinit(&modules);
	vec_deinit(&all);
	vec_deinit(&unused);
	return found->count > 0;
}

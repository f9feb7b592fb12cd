#include "analyze/heap/tcache.h"

enum {
	EXACT_BINS = 64, /* bins of one chunk size each; later ones hold a range of sizes */
	LIST_MAX = 65535,
	WRONG_SHARE = 8, /* one list of so many may be torn or damaged in what is believed */
};

static uint64_t chunk_bytes(const struct layout *layout, uint64_t request)
{
	return (request + layout->word + layout->alignment - 1) & ~(uint64_t)(layout->alignment - 1);
}

const struct layout_tcache *tcache_form(struct reader *reader, const struct layout *layout,
										const arena_blocks *blocks, vaddr address)
{
	const struct layout_tcache *rows;
	size_t count = layout_tcaches(&rows);
	uint64_t header;

	if (address & (layout->alignment - 1) || !blocks_at(blocks, address - layout->header) ||
		!reader_word(reader, address - layout->word, &header) || (header & LAYOUT_IS_MMAPPED))
		return NULL;
	header &= ~(uint64_t)LAYOUT_FLAGS;
	for (size_t i = 0; i < count; i++) {
		uint64_t bytes = chunk_bytes(layout, rows[i].bytes);

		/* One step more where the rest was too small for a chunk, or padded twice (2.43). */
		if (rows[i].word == layout->word &&
			(header == bytes || header == bytes + layout->alignment))
			return &rows[i];
	}
	return NULL;
}

/* Number of entries the struct claims for the bin; LIST_MAX where it says how many slots are left
 * instead. */
static bool read_count(const struct image *image, const struct tcache *tcache, unsigned bin,
					   unsigned *count)
{
	uint16_t wide;
	uint8_t narrow;

	if (tcache->form->count_bytes == 1) {
		if (image_copy(image, tcache->address + bin, &narrow, 1) != 1)
			return false;
		*count = narrow;
		return true;
	}
	if (!image_u16(image, tcache->address + 2 * bin, &wide))
		return false;
	*count = wide;
	return true;
}

static bool read_head(struct reader *reader, const struct tcache *tcache, unsigned bin, vaddr *head)
{
	return reader_word(
		reader, tcache->address + tcache->form->entries_at + (vaddr)bin * tcache->form->word, head);
}

/* Whether a chunk of that size word belongs into the bin. A later bin holds the sizes of one power
 * of two (malloc.c, large_csize2tidx, 2.42); which power its first one has is 1 KiB, but 512 in the
 * 32-bit 2.42. */
static bool size_fits(const struct layout *layout, unsigned bin, uint64_t header)
{
	uint64_t size = header & ~(uint64_t)LAYOUT_FLAGS;

	if (bin < EXACT_BINS)
		return size == layout->min_bytes + (uint64_t)bin * layout->alignment;
	return size > layout->min_bytes + (uint64_t)(EXACT_BINS - 1) * layout->alignment &&
		   size >= UINT64_C(512) << (bin - EXACT_BINS) &&
		   size < UINT64_C(2048) << (bin - EXACT_BINS);
}

static bool entry_fits(struct reader *reader, const struct layout *layout, unsigned bin,
					   vaddr entry)
{
	uint64_t header;

	return !(entry & (layout->alignment - 1)) &&
		   reader_word(reader, entry - layout->word, &header) && size_fits(layout, bin, header);
}

/* Whether a list's head and its count make sense; `empty` where there is none. */
static bool list_fits(struct reader *reader, const struct layout *layout,
					  const arena_blocks *blocks, const struct tcache *tcache, unsigned bin,
					  bool *empty)
{
	unsigned count;
	vaddr head;

	if (!read_head(reader, tcache, bin, &head) || !read_count(reader->image, tcache, bin, &count))
		return false;
	*empty = head == 0;
	if (tcache->form->counts != LAYOUT_SLOTS && (count == 0) != *empty)
		return false;
	return *empty || (entry_fits(reader, layout, bin, head) &&
					  (bin >= EXACT_BINS || blocks_at(blocks, head - layout->header)));
}

int tcache_belief(struct reader *reader, const struct layout *layout, const arena_blocks *blocks,
				  vaddr address, const struct layout_tcache *form)
{
	struct tcache tcache = { address, 0, form };
	int filled = 0, wrong = 0;

	for (unsigned bin = 0; bin < form->bins; bin++) {
		bool empty = false;

		if (!list_fits(reader, layout, blocks, &tcache, bin, &empty))
			wrong++;
		else
			filled += !empty;
	}
	return wrong * WRONG_SHARE > filled ? -1 : filled;
}

void tcache_vote(const struct image *image, const struct layout *layout, const tcaches *found,
				 const arena_blocks *blocks, struct links_votes *votes)
{
	struct reader reader = reader_make(image);

	for (size_t i = 0; i < found->count; i++)
		for (unsigned bin = 0; bin < found->items[i].form->bins; bin++) {
			vaddr head;

			if (read_head(&reader, &found->items[i], bin, &head) && head &&
				entry_fits(&reader, layout, bin, head))
				links_vote(&reader, layout, blocks, head, layout->header, votes);
		}
}

/* Counts what the entries' second words are. */
struct key_votes {
	uint64_t entries;
	uint64_t owner;   /* the struct's address */
	uint64_t common;  /* the same as the first that was seen */
	uint64_t example; /* that first one */
};

static void vote_key(struct key_votes *votes, const struct tcache *tcache, uint64_t key)
{
	if (votes->entries++ == 0)
		votes->example = key;
	votes->owner += key == tcache->address;
	votes->common += key == votes->example && key != 0;
}

static void decide_key(struct layout *layout, const struct key_votes *votes)
{
	if (votes->entries < 3)
		return;
	if (2 * votes->owner > votes->entries)
		layout->key = LAYOUT_KEY_OWNER;
	else if (2 * votes->common > votes->entries)
		layout->key = LAYOUT_KEY_RANDOM;
	else
		layout->key = LAYOUT_KEY_NONE;
}

/* Marks the list from `entry` on. Gives the entry at which it breaks, 0 where it is sound: then it
 * ended after `limit` entries or, where it has no claimed length, by itself. */
static vaddr mark_list(struct reader *reader, const struct layout *layout,
					   struct chunk_table *chunks, const struct tcache *tcache, unsigned bin,
					   vaddr entry, unsigned limit, struct key_votes *votes)
{
	for (unsigned i = 0; entry; i++) {
		uint64_t stored, key;

		if (i == limit || !entry_fits(reader, layout, bin, entry) ||
			!reader_word(reader, entry, &stored) ||
			!reader_word(reader, entry + layout->word, &key) ||
			marks_set(chunks, entry - layout->header, MARKS_ANY_ARENA, CHUNK_TCACHE) != MARKS_DONE)
			return entry;
		vote_key(votes, tcache, key);
		entry = links_decode(layout, entry, stored);
	}
	return 0;
}

static void mark_tcache(struct reader *reader, const struct layout *layout,
						struct chunk_table *chunks, const struct tcache *tcache,
						struct key_votes *votes, const char *cause, struct anomalies *anomalies)
{
	bool counted = tcache->form->counts != LAYOUT_SLOTS;
	vaddr broken = 0;

	for (unsigned bin = 0; bin < tcache->form->bins; bin++) {
		unsigned count, limit;
		vaddr head, at;

		if (!read_head(reader, tcache, bin, &head) ||
			!read_count(reader->image, tcache, bin, &count)) {
			broken = broken ? broken : tcache->address;
			continue;
		}
		/* A list longer than its count: more is cached than malloc_info or free believe. */
		limit = counted ? count : LIST_MAX;
		at = mark_list(reader, layout, chunks, tcache, bin, head, limit, votes);
		broken = broken ? broken : at;
	}
	if (broken && tcache->tid)
		anomaly_add(anomalies, broken,
					"a tcache list of thread %" PRIu32 " leads here, where no chunk of its size "
					"can be cached%s",
					tcache->tid, cause);
	else if (broken)
		anomaly_add(anomalies, broken,
					"a tcache list leads here, where no chunk of its size can be cached%s", cause);
}

void tcache_mark(const struct image *image, struct layout *layout, const tcaches *found,
				 struct chunk_table *chunks, const char *cause, struct anomalies *anomalies)
{
	struct reader reader = reader_make(image);
	struct key_votes votes = { 0 };

	for (size_t i = 0; i < found->count; i++) {
		vaddr chunk = found->items[i].address - layout->header;

		if (marks_set(chunks, chunk, MARKS_ANY_ARENA, CHUNK_OVERHEAD) != MARKS_DONE)
			anomaly_add(anomalies, chunk, "a thread's tcache is not in a chunk in use%s", cause);
		mark_tcache(&reader, layout, chunks, &found->items[i], &votes, cause, anomalies);
	}
	decide_key(layout, &votes);
}

static int compare_addresses(const void *left, const void *right)
{
	const vaddr *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The tcaches that are known already, by address. Those that are found come in ascending order,
 * each once. */
typedef VEC(vaddr) known_addresses;

static void list_known(const tcaches *found, known_addresses *known)
{
	for (size_t i = 0; i < found->count; i++)
		*vec_add(known) = found->items[i].address;
	vec_sort(known, compare_addresses);
}

static bool is_known(const known_addresses *known, vaddr address)
{
	return known->count &&
		   bsearch(&address, known->items, known->count, sizeof address, compare_addresses);
}

/* A struct is one chunk of 0x150 to 0x310 bytes, of a step more where the rest was too small. */
static bool can_be_tcache(const struct chunk *chunk)
{
	return chunk->state == CHUNK_IN_USE && chunk->bytes >= 0x140 && chunk->bytes <= 0x320;
}

void tcache_scan(const struct image *image, const struct layout *layout, const arena_blocks *blocks,
				 const struct chunk_table *chunks, tcaches *found)
{
	struct reader reader = reader_make(image);
	known_addresses known = { 0 };

	list_known(found, &known);
	for (size_t i = 0; i < chunks->blocks.count; i++) {
		const struct chunk_block *block = &chunks->blocks.items[i];

		for (size_t k = 0; k < block->count; k++) {
			struct chunk chunk = chunk_block_get(block, k);
			vaddr address = chunk.address + layout->header;
			const struct layout_tcache *form;

			if (!can_be_tcache(&chunk) || is_known(&known, address))
				continue;
			form = tcache_form(&reader, layout, blocks, address);
			if (form && tcache_belief(&reader, layout, blocks, address, form) > 0)
				*vec_add(found) = (struct tcache){ address, 0, form };
		}
	}
	vec_deinit(&known);
}

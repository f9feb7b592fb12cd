#include "analyze/heap/mmapped.h"

#include "analyze/heap/mmapped_choice.h"
#include "analyze/heap/reader.h"
#include "base/cleanup.h"
#include "base/mem.h"

/* Pages looked at for headers that mremap moved, of all mappings together: 64 GiB of them. */
enum { MOVED_PAGES_MAX = 1 << 24 };

/* A consistent header: the mapping [start, start + bytes) holds the chunk. */
struct mapped {
	vaddr start, chunk;
	uint64_t bytes; /* of the mapping */
	uint64_t chunk_bytes;
};

/* A pass over the memory in which mappings can be. */
struct search {
	struct reader reader;
	const struct layout *layout;
	uint64_t moved_pages; /* that may still be looked at; 0: headers are not moved */
	VEC(struct mapped) found;
};

/* Whether the header at `chunk` describes a mapping that starts at `start`. prev_size is the
 * distance from there (bit 0, since 2.43: huge pages were used), size the rest of the mapping, in
 * recent releases without the tail. */
static bool header_fits(struct reader *reader, const struct layout *layout, vaddr start,
						vaddr chunk, struct mapped *mapped)
{
	uint64_t before, size, flags = layout->state->mapped_tail ? 1 : 0, bytes;

	if (!reader_word(reader, chunk + layout->word, &size) ||
		(size & LAYOUT_FLAGS) != LAYOUT_IS_MMAPPED || !reader_word(reader, chunk, &before) ||
		(before & ~flags) != chunk - start)
		return false;
	size &= ~(uint64_t)LAYOUT_FLAGS;
	bytes = chunk - start + size + layout->state->mapped_tail;
	if (size < layout->min_bytes || bytes < size || bytes % layout->page_size ||
		start + bytes < start)
		return false;
	*mapped = (struct mapped){ start, chunk, bytes, size };
	return true;
}

static void try_chunk(struct search *search, struct range run, vaddr user, struct mapped *best)
{
	struct mapped other;
	vaddr chunk = user - search->layout->header;

	if (chunk > best->chunk && chunk < run.end &&
		header_fits(&search->reader, search->layout, best->start, chunk, &other) &&
		best->start + other.bytes <= run.end)
		*best = other;
}

/* memalign moves the chunk to an aligned address inside the mapping and leaves the first header as
 * it was; the header furthest from the start is the live one. Candidates are the addresses that
 * memalign would choose for each power of two (malloc.c, _int_memalign); below the page size they
 * stay candidates when mremap moves the mapping. mremap changes the live header alone: then the
 * first one may claim more than there is. */
static void find_aligned(struct search *search, struct range run, struct mapped *best)
{
	vaddr start = best->start, user = best->chunk + search->layout->header;
	uint64_t bytes = best->bytes;

	for (uint64_t power = 2 * search->layout->alignment; power < bytes && power < run.end - start;
		 power *= 2) {
		vaddr aligned = (user + power - 1) & ~(power - 1);

		try_chunk(search, run, aligned, best);
		try_chunk(search, run, aligned + power, best);
		try_chunk(search, run, start + power, best);
	}
}

/* The next page from the address on of which something was captured; `end` where there is none. */
static vaddr next_captured(struct search *search, vaddr page, vaddr end)
{
	const struct image *image = search->reader.image;
	uint64_t ignored;
	size_t next;
	vaddr start;

	if (page >= end || reader_word(&search->reader, page, &ignored))
		return page;
	next = image_find(image, page);
	if (next == image->pieces.count || image->pieces.items[next].range.start >= end)
		return end;
	start = image->pieces.items[next].range.start & -(vaddr)search->layout->page_size;
	return start > page ? start : page;
}

/* What memalign aligned to a page or more starts at a page, but at no better address after mremap
 * moved the mapping. Its distance from the start stays, so that it is inside of what the first
 * header claims. */
static void find_moved(struct search *search, struct range run, struct mapped *best)
{
	uint32_t page = search->layout->page_size;
	vaddr start = best->start, end = run.end;

	if (best->bytes < end - start)
		end = start + best->bytes;
	/* The header stands at the end of the page before. */
	for (vaddr at = start; at + page < end && search->moved_pages; at += page) {
		search->moved_pages--;
		at = next_captured(search, at, end);
		try_chunk(search, run, at + page, best);
	}
}

static void find_in_run(struct search *search, struct range run)
{
	const struct layout *layout = search->layout;
	vaddr page = layout->page_size, start = (run.start + page - 1) & -page;
	vaddr first = layout_chunk_from(layout, 0);

	while ((start = next_captured(search, start, run.end)) < run.end) {
		struct mapped mapped = { .bytes = UINT64_MAX };

		if (header_fits(&search->reader, layout, start, start + first, &mapped)) {
			find_aligned(search, run, &mapped);
			if (search->moved_pages)
				find_moved(search, run, &mapped);
		}
		if (mapped.bytes > run.end - start) {
			start += page;
			continue;
		}
		*vec_add(&search->found) = mapped;
		start += mapped.bytes;
	}
}

static void find_in_runs(struct search *search, const anonymous_runs *runs)
{
	search->found.count = 0;
	for (size_t i = 0; i < runs->count; i++)
		find_in_run(search, runs->items[i]);
}

static struct mmapped_found sum_of(const struct search *search)
{
	struct mmapped_found sum = { .count = search->found.count };

	for (size_t i = 0; i < search->found.count; i++)
		sum.bytes += search->found.items[i].bytes;
	return sum;
}

/* Drops what only looks like a mapping of malloc's, if it can be told. */
static void drop_false(struct search *search, const struct params *params)
{
	size_t count = search->found.count, kept = 0;
	AUTO_FREE struct range *ranges = mem_zeroed(count, sizeof *ranges);
	AUTO_FREE bool *drop = mem_zeroed(count, sizeof *drop);

	for (size_t i = 0; i < count; i++) {
		const struct mapped *mapped = &search->found.items[i];

		ranges[i] = (struct range){ mapped->start, mapped->start + mapped->bytes };
	}
	if (!mmapped_choose(search->layout, params, ranges, count, drop))
		return;
	for (size_t i = 0; i < count; i++)
		if (!drop[i])
			search->found.items[kept++] = search->found.items[i];
	search->found.count = kept;
}

/* Adds a piece of a mapping to its block, or to a new one where the piece starts too far in. */
static void add_piece(struct chunk_table *chunks, struct chunk_block **block, struct range piece,
					  enum chunk_state state)
{
	if (!range_bytes(piece))
		return;
	if (!*block || piece.start - (*block)->range.start >= CHUNK_BLOCK_MAX_BYTES) {
		*block = chunk_table_add(chunks, piece, CHUNK_NO_ARENA);
		(*block)->packed = mem_zeroed(3, sizeof *(*block)->packed);
	}
	(*block)->packed[(*block)->count++] =
		(uint32_t)(piece.start - (*block)->range.start) | (uint32_t)state;
	(*block)->range.end = piece.end;
}

static void add_mapped(struct chunk_table *chunks, const struct mapped *mapped)
{
	vaddr end = mapped->start + mapped->bytes, chunk_end = mapped->chunk + mapped->chunk_bytes;
	struct chunk_block *block = NULL;

	add_piece(chunks, &block, (struct range){ mapped->start, mapped->chunk }, CHUNK_OVERHEAD);
	add_piece(chunks, &block, (struct range){ mapped->chunk, chunk_end }, CHUNK_MMAPPED);
	add_piece(chunks, &block, (struct range){ chunk_end, end }, CHUNK_OVERHEAD);
}

struct mmapped_found mmapped_find(const struct image *image, const struct layout *layout,
								  const anonymous_runs *runs, const struct params *params,
								  struct chunk_table *chunks)
{
	struct search search = { .reader = reader_make(image), .layout = layout };
	struct mmapped_found found;

	find_in_runs(&search, runs);
	if (params && !mmapped_bytes_agree(layout, params->mmapped_mem, sum_of(&search).bytes)) {
		search.moved_pages = MOVED_PAGES_MAX;
		find_in_runs(&search, runs);
	}
	if (params && search.found.count > params->n_mmaps)
		drop_false(&search, params);
	for (size_t i = 0; i < search.found.count; i++)
		add_mapped(chunks, &search.found.items[i]);
	found = sum_of(&search);
	vec_deinit(&search.found);
	return found;
}

void mmapped_compare(const struct layout *layout, const struct params *params,
					 const struct mmapped_found *found, struct anomalies *anomalies)
{
	uint64_t excess = params->mmapped_mem - found->bytes;
	/* However many times mremap was used. */
	bool agree = layout->state->mapped_tail
					 ? found->bytes <= params->mmapped_mem && excess % (2 * layout->word) == 0
					 : excess == 0;

	if (found->count != params->n_mmaps)
		anomaly_add(anomalies, params->address,
					"malloc says it has %" PRIu32 " mmapped chunks, %" PRIu64 " were found",
					params->n_mmaps, found->count);
	else if (!agree)
		anomaly_add(anomalies, params->address,
					"malloc says its mmapped chunks have %" PRIu64 " bytes, %" PRIu64 " were found",
					params->mmapped_mem, found->bytes);
}

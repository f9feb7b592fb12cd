#include "analyze/heap/trim.h"

#include "analyze/heap/resident.h"

/* A pass over a block, by ascending address. */
struct trim {
	const struct layout *layout;
	struct resident resident;
	struct trim_sum *sum;
	struct range free; /* neighbours that malloc_consolidate would join; empty where none is open */
	vaddr pinned_until; /* end of the last page with bytes pinned as small or edge */
	vaddr page;         /* the one that the last chunks in use end on, */
	uint64_t chunks;    /* how many those are that are not counted yet, */
	uint64_t bytes;     /* and their bytes */
};

/* What mtrim releases of a free chunk: the whole pages behind its header and links. */
static struct range inside_free(const struct layout *layout, struct range chunk)
{
	uint64_t page = layout->page_size, links = 6 * layout->word;
	vaddr start = (chunk.start + links + page - 1) & ~(page - 1);

	return (struct range){ start, chunk.end & ~(page - 1) };
}

/* What systrim cuts off the top chunk, which ends on a page. */
static struct range end_of_top(const struct layout *layout, struct range top, uint64_t unit)
{
	uint64_t bytes = range_bytes(top);

	if (!unit || bytes <= layout->min_bytes + 1)
		return (struct range){ top.end, top.end };
	return (struct range){ top.end - ((bytes - layout->min_bytes - 1) & ~(unit - 1)), top.end };
}

static vaddr page_of(const struct trim *trim, vaddr address)
{
	return address & ~(vaddr)(trim->layout->page_size - 1);
}

/* A piece of free memory that stays because of what else is on its pages. */
static void pin(struct trim *trim, struct range piece, enum trim_cause cause)
{
	uint64_t bytes = range_bytes(piece) ? resident_bytes(&trim->resident, piece) : 0;

	if (!bytes)
		return;
	trim->sum->pinned[cause] += bytes;
	if (page_of(trim, piece.start) == trim->page) {
		trim->sum->live_chunks += trim->chunks;
		trim->sum->live_bytes += trim->bytes;
		trim->chunks = trim->bytes = 0;
	}
	trim->pinned_until = page_of(trim, piece.end - 1) + trim->layout->page_size;
}

/* The stretch goes but for its ends, or stays. */
static void release(struct trim *trim, struct range stretch, struct range part)
{
	if (part.start >= part.end) {
		pin(trim, stretch, TRIM_SMALL);
		return;
	}
	pin(trim, (struct range){ stretch.start, part.start }, TRIM_EDGE);
	trim->sum->bytes += resident_bytes(&trim->resident, part);
	pin(trim, (struct range){ part.end, stretch.end }, TRIM_EDGE);
}

/* Its first page may have pinned bytes before it, its last one may have some behind it. */
static void take_live(struct trim *trim, const struct chunk *chunk)
{
	vaddr last = page_of(trim, chunk->address + chunk->bytes - 1);

	if (last != trim->page)
		trim->chunks = trim->bytes = 0;
	trim->page = last;
	if (chunk->address < trim->pinned_until) {
		trim->sum->live_chunks++;
		trim->sum->live_bytes += chunk->bytes;
	} else {
		trim->chunks++;
		trim->bytes += chunk->bytes;
	}
}

static void take_top(struct trim *trim, struct range top, uint64_t unit)
{
	if (unit)
		release(trim, top, end_of_top(trim->layout, top, unit));
	else
		trim->sum->pinned[TRIM_TOP] += resident_bytes(&trim->resident, top);
}

/* The end of what is free, or of what may be joined. */
static void close_free(struct trim *trim)
{
	if (range_bytes(trim->free))
		release(trim, trim->free, inside_free(trim->layout, trim->free));
	trim->free = (struct range){ 0, 0 };
}

void trim_block(const struct chunk_block *block, const struct layout *layout, uint64_t top_unit,
				const struct page_map *page_map, struct trim_sum *sum)
{
	struct trim trim = {
		.layout = layout, .resident = { .map = page_map }, .sum = sum, .page = UINT64_MAX
	};

	for (size_t i = 0; page_map && i < block->count; i++) {
		struct chunk chunk = chunk_block_get(block, i);
		struct range range = { chunk.address, chunk.address + chunk.bytes };

		if (chunk.state == CHUNK_FASTBIN || chunk.state == CHUNK_BINNED) {
			trim.free.start = range_bytes(trim.free) ? trim.free.start : range.start;
			trim.free.end = range.end;
			continue;
		}
		if (chunk.state == CHUNK_TOP) {
			range.start = range_bytes(trim.free) ? trim.free.start : range.start;
			trim.free = (struct range){ 0, 0 };
			take_top(&trim, range, top_unit);
			continue;
		}
		close_free(&trim);
		if (chunk.state == CHUNK_IN_USE)
			take_live(&trim, &chunk);
		else if (chunk.state == CHUNK_TCACHE)
			sum->pinned[TRIM_CACHE] += resident_bytes(&trim.resident, range);
	}
	close_free(&trim);
}

void trim_add(struct trim_sum *sum, const struct trim_sum *more)
{
	sum->bytes += more->bytes;
	for (int i = 0; i < TRIM_CAUSES; i++)
		sum->pinned[i] += more->pinned[i];
	sum->live_chunks += more->live_chunks;
	sum->live_bytes += more->live_bytes;
}

#include "analyze/memory/owner_search.h"

/* V8's heap is made of chunks, aligned to 256 KiB, each with a header
 * (src/heap/basic-memory-chunk.h; since 12.3 memory-chunk.h and memory-chunk-metadata.h). Its
 * words:
 *
 *     12.3, 12.4  flags, metadata (the chunk), size, heap, area start, area end  (Node 22)
 *     8.4 to 12.2 size, flags, heap, area start, area end  (Node 14 to 21)
 *
 * Objects start behind the header, within the chunk's first 32 KiB; a large object has a chunk of
 * its own, of a larger size. All chunks of an isolate point to one heap.
 *
 * In 13.6 (Node 24) the chunk has flags and a pointer to its metadata, which is elsewhere:
 * allocator, chunk, bytes reserved, three counts, size, area end, heap, area start. */
enum { HEADER_BYTES = 48, METADATA_BYTES = 80, CHUNKS_LEAST = 3 };

#define CHUNK_ALIGNMENT (UINT64_C(256) << 10)
#define AREA_START_MAX (UINT64_C(32) << 10)

/* Indices of words; the area's start and end follow the heap. */
static const struct layout {
	unsigned flags, size, heap;
	bool to_itself; /* word 1 is the chunk's address */
} layouts[] = {
	{ 0, 2, 3, true },
	{ 1, 0, 2, false },
};

enum { ELSEWHERE = sizeof layouts / sizeof *layouts, ROWS };

struct candidate {
	struct range range;
	vaddr heap;
};

struct finding {
	struct owner_search *search;
	VEC(struct candidate) candidates[ROWS];
};

/* What all releases have in common. */
static bool fits(vaddr address, uint64_t flags, vaddr start, vaddr end,
				 const struct candidate *candidate)
{
	uint64_t size = range_bytes(candidate->range);

	return size >= 4096 && size % 4096 == 0 && address + size > address && flags >> 32 == 0 &&
		   start > address && start - address <= AREA_START_MAX && end > start &&
		   end <= address + size && candidate->heap && candidate->heap % 8 == 0;
}

static bool take_metadata(const struct image *image, vaddr address, const uint8_t *bytes,
						  struct candidate *candidate)
{
	const uint8_t *metadata = image_at(image, owner_u64(bytes + 8), METADATA_BYTES);

	if (!metadata || owner_u64(metadata + 8) != address ||
		owner_u64(metadata + 16) != owner_u64(metadata + 48))
		return false;
	*candidate = (struct candidate){ { address, address + owner_u64(metadata + 48) },
									 owner_u64(metadata + 64) };
	return fits(address, owner_u64(bytes), owner_u64(metadata + 72), owner_u64(metadata + 56),
				candidate);
}

static bool take_row(unsigned row, vaddr address, const uint8_t *bytes, struct candidate *candidate)
{
	const struct layout *layout = &layouts[row];
	const uint8_t *heap = bytes + 8 * layout->heap;
	uint64_t size = owner_u64(bytes + 8 * layout->size);
	uint64_t flags = owner_u64(bytes + 8 * layout->flags);
	vaddr start = owner_u64(heap + 8), end = owner_u64(heap + 16);

	*candidate = (struct candidate){ { address, address + size }, owner_u64(heap) };
	return fits(address, flags, start, end, candidate) &&
		   (!layout->to_itself || owner_u64(bytes + 8) == address);
}

static void take_chunk(void *context, vaddr address, const uint8_t *bytes)
{
	struct finding *finding = context;
	struct candidate candidate;
	uint64_t heap_word;

	if (address % CHUNK_ALIGNMENT)
		return;
	for (unsigned row = 0; row < ROWS; row++) {
		bool taken = row == ELSEWHERE
						 ? take_metadata(finding->search->image, address, bytes, &candidate)
						 : take_row(row, address, bytes, &candidate);

		if (taken && image_word(finding->search->image, candidate.heap, &heap_word))
			*vec_add(&finding->candidates[row]) = candidate;
	}
}

static int compare_heaps(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return (a->heap > b->heap) - (a->heap < b->heap);
}

/* Claims the chunks of each heap that has enough of them. */
static void claim_heaps(struct finding *finding, unsigned row, uint64_t *chunks, uint64_t *heaps)
{
	struct candidate *items;
	size_t count = finding->candidates[row].count;

	vec_sort(&finding->candidates[row], compare_heaps);
	items = finding->candidates[row].items;
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count && items[end].heap == items[first].heap;)
			end++;
		if (end - first < CHUNKS_LEAST)
			continue;
		for (size_t i = first; i < end; i++)
			owner_claim(finding->search, OWNER_V8, items[i].range);
		*chunks += end - first;
		++*heaps;
	}
}

void owner_find_v8(struct owner_search *search)
{
	struct finding finding = { .search = search };
	uint64_t chunks = 0, heaps = 0;

	owner_each_aligned(search, CHUNK_ALIGNMENT, HEADER_BYTES, take_chunk, &finding);
	for (unsigned row = 0; row < ROWS; row++) {
		claim_heaps(&finding, row, &chunks, &heaps);
		vec_deinit(&finding.candidates[row]);
	}
	if (chunks)
		owner_seen(search, OWNER_V8, "%llu chunks whose headers agree, of %llu heap%s",
				   (unsigned long long)chunks, (unsigned long long)heaps, heaps == 1 ? "" : "s");
}

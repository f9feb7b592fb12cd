#include "analyze/memory/owner_search.h"

/* V8's heap is made of chunks, aligned to 256 KiB, each with a header
 * (src/heap/basic-memory-chunk.h; since 12.3 memory-chunk.h and memory-chunk-metadata.h). Its
 * words:
 *
 *     12.3 and 12.4  flags, metadata (the chunk itself), size, heap, area start, area end  (Node
 * 22) 8.4 to 12.2    size, flags, heap, area start, area end                       (Node 14 to 21)
 *     7.3 to 8.3     size, flags, marking bitmap, heap, area start, area end
 *
 * Objects start behind the header, within the chunk's first 32 KiB; a large object has a chunk of
 * its own, of a larger size. All chunks of an isolate point to one heap. Later releases may keep
 * the metadata elsewhere: such chunks are not recognised. */
enum { HEADER_BYTES = 48, CHUNKS_LEAST = 3 };

#define CHUNK_ALIGNMENT (UINT64_C(256) << 10)
#define AREA_START_MAX (UINT64_C(32) << 10)

/* Indices of words; the area's start and end follow the heap. */
static const struct layout {
	unsigned flags, size, heap;
	bool to_itself; /* word 1 is the chunk's address */
} layouts[] = {
	{ 0, 2, 3, true },
	{ 1, 0, 2, false },
	{ 1, 0, 3, false },
};

enum { ROWS = sizeof layouts / sizeof *layouts };

struct candidate {
	struct range range;
	vaddr heap;
};

struct finding {
	struct owner_search *search;
	VEC(struct candidate) candidates[ROWS];
};

static bool take_row(unsigned row, vaddr address, const uint8_t *bytes, struct candidate *candidate)
{
	const struct layout *layout = &layouts[row];
	const uint8_t *heap = bytes + 8 * layout->heap;
	uint64_t size = owner_u64(bytes + 8 * layout->size);
	uint64_t flags = owner_u64(bytes + 8 * layout->flags);
	vaddr start = owner_u64(heap + 8), end = owner_u64(heap + 16);

	*candidate = (struct candidate){ { address, address + size }, owner_u64(heap) };
	return size >= 4096 && size % 4096 == 0 && address + size > address && flags >> 32 == 0 &&
		   start > address && start - address <= AREA_START_MAX && end > start &&
		   end <= address + size && candidate->heap && candidate->heap % 8 == 0 &&
		   (!layout->to_itself || owner_u64(bytes + 8) == address);
}

static void take_chunk(void *context, vaddr address, const uint8_t *bytes)
{
	struct finding *finding = context;
	struct candidate candidate;
	uint64_t heap_word;

	if (address % CHUNK_ALIGNMENT)
		return;
	for (unsigned row = 0; row < ROWS; row++)
		if (take_row(row, address, bytes, &candidate) &&
			image_word(finding->search->image, candidate.heap, &heap_word))
			*vec_add(&finding->candidates[row]) = candidate;
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

#include "analyze/heap/bins.h"

#include "analyze/heap/reader.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/workers.h"

enum {
	BINS = 126, /* bins 1 to 126; 127 is never used */
	SLACK = 2,  /* chunks looked at beyond the expected ones */
};

struct list {
	vaddr header; /* pseudo-chunk of the bin, where the list ends */
	vaddr chunk;  /* next one to look at */
};

struct job {
	const struct image *image;
	const struct layout *layout;
	const struct heap *heap;
	struct bins_found *found; /* one for each arena */
};

/* Counts the list's chunk and moves on. False where the list ends here. */
static bool step(struct reader *reader, const struct layout *layout, struct list *list,
				 uint64_t bytes_most, struct bins_found *found)
{
	vaddr chunk = list->chunk;
	uint64_t size;

	if (chunk == list->header)
		return false;
	if (!layout_aligned(layout, chunk) || !reader_word(reader, chunk + layout->word, &size) ||
		!reader_word(reader, chunk + layout->header, &list->chunk) || size > bytes_most) {
		found->broken = found->broken ? found->broken : chunk;
		return false;
	}
	reader_prefetch(reader, list->chunk + layout->word);
	found->chunks++;
	found->bytes += size & ~(uint64_t)LAYOUT_FLAGS;
	return true;
}

struct bins_found bins_follow(const struct image *image, const struct layout *layout, vaddr arena,
							  uint64_t chunks_most, uint64_t bytes_most)
{
	struct reader reader = reader_make(image);
	struct bins_found found = { 0 };
	struct list lists[BINS];
	unsigned open = BINS;

	for (unsigned i = 0; i < BINS; i++) {
		vaddr header = arena + layout->state->bins_at + (vaddr)i * layout->header - layout->header;

		lists[i] = (struct list){ header, header };
		if (!reader_word(&reader, header + layout->header, &lists[i].chunk))
			found.broken = header;
	}
	/* A step of each list in turn: the memory accesses of one list wait for each other, those of
	 * different lists do not. */
	while (open && found.chunks <= chunks_most)
		for (unsigned i = 0; i < open && found.chunks <= chunks_most;)
			if (step(&reader, layout, &lists[i], bytes_most, &found))
				i++;
			else
				lists[i] = lists[--open];
	return found;
}

static void follow_one(void *context, size_t index, unsigned worker)
{
	struct job *job = context;
	const struct heap_arena *arena = &job->heap->arenas.items[index];

	uint64_t walked = 0;

	(void)worker;
	for (int i = 0; i < CHUNK_STATES; i++)
		walked += arena->states[i].bytes;
	job->found[index] = bins_follow(job->image, job->layout, arena->address,
									arena->states[CHUNK_BINNED].chunks + SLACK, walked);
}

static bool is_off_by_one(const struct heap_arena *arena, const struct bins_found *found)
{
	uint64_t expected = arena->states[CHUNK_BINNED].chunks;

	return found->chunks + 1 >= expected && found->chunks <= expected + 1;
}

/* What can explain a difference; the likeliest first. */
static const char *explain(const struct heap_arena *arena, const struct bins_found *found,
						   bool live)
{
	if (live)
		return "the process ran while it was captured";
	if (arena->locked)
		return "its mutex is held: a thread was stopped inside malloc";
	if (arena->states[CHUNK_UNWALKABLE].bytes)
		return "a part of it could not be walked";
	if (is_off_by_one(arena, found))
		return "expected the same, unless a thread was stopped inside malloc";
	return "expected the same: links or size words are damaged";
}

static void compare(const struct heap_arena *arena, size_t index, const struct bins_found *found,
					bool live, struct anomalies *anomalies)
{
	const struct chunk_sum *binned = &arena->states[CHUNK_BINNED];
	bool more = found->chunks > binned->chunks + SLACK;

	if (found->chunks == binned->chunks && found->bytes == binned->bytes && !found->broken)
		return;
	/* malloc writes a chunk's header and its links one after the other, under the mutex: one chunk
	 * between the two is what a thread stopped inside malloc looks like, and `locked` says so. */
	if (arena->locked && !live && !found->broken && is_off_by_one(arena, found))
		return;
	anomaly_add(anomalies, found->broken ? found->broken : arena->address,
				"the bin lists of arena %zu hold %s%" PRIu64 " chunks of %" PRIu64
				" bytes, by the chunks' flags it is %" PRIu64 " of %" PRIu64 "%s; %s",
				index, more ? "at least " : "", found->chunks, found->bytes, binned->chunks,
				binned->bytes, found->broken ? "; a list leads here, where no chunk is" : "",
				explain(arena, found, live));
}

void bins_compare(const struct image *image, const struct layout *layout, const struct heap *heap,
				  bool live, unsigned workers, struct anomalies *anomalies)
{
	size_t count = heap->arenas.count;
	AUTO_FREE struct bins_found *found = mem_zeroed(count + 1, sizeof *found);
	struct job job = { image, layout, heap, found };

	workers_run(workers, count, follow_one, &job);
	for (size_t i = 0; i < count; i++)
		compare(&heap->arenas.items[i], i, &found[i], live, anomalies);
}

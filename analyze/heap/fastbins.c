#include "analyze/heap/fastbins.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/workers.h"

struct job {
	const struct image *image;
	const struct layout *layout;
	const arenas *found;
	struct chunk_table *chunks;
	vaddr *broken; /* for each arena: the entry at which a list broke first; 0: none did */
};

static vaddr head_of(struct reader *reader, const struct layout *layout, const struct arena *arena,
					 unsigned bin)
{
	return reader_word_or_zero(reader, arena->address + layout->state->fastbins_at +
										   (vaddr)bin * layout->word);
}

void fastbins_vote(const struct image *image, const struct layout *layout, const arenas *found,
				   const arena_blocks *blocks, struct links_votes *votes)
{
	struct reader reader = reader_make(image);

	for (size_t i = 0; i < found->count; i++)
		for (unsigned bin = 0; bin < layout->state->fastbins; bin++) {
			vaddr chunk = head_of(&reader, layout, &found->items[i], bin);

			if (chunk && layout_aligned(layout, chunk) && blocks_at(blocks, chunk))
				links_vote(&reader, layout, blocks, chunk + layout->header, 0, votes);
		}
}

/* Marks a list. Gives the entry at which it breaks, 0 where it is sound: each step marks a chunk
 * that was not marked before, so a list that loops ends too. */
static vaddr mark_list(struct reader *reader, const struct job *job, int arena, vaddr chunk,
					   unsigned bin)
{
	const struct layout *layout = job->layout;
	uint64_t stored, expected = (uint64_t)(bin + 2) << layout->state->fast_shift, header;

	while (chunk) {
		if (!reader_word(reader, chunk + layout->word, &header) ||
			(header & ~(uint64_t)LAYOUT_FLAGS) != expected)
			return chunk;
		if (!reader_word(reader, chunk + layout->header, &stored) ||
			marks_set(job->chunks, chunk, arena, CHUNK_FASTBIN) != MARKS_DONE)
			return chunk;
		chunk = links_decode(layout, chunk + layout->header, stored);
	}
	return 0;
}

static void mark_arena(void *context, size_t index, unsigned worker)
{
	const struct job *job = context;
	const struct arena *arena = &job->found->items[index];
	struct reader reader = reader_make(job->image);

	(void)worker;
	for (unsigned bin = 0; bin < job->layout->state->fastbins; bin++) {
		vaddr head = head_of(&reader, job->layout, arena, bin);
		vaddr broken = mark_list(&reader, job, (int)index, head, bin);

		if (broken && !job->broken[index])
			job->broken[index] = broken;
	}
}

void fastbins_mark(const struct image *image, const struct layout *layout, const arenas *found,
				   struct chunk_table *chunks, unsigned workers, const char *cause,
				   struct anomalies *anomalies)
{
	AUTO_FREE vaddr *broken = mem_zeroed(found->count + 1, sizeof *broken);
	struct job job = { image, layout, found, chunks, broken };

	workers_run(workers, found->count, mark_arena, &job);
	for (size_t i = 0; i < found->count; i++)
		if (broken[i])
			anomaly_add(
				anomalies, broken[i],
				"a fastbin of arena %zu leads here, where no chunk of its size can be cached%s", i,
				cause);
}

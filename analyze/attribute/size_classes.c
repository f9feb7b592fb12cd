#include "analyze/attribute/size_classes.h"

#include "analyze/attribute/chunk_jobs.h"

/* Key of the tally: size << STATE_BITS | state. */
enum { STATE_BITS = 4, STATE_MASK = (1 << STATE_BITS) - 1 };
_Static_assert((int)CHUNK_STATES <= (int)STATE_MASK, "states fit the key");

static void count(void *context, const struct chunk_block *block, size_t first, size_t last,
				  struct tally *tally)
{
	(void)context;
	for (size_t i = first; i < last; i++) {
		struct chunk chunk = chunk_block_get(block, i);

		if (chunk.state <= CHUNK_BINNED)
			tally_add(tally, chunk.bytes << STATE_BITS | chunk.state, chunk.bytes);
	}
}

void size_classes_fill(struct report_heap *heap, const struct chunk_table *chunks, unsigned workers)
{
	struct tally tally = { 0 };
	size_t rows;

	chunk_jobs_run(chunks, workers, count, NULL, &tally);
	rows = tally_sort(&tally);
	for (size_t i = 0; i < rows && i < SIZE_CLASSES_MAX; i++) {
		const struct tally_row *row = &tally.slots[i];

		*vec_add(&heap->size_classes) = (struct report_size_class){
			.size = row->key >> STATE_BITS,
			.state = chunk_state_name((enum chunk_state)(row->key & STATE_MASK)),
			.chunks = row->chunks,
			.bytes = row->bytes,
		};
	}
	tally_deinit(&tally);
}

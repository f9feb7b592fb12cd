/* heap_bench: what the heap walk by itself takes, on one core of a processor.
 *
 * usage: heap_bench CORE [WORKERS [ROUNDS]]      (1 5)
 *
 * Prints a line of JSON: the chunks, the median seconds of heap_walk (search, walk, caches, sums)
 * over ROUNDS on a file that is in memory already, chunks a second and worker, and the bytes that
 * the heap's tables take beside the mapped file, as the kernel counts them. */
#include "analyze/heap/heap.h"
#include "analyze/pipeline.h"
#include "base/file.h"
#include "base/progress.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 99 };

static int compare_times(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static uint64_t count_chunks(const struct heap *heap)
{
	uint64_t chunks = 0;

	for (size_t i = 0; i < heap->chunks.blocks.count; i++)
		chunks += heap->chunks.blocks.items[i].count;
	return chunks;
}

static int64_t time_walk(const struct pipeline *pipeline, unsigned workers, struct heap *heap)
{
	const struct core *core = &pipeline->core;
	struct anomalies anomalies = { 0 };
	struct progress progress = { 0 };
	int64_t start = progress_now_ns();

	heap_walk(heap, &pipeline->image, &pipeline->regions, core,
			  core->has_page_map ? &core->page_map : NULL, workers, &progress, &anomalies);
	anomalies_deinit(&anomalies);
	return progress_now_ns() - start;
}

int main(int argc, char **argv)
{
	unsigned workers = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	unsigned rounds = argc > 3 ? (unsigned)atoi(argv[3]) : 5;
	struct pipeline pipeline;
	struct progress progress = { 0 };
	struct err err = { 0 };
	int64_t times[ROUNDS_MAX];
	uint64_t chunks = 0, bytes = 0;
	size_t before;

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX || workers < 1)
		return 2;
	if (!pipeline_run(&pipeline, argv[1], NULL, workers, &progress, &err)) {
		fprintf(stderr, "heap_bench: %s\n", err.what);
		return 1;
	}
	for (unsigned i = 0; i < rounds; i++) {
		struct heap heap;

		before = mallinfo2().uordblks + mallinfo2().hblkhd;
		times[i] = time_walk(&pipeline, workers, &heap);
		bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
		chunks = count_chunks(&heap);
		heap_deinit(&heap);
	}
	qsort(times, rounds, sizeof *times, compare_times);
	printf("{\"chunks\": %llu, \"seconds\": %.4f, \"chunks_per_second_and_worker\": %.0f, "
		   "\"table_bytes\": %llu}\n",
		   (unsigned long long)chunks, (double)times[rounds / 2] / 1e9,
		   (double)chunks / ((double)times[rounds / 2] / 1e9) / workers, (unsigned long long)bytes);
	pipeline_deinit(&pipeline);
	return 0;
}

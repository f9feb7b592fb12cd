#include "analyze/heap/search.h"

#include "analyze/heap/reader.h"
#include "base/mem.h"
#include "base/workers.h"

enum {
	LAST_BIN_WORDS = 252,        /* from bins[0] to the first word of bin 127's header */
	PART_BYTES = 16 << 20,       /* memory one job looks through */
	HITS_PER_PART_MAX = 1 << 16, /* a page of self-pointers is no malloc_state */
};

struct part {
	struct range range;
	search_hits hits;
};

struct parts {
	const struct image *image;
	VEC(struct part) items;
};

/* Memory cut into jobs; only what was captured. */
static void add_parts(struct parts *parts, struct range range)
{
	const struct image *image = parts->image;

	for (size_t i = image_find(image, range.start); i < image->pieces.count; i++) {
		struct range common = range_overlap(image->pieces.items[i].range, range);

		if (image->pieces.items[i].range.start >= range.end)
			break;
		while (range_bytes(common)) {
			struct range part = common;

			if (range_bytes(part) > PART_BYTES)
				part.end = part.start + PART_BYTES;
			vec_add(&parts->items)->range = part;
			common.start = part.end;
		}
	}
}

/* The word at `data`, which has room for one. */
static inline uint64_t load(const uint8_t *data, unsigned word)
{
	uint64_t wide = 0;

	memcpy(&wide, data, word);
	return wide;
}

static inline void search_words(struct part *part, const struct image *image, unsigned word)
{
	uint64_t bytes = range_bytes(part->range);
	const uint8_t *data = image_at(image, part->range.start, bytes);
	struct reader reader = reader_make(image);
	uint64_t second;

	for (uint64_t at = -part->range.start & (word - 1); data && at + word <= bytes; at += word) {
		vaddr here = part->range.start + at;

		if (load(data + at, word) != here - 2 * word)
			continue;
		if (!reader_word(&reader, here + word, &second) || second != here - 2 * word)
			continue;
		if (here < LAST_BIN_WORDS * word || part->hits.count >= HITS_PER_PART_MAX)
			continue;
		*vec_add(&part->hits) = here - LAST_BIN_WORDS * word;
	}
}

static void search_part(void *context, size_t job, unsigned worker)
{
	struct parts *parts = context;
	struct part *part = &parts->items.items[job];

	(void)worker;
	if (parts->image->word == 8)
		search_words(part, parts->image, 8);
	else
		search_words(part, parts->image, 4);
}

static void search_parts(struct parts *parts, unsigned workers, search_hits *hits)
{
	workers_run(workers, parts->items.count, search_part, parts);
	for (size_t i = 0; i < parts->items.count; i++) {
		struct part *part = &parts->items.items[i];

		for (size_t k = 0; k < part->hits.count; k++)
			*vec_add(hits) = part->hits.items[k];
		vec_deinit(&part->hits);
	}
	vec_deinit(&parts->items);
}

void search_modules(const struct image *image, const struct regions *regions, unsigned workers,
					search_hits *hits)
{
	struct parts parts = { .image = image };

	for (size_t i = 0; i < regions->items.count; i++) {
		const struct region *region = &regions->items.items[i];

		if (region->kind == REGION_MODULE && (region->protection & MAPPING_WRITE))
			add_parts(&parts, region->range);
	}
	search_parts(&parts, workers, hits);
}

/* A malloc_state is in private writable memory that is no stack and no Java heap. */
static bool can_hold_arena(const struct region *region)
{
	return (region->protection & MAPPING_WRITE) && region->kind != REGION_STACK &&
		   region->kind != REGION_SHARED && region->kind != REGION_KERNEL &&
		   region->kind != REGION_JAVA_HEAP && region->kind != REGION_JVM_CLASS_SPACE &&
		   region->kind != REGION_JVM_CODE;
}

void search_everything(const struct image *image, const struct regions *regions, unsigned workers,
					   search_hits *hits)
{
	struct parts parts = { .image = image };

	for (size_t i = 0; i < regions->items.count; i++)
		if (can_hold_arena(&regions->items.items[i]))
			add_parts(&parts, regions->items.items[i].range);
	search_parts(&parts, workers, hits);
}

#include "analyze/heap/thread_pointers.h"

#include "analyze/heap/reader.h"
#include "base/mem.h"

#include <elf.h>
#include <stdlib.h>

enum {
	ALIGNMENT = 16,           /* of a control block, at least */
	PTHREAD_BYTES = 2048,     /* tid is at 0x68 (i386) to 0x2d0 (x86_64) in the builds seen */
	TID_BYTES = 4,            /* pid_t */
	CANDIDATES_MAX = 1 << 17, /* control blocks of ended threads stay in cached stacks */
};

/* How a control block is told from other memory. */
struct form {
	uint16_t machine;
	bool above;    /* static TLS is above it */
	bool has_self; /* words 0 and 2 hold its address */
};

static const struct form forms[] = {
	{ EM_X86_64, false, true },
	{ EM_386, false, true },
	{ EM_AARCH64, true, false },
};

static const struct form *form_of(const struct image *image)
{
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (forms[i].machine == image->machine)
			return &forms[i];
	return &forms[0];
}

bool thread_pointers_tls_above(const struct image *image)
{
	return form_of(image)->above;
}

static bool is_control_block(struct reader *reader, const struct form *form, vaddr address)
{
	unsigned word = reader->image->word;

	if (!form->has_self)
		return reader_word_or_zero(reader, address) != 0;
	return reader_word_or_zero(reader, address) == address &&
		   reader_word_or_zero(reader, address + 2 * word) == address;
}

static void search_region(struct reader *reader, const struct form *form, struct range range,
						  thread_pointers *candidates)
{
	const struct image *image = reader->image;

	for (size_t i = image_find(image, range.start); i < image->pieces.count; i++) {
		struct range part = range_overlap(image->pieces.items[i].range, range);

		if (image->pieces.items[i].range.start >= range.end)
			return;
		for (vaddr at = (part.start + ALIGNMENT - 1) & -(vaddr)ALIGNMENT;
			 at < part.end && candidates->count < CANDIDATES_MAX; at += ALIGNMENT)
			if (is_control_block(reader, form, at))
				*vec_add(candidates) = at;
	}
}

/* Control blocks are in the stacks of threads; the main thread's is in memory that the loader
 * mapped, or in brk memory. */
static void search(struct reader *reader, const struct form *form, const struct regions *regions,
				   thread_pointers *candidates)
{
	for (size_t i = 0; i < regions->items.count; i++) {
		const struct region *region = &regions->items.items[i];

		if ((region->protection & MAPPING_WRITE) &&
			(region->kind == REGION_STACK || region->kind == REGION_ANONYMOUS ||
			 region->kind == REGION_BRK || region->kind == REGION_MODULE))
			search_region(reader, form, region->range, candidates);
	}
}

/* A thread whose pointer is looked for, by ascending id. */
struct wanted {
	uint32_t tid;
	uint32_t thread; /* index */
	uint32_t hits;   /* candidates that hold the id at the offset looked at */
	vaddr pointer;   /* the last of them */
};

struct wanted_threads {
	VEC(struct wanted) items;
};

static int compare_wanted(const void *left, const void *right)
{
	const struct wanted *a = left, *b = right;

	return (a->tid > b->tid) - (a->tid < b->tid);
}

static struct wanted *find_wanted(const struct wanted_threads *wanted, uint32_t tid)
{
	struct wanted key = { .tid = tid };

	return tid && wanted->items.count
			   ? bsearch(&key, wanted->items.items, wanted->items.count, sizeof key, compare_wanted)
			   : NULL;
}

/* Gives how many threads exactly one candidate has the id of at the offset. */
static size_t match_at(const struct image *image, const thread_pointers *candidates,
					   unsigned offset, const struct wanted_threads *wanted)
{
	size_t matched = 0;

	for (size_t i = 0; i < wanted->items.count; i++)
		wanted->items.items[i].hits = 0;
	for (size_t i = 0; i < candidates->count; i++) {
		struct wanted *thread;
		uint32_t tid = 0;

		image_u32(image, candidates->items[i] + offset, &tid);
		thread = find_wanted(wanted, tid);
		if (!thread)
			continue;
		thread->hits++;
		thread->pointer = candidates->items[i];
	}
	for (size_t i = 0; i < wanted->items.count; i++)
		matched += wanted->items.items[i].hits == 1;
	return matched;
}

/* The id is where it tells most threads apart: other fields hold the process's id or, by chance,
 * some number. */
static void match(const struct image *image, const thread_pointers *candidates,
				  const struct wanted_threads *wanted, thread_pointers *found)
{
	size_t best = 0;
	unsigned best_offset = 0;

	for (unsigned offset = 4 * image->word; offset < PTHREAD_BYTES; offset += TID_BYTES) {
		size_t matched = match_at(image, candidates, offset, wanted);

		if (matched > best) {
			best = matched;
			best_offset = offset;
		}
	}
	if (!best)
		return;
	match_at(image, candidates, best_offset, wanted);
	for (size_t i = 0; i < wanted->items.count; i++)
		if (wanted->items.items[i].hits == 1)
			found->items[wanted->items.items[i].thread] = wanted->items.items[i].pointer;
}

void thread_pointers_find(const struct image *image, const struct regions *regions,
						  const struct core *core, thread_pointers *found)
{
	const struct form *form = form_of(image);
	struct reader reader = reader_make(image);
	struct wanted_threads wanted = { 0 };
	thread_pointers candidates = { 0 };

	for (size_t i = 0; i < core->threads.count; i++) {
		const struct core_thread *thread = &core->threads.items[i];
		bool known = thread->tp && is_control_block(&reader, form, thread->tp);

		*vec_add(found) = known ? thread->tp : 0;
		if (!thread->tp)
			*vec_add(&wanted.items) = (struct wanted){ .tid = thread->tid, .thread = (uint32_t)i };
	}
	if (wanted.items.count && form->has_self) {
		vec_sort(&wanted.items, compare_wanted);
		search(&reader, form, regions, &candidates);
		match(image, &candidates, &wanted, found);
	}
	vec_deinit(&candidates);
	vec_deinit(&wanted.items);
}

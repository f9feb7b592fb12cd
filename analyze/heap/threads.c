#include "analyze/heap/threads.h"

#include "analyze/heap/thread_pointers.h"
#include "base/cleanup.h"
#include "base/mem.h"

#include <stdlib.h>

enum {
	NEAR_BYTES = 0x40, /* the two variables are not further apart in any build seen */
	WINDOW_FIRST = 4096,
	WINDOW_LAST = 1 << 20, /* a program with a large TLS block of its own pushes libc's away */
};

/* What the threads have at one distance from their thread pointers. */
struct slot {
	uint32_t arenas;  /* threads that have an arena's address there */
	uint32_t tcaches; /* threads that have there what can be a tcache */
	uint32_t certain; /* of those, with entries that fit */
};

struct vote {
	const struct core *core;
	thread_pointers pointers;
	const struct layout *layout;
	const arenas *found;
	const arena_blocks *blocks;
	struct reader reader;
	bool above; /* static TLS lies above the thread pointer (aarch64), else below (x86) */
	size_t count;
	struct slot *slots; /* slot i: word i from the window's start */
	uint64_t window;
};

static int arena_index(const arenas *found, vaddr address)
{
	for (size_t i = 0; address && i < found->count; i++)
		if (found->items[i].address == address)
			return (int)i;
	return -1;
}

static vaddr slot_address(const struct vote *vote, vaddr pointer, size_t slot)
{
	vaddr start = vote->above ? pointer : pointer - vote->window;

	return start + slot * vote->layout->word;
}

static void count_thread(struct vote *vote, vaddr pointer)
{
	for (size_t i = 0; i < vote->count; i++) {
		const struct layout_tcache *form;
		uint64_t value;
		int belief;

		if (!reader_word(&vote->reader, slot_address(vote, pointer, i), &value) || !value)
			continue;
		vote->slots[i].arenas += arena_index(vote->found, value) >= 0;
		form = tcache_form(&vote->reader, vote->layout, vote->blocks, value);
		if (!form)
			continue;
		belief = tcache_belief(&vote->reader, vote->layout, vote->blocks, value, form);
		vote->slots[i].tcaches += belief >= 0;
		vote->slots[i].certain += belief > 0;
	}
}

static uint32_t tcache_score(const struct slot *slot)
{
	return slot->tcaches + slot->certain;
}

/* The slot pair with the best sum, the two near each other; `count` for one that is not there. */
static void decide_slots(const struct vote *vote, size_t *arena, size_t *tcache)
{
	size_t near = NEAR_BYTES / vote->layout->word;
	uint64_t best = 0;

	*arena = *tcache = vote->count;
	for (size_t i = 0; i < vote->count; i++) {
		size_t from = i > near ? i - near : 0, beside = vote->count;
		uint64_t score = 4 * (uint64_t)vote->slots[i].arenas;

		if (!score)
			continue;
		for (size_t k = from; k < vote->count && k <= i + near; k++)
			if (vote->slots[k].tcaches &&
				(beside == vote->count ||
				 tcache_score(&vote->slots[k]) > tcache_score(&vote->slots[beside])))
				beside = k;
		if (beside < vote->count)
			score += tcache_score(&vote->slots[beside]);
		if (score > best) {
			best = score;
			*arena = i;
			*tcache = beside;
		}
	}
}

/* The form of the first thread's tcache that has one. */
static const struct layout_tcache *common_form(struct vote *vote, size_t tcache)
{
	const struct layout_tcache *form = NULL;
	uint64_t value;

	for (size_t i = 0; tcache < vote->count && !form && i < vote->pointers.count; i++) {
		vaddr pointer = vote->pointers.items[i];

		if (pointer && reader_word(&vote->reader, slot_address(vote, pointer, tcache), &value))
			form = tcache_form(&vote->reader, vote->layout, vote->blocks, value);
	}
	return form;
}

/* The form of the thread's tcache; where the size word before it is damaged, its lists still tell
 * what it is. */
static const struct layout_tcache *read_form(struct vote *vote, vaddr tcache,
											 const struct layout_tcache *common)
{
	const struct layout_tcache *form =
		tcache_form(&vote->reader, vote->layout, vote->blocks, tcache);

	if (form || !common || !blocks_at(vote->blocks, tcache))
		return form;
	return tcache_belief(&vote->reader, vote->layout, vote->blocks, tcache, common) > 0 ? common
																						: NULL;
}

static void read_threads(struct vote *vote, size_t arena, size_t tcache, thread_uses *uses,
						 tcaches *caches)
{
	const struct layout_tcache *common = common_form(vote, tcache), *form;

	for (size_t i = 0; i < vote->core->threads.count; i++) {
		uint32_t tid = vote->core->threads.items[i].tid;
		vaddr pointer = vote->pointers.items[i];
		struct thread_use *use = vec_add(uses);
		uint64_t value = 0;

		*use = (struct thread_use){ .tid = tid, .arena = -1 };
		if (!pointer)
			continue;
		if (arena < vote->count &&
			reader_word(&vote->reader, slot_address(vote, pointer, arena), &value))
			use->arena = arena_index(vote->found, value);
		if (tcache >= vote->count ||
			!reader_word(&vote->reader, slot_address(vote, pointer, tcache), &value))
			continue;
		form = read_form(vote, value, common);
		if (form)
			*vec_add(caches) = (struct tcache){ value, tid, form };
	}
}

static bool all_have_pointers(const thread_pointers *pointers)
{
	for (size_t i = 0; i < pointers->count; i++)
		if (!pointers->items[i])
			return false;
	return pointers->count > 0;
}

/* A control block that is not where the registers point, or nowhere: gcore ends a stack at the
 * first page that it cannot read, and a guard page may be in its middle (MADV_GUARD_INSTALL,
 * glibc 2.42). Where the memory was left out of the core there is nothing odd. */
static void report_lost(const struct vote *vote, struct anomalies *anomalies)
{
	size_t lost = 0, first = 0, there = 0;
	uint64_t ignored;

	for (size_t i = 0; i < vote->pointers.count; i++) {
		vaddr given = vote->core->threads.items[i].tp;

		there += vote->pointers.items[i] || given;
		if (vote->pointers.items[i] || (given && !image_word(vote->reader.image, given, &ignored)))
			continue;
		first = lost++ ? first : i;
	}
	if (there && lost)
		anomaly_add(anomalies, vote->core->threads.items[first].tp,
					"the core has no control block of thread %" PRIu32
					" and %zu more: their arenas "
					"cannot be told",
					vote->core->threads.items[first].tid, lost - 1);
}

bool threads_find(const struct image *image, const struct regions *regions, const struct core *core,
				  struct layout *layout, const arenas *found, const arena_blocks *blocks,
				  thread_uses *uses, tcaches *caches, struct anomalies *anomalies)
{
	struct vote vote = { .core = core,
						 .layout = layout,
						 .found = found,
						 .blocks = blocks,
						 .reader = reader_make(image),
						 .above = thread_pointers_tls_above(image) };
	size_t arena = 0, tcache = 0;
	bool complete;

	thread_pointers_find(image, regions, core, &vote.pointers);
	for (uint64_t window = WINDOW_FIRST; window <= WINDOW_LAST && arena == vote.count;
		 window *= 16) {
		free(vote.slots);
		vote.window = window;
		vote.count = window / layout->word;
		vote.slots = mem_zeroed(vote.count, sizeof *vote.slots);
		for (size_t i = 0; i < vote.pointers.count; i++)
			if (vote.pointers.items[i])
				count_thread(&vote, vote.pointers.items[i]);
		decide_slots(&vote, &arena, &tcache);
	}
	read_threads(&vote, arena, tcache, uses, caches);
	report_lost(&vote, anomalies);
	free(vote.slots);
	if (caches->count)
		layout->tcache = caches->items[0].form;
	complete = all_have_pointers(&vote.pointers) && arena < vote.count;
	vec_deinit(&vote.pointers);
	return complete;
}

#include "analyze/memory/region_kinds.h"

#include <elf.h>

/* A thread whose thread pointer lies elsewhere runs on a stack of the program's own making (a
 * coroutine, a signal stack); a larger region than this is not only that: a goroutine's lies in
 * Go's heap. The first thread's own stack has its thread pointer elsewhere too, but smaps names it.
 */
#define OWN_STACK_MAX_BYTES (UINT64_C(16) << 20)

typedef VEC(struct core_thread) thread_list;

static int compare_threads(const void *left, const void *right)
{
	const struct core_thread *a = left, *b = right;

	return (a->sp > b->sp) - (a->sp < b->sp);
}

/* Where the stack in the region ends; false where the region is more than a stack. On x86 glibc
 * puts a thread's descriptor, which is less than a page, at the very end of its stack, and the
 * thread pointer at its start (nptl/allocatestack.c, TLS_TCB_AT_TP). A mapping that goes on behind
 * that is the stack's and something else's: neighbours become one mapping. */
static bool stack_end(const struct regions *regions, const struct core *core,
					  const struct core_thread *thread, const struct region *region, vaddr *end)
{
	bool tells = core->machine == EM_X86_64 || core->machine == EM_386;
	bool is_main = thread->tid == core->pid && !regions->from_proc;

	*end = region->range.end;
	if (tells && thread->tp > thread->sp && range_holds(region->range, thread->tp))
		*end = (thread->tp / core->page_size + 1) * core->page_size;
	else if (tells && thread->tp && !is_main && range_bytes(region->range) > OWN_STACK_MAX_BYTES)
		return false;
	if (*end > region->range.end)
		*end = region->range.end;
	return true;
}

/* Several stacks may lie in one mapping (glibc 2.42 and later keep their guards inside of it): a
 * stack then starts where the one below it ends. */
static void claim_stack(const struct regions *regions, const struct core *core,
						const struct core_thread *thread, const struct region *region,
						region_claims *claims)
{
	struct range range = region->range;
	const struct region_claim *last = claims->count ? &claims->items[claims->count - 1] : NULL;

	if (!stack_end(regions, core, thread, region, &range.end))
		return;
	if (last && last->kind == REGION_STACK && range_holds(region->range, last->range.start))
		range.start = last->range.end;
	if (range_holds(range, thread->sp))
		*vec_add(claims) = (struct region_claim){ range, REGION_STACK, thread->tid };
}

void region_stacks_decide(struct regions *regions, const struct core *core, region_claims *claims)
{
	thread_list threads = { 0 };

	for (size_t i = 0; i < core->threads.count; i++)
		*vec_add(&threads) = core->threads.items[i];
	vec_sort(&threads, compare_threads);
	for (size_t i = 0; i < threads.count; i++) {
		const struct core_thread *thread = &threads.items[i];
		const struct region *found = regions_find(regions, thread->sp);
		struct region *region;

		if (!found)
			continue;
		region = &regions->items.items[found - regions->items.items];
		if (region->kind == REGION_STACK && !region->tid)
			region->tid = thread->tid;
		else if (region->kind == REGION_ANONYMOUS && region->protection & MAPPING_WRITE)
			claim_stack(regions, core, thread, region, claims);
	}
	vec_deinit(&threads);
}

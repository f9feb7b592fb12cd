#include "analyze/attribute/roots.h"

#include "analyze/input/registers.h"

#include <elf.h>

static const struct {
	const char *id, *title;
} names[ROOT_KINDS] = {
	[ROOT_MODULE] = { "module", "data of programs and libraries" },
	[ROOT_STACK] = { "stack", "stacks of threads" },
	[ROOT_REGISTER] = { "register", "registers of threads" },
	[ROOT_JAVA_HEAP] = { "java-heap", "Java heap" },
	[ROOT_JVM] = { "jvm", "JVM's own memory" },
	[ROOT_ANONYMOUS] = { "anonymous", "memory that no malloc owns" },
	[ROOT_MAPPED] = { "mapped", "writable files, shared memory" },
	[ROOT_UNWALKABLE] = { "unwalkable", "damaged memory of malloc" },
};

/* What of memory below the stack pointer a function may use without moving it. x86_64: System V
 * ABI, AMD64 supplement, 3.2.2. The others have none on Linux. */
static const struct {
	uint16_t machine;
	unsigned bytes;
} red_zones[] = { { EM_X86_64, 128 } };

typedef VEC(struct range) range_list;

const char *root_id(enum root_kind kind)
{
	return names[kind].id;
}

const char *root_title(enum root_kind kind)
{
	return names[kind].title;
}

static int compare_starts(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

/* What malloc owns, by address; may overlap. */
static void find_owned(const struct heap *heap, range_list *owned)
{
	for (size_t i = 0; i < heap->chunks.blocks.count; i++)
		*vec_add(owned) = heap->chunks.blocks.items[i].range;
	for (size_t i = 0; i < heap->blocks.count; i++)
		*vec_add(owned) = heap->blocks.items[i].range;
	for (size_t i = 0; i < heap->arenas.count; i++)
		*vec_add(owned) = (struct range){ heap->arenas.items[i].address,
										  heap->arenas.items[i].address + heap->state_bytes };
	vec_sort(owned, compare_starts);
}

static bool kind_of(const struct region *region, enum root_kind *kind)
{
	bool writable = region->protection & MAPPING_WRITE;

	switch (region->kind) {
	case REGION_MODULE:
		*kind = ROOT_MODULE;
		return writable;
	case REGION_STACK:
		*kind = ROOT_STACK;
		return writable;
	case REGION_FILE:
	case REGION_SHARED:
		*kind = ROOT_MAPPED;
		return writable;
	case REGION_ANONYMOUS:
	case REGION_BRK:
		*kind = ROOT_ANONYMOUS;
		return region->protection & MAPPING_READ;
	case REGION_JAVA_HEAP:
		*kind = ROOT_JAVA_HEAP;
		return region->protection & MAPPING_READ;
	case REGION_JVM_CLASS_SPACE:
	case REGION_JVM_CODE:
		*kind = ROOT_JVM;
		return region->protection & MAPPING_READ;
	case REGION_KERNEL:
	case REGION_KINDS:
		break;
	}
	return false;
}

/* The threads' stack pointers, by address; a range of one byte each, for range_search. */
struct stack_pointer {
	struct range range;
	bool known; /* of the moment at which the memory was read */
};

typedef VEC(struct stack_pointer) stack_pointers;

static void find_stack_pointers(const struct core *core, stack_pointers *pointers)
{
	for (size_t i = 0; i < core->threads.count; i++) {
		const struct core_thread *thread = &core->threads.items[i];

		if (thread->sp && thread->sp < UINT64_MAX)
			*vec_add(pointers) = (struct stack_pointer){ { thread->sp, thread->sp + 1 },
														 registers_count(core, thread) > 0 };
	}
	vec_sort(pointers, compare_starts); /* it begins with its range */
}

static uint64_t red_zone(uint16_t machine)
{
	for (size_t i = 0; i < sizeof red_zones / sizeof *red_zones; i++)
		if (red_zones[i].machine == machine)
			return red_zones[i].bytes;
	return 0;
}

/* Where the lowest of the stack pointers in the region allows its function to write; the region's
 * start where there is none, or where one is not of the moment at which the memory was read. */
static vaddr stack_start(const struct core *core, const stack_pointers *pointers,
						 const struct region *region)
{
	size_t first = range_search(pointers->items, pointers->count, sizeof *pointers->items,
								region->range.start);
	uint64_t zone = red_zone(core->machine);
	vaddr lowest;

	if (!pointers->items || first == pointers->count ||
		!range_holds(region->range, pointers->items[first].range.start))
		return region->range.start;
	for (size_t i = first;
		 i < pointers->count && pointers->items[i].range.start < region->range.end; i++)
		if (!pointers->items[i].known)
			return region->range.start;
	lowest = pointers->items[first].range.start;
	if (lowest - region->range.start < zone)
		return region->range.start;
	return (lowest - zone) & ~(vaddr)(core->word - 1);
}

/* Adds the range without what is owned; *next is the first owned range that may matter from here
 * on, as ranges come by ascending address. */
static void add_unowned(struct roots *roots, struct root root, const range_list *owned,
						size_t *next)
{
	vaddr end = root.range.end;

	while (*next < owned->count && owned->items[*next].start < end) {
		struct range hole = owned->items[*next];

		if (hole.start > root.range.start) {
			root.range.end = hole.start;
			*vec_add(&roots->items) = root;
		}
		if (hole.end > root.range.start)
			root.range.start = hole.end;
		if (root.range.start >= end)
			return; /* it may go on into the next region */
		++*next;
	}
	root.range.end = end;
	if (root.range.start < end)
		*vec_add(&roots->items) = root;
}

static void add_regions(struct roots *roots, const struct core *core, const struct regions *regions,
						const range_list *owned)
{
	stack_pointers pointers = { 0 };
	size_t next = 0;

	find_stack_pointers(core, &pointers);
	for (size_t i = 0; i < regions->items.count; i++) {
		const struct region *region = &regions->items.items[i];
		struct root root = { .range = region->range, .tid = region->tid };

		if (!kind_of(region, &root.kind))
			continue;
		if (root.kind == ROOT_STACK)
			root.range.start = stack_start(core, &pointers, region);
		add_unowned(roots, root, owned, &next);
	}
	vec_deinit(&pointers);
}

static void add_unwalkable(struct roots *roots, const struct heap *heap)
{
	const struct chunk_table *chunks = &heap->chunks;
	uint64_t damaged = 0;

	for (size_t i = 0; i < heap->arenas.count; i++)
		damaged += heap->arenas.items[i].states[CHUNK_UNWALKABLE].chunks;
	for (size_t i = 0; damaged && i < chunks->blocks.count; i++)
		for (size_t j = 0; j < chunks->blocks.items[i].count; j++) {
			struct chunk chunk = chunk_block_get(&chunks->blocks.items[i], j);

			if (chunk.state == CHUNK_UNWALKABLE)
				*vec_add(&roots->items) = (struct root){
					{ chunk.address, chunk.address + chunk.bytes }, ROOT_UNWALKABLE, 0
				};
		}
}

void roots_init(struct roots *roots, const struct core *core, const struct regions *regions,
				const struct heap *heap)
{
	range_list owned = { 0 };

	*roots = (struct roots){ 0 };
	find_owned(heap, &owned);
	add_regions(roots, core, regions, &owned);
	add_unwalkable(roots, heap);
	vec_sort(&roots->items, compare_starts); /* a root begins with its range */
	vec_deinit(&owned);
}

void roots_deinit(struct roots *roots)
{
	vec_deinit(&roots->items);
}

const struct root *roots_find(const struct roots *roots, vaddr address)
{
	size_t index =
		range_search(roots->items.items, roots->items.count, sizeof(struct root), address);

	if (index == roots->items.count || !range_holds(roots->items.items[index].range, address))
		return NULL;
	return &roots->items.items[index];
}

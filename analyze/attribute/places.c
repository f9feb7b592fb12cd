#include "analyze/attribute/places.h"

#include "analyze/attribute/names.h"
#include "analyze/input/registers.h"

#include <stdlib.h>
#include <string.h>

/* The variables of a thread lie near its thread pointer: how near is not known, mostly nearer than
 * this. glibc puts them at the end of its stack, but for the first thread's. */
enum { NEAR_THREAD_POINTER = 4096 };

static const char *thread_name(struct places *places, uint32_t tid)
{
	const char *name = names_thread(places->core, tid, places->pool);

	return *name ? pool_printf(places->pool, "%s (%u)", name, tid)
				 : pool_printf(places->pool, "thread %u", tid);
}

/* "-0x40", "+0x120". */
static const char *offset_text(struct places *places, int64_t offset)
{
	return pool_printf(places->pool, "%c0x%llx", offset < 0 ? '-' : '+',
					   (unsigned long long)llabs(offset));
}

/* The first region of the module that the region is part of. A .bss has no name of its own: it
 * directly follows what has one. */
static const struct region *module_start(const struct places *places, const struct region *region)
{
	const struct region *first = places->regions->items.items, *at = region, *start;

	while (at > first && !*at->path && at[-1].kind == REGION_MODULE &&
		   at[-1].range.end == at->range.start)
		at--;
	for (start = at; start > first && start[-1].kind == REGION_MODULE &&
					 (strcmp(start[-1].path, at->path) == 0 || !*start[-1].path);)
		start--;
	while (start < at && strcmp(start->path, at->path) != 0)
		start++;
	return start;
}

static void describe_module(struct places *places, const struct region *region, vaddr address,
							struct show_place *place)
{
	const struct region *start = module_start(places, region), *data = start;
	const char *slash = strrchr(start->path, '/');
	const char *name = names_safe(slash ? slash + 1 : start->path, places->pool);
	bool writable = region->protection & MAPPING_WRITE;

	while (data < region && !(data->protection & MAPPING_WRITE))
		data++;
	place->module = names_safe(start->path, places->pool);
	place->offset = (int64_t)(address - (writable ? data : region)->range.start);
	place->name = pool_printf(places->pool, "%s %s%s (module%s)", *name ? name : "a module",
							  writable                               ? ".data/.bss"
							  : region->protection & MAPPING_EXECUTE ? "code"
																	 : "read-only data",
							  offset_text(places, place->offset),
							  offset_text(places, (int64_t)(address - start->range.start)));
}

static void describe_stack(struct places *places, const struct region *region, vaddr address,
						   struct show_place *place)
{
	const char *thread = thread_name(places, region->tid);

	place->offset = (int64_t)(address - region->range.start);
	place->name = pool_printf(places->pool, "a stack, +0x%llx", (unsigned long long)place->offset);
	for (size_t i = 0; region->tid && i < places->core->threads.count; i++) {
		const struct core_thread *of = &places->core->threads.items[i];

		if (of->tid != region->tid)
			continue;
		place->offset = (int64_t)(address - of->sp);
		place->name = pool_printf(places->pool, "stack of %s, sp%s", thread,
								  offset_text(places, place->offset));
		if (of->tp && address + NEAR_THREAD_POINTER >= of->tp)
			place->name = pool_printf(places->pool, "%s (or its TLS: tp%s)", place->name,
									  offset_text(places, (int64_t)(address - of->tp)));
	}
}

/* A loader's TLS, where a thread pointer is near; else the mapping. */
static void describe_memory(struct places *places, const struct region *region, vaddr address,
							struct show_place *place)
{
	const char *kind = region_kind_name(region->kind);

	place->offset = (int64_t)(address - region->range.start);
	place->module = region->kind == REGION_FILE || region->kind == REGION_SHARED
						? names_safe(region->path, places->pool)
						: "";
	place->name =
		pool_printf(places->pool, "%s%s%s 0x%" PRIvaddr "-0x%" PRIvaddr ", +0x%llx", kind,
					*region->path ? " " : "", names_safe(region->path, places->pool),
					region->range.start, region->range.end, (unsigned long long)place->offset);
}

static bool describe_tls(struct places *places, vaddr address, struct show_place *place)
{
	for (size_t i = 0; i < places->core->threads.count; i++) {
		const struct core_thread *thread = &places->core->threads.items[i];
		int64_t distance = (int64_t)(address - thread->tp);

		if (!thread->tp || distance < -NEAR_THREAD_POINTER || distance > NEAR_THREAD_POINTER)
			continue;
		place->offset = distance;
		place->name = pool_printf(places->pool, "TLS of %s, tp%s", thread_name(places, thread->tid),
								  offset_text(places, distance));
		return true;
	}
	return false;
}

/* malloc_state of the main arena lies in libc's data. */
static bool describe_arena(struct places *places, vaddr address, struct show_place *place)
{
	for (size_t i = 0; i < places->heap->arenas.count; i++) {
		vaddr start = places->heap->arenas.items[i].address;

		if (address < start || address - start >= places->heap->state_bytes)
			continue;
		place->offset = (int64_t)(address - start);
		place->name = pool_printf(places->pool, "malloc_state of arena %zu, +0x%llx", i,
								  (unsigned long long)place->offset);
		return true;
	}
	return false;
}

static void describe_region(struct places *places, const struct region *region, vaddr address,
							struct show_place *place)
{
	const struct root *root = roots_find(places->roots, address);

	place->kind = root ? root_id(root->kind) : "other";
	if (describe_arena(places, address, place))
		place->kind = "other";
	else if (region->kind == REGION_MODULE)
		describe_module(places, region, address, place);
	else if (region->kind == REGION_STACK)
		describe_stack(places, region, address, place);
	else if (region->kind != REGION_ANONYMOUS || !describe_tls(places, address, place))
		describe_memory(places, region, address, place);
}

/* heap_info, malloc_state, a tcache struct, a fencepost; or what damage hides. */
static void describe_own(struct places *places, const struct chunk *chunk, vaddr address,
						 struct show_place *place)
{
	place->kind = chunk->state == CHUNK_UNWALKABLE ? root_id(ROOT_UNWALKABLE) : "other";
	place->offset = (int64_t)(address - chunk->address);
	place->name = pool_printf(places->pool, "malloc's own memory (%s), +0x%llx",
							  chunk_state_name(chunk->state), (unsigned long long)place->offset);
}

bool places_of(struct places *places, vaddr address, struct show_place *place)
{
	const struct region *region;
	struct chunk_place found;
	struct chunk chunk;

	*place = (struct show_place){
		.kind = "other", .name = "", .module = "", .state = "", .address = address
	};
	if (pointers_find(&places->pointers, address, &found, &chunk)) {
		if (!chunk_is_live(chunk.state) && !chunk_is_free(chunk.state)) {
			describe_own(places, &chunk, address, place);
			return true;
		}
		place->kind = "chunk";
		place->chunk = chunk.address + places->heap->chunks.header_bytes;
		place->bytes = chunk.bytes;
		place->state = chunk_state_name(chunk.state);
		place->offset = (int64_t)(address - place->chunk);
		return true;
	}
	region = regions_find(places->regions, address);
	if (region)
		describe_region(places, region, address, place);
	return region != NULL;
}

struct show_place places_register(struct places *places, size_t thread, size_t index)
{
	const struct core_thread *of = &places->core->threads.items[thread];

	return (struct show_place){
		.kind = root_id(ROOT_REGISTER),
		.name = pool_printf(places->pool, "%s of %s", registers_name(places->core->machine, index),
							thread_name(places, of->tid)),
		.module = "",
		.state = "",
	};
}

#include "analyze/attribute/buckets.h"

#include "analyze/attribute/owner_rows.h"
#include "archive/proc_text.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <string.h>

enum { OWNERS_MAX = 32 }; /* a process may give each of 65,530 mappings a name of its own */

enum bucket {
	JAVA_HEAP,
	CLASS_SPACE,
	JVM_CODE,
	MODULE,
	MAPPED_FILE,
	SHARED,
	KERNEL,
	STACK,
	IN_USE,
	TCACHE,
	FASTBIN,
	BINNED,
	TOP,
	OVERHEAD,
	MMAPPED,
	UNWALKABLE, /* anonymous.* stand before it */
	NOT_CAPTURED,
	BUCKETS
};

static const struct {
	const char *id, *title;
} rows[BUCKETS] = {
	[JAVA_HEAP] = { "java.heap", "Java heap" },
	[CLASS_SPACE] = { "jvm.class_space", "JVM class space" },
	[JVM_CODE] = { "jvm.code", "JVM code cache" },
	[MODULE] = { "module", "programs and libraries" },
	[MAPPED_FILE] = { "file", "other mapped files" },
	[SHARED] = { "shared", "shared memory" },
	[KERNEL] = { "kernel", "vdso and vvar" },
	[STACK] = { "stack", "thread stacks" },
	[IN_USE] = { "heap.in_use", "malloc, in use" },
	[TCACHE] = { "heap.tcache", "freed, in thread caches" },
	[FASTBIN] = { "heap.fastbin", "freed, in fastbins" },
	[BINNED] = { "heap.binned", "freed, in bins" },
	[TOP] = { "heap.top", "freed, ends of arenas" },
	[OVERHEAD] = { "heap.overhead", "malloc's bookkeeping" },
	[MMAPPED] = { "heap.mmapped", "malloc, in use, mmapped" },
	[UNWALKABLE] = { "unwalkable", "malloc, not walkable" },
	[NOT_CAPTURED] = { "not_captured", "resident, not captured" },
};

static const enum bucket bucket_of_state[CHUNK_STATES] = {
	[CHUNK_IN_USE] = IN_USE,     [CHUNK_MMAPPED] = MMAPPED,       [CHUNK_TCACHE] = TCACHE,
	[CHUNK_FASTBIN] = FASTBIN,   [CHUNK_BINNED] = BINNED,         [CHUNK_TOP] = TOP,
	[CHUNK_OVERHEAD] = OVERHEAD, [CHUNK_UNWALKABLE] = UNWALKABLE,
};

/* BUCKETS: anonymous, by owner. */
static const enum bucket bucket_of_kind[REGION_KINDS] = {
	[REGION_ANONYMOUS] = BUCKETS, [REGION_BRK] = BUCKETS,
	[REGION_STACK] = STACK,       [REGION_MODULE] = MODULE,
	[REGION_FILE] = MAPPED_FILE,  [REGION_SHARED] = SHARED,
	[REGION_KERNEL] = KERNEL,     [REGION_JAVA_HEAP] = JAVA_HEAP,
	[REGION_JVM_CODE] = JVM_CODE, [REGION_JVM_CLASS_SPACE] = CLASS_SPACE,
};

struct sums {
	uint64_t virtual_bytes, resident_bytes;
};

struct owner {
	const char *name;
	struct sums sums;
};

/* What was claimed for an owner of memory/owners.h and is not malloc's. */
struct owned {
	struct sums sums;
	uint64_t regions;
	const struct region *last; /* counted */
};

struct filling {
	const struct image *image;
	const struct owners *claimed;
	const struct heap *heap;
	const struct page_map *page_map; /* NULL: not known */
	struct pool *pool;
	struct sums fixed[BUCKETS];
	struct owned owned[OWNER_KINDS];
	VEC(struct owner) owners;
};

/* A region while its bytes are shared out. */
struct sharing {
	const struct region *region;
	struct sums *sums; /* of what the region is */
	bool is_anonymous;
};

/* A name as the last part of an id: "[anon: glibc: malloc arena]" is "glibc-malloc-arena". */
static const char *slug_of(const char *path, struct pool *pool)
{
	char slug[64];
	size_t size = 0;

	for (const char *c = strchr(path, ':'); c && *c && size < sizeof slug - 1; c++) {
		if (isalnum((unsigned char)*c))
			slug[size++] = (char)tolower((unsigned char)*c);
		else if (size && slug[size - 1] != '-')
			slug[size++] = '-';
	}
	while (size && slug[size - 1] == '-')
		size--;
	return size ? pool_span(pool, span_make(slug, size)) : "unknown";
}

static const char *owner_name(const struct region *region, struct pool *pool)
{
	if (!(region->protection & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXECUTE)))
		return "reserved";
	if (region->kind == REGION_BRK)
		return "brk";
	if (strncmp(region->path, "[anon:", 6) == 0)
		return slug_of(region->path, pool);
	return "unknown";
}

/* The owner's sums, found or added, valid until the next call; names beyond OWNERS_MAX share the
 * last row. */
static struct sums *owner_sums(struct filling *filling, const char *name)
{
	struct owner *owner;

	for (size_t i = 0; i < filling->owners.count; i++)
		if (strcmp(filling->owners.items[i].name, name) == 0)
			return &filling->owners.items[i].sums;
	if (filling->owners.count == OWNERS_MAX)
		return &filling->owners.items[OWNERS_MAX - 1].sums;
	owner = vec_add(&filling->owners);
	owner->name = filling->owners.count < OWNERS_MAX ? name : "more-names";
	return &owner->sums;
}

static uint64_t resident_in(const struct filling *filling, struct range range)
{
	return filling->page_map ? page_map_resident(filling->page_map, range) : 0;
}

/* Resident bytes of the range that the image holds. */
static uint64_t captured_resident(const struct filling *filling, struct range range)
{
	const struct image *image = filling->image;
	uint64_t bytes = 0;

	for (size_t i = image_find(image, range.start);
		 i < image->pieces.count && image->pieces.items[i].range.start < range.end; i++)
		bytes += resident_in(filling, range_overlap(range, image->pieces.items[i].range));
	return bytes;
}

static void share_part(struct filling *filling, const struct sharing *sharing, struct sums *sums,
					   struct range range)
{
	uint64_t resident = resident_in(filling, range);
	uint64_t missing = 0;

	if (sharing->is_anonymous && resident)
		missing = resident - captured_resident(filling, range);
	filling->fixed[NOT_CAPTURED].virtual_bytes += missing;
	filling->fixed[NOT_CAPTURED].resident_bytes += missing;
	sums->virtual_bytes += range_bytes(range) - missing;
	sums->resident_bytes += resident - missing;
}

static struct sums *owned_sums(struct filling *filling, enum owner_kind kind,
							   const struct region *region)
{
	struct owned *owned = &filling->owned[kind];

	owned->regions += owned->last != region;
	owned->last = region;
	return &owned->sums;
}

/* A part of a region that no chunk and no heap block claims. */
static void share_rest(struct filling *filling, const struct sharing *sharing, struct range range)
{
	const owner_claims *claims = &filling->claimed->claims;
	size_t next = owners_claim_at(filling->claimed, range.start);

	if (!sharing->is_anonymous || !(sharing->region->protection & MAPPING_READ))
		next = claims->count;
	while (range.start < range.end) {
		struct range part = range;
		struct sums *sums = sharing->sums;

		if (next < claims->count && range_holds(claims->items[next].range, range.start)) {
			sums = owned_sums(filling, claims->items[next].kind, sharing->region);
			part = range_overlap(range, claims->items[next++].range);
		} else if (next < claims->count && claims->items[next].range.start < range.end) {
			part.end = claims->items[next].range.start;
		}
		share_part(filling, sharing, sums, part);
		range.start = part.end;
	}
}

/* Chunks are counted by the heap stage. What lies between them is not malloc's, be it inside of its
 * brk memory: somebody else moved the break. */
static void share_region(struct filling *filling, struct sharing *sharing)
{
	const struct chunk_table *chunks = &filling->heap->chunks;
	struct range range = sharing->region->range;
	size_t i = chunk_table_find_block(chunks, range.start);

	for (; i < chunks->blocks.count && chunks->blocks.items[i].range.start < range.end; i++) {
		struct range block = chunks->blocks.items[i].range;

		if (block.start > range.start)
			share_rest(filling, sharing, (struct range){ range.start, block.start });
		range.start = block.end > range.start ? block.end : range.start;
	}
	if (range.start < range.end)
		share_rest(filling, sharing, range);
}

static void take_region(struct filling *filling, const struct region *region)
{
	enum bucket bucket = bucket_of_kind[region->kind];
	struct sharing sharing = {
		.region = region,
		.is_anonymous = bucket == BUCKETS,
	};

	if (sharing.is_anonymous)
		sharing.sums = owner_sums(filling, owner_name(region, filling->pool));
	else
		sharing.sums = &filling->fixed[bucket];
	share_region(filling, &sharing);
}

static void take_sum(struct filling *filling, enum bucket bucket, const struct chunk_sum *sum)
{
	filling->fixed[bucket].virtual_bytes += sum->bytes;
	filling->fixed[bucket].resident_bytes += sum->resident_bytes;
}

static void take_heap(struct filling *filling)
{
	const struct heap *heap = filling->heap;

	for (size_t i = 0; i < heap->arenas.count; i++)
		for (size_t state = 0; state < CHUNK_STATES; state++)
			take_sum(filling, bucket_of_state[state], &heap->arenas.items[i].states[state]);
	take_sum(filling, MMAPPED, &heap->mmapped);
	take_sum(filling, TCACHE, &heap->mmapped_cached);
	take_sum(filling, OVERHEAD, &heap->mmapped_overhead);
}

static void emit(struct report_memory *memory, const char *id, const char *title, struct sums sums)
{
	*vec_add(&memory->buckets) =
		(struct report_bucket){ id, title, sums.virtual_bytes, sums.resident_bytes };
}

static void emit_owned(const struct filling *filling, struct report_memory *memory)
{
	for (enum owner_kind kind = 0; kind < OWNER_KINDS; kind++) {
		const struct owned *owned = &filling->owned[kind];
		const struct owner_traits *traits = owner_traits(kind);
		struct report_owner *row = owner_rows_add(memory, filling->claimed, kind,
												  owned->sums.virtual_bytes, filling->pool);

		if (!row)
			continue;
		row->regions = owned->regions;
		row->virtual_bytes = owned->sums.virtual_bytes;
		row->resident_bytes = owned->sums.resident_bytes;
		if (owned->sums.virtual_bytes)
			emit(memory, pool_printf(filling->pool, "anonymous.%s", traits->id), traits->title,
				 owned->sums);
	}
	owner_rows_sort(memory);
}

static void emit_all(const struct filling *filling, struct report_memory *memory)
{
	for (size_t i = 0; i < UNWALKABLE; i++)
		emit(memory, rows[i].id, rows[i].title, filling->fixed[i]);
	emit_owned(filling, memory);
	for (size_t i = 0; i < filling->owners.count; i++) {
		const struct owner *owner = &filling->owners.items[i];

		emit(memory, pool_printf(filling->pool, "anonymous.%s", owner->name),
			 strcmp(owner->name, "reserved") == 0
				 ? "reserved without access"
				 : pool_printf(filling->pool, "other anonymous: %s", owner->name),
			 owner->sums);
	}
	for (size_t i = UNWALKABLE; i < BUCKETS; i++)
		emit(memory, rows[i].id, rows[i].title, filling->fixed[i]);
}

/* Totals of the kernel where they were captured, else of what was summed. */
static void set_totals(struct report_memory *memory, const struct core *core,
					   const struct regions *regions)
{
	struct span status = core_document(core, FORMAT_DOCUMENT_STATUS);
	uint64_t sum = 0, swapped = 0;

	for (size_t i = 0; i < memory->buckets.count; i++)
		sum += memory->buckets.items[i].resident_bytes;
	for (size_t i = 0; i < regions->items.count; i++) {
		memory->virtual_bytes += range_bytes(regions->items.items[i].range);
		swapped += regions->items.items[i].swapped_bytes;
	}
	memory->has_resident = core->has_page_map;
	if (!memory->has_resident)
		return;
	proc_text_number(status, "HugetlbPages", &memory->hugetlb_bytes);
	if (proc_text_number(status, "VmRSS", &memory->resident_bytes))
		memory->resident_bytes += memory->hugetlb_bytes;
	else
		memory->resident_bytes = sum;
	if (!proc_text_number(status, "VmSwap", &memory->swapped_bytes))
		memory->swapped_bytes = swapped;
	memory->residual_bytes = (int64_t)(memory->resident_bytes - sum);
}

void buckets_fill(struct report_memory *memory, const struct core *core, const struct image *image,
				  const struct regions *regions, const struct owners *owners,
				  const struct heap *heap, struct pool *pool)
{
	struct filling filling = {
		.image = image,
		.claimed = owners,
		.heap = heap,
		.page_map = core->has_page_map ? &core->page_map : NULL,
		.pool = pool,
	};

	owner_sums(&filling, "unknown");
	for (size_t i = 0; i < regions->items.count; i++)
		take_region(&filling, &regions->items.items[i]);
	take_heap(&filling);
	emit_all(&filling, memory);
	set_totals(memory, core, regions);
	vec_deinit(&filling.owners);
}

const struct report_bucket *buckets_find(const struct report_memory *memory, const char *id)
{
	for (size_t i = 0; i < memory->buckets.count; i++)
		if (strcmp(memory->buckets.items[i].id, id) == 0)
			return &memory->buckets.items[i];
	return NULL;
}

uint64_t buckets_bytes(const struct report_memory *memory, const char *id)
{
	const struct report_bucket *bucket = buckets_find(memory, id);

	if (!bucket)
		return 0;
	return memory->has_resident ? bucket->resident_bytes : bucket->virtual_bytes;
}

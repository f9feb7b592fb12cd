#include "analyze/memory/owner_search.h"

/* CPython's object allocator cuts arenas, which it maps itself, into pools aligned to their size
 * (Objects/obmalloc.c up to 3.11, Include/internal/pycore_obmalloc.h since 3.12). A pool's header:
 *
 *     u32 count; block *free; pool *next, *prev; u32 arena, size class, next offset, max offset
 *
 * Everything follows from the pool's size and the size class, so each header proves itself. */
struct layout {
	unsigned pool_bytes, arena_bytes, alignment;
};

static const struct layout layouts[] = {
	{ 16 << 10, 1 << 20, 16 },  /* 3.10 and later */
	{ 4 << 10, 256 << 10, 16 }, /* 3.7.4 to 3.9, and 2.7.17 on (bpo-27987) */
	{ 4 << 10, 256 << 10, 8 },  /* before */
};

enum {
	LAYOUTS = sizeof layouts / sizeof *layouts,
	HEADER_BYTES = 48,
	LARGEST_BLOCK = 512,
	POOLS_LEAST = 4,
	SAMPLES = 64, /* of a region, unless a program or library of Python's is mapped */
};

struct python_pool {
	vaddr address;
	uint32_t arena;
};

struct finding {
	struct owner_search *search;
	const struct layout *layout;
	VEC(struct python_pool) pools;
};

static bool is_pool(const struct layout *layout, vaddr address, const uint8_t *bytes)
{
	uint32_t count = owner_u32(bytes), class = owner_u32(bytes + 36);
	uint32_t next = owner_u32(bytes + 40), last = owner_u32(bytes + 44);
	uint32_t block = (class + 1) * layout->alignment;
	vaddr free = owner_u64(bytes + 8);

	return class < LARGEST_BLOCK / layout->alignment && last == layout->pool_bytes - block &&
		   count <= (layout->pool_bytes - HEADER_BYTES) / block && next >= HEADER_BYTES + block &&
		   next <= last + block && (next - HEADER_BYTES) % block == 0 &&
		   (!free || (free >= address + HEADER_BYTES && free <= address + last &&
					  (free - address - HEADER_BYTES) % block == 0));
}

static void try_pool(struct finding *finding, vaddr address)
{
	const uint8_t *bytes = image_at(finding->search->image, address, HEADER_BYTES);

	if (bytes && is_pool(finding->layout, address, bytes))
		*vec_add(&finding->pools) = (struct python_pool){ address, owner_u32(bytes + 32) };
}

/* The captured parts of a region, pool by pool or every so many pools. */
static void try_range(struct finding *finding, struct range range, uint64_t step)
{
	const struct image *image = finding->search->image;
	uint64_t pool = finding->layout->pool_bytes;

	for (size_t i = image_find(image, range.start);
		 i < image->pieces.count && image->pieces.items[i].range.start < range.end; i++) {
		struct range part = range_overlap(image->pieces.items[i].range, range);
		vaddr at = (part.start + pool - 1) & ~(pool - 1);

		for (; at < part.end; at += step)
			try_pool(finding, at);
	}
}

/* Where nothing else speaks for Python, a look at some places tells whether to look at all. */
static void search_region(struct finding *finding, struct range range, bool expected)
{
	uint64_t pool = finding->layout->pool_bytes, step = range_bytes(range) / SAMPLES;
	size_t before = finding->pools.count;

	step = step / pool * pool;
	if (!expected && step > pool) {
		try_range(finding, range, step);
		if (finding->pools.count == before)
			return;
		finding->pools.count = before;
	}
	try_range(finding, range, pool);
}

/* Pools come by ascending address: those of one arena follow each other. What lies between two of
 * them is the arena's. */
static uint64_t claim_arenas(struct finding *finding)
{
	uint64_t arenas = 0;

	for (size_t first = 0, end; first < finding->pools.count; first = end) {
		const struct python_pool *pool = &finding->pools.items[first];
		vaddr limit = pool->address + finding->layout->arena_bytes;

		for (end = first + 1; end < finding->pools.count; end++)
			if (pool[end - first].arena != pool->arena || pool[end - first].address >= limit)
				break;
		arenas++;
		owner_claim(finding->search, OWNER_CPYTHON,
					(struct range){ pool->address,
									pool[end - first - 1].address + finding->layout->pool_bytes });
	}
	return arenas;
}

static bool find_layout(struct owner_search *search, const struct layout *layout)
{
	struct finding finding = { .search = search, .layout = layout };
	bool expected = search->owners->findings[OWNER_CPYTHON].module, found;

	for (size_t i = 0; i < search->regions->items.count; i++)
		if (owner_is_memory(&search->regions->items.items[i]))
			search_region(&finding, search->regions->items.items[i].range, expected);
	found = finding.pools.count >= POOLS_LEAST;
	if (found)
		owner_seen(search, OWNER_CPYTHON,
				   "%zu pools of %u KiB whose headers prove themselves, in %llu arenas",
				   finding.pools.count, layout->pool_bytes >> 10,
				   (unsigned long long)claim_arenas(&finding));
	vec_deinit(&finding.pools);
	return found;
}

void owner_find_cpython(struct owner_search *search)
{
	for (size_t i = 0; i < LAYOUTS; i++)
		if (find_layout(search, &layouts[i]))
			return;
}

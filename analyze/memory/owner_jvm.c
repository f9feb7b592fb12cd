#include "analyze/memory/owner_search.h"

#include "base/size.h"

/* HotSpot's tables for the collector have a byte for each 512 bytes of the heap (card table, block
 * offset table, card counts) and a bit for each word (mark bitmaps): mapped in sizes that follow
 * from the heap's (src/hotspot/share/gc/shared/cardTable.cpp, gc/g1/g1CollectedHeap.cpp). Metaspace
 * has classes, methods and constant pools whose first word points to a vtable in libjvm.so
 * (share/oops/metadata.hpp). */
enum {
	WORDS = 8192,
	VTABLES_LEAST = 32,
	SLACK = 2 * 4096,
	LEAST_BYTES = 256 << 10,
	NEIGHBOURS = 8
};

static const unsigned divisors[] = { 512, 64 };

static struct range hull_of(const struct owner_search *search, enum region_kind kind)
{
	struct range hull = { 0, 0 };

	for (size_t i = 0; i < search->regions->items.count; i++) {
		const struct region *region = &search->regions->items.items[i];

		if (region->kind != kind)
			continue;
		hull.start = hull.end ? hull.start : region->range.start;
		hull.end = region->range.end;
	}
	return hull;
}

/* Bytes of the hull with access: of that part the tables are committed. */
static uint64_t committed_in(const struct owner_search *search, struct range hull)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < search->regions->items.count; i++) {
		const struct region *region = &search->regions->items.items[i];

		if (region->kind == REGION_JAVA_HEAP && region->protection & MAPPING_WRITE)
			bytes += range_bytes(range_overlap(region->range, hull));
	}
	return bytes;
}

/* One table, or up to three that were merged. */
static bool is_table(uint64_t heap, uint64_t bytes)
{
	for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++)
		for (uint64_t tables = 1; tables <= 3; tables++) {
			uint64_t wanted = heap / divisors[i] * tables;

			if (wanted >= LEAST_BYTES && bytes + SLACK >= wanted && bytes <= wanted + SLACK)
				return true;
		}
	return false;
}

static bool may_be_tables(const struct region *region)
{
	return region->kind == REGION_ANONYMOUS && !(region->protection & MAPPING_EXECUTE) &&
		   !(region->protection & MAPPING_SHARED) && !*region->path;
}

static bool may_be_table(const struct region *region)
{
	return owner_is_memory(region) && may_be_tables(region);
}

/* The table that begins with region `first`: all of its neighbours behind it, as mappings of tables
 * may differ in what the kernel was advised, or the region alone. Gives the index behind it, 0
 * where there is none. */
static size_t table_at(const struct owner_search *search, size_t first, uint64_t heap,
					   uint64_t committed, struct range *table)
{
	const struct region *items = search->regions->items.items;
	size_t count = search->regions->items.count, end = first + 1;

	*table = items[first].range;
	for (; end < count && end - first < NEIGHBOURS && may_be_table(&items[end]); end++) {
		if (items[end].range.start != table->end)
			break;
		table->end = items[end].range.end;
	}
	if (is_table(heap, range_bytes(*table)) || is_table(committed, range_bytes(*table)))
		return end;
	*table = items[first].range;
	return is_table(heap, range_bytes(*table)) || is_table(committed, range_bytes(*table))
			   ? first + 1
			   : 0;
}

static void find_tables(struct owner_search *search)
{
	struct range hull = hull_of(search, REGION_JAVA_HEAP), table;
	uint64_t heap = range_bytes(hull), committed = committed_in(search, hull), tables = 0;
	char text[COUNT_TEXT];

	for (size_t i = 0, next; heap && i < search->regions->items.count; i = next) {
		size_t end = may_be_table(&search->regions->items.items[i])
						 ? table_at(search, i, heap, committed, &table)
						 : 0;

		next = end ? end : i + 1;
		if (!end)
			continue;
		tables++;
		owner_claim(search, OWNER_JVM_GC, table);
	}
	if (tables)
		owner_seen(search, OWNER_JVM_GC, "%s of a 512th or a 64th of the Java heap's size",
				   count_of(tables, "mapping", text));
}

/* Words of the region's start that point into libjvm.so's read-only data. */
static size_t count_vtables(const struct owner_search *search, const struct region *region,
							const struct range *library)
{
	struct span bytes = image_span(search->image, region->range.start, 8 * WORDS);
	size_t count = 0;

	for (size_t i = 0; i + 8 <= bytes.size; i += 8)
		count += range_holds(*library, owner_u64(bytes.data + i));
	return count;
}

/* A heap of a secondary arena (glibc malloc/arena.c, heap_info): it holds C++ objects, with vtables
 * too. Third word: its size. */
static bool is_malloc_heap(const struct owner_search *search, const struct region *region)
{
	return region->range.start % (64 << 20) == 0 && owner_word(search, region->range.start) &&
		   owner_word(search, region->range.start + 16) == range_bytes(region->range);
}

static void find_metaspace(struct owner_search *search)
{
	const char *libjvm = search->owners->findings[OWNER_JVM_METASPACE].module;
	struct range library = { 0, 0 };
	char text[COUNT_TEXT];
	uint64_t found = 0;

	for (size_t i = 0; libjvm && i < search->regions->items.count; i++) {
		const struct region *region = &search->regions->items.items[i];

		if (strcmp(region->path, libjvm) == 0) {
			library.start = library.end ? library.start : region->range.start;
			library.end = region->range.end;
		}
	}
	for (size_t i = 0; libjvm && i < search->regions->items.count; i++) {
		const struct region *region = &search->regions->items.items[i];

		if (!owner_is_memory(region) || region->kind != REGION_ANONYMOUS ||
			!may_be_tables(region) || region->range.start % (64 << 10) ||
			is_malloc_heap(search, region) ||
			count_vtables(search, region, &library) < VTABLES_LEAST)
			continue;
		found++;
		owner_claim(search, OWNER_JVM_METASPACE, region->range);
	}
	if (found)
		owner_seen(search, OWNER_JVM_METASPACE, "%s full of pointers to vtables of libjvm.so",
				   count_of(found, "mapping", text));
}

void owner_find_jvm(struct owner_search *search)
{
	if (!search->regions->is_java)
		return;
	find_tables(search);
	find_metaspace(search);
}

#include "dumpcore/java_heap.h"

#include <string.h>

/* HotSpot puts a heap of up to about 32 GiB below this address, so that 32-bit object references
 * shifted by three reach it (OpenJDK 17 memory/virtualspace.cpp, initialize_compressed_heap). */
#define COMPRESSED_LIMIT UINT64_C(0x800000000)

/* Up to JDK 15 the class space of 1 GiB may stand right above the heap (JDK 8
 * memory/metaspace.cpp, allocate_metaspace_compressed_klass_ptrs). */
#define CLASS_SPACE UINT64_C(0x7c0000000)

enum { LEAST_BYTES = 2 << 20 };

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* Anonymous memory, or the class archive that the JVM maps into its heap. */
static bool may_be_heap(const struct mapping *mapping)
{
	if (mapping->protection & MAPPING_SHARED)
		return false;
	return mapping->path[0] == '\0' || ends_with(mapping->path, ".jsa");
}

static bool is_jvm(const mappings *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (ends_with(list->items[i].path, "/libjvm.so"))
			return true;
	return false;
}

/* The run of touching mappings from `first` on that may be heap; gives the index behind it. A
 * mapping that starts exactly at the class space begins a run of its own. */
static size_t take_run(const mappings *list, size_t first, struct range *run)
{
	size_t i = first + 1;

	*run = list->items[first].range;
	while (i < list->count && may_be_heap(&list->items[i]) &&
		   list->items[i].range.start == run->end && run->end != CLASS_SPACE)
		run->end = list->items[i++].range.end;
	return i;
}

/* Only a run below 32 GiB is recognised, the largest one. Above, arenas of glibc, 64 MiB each and
 * often touching, look just like a heap without compressed references: that is captured, because an
 * arena left out would cost the evidence that the capture is for. */
static bool is_better(struct range run, struct range best)
{
	return run.end <= COMPRESSED_LIMIT && range_bytes(run) >= LEAST_BYTES &&
		   range_bytes(run) > range_bytes(best);
}

bool java_heap_find(const mappings *list, struct range *heap)
{
	struct range run;
	size_t next;

	*heap = (struct range){ 0 };
	if (!is_jvm(list))
		return false;
	for (size_t i = 0; i < list->count; i = next) {
		next = i + 1;
		if (!may_be_heap(&list->items[i]))
			continue;
		next = take_run(list, i, &run);
		if (is_better(run, *heap))
			*heap = run;
	}
	return range_bytes(*heap) > 0;
}

#include "analyze/memory/regions.h"

#include "analyze/memory/region_kinds.h"
#include "archive/format.h"

#include <elf.h>
#include <string.h>

static const char *const kind_names[REGION_KINDS] = {
	[REGION_ANONYMOUS] = "anonymous",
	[REGION_BRK] = "brk",
	[REGION_STACK] = "stack",
	[REGION_MODULE] = "module",
	[REGION_FILE] = "file",
	[REGION_SHARED] = "shared",
	[REGION_KERNEL] = "kernel",
	[REGION_JAVA_HEAP] = "java-heap",
	[REGION_JVM_CLASS_SPACE] = "jvm-class-space",
	[REGION_JVM_CODE] = "jvm-code",
};

vaddr regions_mapped_until(const struct regions *regions, vaddr address, vaddr end)
{
	const struct region *region;

	if (!regions->from_proc)
		return end;
	while (address < end && (region = regions_find(regions, address)))
		address = region->range.end;
	return address < end ? address : end;
}

const char *region_kind_name(enum region_kind kind)
{
	return (unsigned)kind < REGION_KINDS ? kind_names[kind] : "unknown";
}

static int compare_regions(const void *left, const void *right)
{
	const struct region *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

/* Sorts; what overlaps the region before it is cut, and dropped where nothing is left. */
static void normalise(struct regions *regions)
{
	size_t kept = 0;
	vaddr end = 0;

	vec_sort(&regions->items, compare_regions);
	for (size_t i = 0; i < regions->items.count; i++) {
		struct region region = regions->items.items[i];

		if (region.range.start < end) {
			region.range.start = end;
			region.has_counts = false;
		}
		if (region.range.end <= region.range.start)
			continue;
		end = region.range.end;
		regions->items.items[kept++] = region;
	}
	regions->items.count = kept;
}

/* Takes maps or smaps; nothing where it is not there, or damaged. */
static void take_text(struct regions *regions, struct span text)
{
	mappings found = { 0 };

	if (text.size && proc_text_mappings(text, &regions->pool, &found, NULL) && found.count)
		regions->from_proc = true;
	for (size_t i = 0; regions->from_proc && i < found.count; i++) {
		const struct mapping *mapping = &found.items[i];

		*vec_add(&regions->items) = (struct region){ .range = mapping->range,
													 .protection = mapping->protection,
													 .path = mapping->path,
													 .file_offset = mapping->file_offset,
													 .has_counts = mapping->has_counts,
													 .resident_bytes = mapping->resident_bytes,
													 .swapped_bytes = mapping->swapped_bytes };
	}
	vec_deinit(&found);
	normalise(regions);
}

/* Without a page map nobody knows what maps is of the time of, and its counts are missed. */
static void take_mappings(struct regions *regions, const struct core *core)
{
	if (core->has_page_map)
		take_text(regions, core_document(core, FORMAT_DOCUMENT_MAPS));
	if (!regions->from_proc)
		take_text(regions, core_document(core, FORMAT_DOCUMENT_SMAPS));
}

/* Index among the first `count` regions of the one that holds the address or of the next one. */
static size_t find_index(const struct regions *regions, size_t count, vaddr address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (regions->items.items[middle].range.end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct region *regions_find(const struct regions *regions, vaddr address)
{
	size_t index = find_index(regions, regions->items.count, address);

	if (index == regions->items.count || !range_holds(regions->items.items[index].range, address))
		return NULL;
	return &regions->items.items[index];
}

/* Adds the parts of `whole` that none of the first `known` regions has. */
static void add_missing(struct regions *regions, size_t known, const struct region *whole)
{
	vaddr at = whole->range.start;
	size_t i = find_index(regions, known, at);

	while (at < whole->range.end) {
		vaddr stop = whole->range.end, next = stop;

		if (i < known && regions->items.items[i].range.start < stop) {
			stop = regions->items.items[i].range.start;
			next = regions->items.items[i].range.end;
			i++;
		}
		if (stop > at) {
			struct region *part = vec_add(&regions->items);

			*part = *whole;
			part->range = (struct range){ at, stop };
			part->file_offset += *whole->path ? at - whole->range.start : 0;
		}
		at = next;
	}
}

typedef VEC(struct core_file) file_list;

static int compare_files(const void *left, const void *right)
{
	const struct core_file *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

/* The file that is mapped at the address, or NULL. */
static const struct core_file *find_file(const file_list *files, vaddr address)
{
	size_t low = 0, high = files->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (files->items[middle].range.start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && range_holds(files->items[low - 1].range, address) ? &files->items[low - 1] : NULL;
}

static void add_segments(struct regions *regions, const struct core *core, const file_list *files)
{
	size_t known = regions->items.count;

	for (size_t i = 0; i < core->segments.count; i++) {
		const struct core_segment *segment = &core->segments.items[i];
		const struct core_file *file = find_file(files, segment->start);
		struct region region = { .range = { segment->start,
											segment->start + segment->memory_bytes },
								 .path = file ? file->path : "" };

		region.protection = (segment->flags & PF_R ? MAPPING_READ : 0u) |
							(segment->flags & PF_W ? MAPPING_WRITE : 0u) |
							(segment->flags & PF_X ? MAPPING_EXECUTE : 0u);
		if (file)
			region.file_offset = file->offset + (segment->start - file->range.start);
		add_missing(regions, known, &region);
	}
	normalise(regions);
}

static void add_files(struct regions *regions, const file_list *files)
{
	size_t known = regions->items.count;

	for (size_t i = 0; i < files->count; i++) {
		const struct core_file *file = &files->items[i];
		/* NT_FILE does not tell the protection. */
		struct region region = { .range = file->range,
								 .protection = MAPPING_READ,
								 .path = file->path,
								 .file_offset = file->offset };

		add_missing(regions, known, &region);
	}
	normalise(regions);
}

/* The page map has every mapping and was read while the target was stopped, smaps before that: what
 * the map does not have was unmapped in between. maps has no counts. */
static void count_pages(struct region *region, const struct page_map *map)
{
	uint64_t bytes[PAGE_STATES];

	page_map_sum(map, region->range, bytes);
	region->has_counts = true;
	region->resident_bytes = bytes[PAGE_PRESENT] + bytes[PAGE_UNREADABLE] + bytes[PAGE_TORN];
	region->swapped_bytes = bytes[PAGE_SWAPPED];
}

void regions_init(struct regions *regions, const struct core *core)
{
	file_list files = { 0 };

	*regions = (struct regions){ 0 };
	for (size_t i = 0; i < core->files.count; i++)
		*vec_add(&files) = core->files.items[i];
	vec_sort(&files, compare_files);
	take_mappings(regions, core);
	add_segments(regions, core, &files);
	add_files(regions, &files);
	vec_deinit(&files);
	region_kinds_decide(regions, core);
	for (size_t i = 0; core->has_page_map && i < regions->items.count; i++)
		count_pages(&regions->items.items[i], &core->page_map);
}

void regions_deinit(struct regions *regions)
{
	vec_deinit(&regions->items);
	pool_deinit(&regions->pool);
}

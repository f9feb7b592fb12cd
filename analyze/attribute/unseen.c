#include "analyze/attribute/unseen.h"

#include "analyze/attribute/evidence.h"
#include "analyze/input/registers.h"
#include "archive/page_map.h"
#include "base/size.h"

#include <stdio.h>

struct unseen {
	const struct core *core;
	const struct image *image;
	struct pool *pool;
	report_lines *lines;
};

#define ADD(unseen, ...) (*vec_add((unseen)->lines) = pool_printf((unseen)->pool, __VA_ARGS__))

static uint64_t captured_bytes(const struct image *image, struct range range)
{
	uint64_t bytes = 0;

	for (size_t i = image_find(image, range.start);
		 i < image->pieces.count && image->pieces.items[i].range.start < range.end; i++)
		bytes += range_bytes(range_overlap(range, image->pieces.items[i].range));
	return bytes;
}

/* Bytes of the range that hold something and are not in the file. Where a page map tells, pages
 * that were never touched hold nothing; where none does, all bytes that are missing count. */
static uint64_t missing_bytes(const struct unseen *unseen, struct range range)
{
	const struct image *image = unseen->image;
	vaddr at = range.start;
	uint64_t bytes = 0;

	for (size_t i = image_find(image, at); at < range.end; i++) {
		bool more = i < image->pieces.count;
		vaddr next = more && image->pieces.items[i].range.start < range.end
						 ? image->pieces.items[i].range.start
						 : range.end;

		if (next > at && unseen->core->has_page_map) {
			uint64_t states[PAGE_STATES] = { 0 };

			page_map_sum(&unseen->core->page_map, (struct range){ at, next }, states);
			bytes += states[PAGE_PRESENT] + states[PAGE_SWAPPED] + states[PAGE_UNREADABLE] +
					 states[PAGE_TORN];
		} else if (next > at) {
			bytes += next - at;
		}
		at = next < range.end ? image->pieces.items[i].range.end : range.end;
	}
	return bytes;
}

static void add_registers(const struct unseen *unseen)
{
	const struct core *core = unseen->core;
	size_t without = 0, stacks = 0;
	char threads[COUNT_TEXT];

	for (size_t i = 0; i < core->threads.count; i++) {
		const struct core_thread *thread = &core->threads.items[i];

		without += !registers_count(core, thread);
		stacks +=
			thread->sp &&
			!captured_bytes(unseen->image, (struct range){ thread->sp, thread->sp + core->word });
	}
	if (!core->threads.count)
		ADD(unseen,
			"No thread's registers are in the file (a capture of a running process, or a core "
			"without NT_PRSTATUS): where stacks end is not known either.");
	else if (without)
		ADD(unseen, "The registers of %zu of %s are not in the file.", without,
			count_of(core->threads.count, "thread", threads));
	if (stacks)
		ADD(unseen, "The stacks of %zu of %s are not in the file.", stacks,
			count_of(core->threads.count, "thread", threads));
}

static void add_roots(const struct unseen *unseen, const struct roots *roots)
{
	uint64_t missing[ROOT_KINDS] = { 0 };
	char size[SIZE_TEXT];

	for (size_t i = 0; i < roots->items.count; i++)
		missing[roots->items.items[i].kind] += missing_bytes(unseen, roots->items.items[i].range);
	for (unsigned i = 0; i < ROOT_KINDS; i++)
		if (missing[i] && i == ROOT_JAVA_HEAP)
			ADD(unseen, "%s of the Java heap are not in the file: chunks may be held from there.",
				size_format(missing[i], size));
		else if (missing[i])
			ADD(unseen, "%s of what may hold chunks are not in the file: %s.",
				size_format(missing[i], size), root_title((enum root_kind)i));
}

static void add_heap(const struct unseen *unseen, const struct heap *heap)
{
	uint64_t missing = 0;
	char size[SIZE_TEXT];

	for (size_t i = 0; i < heap->chunks.blocks.count; i++)
		missing += missing_bytes(unseen, heap->chunks.blocks.items[i].range);
	if (missing)
		ADD(unseen,
			"%s of malloc's own memory are not in the file: pointers in these chunks are not "
			"known.",
			size_format(missing, size));
}

void unseen_describe(const struct core *core, const struct image *image,
					 const struct regions *regions, const struct heap *heap,
					 const struct roots *roots, struct pool *pool, report_lines *lines)
{
	struct unseen unseen = { core, image, pool, lines };

	add_registers(&unseen);
	add_roots(&unseen, roots);
	add_heap(&unseen, heap);
	if (core->writer != CORE_BY_DUMPCORE && !evidence_has_roots(core, image, regions))
		ADD(&unseen, "The data of some programs and libraries is not in the file.");
	if (core_is_torn(core))
		ADD(&unseen,
			"The process ran while it was read: a pointer may have moved from a place that "
			"was read later to one that was read earlier.");
}

#include "analyze/input/segments.h"

#include "analyze/input/trouble.h"

#include <inttypes.h>
#include <string.h>

/* Ranges of target memory whose bytes in the file are no evidence. */
typedef VEC(struct range) cut_list;

static int compare_headers(const void *left, const void *right)
{
	const GElf_Phdr *a = left, *b = right;

	return (a->p_vaddr > b->p_vaddr) - (a->p_vaddr < b->p_vaddr);
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

/* The PT_LOADs by address. */
typedef VEC(GElf_Phdr) header_list;

static void collect_loads(const struct elf_file *elf, header_list *loads)
{
	for (size_t i = 0; i < elf->headers.count; i++)
		if (elf->headers.items[i].p_type == PT_LOAD && elf->headers.items[i].p_memsz)
			*vec_add(loads) = elf->headers.items[i];
	vec_sort(loads, compare_headers);
}

/* False where the header cannot be: it wraps around, or starts inside the segment before it. */
static bool is_possible(struct core *core, const GElf_Phdr *load)
{
	uint64_t top = core->word == 4 ? UINT64_C(1) << 32 : UINT64_MAX;
	const struct core_segment *last =
		core->segments.count ? &core->segments.items[core->segments.count - 1] : NULL;

	if (load->p_vaddr > top || load->p_memsz > top - load->p_vaddr) {
		trouble_add(core,
					"a segment at 0x%" PRIx64 " of %" PRIu64 " bytes passes the end of the "
					"address space and was ignored",
					load->p_vaddr, load->p_memsz);
		return false;
	}
	if (last && load->p_vaddr < last->start + last->memory_bytes) {
		trouble_add(core, "a segment at 0x%" PRIx64 " overlaps the one before it and was ignored",
					load->p_vaddr);
		return false;
	}
	return true;
}

/* The segment's bytes in the file. `claimed` counts those of all segments: more than the file has
 * means that segments share bytes, which no writer does and which could make a small file endless.
 */
static struct span file_bytes(struct core *core, const GElf_Phdr *load, uint64_t *claimed)
{
	uint64_t meant = load->p_filesz < load->p_memsz ? load->p_filesz : load->p_memsz;
	struct span bytes = span_part(core->plain, load->p_offset, meant);

	if (bytes.size < meant)
		core->truncated = true;
	*claimed += bytes.size;
	if (*claimed <= core->plain.size)
		return bytes;
	trouble_add(core,
				"the segment at 0x%" PRIx64 " shares its bytes with others: they were ignored",
				load->p_vaddr);
	return span_part(bytes, 0, 0);
}

static void say_missing(struct core *core, const struct core_segment *segment, uint64_t meant)
{
	vaddr have = segment->start + segment->bytes.size, end = segment->start + segment->memory_bytes;
	vaddr written = segment->start + meant;

	trouble_gap(core, (struct range){ have, written }, "the file ends before these bytes");
	trouble_gap(core, (struct range){ written, end }, "left out by the core's writer");
}

/* The segment's parts that lie in lost ranges of the file. */
static void cut_lost(struct core *core, const struct core_segment *segment, uint64_t offset,
					 const lost_ranges *lost, cut_list *cuts)
{
	uint64_t end = offset + segment->bytes.size;
	size_t i = segment->bytes.size ? lost_find(lost, offset) : lost->count;

	for (; i < lost->count && lost->items[i].start < end; i++) {
		const struct lost_range *item = &lost->items[i];
		uint64_t from = item->start > offset ? item->start : offset;
		uint64_t to = item->end < end ? item->end : end;
		struct range range = { segment->start + (from - offset), segment->start + (to - offset) };

		*vec_add(cuts) = range;
		trouble_gap(core, range, item->reason);
	}
}

/* Pages on swap that the capture says it left out. */
static void cut_swapped(const struct core *core, cut_list *cuts)
{
	const struct page_map *map = &core->page_map;
	cut_list gaps = { 0 };
	size_t run = 0;

	for (size_t i = 0; i < core->facts.gaps.count; i++)
		*vec_add(&gaps) = core->facts.gaps.items[i].range;
	vec_sort(&gaps, compare_ranges);
	for (size_t i = 0; i < gaps.count; i++) {
		size_t first = page_map_find(map, gaps.items[i].start);

		/* Never backwards, so that overlapping gaps cannot make this quadratic. */
		for (run = first > run ? first : run; run < map->runs.count; run++) {
			const struct page_run *item = &map->runs.items[run];

			if (item->range.start < gaps.items[i].end && item->state == PAGE_SWAPPED)
				*vec_add(cuts) = range_overlap(item->range, gaps.items[i]);
			if (item->range.end > gaps.items[i].end)
				break;
		}
	}
	vec_deinit(&gaps);
}

/* What dumpcore selected and could not read stands as zeros where a segment goes on behind it. */
static void cut_unread(const struct core *core, cut_list *cuts)
{
	const capture_gaps *errors = &core->outcome.errors;

	for (size_t i = 0; i < errors->count; i++)
		*vec_add(cuts) = errors->items[i].range;
	for (size_t i = 0; i < core->page_map.runs.count; i++)
		if (core->page_map.runs.items[i].state == PAGE_UNREADABLE)
			*vec_add(cuts) = core->page_map.runs.items[i].range;
}

/* A part of a segment; without its bytes where they are no evidence. */
static void add_part(struct core *core, const struct core_segment *whole, struct range part,
					 bool is_evidence)
{
	struct core_segment *segment;

	if (part.end <= part.start)
		return;
	segment = vec_add(&core->segments);
	segment->start = part.start;
	segment->memory_bytes = part.end - part.start;
	segment->flags = whole->flags;
	segment->bytes =
		span_part(whole->bytes, part.start - whole->start, is_evidence ? part.end - part.start : 0);
}

/* Splits every segment at the cuts and takes the bytes away from what they cover. */
static void apply_cuts(struct core *core, cut_list *cuts)
{
	struct core_segment *whole = core->segments.items;
	size_t count = core->segments.count, next = 0;

	vec_sort(cuts, compare_ranges);
	memset(&core->segments, 0, sizeof core->segments);
	for (size_t i = 0; i < count; i++) {
		vaddr at = whole[i].start, end = at + whole[i].memory_bytes;

		while (next < cuts->count && cuts->items[next].start < end) {
			struct range cut = range_overlap(cuts->items[next], (struct range){ at, end });

			if (cut.end > cut.start) {
				add_part(core, &whole[i], (struct range){ at, cut.start }, true);
				add_part(core, &whole[i], cut, false);
				at = cut.end;
			}
			/* One that reaches into the next segment is looked at again there. */
			if (cuts->items[next].end > end)
				break;
			next++;
		}
		add_part(core, &whole[i], (struct range){ at, end }, true);
	}
	free(whole);
}

void segments_take(struct core *core, const struct elf_file *elf, const lost_ranges *lost)
{
	header_list loads = { 0 };
	cut_list cuts = { 0 };
	uint64_t claimed = 0;

	collect_loads(elf, &loads);
	for (size_t i = 0; i < loads.count; i++) {
		const GElf_Phdr *load = &loads.items[i];
		uint64_t meant = load->p_filesz < load->p_memsz ? load->p_filesz : load->p_memsz;
		struct core_segment *segment;

		if (!is_possible(core, load))
			continue;
		segment = vec_add(&core->segments);
		segment->start = load->p_vaddr;
		segment->memory_bytes = load->p_memsz;
		segment->flags = load->p_flags;
		segment->bytes = file_bytes(core, load, &claimed);
		say_missing(core, segment, meant);
		cut_lost(core, segment, load->p_offset, lost, &cuts);
	}
	cut_unread(core, &cuts);
	cut_swapped(core, &cuts);
	if (cuts.count)
		apply_cuts(core, &cuts);
	vec_deinit(&loads);
	vec_deinit(&cuts);
}

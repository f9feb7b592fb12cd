#include "analyze/attribute/suspects.h"

#include "analyze/attribute/buckets.h"
#include "analyze/attribute/heap_summary.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

/* What a tenth is taken of. */
static uint64_t whole_bytes(const struct report *report)
{
	if (report->memory.has_resident)
		return report->memory.resident_bytes;
	return report->heap.totals.system_bytes + report->heap.mmapped.bytes;
}

static void add(struct report *report, const char *kind, const char *subject, uint64_t bytes,
				const char *why)
{
	*vec_add(&report->suspects) = (struct report_suspect){ kind, subject, why, bytes };
}

static void add_rules(struct report *report, uint64_t least)
{
	for (size_t i = 0; i < report->content.rules.count; i++) {
		const struct report_rule *rule = &report->content.rules.items[i];
		char chunks[COUNT_TEXT];

		if (rule->live.bytes >= least)
			add(report, "rule", rule->id, rule->live.bytes,
				pool_printf(&report->pool, "%s, in %s", rule->title,
							count_of(rule->live.chunks, "live chunk", chunks)));
	}
}

static void add_sizes(struct report *report, uint64_t least)
{
	for (size_t i = 0; i < report->heap.size_classes.count; i++) {
		const struct report_size_class *class = &report->heap.size_classes.items[i];
		char chunks[COUNT_TEXT];

		if (class->bytes >= least)
			add(report, "size-class",
				pool_printf(&report->pool, "%llu bytes, %s", (unsigned long long)class->size,
							class->state),
				class->bytes,
				pool_printf(&report->pool, "%s of one size",
							count_of(class->chunks, "chunk", chunks)));
	}
}

/* One arena of several that holds most of what they hold. */
static void add_arenas(struct report *report, uint64_t least)
{
	uint64_t all = report->heap.totals.system_bytes;

	for (size_t i = 0; report->heap.arenas.count > 1 && i < report->heap.arenas.count; i++) {
		const struct report_arena *arena = &report->heap.arenas.items[i];
		char in_use[SIZE_TEXT], unused[SIZE_TEXT], threads[COUNT_TEXT];

		if (arena->system_bytes >= least && arena->system_bytes > all / 2)
			add(report, "arena", pool_printf(&report->pool, "arena %u", arena->index),
				arena->system_bytes,
				pool_printf(&report->pool, "%s in use, %s free, of %s",
							size_format(arena->in_use.bytes, in_use),
							size_format(heap_summary_free(arena).bytes, unused),
							count_of(arena->threads.count, "thread", threads)));
	}
}

/* Whether malloc has any of the region. */
static bool is_malloc(const struct heap *heap, struct range range)
{
	size_t block = chunk_table_find_block(&heap->chunks, range.start);

	return block < heap->chunks.blocks.count &&
		   heap->chunks.blocks.items[block].range.start < range.end;
}

static void add_regions(struct report *report, const struct regions *regions,
						const struct heap *heap, uint64_t least)
{
	for (size_t i = 0; i < regions->items.count; i++) {
		const struct region *region = &regions->items.items[i];

		if (region->kind == REGION_ANONYMOUS && region->has_counts &&
			region->resident_bytes >= least && !is_malloc(heap, region->range))
			add(report, "region",
				pool_printf(&report->pool, "0x%" PRIvaddr "-0x%" PRIvaddr, region->range.start,
							region->range.end),
				region->resident_bytes, "anonymous memory that is no glibc heap");
	}
}

static int compare(const void *a, const void *b)
{
	const struct report_suspect *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->subject, y->subject);
}

void suspects_fill(struct report *report, const struct regions *regions, const struct heap *heap)
{
	uint64_t least = whole_bytes(report) / 10;

	if (!least)
		return;
	add_rules(report, least);
	add_sizes(report, least);
	add_arenas(report, least);
	add_regions(report, regions, heap, least);
	vec_sort(&report->suspects, compare);
	if (report->suspects.count > SUSPECTS_MAX)
		report->suspects.count = SUSPECTS_MAX;
}

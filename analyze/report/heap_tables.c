#include "analyze/report/heap_tables.h"

#include "base/size.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENAS_SHOWN = 12, PINS_SHOWN = 10 };

static void say_cause(struct strbuf *out, const char **before, uint64_t bytes, const char *where)
{
	char text[SIZE_TEXT];

	if (!bytes)
		return;
	strbuf_printf(out, "%s%s %s", *before, size_format(bytes, text), where);
	*before = ", ";
}

void heap_tables_trim(const struct report_heap *heap, struct strbuf *out)
{
	const struct report_arena *totals = &heap->totals;
	const struct report_pinned *pinned = &totals->pinned;
	char trimmable[SIZE_TEXT], stays[SIZE_TEXT], chunks[COUNT_TEXT], shared[COUNT_TEXT + 40];
	const char *before = ": ";

	strbuf_printf(out, "malloc_trim(0) would give back %s; %s are pinned",
				  totals->trimmable_bytes ? size_format(totals->trimmable_bytes, trimmable)
										  : "nothing",
				  size_format(totals->pinned_free_bytes, stays));
	snprintf(shared, sizeof shared, "on pages of %s",
			 count_of(pinned->live_chunks, "live chunk", chunks));
	say_cause(out, &before, pinned->small_bytes + pinned->edge_bytes,
			  pinned->live_chunks ? shared : "on pages of other chunks");
	say_cause(out, &before, pinned->cache_bytes, "in thread caches");
	say_cause(out, &before, pinned->top_bytes, "at ends of arenas that malloc_trim leaves alone");
	strbuf_putc(out, '.');
}

void heap_tables_mmapped(const struct report_heap *heap, struct strbuf *out)
{
	char chunks[COUNT_TEXT], bytes[SIZE_TEXT];

	if (heap->mmapped.chunks)
		strbuf_printf(out, "Outside the arenas: %s, %s.",
					  count_of(heap->mmapped.chunks, "mmapped chunk", chunks),
					  size_format(heap->mmapped.bytes, bytes));
	if (heap->mmapped_cached.chunks)
		strbuf_printf(out, "%sFreed but kept mapped by thread caches: %s, %s.",
					  heap->mmapped.chunks ? " " : "",
					  count_of(heap->mmapped_cached.chunks, "mmapped chunk", chunks),
					  size_format(heap->mmapped_cached.bytes, bytes));
}

struct stem {
	const char *name;
	size_t length; /* without the number at its end */
	size_t threads;
};

static size_t stem_length(const char *name)
{
	size_t length = strlen(name);

	while (length && strchr("0123456789", name[length - 1]))
		length--;
	return length ? length : strlen(name);
}

static int compare_stems(const void *a, const void *b)
{
	const struct stem *x = a, *y = b;

	if (x->threads != y->threads)
		return x->threads < y->threads ? 1 : -1;
	return strcmp(x->name, y->name);
}

typedef VEC(struct stem) stem_list;

static void add_stem(stem_list *stems, const char *name)
{
	struct stem stem = { name, stem_length(name), 1 };
	size_t at = 0;

	while (at < stems->count && (stems->items[at].length != stem.length ||
								 memcmp(stems->items[at].name, stem.name, stem.length) != 0))
		at++;
	if (at == stems->count)
		*vec_add(stems) = stem;
	else
		stems->items[at].threads++;
}

static void put_stem(const struct stem *stem, struct strbuf *out)
{
	if (stem->threads == 1)
		strbuf_puts(out, stem->name);
	else
		strbuf_printf(out, "%.*s%s (%zu)", (int)stem->length, stem->name,
					  stem->name[stem->length] ? "*" : "", stem->threads);
}

void heap_tables_threads(const struct report_arena *arena, struct strbuf *out)
{
	enum { SHOWN = 3, TIDS_SHOWN = 2 };
	stem_list stems = { 0 };
	size_t more = arena->threads.count, shown = 0;

	for (size_t i = 0; i < arena->threads.count; i++)
		if (*arena->threads.items[i].name)
			add_stem(&stems, arena->threads.items[i].name);
	vec_sort(&stems, compare_stems);
	for (; shown < stems.count && shown < SHOWN; shown++) {
		strbuf_puts(out, shown ? ", " : "");
		put_stem(&stems.items[shown], out);
		more -= stems.items[shown].threads;
	}
	for (size_t i = 0; i < arena->threads.count && !stems.count && shown < TIDS_SHOWN; i++) {
		strbuf_printf(out, "%s%u", shown++ ? ", " : "tid ", arena->threads.items[i].tid);
		more--;
	}
	if (more)
		strbuf_printf(out, ", +%zu more", more);
	vec_deinit(&stems);
}

static int compare_arenas(const void *a, const void *b)
{
	const struct report_arena *x = *(const struct report_arena *const *)a;
	const struct report_arena *y = *(const struct report_arena *const *)b;

	if (x->system_bytes != y->system_bytes)
		return x->system_bytes < y->system_bytes ? 1 : -1;
	return x->index < y->index ? -1 : 1;
}

/* What the columns show, so that arenas can be summed. */
struct arena_row {
	uint64_t heaps, system, in_use, unused, other, kept, trimmable;
};

static struct arena_row arena_row(const struct report_arena *arena)
{
	return (struct arena_row){
		.heaps = arena->heaps,
		.system = arena->system_bytes,
		.in_use = arena->in_use.bytes,
		.unused =
			arena->tcache.bytes + arena->fastbin.bytes + arena->binned.bytes + arena->top.bytes,
		.other = arena->overhead.bytes + arena->unwalkable.bytes + arena->foreign_bytes,
		.kept = arena->free_resident_bytes,
		.trimmable = arena->trimmable_bytes,
	};
}

static void add_to_row(struct arena_row *to, struct arena_row row)
{
	to->heaps += row.heaps;
	to->system += row.system;
	to->in_use += row.in_use;
	to->unused += row.unused;
	to->other += row.other;
	to->kept += row.kept;
	to->trimmable += row.trimmable;
}

static void add_arena_row(struct table *table, const char *name, struct arena_row row,
						  bool has_residency, const char *threads)
{
	table_cell(table, name);
	table_count(table, row.heaps);
	table_size(table, true, row.system);
	table_size(table, true, row.in_use);
	table_size(table, true, row.unused);
	table_size(table, true, row.other);
	table_size(table, has_residency, row.kept);
	table_size(table, has_residency, row.trimmable);
	table_cell(table, threads);
}

static void add_arena(struct table *table, const struct report_heap *heap,
					  const struct report_arena *arena, bool has_residency)
{
	struct strbuf threads = { 0 };
	char name[32];

	snprintf(name, sizeof name, "%u%s%s", arena->index, arena->main ? " main" : "",
			 arena->locked ? " locked" : "");
	if (heap->has_threads)
		heap_tables_threads(arena, &threads);
	else
		strbuf_putc(&threads, '?');
	add_arena_row(table, name, arena_row(arena), has_residency, strbuf_text(&threads));
	strbuf_deinit(&threads);
}

void heap_tables_arenas(const struct report_heap *heap, bool has_residency, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "arena" },
		{ .title = "heaps", .right = true },
		{ .title = "system", .right = true },
		{ .title = "in use", .right = true },
		{ .title = "free", .right = true },
		{ .title = "other", .right = true },
		{ .title = "resident", .right = true },
		{ .title = "trimmable", .right = true },
		{ .title = "threads", .code = true, .widest = 36 },
		{ .title = NULL },
	};
	VEC(const struct report_arena *) sorted = { 0 };
	struct arena_row rest = { 0 };
	char name[32];

	table_init(table, columns);
	for (size_t i = 0; i < heap->arenas.count; i++)
		*vec_add(&sorted) = &heap->arenas.items[i];
	vec_sort(&sorted, compare_arenas);
	for (size_t i = 0; i < sorted.count; i++)
		if (i < ARENAS_SHOWN || sorted.count == ARENAS_SHOWN + 1)
			add_arena(table, heap, sorted.items[i], has_residency);
		else
			add_to_row(&rest, arena_row(sorted.items[i]));
	if (sorted.count > ARENAS_SHOWN + 1) {
		snprintf(name, sizeof name, "%zu more", sorted.count - ARENAS_SHOWN);
		add_arena_row(table, name, rest, has_residency, "");
	}
	if (sorted.count > 1)
		add_arena_row(table, "all", arena_row(&heap->totals), has_residency, "");
	vec_deinit(&sorted);
}

static void add_free(struct table *table, const char *name, struct report_sum sum,
					 bool has_residency)
{
	table_cell(table, name);
	table_count(table, sum.chunks);
	table_size(table, true, sum.bytes);
	table_size(table, has_residency, sum.resident_bytes);
	table_size(table, has_residency, sum.bytes - sum.resident_bytes);
}

void heap_tables_free(const struct report_heap *heap, bool has_residency, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "freed" },
		{ .title = "chunks", .right = true },
		{ .title = "bytes", .right = true },
		{ .title = "resident", .right = true },
		{ .title = "gone", .right = true },
		{ .title = NULL },
	};
	const struct report_arena *totals = &heap->totals;
	struct report_sum all = { 0 };
	const struct report_sum *const kinds[] = { &totals->tcache, &totals->fastbin, &totals->binned,
											   &totals->top };

	table_init(table, columns);
	add_free(table, "thread caches (tcache)", totals->tcache, has_residency);
	add_free(table, "fastbins", totals->fastbin, has_residency);
	add_free(table, "bins", totals->binned, has_residency);
	add_free(table, "ends of arenas (top)", totals->top, has_residency);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		all.chunks += kinds[i]->chunks;
		all.bytes += kinds[i]->bytes;
		all.resident_bytes += kinds[i]->resident_bytes;
	}
	add_free(table, "all", all, has_residency);
}

/* "12 of 4,112 bytes", "7 of zlib.inflate-stream", "thread caches". */
static void add_pin_groups(struct table *table, const struct report_pin *pin)
{
	const struct report_pin_group *most = pin->groups.count ? &pin->groups.items[0] : NULL;
	char chunks[SIZE_TEXT + 8], size[SIZE_TEXT + 8];

	if (!most)
		table_cell(table, "");
	else if (most->rule)
		table_printf(table, "%s of %s", count_format(most->chunks, chunks), most->rule);
	else if (strcmp(most->state, "in-use") == 0)
		table_printf(table, "%s of %s bytes", count_format(most->chunks, chunks),
					 count_format(most->size, size));
	else
		table_printf(table, "%s, thread caches", count_format(most->chunks, chunks));
}

void heap_tables_pins(const struct report_heap *heap, bool has_residency, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "heap" },
		{ .title = "arena", .right = true },
		{ .title = "held", .right = true },
		{ .title = "resident", .right = true },
		{ .title = "by", .right = true },
		{ .title = "of", .right = true },
		{ .title = "most are" },
		{ .title = NULL },
	};

	table_init(table, columns);
	for (size_t i = 0; i < heap->pins.count && i < PINS_SHOWN; i++) {
		const struct report_pin *pin = &heap->pins.items[i];

		table_printf(table, "0x%" PRIvaddr " %s", pin->heap.start, pin->kind);
		table_printf(table, "%u", pin->arena);
		table_size(table, true, pin->held_bytes);
		table_size(table, has_residency, pin->held_resident_bytes);
		table_count(table, pin->live_chunks + pin->cached_chunks);
		table_size(table, true, pin->live_bytes + pin->cached_bytes);
		add_pin_groups(table, pin);
	}
}

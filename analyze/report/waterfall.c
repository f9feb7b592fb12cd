#include "analyze/report/waterfall.h"

#include "base/size.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_SHARE = 200 }; /* less than a 200th of the RSS is a small bucket */

/* Most resident bytes first; all 0 where they are unknown, then most virtual ones. */
static int compare_buckets(const void *a, const void *b)
{
	const struct report_bucket *x = *(const struct report_bucket *const *)a;
	const struct report_bucket *y = *(const struct report_bucket *const *)b;

	if (x->resident_bytes != y->resident_bytes)
		return x->resident_bytes < y->resident_bytes ? 1 : -1;
	if (x->virtual_bytes != y->virtual_bytes)
		return x->virtual_bytes < y->virtual_bytes ? 1 : -1;
	return strcmp(x->id, y->id);
}

struct waterfall {
	const struct report_memory *memory;
	const struct waterfall_bars *bars;
	struct table *table;
	uint64_t above; /* resident bytes of the rows so far */
};

/* A bar that begins where the one above it ended. */
static void add_bar(struct waterfall *waterfall, uint64_t bytes)
{
	const struct waterfall_bars *bars = waterfall->bars;
	struct strbuf bar = { 0 };
	double whole = (double)waterfall->memory->resident_bytes;
	unsigned columns = bars->columns, start, cells;
	bool thin = (double)bytes / whole * columns < 0.5;

	if (!waterfall->memory->has_resident || whole <= 0 || !bytes || !bars->columns) {
		table_cell(waterfall->table, "");
		return;
	}
	start = (unsigned)((double)waterfall->above / whole * columns);
	start = start < columns ? start : columns - 1;
	cells = (unsigned)((double)(waterfall->above + bytes) / whole * columns + 0.5);
	cells = cells > columns ? columns : cells;
	strbuf_pad(&bar, ' ', start);
	if (thin || cells <= start)
		strbuf_puts(&bar, thin ? bars->thin : bars->full);
	for (unsigned i = start; !thin && i < cells; i++)
		strbuf_puts(&bar, bars->full);
	table_cell(waterfall->table, strbuf_text(&bar));
	strbuf_deinit(&bar);
}

static void add_share(struct waterfall *waterfall, double bytes)
{
	double whole = (double)waterfall->memory->resident_bytes;
	double share = whole > 0 ? 100 * bytes / whole : 0;

	if (!waterfall->memory->has_resident)
		table_cell(waterfall->table, "?");
	else
		table_printf(waterfall->table, "%.1f %%", share > -0.05 && share < 0 ? 0.0 : share);
}

static void add_bucket(struct waterfall *waterfall, const char *title, const char *id,
					   uint64_t resident, uint64_t virtual)
{
	bool known = waterfall->memory->has_resident;

	table_cell(waterfall->table, title);
	table_cell(waterfall->table, id);
	table_size(waterfall->table, known, resident);
	add_share(waterfall, (double)resident);
	table_size(waterfall->table, true, virtual);
	if (waterfall->bars)
		add_bar(waterfall, resident);
	waterfall->above += resident;
}

static void add_total(struct waterfall *waterfall, const char *title, int64_t resident)
{
	char text[SIZE_TEXT];

	table_cell(waterfall->table, title);
	table_cell(waterfall->table, "");
	size_format(resident < 0 ? -(uint64_t)resident : (uint64_t)resident, text);
	table_printf(waterfall->table, "%s%s", resident < 0 ? "-" : "", text);
	add_share(waterfall, (double)resident);
	table_cell(waterfall->table, "");
	if (waterfall->bars)
		table_cell(waterfall->table, "");
}

static void add_totals(struct waterfall *waterfall)
{
	const struct report_memory *memory = waterfall->memory;

	if (!memory->has_resident)
		return;
	add_total(waterfall, "residual, unaccounted", memory->residual_bytes);
	if (memory->hugetlb_bytes)
		add_total(waterfall, "huge pages, not in VmRSS", (int64_t)memory->hugetlb_bytes);
	add_total(waterfall, memory->hugetlb_bytes ? "VmRSS and huge pages" : "RSS (VmRSS)",
			  (int64_t)memory->resident_bytes);
	if (memory->swapped_bytes)
		add_total(waterfall, "swapped, not in the RSS", (int64_t)memory->swapped_bytes);
}

static void add_buckets(struct waterfall *waterfall)
{
	const struct report_memory *memory = waterfall->memory;
	VEC(const struct report_bucket *) sorted = { 0 };
	uint64_t resident = 0, virtual = 0;
	size_t small = 0;

	for (size_t i = 0; i < memory->buckets.count; i++)
		if (memory->buckets.items[i].virtual_bytes || memory->buckets.items[i].resident_bytes)
			*vec_add(&sorted) = &memory->buckets.items[i];
	vec_sort(&sorted, compare_buckets);
	for (size_t i = 0; i < sorted.count; i++) {
		const struct report_bucket *bucket = sorted.items[i];

		if (!memory->has_resident ||
			bucket->resident_bytes >= memory->resident_bytes / SMALL_SHARE) {
			add_bucket(waterfall, bucket->title, bucket->id, bucket->resident_bytes,
					   bucket->virtual_bytes);
			continue;
		}
		resident += bucket->resident_bytes;
		virtual += bucket->virtual_bytes;
		small++;
	}
	if (small) {
		char title[40];

		snprintf(title, sizeof title, "%zu small bucket%s", small, small == 1 ? "" : "s");
		add_bucket(waterfall, title, "", resident, virtual);
	}
	vec_deinit(&sorted);
}

void waterfall_table(const struct report_memory *memory, const struct waterfall_bars *bars,
					 struct table *table)
{
	static const struct table_column with_bars[] = {
		{ .title = "part", .widest = 24 },
		{ .title = "id", .code = true, .widest = 18 },
		{ .title = "resident", .right = true },
		{ .title = "share", .right = true },
		{ .title = "virtual", .right = true },
		{ .title = "" },
		{ .title = NULL },
	};
	static const struct table_column without_bars[] = {
		{ .title = "part" },
		{ .title = "id", .code = true },
		{ .title = "resident", .right = true },
		{ .title = "share", .right = true },
		{ .title = "virtual", .right = true },
		{ .title = NULL },
	};
	struct waterfall waterfall = { .memory = memory, .bars = bars, .table = table };

	table_init(table, bars ? with_bars : without_bars);
	add_buckets(&waterfall);
	add_totals(&waterfall);
}

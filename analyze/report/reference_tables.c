#include "analyze/report/reference_tables.h"

#include "base/size.h"

enum { SIZES_SHOWN = 10, RULES_SHOWN = 10, LARGEST_SHOWN = 5 };

static void add_promise(const struct report_references *references, struct strbuf *out)
{
	if (references->upper_bound)
		strbuf_puts(out, " Unreachable is an upper bound: not all that may hold chunks is in the "
						 "file (below).");
	else
		strbuf_puts(out, " Unreachable is no proof of a leak: a pointer may be encoded, or in a "
						 "vector register.");
	if (references->weak)
		strbuf_puts(out, " Words have 32 bits: numbers and text are taken for pointers more often, "
						 "so that more may be unreachable than is said.");
}

void reference_tables_summary(const struct report_references *references, struct strbuf *out)
{
	const struct report_count *unreachable = &references->unreachable;
	char anchored[SIZE_TEXT], lost[SIZE_TEXT], heads[SIZE_TEXT], interior[SIZE_TEXT];
	char chunks[COUNT_TEXT], head_chunks[COUNT_TEXT];

	strbuf_printf(out,
				  "%s in live chunks are anchored: a chain of pointers leads to them from the "
				  "roots.",
				  size_format(references->anchored.bytes, anchored));
	if (references->interior.chunks)
		strbuf_printf(out, " To %s of it pointers lead only inside the chunks.",
					  size_format(references->interior.bytes, interior));
	if (!unreachable->chunks) {
		strbuf_puts(out, " No live chunk is unreachable.");
		return;
	}
	strbuf_printf(out, " %s in %s are unreachable", size_format(unreachable->bytes, lost),
				  count_of(unreachable->chunks, "live chunk", chunks));
	if (references->heads.chunks && references->heads.chunks < unreachable->chunks)
		strbuf_printf(out, "; %s (%s) of them held by no other one",
					  count_of(references->heads.chunks, "chunk", head_chunks),
					  size_format(references->heads.bytes, heads));
	strbuf_putc(out, '.');
	add_promise(references, out);
}

void reference_tables_roots(const struct report_references *references, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "root", .widest = 40 },      { .title = "read", .right = true },
		{ .title = "pointers", .right = true }, { .title = "anchors chunks", .right = true },
		{ .title = "bytes", .right = true },    { .title = NULL },
	};

	table_init(table, columns);
	for (size_t i = 0; i < references->roots.count; i++) {
		const struct report_root *root = &references->roots.items[i];

		table_cell(table, root->title);
		table_size(table, true, root->bytes);
		table_count(table, root->references);
		table_count(table, root->anchored.chunks);
		table_size(table, true, root->anchored.bytes);
	}
	table_cell(table, "nothing (unreachable)");
	table_cell(table, "");
	table_cell(table, "");
	table_count(table, references->unreachable.chunks);
	table_size(table, true, references->unreachable.bytes);
}

void reference_tables_sizes(const struct report_references *references, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "unreachable chunks of size", .right = true },
		{ .title = "state" },
		{ .title = "chunks", .right = true },
		{ .title = "bytes", .right = true },
		{ .title = NULL },
	};

	table_init(table, columns);
	for (size_t i = 0; i < references->sizes.count && i < SIZES_SHOWN; i++) {
		const struct report_size_class *size = &references->sizes.items[i];

		table_count(table, size->size);
		table_cell(table, size->state);
		table_count(table, size->chunks);
		table_size(table, true, size->bytes);
	}
}

void reference_tables_rules(const struct report_references *references, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "unreachable chunks of rule", .code = true, .widest = 40 },
		{ .title = "chunks", .right = true },
		{ .title = "bytes", .right = true },
		{ .title = NULL },
	};

	table_init(table, columns);
	for (size_t i = 0; i < references->rules.count && i < RULES_SHOWN; i++) {
		const struct report_unreachable_rule *rule = &references->rules.items[i];

		table_cell(table, *rule->id ? rule->id : "no rule");
		table_count(table, rule->sum.chunks);
		table_size(table, true, rule->sum.bytes);
	}
}

void reference_tables_largest(const struct report_references *references, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "largest unreachable chunk", .code = true },
		{ .title = "bytes", .right = true },
		{ .title = "state" },
		{ .title = "pointed to by" },
		{ .title = "rule", .widest = 40 },
		{ .title = NULL },
	};

	table_init(table, columns);
	for (size_t i = 0; i < references->largest.count && i < LARGEST_SHOWN; i++) {
		const struct report_unreachable_chunk *chunk = &references->largest.items[i];

		table_printf(table, "0x%" PRIvaddr, chunk->address);
		table_size(table, true, chunk->bytes);
		table_cell(table, chunk->state);
		table_cell(table, chunk->head ? "nothing" : "unreachable ones");
		table_cell(table, *chunk->rule ? chunk->rule : "-");
	}
}

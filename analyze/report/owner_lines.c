#include "analyze/report/owner_lines.h"

#include "base/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STACKS_SHOWN = 5, SMALL_SHARE = 100 }; /* less than a 100th of the RSS is not listed */

bool owner_lines_matter(const struct report_owner *owner)
{
	return owner->virtual_bytes || owner->is_malloc;
}

bool owner_lines_stacks_matter(const struct report_memory *memory)
{
	uint64_t resident = 0;

	for (size_t i = 0; i < memory->stacks.count; i++)
		resident += memory->stacks.items[i].resident_bytes;
	return memory->stacks.count &&
		   (!memory->has_resident || resident >= memory->resident_bytes / SMALL_SHARE);
}

void owner_lines_owner(const struct report_owner *owner, bool has_residency, struct strbuf *out)
{
	char resident[SIZE_TEXT], virtual[SIZE_TEXT], places[COUNT_TEXT];

	strbuf_printf(out, "%s (%s): ", owner->title, owner->certainty);
	if (!owner->virtual_bytes)
		strbuf_puts(out, "none of its memory is recognised. ");
	else
		strbuf_printf(out, "%s resident of %s in %s. ",
					  has_residency ? size_format(owner->resident_bytes, resident) : "?",
					  size_format(owner->virtual_bytes, virtual),
					  count_of(owner->regions, "mapping", places));
	strbuf_puts(out, owner->basis);
}

static void add_row(struct table *table, const char *name, const char *tid, bool has_residency,
					uint64_t resident, uint64_t virtual)
{
	table_cell(table, name);
	table_cell(table, tid);
	table_size(table, has_residency, resident);
	table_size(table, true, virtual);
}

void owner_lines_stacks(const struct report_memory *memory, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "thread", .code = true, .widest = 24 },
		{ .title = "tid", .right = true },
		{ .title = "resident", .right = true },
		{ .title = "virtual", .right = true },
		{ .title = NULL },
	};
	struct report_stack rest = { 0 };
	char text[32];
	size_t shown = memory->stacks.count;

	if (shown > STACKS_SHOWN + 1)
		shown = STACKS_SHOWN;
	table_init(table, columns);
	for (size_t i = 0; i < memory->stacks.count; i++) {
		const struct report_stack *stack = &memory->stacks.items[i];

		if (i >= shown) {
			rest.resident_bytes += stack->resident_bytes;
			rest.virtual_bytes += stack->virtual_bytes;
			continue;
		}
		snprintf(text, sizeof text, "%" PRIu32, stack->tid);
		add_row(table, *stack->name ? stack->name : "?", stack->tid ? text : "?",
				memory->has_resident, stack->resident_bytes, stack->virtual_bytes);
	}
	if (shown == memory->stacks.count)
		return;
	snprintf(text, sizeof text, "%zu more", memory->stacks.count - shown);
	add_row(table, text, "", memory->has_resident, rest.resident_bytes, rest.virtual_bytes);
}

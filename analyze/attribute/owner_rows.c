#include "analyze/attribute/owner_rows.h"

#include "analyze/attribute/names.h"
#include "base/size.h"

#include <string.h>

static const char *basis_of(const struct owner_finding *finding, struct pool *pool)
{
	const char *structure = finding->structure ? finding->structure : "none of its structures";
	const char *module = finding->module ? names_safe(finding->module, pool) : NULL;
	const char *name = finding->name ? names_safe(finding->name, pool) : NULL;

	return pool_printf(pool, "Seen: %s%s%s%s%s%s.", structure, module ? "; " : "",
					   module ? module : "", module ? " is mapped" : "",
					   name ? "; mappings are named " : "", name ? name : "");
}

/* The file's name without its folders; "" where none is mapped. */
static const char *module_of(const struct owner_finding *finding, struct pool *pool)
{
	const char *slash = finding->module ? strrchr(finding->module, '/') : NULL;

	return names_safe(slash ? slash + 1 : finding->module, pool);
}

struct report_owner *owner_rows_add(struct report_memory *memory, const struct owners *owners,
									enum owner_kind kind, uint64_t virtual_bytes, struct pool *pool)
{
	const struct owner_traits *traits = owner_traits(kind);
	enum owner_certainty certainty = owners_certainty(owners, kind);
	struct report_owner *row;

	if (certainty == OWNER_ABSENT || (!virtual_bytes && !owners->findings[kind].module))
		return NULL;
	row = vec_add(&memory->owners);
	row->id = traits->id;
	row->title = traits->title;
	row->certainty = owner_certainty_name(virtual_bytes ? certainty : OWNER_HINT);
	row->is_malloc = traits->is_malloc;
	row->module = module_of(&owners->findings[kind], pool);
	row->basis = basis_of(&owners->findings[kind], pool);
	row->advice = traits->advice;
	return row;
}

static int compare_rows(const void *left, const void *right)
{
	const struct report_owner *a = left, *b = right;

	if (a->resident_bytes != b->resident_bytes)
		return a->resident_bytes < b->resident_bytes ? 1 : -1;
	if (a->virtual_bytes != b->virtual_bytes)
		return a->virtual_bytes < b->virtual_bytes ? 1 : -1;
	return strcmp(a->id, b->id);
}

void owner_rows_sort(struct report_memory *memory)
{
	vec_sort(&memory->owners, compare_rows);
}

/* What is known of glibc's malloc. */
static const char *glibc_beside(const struct heap *heap, bool has_roots)
{
	if (heap->found)
		return "glibc's arenas are below";
	return heap->unused && has_roots ? "glibc's arena was never used"
									 : "no arena of glibc's was recognised";
}

static const char *file_of(const struct report_owner *row)
{
	return *row->module ? row->module : "linked into the program or another library";
}

/* What lacks one of the two kinds of marks may be another program's structures, copied. */
static const char *role_of(bool beside_glibc, bool certain)
{
	if (beside_glibc)
		return certain ? "Beside glibc's malloc there is"
					   : "Beside glibc's malloc there seems to be";
	return certain ? "malloc is" : "malloc seems to be";
}

const char *owner_rows_replaced(struct report *report, const struct heap *heap, bool has_roots)
{
	for (size_t i = 0; i < report->memory.owners.count; i++) {
		const struct report_owner *row = &report->memory.owners.items[i];
		bool known = report->memory.has_resident;
		bool certain = strcmp(row->certainty, owner_certainty_name(OWNER_CERTAIN)) == 0;
		char size[SIZE_TEXT], places[COUNT_TEXT];

		if (!row->is_malloc || !row->virtual_bytes)
			continue;
		return pool_printf(&report->pool, "%s %s (%s): its memory is %s%s in %s; %s. %s",
						   role_of(heap->found, certain), row->title, file_of(row),
						   size_format(known ? row->resident_bytes : row->virtual_bytes, size),
						   known ? " resident" : "", count_of(row->regions, "mapping", places),
						   glibc_beside(heap, has_roots), row->advice);
	}
	return NULL;
}

#include "analyze/memory/owner_search.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* More claims than this are joined where they touch; if that does not halve them, no more are made.
 */
enum { CLAIMS_MAX = 1 << 20 };

bool owner_is_memory(const struct region *region)
{
	return (region->kind == REGION_ANONYMOUS || region->kind == REGION_BRK) &&
		   region->protection & MAPPING_READ && !(region->protection & MAPPING_SHARED);
}

static void add_run(owner_runs *runs, struct range range)
{
	if (runs->count && runs->items[runs->count - 1].end == range.start)
		runs->items[runs->count - 1].end = range.end;
	else
		*vec_add(runs) = range;
}

void owner_search_init(struct owner_search *search)
{
	for (size_t i = 0; i < search->regions->items.count; i++) {
		const struct region *region = &search->regions->items.items[i];

		if (owner_is_memory(region))
			add_run(&search->memory, region->range);
		if ((region->kind == REGION_ANONYMOUS || region->kind == REGION_BRK) &&
			!(region->protection & MAPPING_SHARED))
			add_run(&search->reserved, region->range);
	}
}

void owner_search_deinit(struct owner_search *search)
{
	vec_deinit(&search->memory);
	vec_deinit(&search->reserved);
}

/* Where the run that holds the address ends; the address where none does. */
static vaddr run_end(const owner_runs *runs, vaddr address)
{
	size_t low = 0, high = runs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (runs->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < runs->count && range_holds(runs->items[low], address) ? runs->items[low].end
																	   : address;
}

bool owner_has_memory(const struct owner_search *search, vaddr start, uint64_t bytes)
{
	return bytes && bytes <= run_end(&search->memory, start) - start;
}

static vaddr align_up(vaddr address, uint64_t alignment)
{
	return (address + alignment - 1) & ~(alignment - 1);
}

static void visit_piece(const struct piece *piece, struct range range, uint64_t alignment,
						uint64_t bytes, owner_visit visit, void *context)
{
	vaddr end = range.end < piece->range.end ? range.end : piece->range.end;
	vaddr at = range.start > piece->range.start ? range.start : piece->range.start;

	if (at == range.start && at % alignment && end - at >= bytes)
		visit(context, at, piece->data + (at - piece->range.start));
	for (at = align_up(at, alignment); at < end && end - at >= bytes; at += alignment) {
		visit(context, at, piece->data + (at - piece->range.start));
		if (at + alignment < at)
			return;
	}
}

void owner_each_aligned(const struct owner_search *search, uint64_t alignment, uint64_t bytes,
						owner_visit visit, void *context)
{
	const struct image *image = search->image;

	for (size_t i = 0; i < search->regions->items.count; i++) {
		const struct region *region = &search->regions->items.items[i];

		if (!owner_is_memory(region))
			continue;
		for (size_t j = image_find(image, region->range.start);
			 j < image->pieces.count && image->pieces.items[j].range.start < region->range.end; j++)
			visit_piece(&image->pieces.items[j], region->range, alignment, bytes, visit, context);
	}
}

void owner_each_module_data(const struct owner_search *search, owner_visit_data visit,
							void *context)
{
	const struct image *image = search->image;
	uint64_t left = OWNER_MODULE_DATA_MAX;

	for (size_t i = 0; i < search->regions->items.count; i++) {
		const struct region *region = &search->regions->items.items[i];

		if (region->kind != REGION_MODULE || !(region->protection & MAPPING_WRITE))
			continue;
		for (size_t j = image_find(image, region->range.start);
			 j < image->pieces.count && image->pieces.items[j].range.start < region->range.end;
			 j++) {
			struct range part = range_overlap(region->range, image->pieces.items[j].range);
			struct span span = image_span(image, part.start, range_bytes(part));

			if (span.size > left)
				return;
			left -= span.size;
			visit(context, part.start, span);
		}
	}
}

static int compare_claims(const void *left, const void *right)
{
	const struct owner_claim *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

/* Joins claims of one owner that touch or overlap. */
static void compact(owner_claims *claims)
{
	size_t kept = 0;

	if (!claims->items) /* as there is none; the linter does not know that one follows the other */
		return;
	vec_sort(claims, compare_claims);
	for (size_t i = 0; i < claims->count; i++) {
		const struct owner_claim *claim = &claims->items[i];
		struct owner_claim *last = kept ? &claims->items[kept - 1] : NULL;

		if (!last || last->kind != claim->kind || last->range.end < claim->range.start)
			claims->items[kept++] = *claim;
		else if (last->range.end < claim->range.end)
			last->range.end = claim->range.end;
	}
	claims->count = kept;
}

void owner_claim(struct owner_search *search, enum owner_kind kind, struct range range)
{
	owner_claims *claims = &search->owners->claims;
	struct owner_claim *last = claims->count ? &claims->items[claims->count - 1] : NULL;

	vaddr end = run_end(&search->reserved, range.start);

	range.end = range.end < end ? range.end : end;
	if (range.end <= range.start)
		return;
	if (last && last->kind == kind && last->range.end == range.start) {
		last->range.end = range.end;
		return;
	}
	if (claims->count == CLAIMS_MAX) {
		compact(claims);
		search->full = claims->count > CLAIMS_MAX / 2; /* else each claim would sort them */
	}
	if (!search->full)
		*vec_add(claims) = (struct owner_claim){ range, kind };
}

void owner_seen(struct owner_search *search, enum owner_kind kind, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	search->owners->findings[kind].structure = pool_string(&search->owners->pool, text);
}

uint64_t owner_u64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof value);
	return le64toh(value);
}

uint32_t owner_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof value);
	return le32toh(value);
}

uint64_t owner_word(const struct owner_search *search, vaddr address)
{
	uint64_t word;

	return image_word(search->image, address, &word) ? word : 0;
}

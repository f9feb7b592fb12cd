#include "analyze/memory/owner_search.h"

/* gperftools' tcmalloc describes its memory by spans (src/span.h; 2.0 to 2.15):
 *
 *     Span { page number, pages, next, prev, objects, u16 references, u8 class, … }
 *
 * Spans lie one behind the other in pieces of 128 KiB (page_heap_allocator.h, kAllocIncrement). The
 * page heap in the library's data has two lists of free spans for each number of pages, whose heads
 * are spans too: an array of nodes that point to themselves or to spans that point back
 * (page_heap.h, free_[kMaxPages]). From these and the central free lists beside it some spans are
 * reached, and from those their neighbours in memory, which no list has. */
enum {
	PAGE = 4096,
	SPAN_BYTES = 48,
	NEXT = 16,
	PREV = 24,
	HEADS_LEAST = 64, /* nodes in a row; there are 256 in a default build */
	EMPTY_LEAST = 16, /* of them, pointing to themselves */
	PIECE_BYTES = 128 << 10,
	SHIFT_FIRST = 12, /* kPageShift: 13 by default, 12 to 18 by --with-tcmalloc-pagesize */
	SHIFT_LAST = 18,
	SPANS_MAX = 1 << 20,
	BRK_MAX = 4, /* regions; there is one, unless something splits it */
};

struct finding {
	struct owner_search *search;
	bool found;       /* the page heap's lists */
	size_t heads;     /* nodes in the longest row */
	VEC(vaddr) spans; /* reached from the data of modules, then all */
	unsigned shift;   /* of a page */
	uint64_t span_count;
};

static uint64_t at(struct span bytes, size_t offset)
{
	return offset + 8 <= bytes.size ? owner_u64(bytes.data + offset) : 0;
}

static bool is_empty_head(vaddr address, struct span bytes, size_t offset)
{
	return at(bytes, offset + NEXT) == address + offset &&
		   at(bytes, offset + PREV) == address + offset;
}

/* A node of a list with spans in it: both neighbours point back. */
static bool is_linked(const struct finding *finding, vaddr node, uint64_t next, uint64_t prev)
{
	return next && prev && next % 8 == 0 && prev % 8 == 0 &&
		   owner_word(finding->search, next + PREV) == node &&
		   owner_word(finding->search, prev + NEXT) == node;
}

/* Nodes from `offset` on; gives where they end. */
static size_t row_end(struct finding *finding, vaddr address, struct span bytes, size_t offset)
{
	size_t nodes = 0, empty = 0, i = offset;

	for (; i + SPAN_BYTES <= bytes.size; i += SPAN_BYTES, nodes++) {
		if (is_empty_head(address, bytes, i))
			empty++;
		else if (!is_linked(finding, address + i, at(bytes, i + NEXT), at(bytes, i + PREV)))
			break;
	}
	if (nodes >= HEADS_LEAST && empty >= EMPTY_LEAST) {
		finding->found = true;
		finding->heads = nodes > finding->heads ? nodes : finding->heads;
	}
	return i;
}

static void find_heads(void *context, vaddr address, struct span bytes)
{
	struct finding *finding = context;

	for (size_t i = 0; i + SPAN_BYTES <= bytes.size;)
		i = is_empty_head(address, bytes, i) ? row_end(finding, address, bytes, i) : i + 8;
}

/* Every list whose head is in a module's data; lists of other things give no spans that fit. */
static void follow_lists(void *context, vaddr address, struct span bytes)
{
	struct finding *finding = context;

	for (size_t i = 0; i + SPAN_BYTES <= bytes.size; i += 8) {
		vaddr head = address + i, next = at(bytes, i + NEXT);

		if (next == head || !is_linked(finding, head, next, at(bytes, i + PREV)))
			continue;
		for (vaddr span = next; span && span != head && finding->spans.count < SPANS_MAX;) {
			*vec_add(&finding->spans) = span;
			next = owner_word(finding->search, span + NEXT);
			if (owner_word(finding->search, next + PREV) != span)
				break;
			span = next;
		}
	}
}

static bool span_range(const struct finding *finding, unsigned shift, vaddr span,
					   struct range *range)
{
	const uint8_t *bytes = image_at(finding->search->image, span, SPAN_BYTES);
	uint64_t start, pages;

	if (!bytes)
		return false;
	start = owner_u64(bytes);
	pages = owner_u64(bytes + 8);
	if (!start || !pages || start >> (47 - shift) || pages >> (47 - shift))
		return false;
	*range = (struct range){ start << shift, (start + pages) << shift };
	return owner_has_memory(finding->search, range->start, range_bytes(*range));
}

/* The page size with which most spans lie in memory. */
static bool decide_shift(struct finding *finding)
{
	size_t sample = finding->spans.count < 4096 ? finding->spans.count : 4096, best = 0;

	for (unsigned shift = SHIFT_FIRST; shift <= SHIFT_LAST; shift++) {
		struct range range;
		size_t fits = 0;

		for (size_t i = 0; i < sample; i++)
			fits += span_range(finding, shift, finding->spans.items[i], &range);
		if (fits > best) {
			best = fits;
			finding->shift = shift;
		}
	}
	return best >= 2;
}

static int compare_addresses(const void *left, const void *right)
{
	const vaddr *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Claims what the spans in [first, end) describe, and the pages that they are in themselves. */
static void claim_spans(struct finding *finding, vaddr first, vaddr end)
{
	struct range own = { 0, 0 }, range;

	for (vaddr span = first; span < end; span += SPAN_BYTES) {
		if (!span_range(finding, finding->shift, span, &range))
			continue;
		finding->span_count++;
		owner_claim(finding->search, OWNER_TCMALLOC, range);
		own.start = own.end ? own.start : span & ~(vaddr)(PAGE - 1);
		own.end = (span + SPAN_BYTES + PAGE - 1) & ~(vaddr)(PAGE - 1);
	}
	owner_claim(finding->search, OWNER_TCMALLOC, own);
}

/* The spans before and behind those that are known, each once. */
static void claim_neighbours(struct finding *finding)
{
	vaddr done = 0;

	vec_sort(&finding->spans, compare_addresses);
	for (size_t i = 0; i < finding->spans.count; i++) {
		vaddr anchor = finding->spans.items[i], first = anchor, end = anchor + PIECE_BYTES;
		struct range range;

		if (anchor < done || !span_range(finding, finding->shift, anchor, &range))
			continue;
		while (first >= done + SPAN_BYTES && anchor - first < PIECE_BYTES)
			first -= SPAN_BYTES;
		claim_spans(finding, first, end);
		done = end;
	}
}

/* brk memory has one user: what lies between its spans are its tables. */
static void claim_brk(struct finding *finding)
{
	const struct regions *regions = finding->search->regions;
	unsigned left = BRK_MAX;

	for (size_t i = 0; i < regions->items.count && left; i++) {
		const struct region *region = &regions->items.items[i];
		uint64_t bytes = 0;

		if (region->kind != REGION_BRK)
			continue;
		left--;
		for (size_t j = 0; j < finding->search->owners->claims.count; j++) {
			const struct owner_claim *claim = &finding->search->owners->claims.items[j];

			if (claim->kind == OWNER_TCMALLOC)
				bytes += range_bytes(range_overlap(claim->range, region->range));
		}
		if (bytes > range_bytes(region->range) / 2)
			owner_claim(finding->search, OWNER_TCMALLOC, region->range);
	}
}

void owner_find_tcmalloc(struct owner_search *search)
{
	struct finding finding = { .search = search };

	owner_each_module_data(search, find_heads, &finding);
	if (finding.found)
		owner_each_module_data(search, follow_lists, &finding);
	if (finding.spans.count && decide_shift(&finding)) {
		claim_neighbours(&finding);
		claim_brk(&finding);
		owner_seen(
			search, OWNER_TCMALLOC,
			"a page heap of %zu span lists, and %llu spans of pages of %u KiB reached from it",
			finding.heads, (unsigned long long)finding.span_count, 1 << (finding.shift - 10));
	}
	vec_deinit(&finding.spans);
}

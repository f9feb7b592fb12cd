#include "analyze/memory/owner_search.h"

#include "base/mem.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* Go's heap consists of arenas of 64 MiB. mheap_.arenas leads to a table of 4 Mi pointers, 32 MiB
 * mapped for itself: entry (address - arenaBaseOffset) / 64 MiB points to the arena's heapArena,
 * which has a pointer to an mspan for each page of 8 KiB; mspan { next, prev, list, start, pages, …
 * } (runtime/mheap.go, 1.11 to 1.26). Up to 1.25 the first arena is at an address of its machine's
 * choice. Since 1.26 it is anywhere, and some of its first pages are never used, so that no mspan
 * has them (runtime/malloc.go, mallocinit, randomizeHeapBase). */
static const struct machine {
	uint16_t machine;
	vaddr first_arena;
	uint64_t base_offset;
} machines[] = {
	{ EM_X86_64, UINT64_C(0xc000000000), UINT64_C(0xffff800000000000) },
	{ EM_AARCH64, UINT64_C(0x4000000000), 0 },
};

/* Where a heapArena has its spans: behind the bitmaps. */
static const uint64_t spans_at[] = {
	0x200000, /* 1.11 to 1.19: bitmap of two bits a word */
	0,        /* 1.22 and later: none */
	0x104000, /* 1.20 and 1.21: bitmap of a bit a word, and noMorePtrs */
};

#define TABLE_BYTES (UINT64_C(32) << 20)
#define ARENA_BYTES (UINT64_C(64) << 20)
enum {
	PAGE_BYTES = 8192,
	ARENA_PAGES = 8192,
	SPAN_START = 24,
	SPAN_PAGES = 32,
	SPAN_WORDS = 14,
	NOTE_GO = 4,
	ARENAS_MAX = 256, /* that may be the first one */
	SPANS_TRIED = 8,
	WORDS_MAX = 1 << 28, /* that may be pointers to spans: a second's work */
};

struct finding {
	struct owner_search *search;
	const struct machine *machine;
	VEC(vaddr) candidates; /* arenas that may have an entry in the table */
	uint64_t words_left;   /* of WORDS_MAX */
	vaddr table;
	uint64_t spans_offset;
	uint64_t arenas, spans;
	bool found;
	uint64_t pages_left; /* to look at: what was captured bounds what may be described */
	bool *claimed;       /* of each region */
};

/* The note that Go's linker writes: name "Go", type 4 (cmd/internal/buildid). */
static bool has_build_id(const struct owner_search *search, const struct region *region)
{
	static const uint8_t name[] = { NOTE_GO, 0, 0, 0, 'G', 'o', 0, 0 };
	struct span head;

	if (region->kind != REGION_MODULE || region->file_offset)
		return false;
	head = image_span(search->image, region->range.start, 4096);
	for (size_t i = 8; i + sizeof name <= head.size; i += 4)
		if (memcmp(head.data + i, name, sizeof name) == 0 && owner_u32(head.data + i - 8) == 4)
			return true;
	return false;
}

static vaddr heap_arena(const struct finding *finding, vaddr arena)
{
	uint64_t index = (arena - finding->machine->base_offset) / ARENA_BYTES;

	return 8 * index + 8 <= TABLE_BYTES ? owner_word(finding->search, finding->table + 8 * index)
										: 0;
}

/* The mspan of the arena's page, if it says that it begins there. */
static vaddr span_at(const struct finding *finding, vaddr arena, uint64_t page, uint64_t *pages)
{
	vaddr place = heap_arena(finding, arena) + finding->spans_offset + 8 * page;
	vaddr span = owner_word(finding->search, place);

	*pages = span ? owner_word(finding->search, span + SPAN_PAGES) : 0;
	return span && *pages && *pages < ARENA_BYTES &&
				   owner_word(finding->search, span + SPAN_START) == arena + page * PAGE_BYTES
			   ? span
			   : 0;
}

/* Whether a span of the arena that these pointers lead to, the first of them for page `page`, says
 * that it begins at its page. */
static bool has_span(struct finding *finding, vaddr arena, struct span pointers, uint64_t page,
					 unsigned *left)
{
	uint64_t pages;

	for (size_t i = 0; i + 8 <= pointers.size && *left && finding->words_left; i += 8) {
		finding->words_left--;
		if (!owner_u64(pointers.data + i))
			continue;
		--*left;
		if (span_at(finding, arena, page + i / 8, &pages))
			return true;
	}
	return false;
}

/* Looks at the arena's first spans only: each is right where the table is. */
static bool has_spans(struct finding *finding, vaddr arena)
{
	vaddr place = heap_arena(finding, arena) + finding->spans_offset;
	vaddr end = place + 8 * ARENA_PAGES;
	unsigned left = SPANS_TRIED;

	for (vaddr at = place; at < end && left && finding->words_left;) {
		struct span pointers = image_span(finding->search->image, at, end - at);

		if (has_span(finding, arena, pointers, (at - place) / 8, &left))
			return true;
		at = pointers.size < 8 ? (at & ~(vaddr)4095) + 4096 : at + (pointers.size & ~(size_t)7);
	}
	return false;
}

static bool decide_offset(struct finding *finding, vaddr arena)
{
	if (!owner_has_memory(finding->search, heap_arena(finding, arena), 8 * ARENA_PAGES))
		return false;
	for (size_t i = 0; i < sizeof spans_at / sizeof *spans_at; i++) {
		finding->spans_offset = spans_at[i];
		if (has_spans(finding, arena))
			return true;
	}
	return false;
}

/* The region that holds what the runtime's tables lead to is the runtime's: it maps them for
 * itself. */
static void claim_region(struct finding *finding, vaddr address)
{
	const struct region *region = regions_find(finding->search->regions, address);

	size_t index = region ? (size_t)(region - finding->search->regions->items.items) : 0;

	if (!region || region->kind != REGION_ANONYMOUS || !owner_is_memory(region) || *region->path ||
		finding->claimed[index])
		return;
	finding->claimed[index] = true;
	owner_claim(finding->search, OWNER_GO, region->range);
}

/* Pointers of an mspan lead to other spans, to bitmaps and to specials: the runtime's. */
static void claim_span(struct finding *finding, vaddr span, vaddr last[SPAN_WORDS])
{
	for (unsigned i = 0; i < SPAN_WORDS; i++) {
		vaddr pointer = i ? owner_word(finding->search, span + 8 * i) : span;

		if (pointer >> 16 != last[i] >> 16)
			claim_region(finding, pointer);
		last[i] = pointer;
	}
}

static void claim_arena(struct finding *finding, vaddr arena)
{
	vaddr last[SPAN_WORDS] = { 0 };

	finding->arenas++;
	claim_region(finding, heap_arena(finding, arena));
	for (uint64_t page = 0, pages; page < ARENA_PAGES && finding->pages_left; page++) {
		vaddr span = span_at(finding, arena, page, &pages);

		finding->pages_left--;
		if (!span)
			continue;
		finding->spans++;
		page += pages - 1;
		claim_span(finding, span, last);
	}
}

/* The whole table: arenas need not follow each other. Parts that were never touched are zero or not
 * in the image. */
static void claim_arenas(struct finding *finding)
{
	for (vaddr at = finding->table; at < finding->table + TABLE_BYTES;) {
		struct span bytes =
			image_span(finding->search->image, at, finding->table + TABLE_BYTES - at);

		if (bytes.size < 8) {
			at = (at & ~(vaddr)4095) + 4096;
			continue;
		}
		for (size_t i = 0; i + 8 <= bytes.size; i += 8) {
			vaddr arena =
				(at + i - finding->table) / 8 * ARENA_BYTES + finding->machine->base_offset;

			if (!owner_u64(bytes.data + i) || !finding->pages_left)
				continue;
			owner_claim(finding->search, OWNER_GO, (struct range){ arena, arena + ARENA_BYTES });
			claim_arena(finding, arena);
		}
		at += bytes.size & ~(size_t)7;
	}
}

/* Whether the table is where the word at `address` would be the arena's entry. */
static bool try_arena(struct finding *finding, vaddr arena, vaddr address, const uint8_t *bytes)
{
	uint64_t entry = (arena - finding->machine->base_offset) / ARENA_BYTES;
	vaddr page = 8 * entry & ~(uint64_t)4095;

	if (!owner_u64(bytes + 8 * entry % 4096) || address < page ||
		!owner_has_memory(finding->search, address - page, TABLE_BYTES))
		return false;
	finding->table = address - page;
	return decide_offset(finding, arena);
}

static void try_table(void *context, vaddr address, const uint8_t *bytes)
{
	struct finding *finding = context;

	for (size_t i = 0; i < finding->candidates.count && !finding->found; i++)
		finding->found = try_arena(finding, finding->candidates.items[i], address, bytes);
}

/* The machine's choice; where Go's linker has made a module, also every arena in which anonymous
 * memory begins, be it only reserved: what is in use may count as a goroutine's stack. */
static void add_candidates(struct finding *finding)
{
	const struct regions *regions = finding->search->regions;
	vaddr last = finding->machine->first_arena;

	if (regions_find(regions, last))
		*vec_add(&finding->candidates) = last;
	if (!finding->search->owners->findings[OWNER_GO].module)
		return;
	for (size_t i = 0; i < regions->items.count; i++) {
		const struct region *region = &regions->items.items[i];
		vaddr arena = region->range.start & ~(vaddr)(ARENA_BYTES - 1);

		if (arena == last || region->kind != REGION_ANONYMOUS ||
			finding->candidates.count == ARENAS_MAX)
			continue;
		last = arena;
		*vec_add(&finding->candidates) = arena;
	}
}

static void claim_all(struct finding *finding)
{
	struct owner_search *search = finding->search;

	for (size_t i = 0; i < search->image->pieces.count; i++)
		finding->pages_left += range_bytes(search->image->pieces.items[i].range) / 1024;
	owner_claim(search, OWNER_GO, (struct range){ finding->table, finding->table + TABLE_BYTES });
	finding->claimed = mem_zeroed(search->regions->items.count, sizeof *finding->claimed);
	claim_arenas(finding);
	free(finding->claimed);
	owner_seen(search, OWNER_GO, "%llu arenas in the runtime's table, with %llu spans in them",
			   (unsigned long long)finding->arenas, (unsigned long long)finding->spans);
}

void owner_find_go(struct owner_search *search)
{
	struct finding finding = { .search = search, .words_left = WORDS_MAX };

	for (size_t i = 0; i < search->regions->items.count; i++)
		if (has_build_id(search, &search->regions->items.items[i]))
			search->owners->findings[OWNER_GO].module = search->regions->items.items[i].path;
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (machines[i].machine == search->image->machine)
			finding.machine = &machines[i];
	if (!finding.machine)
		return;
	add_candidates(&finding);
	if (finding.candidates.count)
		owner_each_aligned(search, 4096, 4096, try_table, &finding);
	if (finding.found)
		claim_all(&finding);
	vec_deinit(&finding.candidates);
}

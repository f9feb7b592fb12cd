#include "archive/page_map.h"

enum { STATE_BITS = 8 };

void page_map_deinit(struct page_map *map)
{
	vec_deinit(&map->runs);
	map->page_size = 0;
}

void page_map_reserve(struct page_map *map, size_t runs)
{
	if (runs <= map->runs.capacity)
		return;
	map->runs.items = mem_resize(map->runs.items, runs, sizeof *map->runs.items);
	map->runs.capacity = runs;
}

void page_map_append(struct page_map *map, struct range range, enum page_state state)
{
	struct page_run *last = map->runs.count ? &map->runs.items[map->runs.count - 1] : NULL;

	if (!range_bytes(range))
		return;
	if (last && last->state == state && last->range.end == range.start)
		last->range.end = range.end;
	else
		*vec_add(&map->runs) = (struct page_run){ range, state };
}

void page_map_merge(const struct page_map *a, const struct page_map *b, struct page_map *out)
{
	size_t left = 0, right = 0;

	out->page_size = a->page_size;
	out->runs.count = 0;
	while (left < a->runs.count || right < b->runs.count) {
		bool first = right == b->runs.count ||
					 (left < a->runs.count &&
					  a->runs.items[left].range.start < b->runs.items[right].range.start);
		const struct page_run *run = first ? &a->runs.items[left++] : &b->runs.items[right++];

		page_map_append(out, run->range, run->state);
	}
}

/* The longest run from `at` on that has one state. */
static struct page_run top_run(const struct page_map *const *layers, size_t count, vaddr at,
							   vaddr end)
{
	struct page_run top = { { at, end }, PAGE_ABSENT };

	for (size_t i = 0; i < count; i++) {
		size_t index = page_map_find(layers[i], at);
		const struct page_run *run = &layers[i]->runs.items[index];

		if (index == layers[i]->runs.count)
			continue;
		if (run->range.start <= at) {
			top.state = run->state;
			top.range.end = run->range.end < top.range.end ? run->range.end : top.range.end;
			break;
		}
		if (run->range.start < top.range.end)
			top.range.end = run->range.start;
	}
	return top;
}

void page_map_append_layers(struct page_map *map, const struct page_map *const *layers,
							size_t count, struct range range)
{
	for (vaddr at = range.start; at < range.end;) {
		struct page_run run = top_run(layers, count, at, range.end);

		page_map_append(map, run.range, run.state);
		at = run.range.end;
	}
}

size_t page_map_find(const struct page_map *map, vaddr address)
{
	return range_search(map->runs.items, map->runs.count, sizeof *map->runs.items, address);
}

void page_map_sum(const struct page_map *map, struct range range, uint64_t bytes[PAGE_STATES])
{
	memset(bytes, 0, sizeof *bytes * PAGE_STATES);
	for (size_t i = page_map_find(map, range.start); i < map->runs.count; i++) {
		const struct page_run *run = &map->runs.items[i];

		if (run->range.start >= range.end)
			break;
		bytes[run->state] += range_bytes(range_overlap(run->range, range));
	}
}

uint64_t page_map_resident(const struct page_map *map, struct range range)
{
	uint64_t bytes[PAGE_STATES];

	page_map_sum(map, range, bytes);
	return bytes[PAGE_PRESENT] + bytes[PAGE_UNREADABLE] + bytes[PAGE_TORN];
}

uint64_t page_map_encoded_bytes(const struct page_map *map)
{
	return sizeof(struct format_page_map) + map->runs.count * sizeof(struct format_page_run);
}

void page_map_encode_header(const struct page_map *map, struct strbuf *out)
{
	struct format_page_map header = { FORMAT_VERSION, map->page_size, map->runs.count };

	strbuf_add(out, &header, sizeof header);
}

void page_map_encode_run(const struct page_map *map, size_t index, struct strbuf *out)
{
	const struct page_run *run = &map->runs.items[index];
	uint64_t pages = range_bytes(run->range) / map->page_size;
	struct format_page_run encoded = { run->range.start, pages << STATE_BITS | run->state };

	strbuf_add(out, &encoded, sizeof encoded);
}

void page_map_encode(const struct page_map *map, struct strbuf *out)
{
	page_map_encode_header(map, out);
	for (size_t i = 0; i < map->runs.count; i++)
		page_map_encode_run(map, i, out);
}

static bool decode_header(struct cursor *cursor, struct format_page_map *header, struct err *err)
{
	header->version = cursor_u32(cursor);
	header->page_size = cursor_u32(cursor);
	header->runs = cursor_u64(cursor);
	if (!cursor_ok(cursor))
		return err_set(err, ERR_FORMAT, "the page map is shorter than its header");
	if (header->version != FORMAT_VERSION)
		return err_set(err, ERR_UNSUPPORTED, "page map version %u, this program knows %d",
					   header->version, FORMAT_VERSION);
	if (header->page_size < 512 || (header->page_size & (header->page_size - 1)))
		return err_set(err, ERR_FORMAT, "the page map has pages of %u bytes", header->page_size);
	if (header->runs > FORMAT_MAX_PAGE_RUNS)
		return err_set(err, ERR_LIMIT, "the page map claims %" PRIu64 " runs, at most %" PRIu64,
					   header->runs, FORMAT_MAX_PAGE_RUNS);
	if (header->runs > cursor_left(cursor) / sizeof(struct format_page_run))
		return err_set(err, ERR_FORMAT, "the page map claims %" PRIu64 " runs in %zu bytes",
					   header->runs, cursor_left(cursor));
	return true;
}

/* A run that starts before `floor`, is not aligned, empty, of no known state or leaves the address
 * space is refused. */
static bool decode_run(struct cursor *cursor, uint32_t page_size, vaddr floor, struct page_run *run,
					   struct err *err)
{
	uint64_t start = cursor_u64(cursor), word = cursor_u64(cursor);
	uint64_t pages = word >> STATE_BITS, state = word & ((1U << STATE_BITS) - 1);

	if (state >= PAGE_STATES)
		return err_set(err, ERR_FORMAT, "page map run at 0x%" PRIvaddr ": unknown state %u", start,
					   (unsigned)state);
	if (start % page_size || !pages || pages > (UINT64_MAX - start) / page_size)
		return err_set(err, ERR_FORMAT,
					   "page map run at 0x%" PRIvaddr ": bad extent of %" PRIu64 " pages", start,
					   pages);
	if (start < floor)
		return err_set(err, ERR_FORMAT,
					   "page map run at 0x%" PRIvaddr " is not behind the one before it", start);
	*run = (struct page_run){ { start, start + pages * page_size }, (enum page_state)state };
	return true;
}

bool page_map_decode(struct span note, bool big_endian, struct page_map *map, struct err *err)
{
	struct cursor cursor = cursor_make(note, big_endian);
	struct format_page_map header;
	struct page_run run = { 0 };

	*map = (struct page_map){ 0 };
	if (!decode_header(&cursor, &header, err))
		return false;
	map->page_size = header.page_size;
	page_map_reserve(map, (size_t)header.runs);
	for (uint64_t i = 0; i < header.runs; i++) {
		if (!decode_run(&cursor, header.page_size, run.range.end, &run, err)) {
			page_map_deinit(map);
			return false;
		}
		page_map_append(map, run.range, run.state);
	}
	return true;
}

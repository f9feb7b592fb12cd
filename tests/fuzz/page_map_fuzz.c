/* page_map_fuzz: any bytes as the page map of an archive, in both byte orders. */
#include "tests/fuzz/fuzz.h"

#include "archive/page_map.h"
#include "tests/support/promise.h"

#include <string.h>

static void check_map(const struct page_map *map)
{
	uint64_t bytes[PAGE_STATES];
	vaddr end = 0;

	for (size_t i = 0; i < map->runs.count; i++) {
		const struct page_run *run = &map->runs.items[i];

		promise(run->range.start >= end && run->range.start < run->range.end,
				"runs are sorted and do not overlap");
		promise(run->state < PAGE_STATES, "a run has a state");
		promise(page_map_find(map, run->range.start) == i, "a run is found");
		page_map_sum(map, run->range, bytes);
		promise(bytes[run->state] == range_bytes(run->range), "a run is all of its state");
		promise(page_map_resident(map, run->range) <= range_bytes(run->range),
				"no more is resident than there is");
		end = run->range.end;
	}
	page_map_resident(map, (struct range){ 0, UINT64_MAX });
}

/* What was read is written as it can be read again. */
static void check_again(const struct page_map *map)
{
	struct strbuf text = { 0 };
	struct page_map again = { 0 };
	struct err err = { 0 };

	page_map_encode(map, &text);
	promise(text.size == page_map_encoded_bytes(map), "its encoding has the bytes promised");
	promise(page_map_decode(strbuf_span(&text), false, &again, &err), "its encoding decodes");
	promise(again.runs.count == map->runs.count, "its encoding has as many runs");
	page_map_deinit(&again);
	strbuf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int big_endian = 0; big_endian <= 1; big_endian++) {
		struct page_map map = { 0 };
		struct err err = { 0 };

		if (page_map_decode(span_make(data, size), big_endian, &map, &err)) {
			check_map(&map);
			check_again(&map);
		} else {
			promise(err.kind != ERR_NONE && *err.what, "a failure says why");
		}
		page_map_deinit(&map);
	}
	return 0;
}

bool fuzz_seed(size_t index, struct strbuf *out)
{
	struct page_map map = { .page_size = 4096 };

	if (index > 1)
		return false;
	for (unsigned i = 0; i < 12 * index + 1; i++) {
		vaddr start = 0x555555560000 + i * UINT64_C(0x3000);

		page_map_append(&map, (struct range){ start, start + 0x1000 * (1 + i % 3) },
						(enum page_state)(i % PAGE_STATES));
	}
	page_map_encode(&map, out);
	page_map_deinit(&map);
	return true;
}

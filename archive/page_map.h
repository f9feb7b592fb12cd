/* page_map: which pages are resident, as runs. Built by dumpcore, carried in the archive, asked by
 * analyze. */
#ifndef ARCHIVE_PAGE_MAP_H
#define ARCHIVE_PAGE_MAP_H

#include "archive/format.h"
#include "base/err.h"
#include "base/span.h"
#include "base/strbuf.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>

struct page_run {
	struct range range; /* page-aligned */
	enum page_state state;
};

/* Sorted by address, not overlapping; neighbours with the same state are one run. */
struct page_map {
	uint32_t page_size;
	VEC(struct page_run) runs;
};

void page_map_deinit(struct page_map *map);

/* Makes room for `runs` runs, so that page_map_append does not allocate until they are used up. */
void page_map_reserve(struct page_map *map, size_t runs);

/* Appends a run behind the last one; joins it where it touches a run of the same state. Ranges must
 * come in ascending order. */
void page_map_append(struct page_map *map, struct range range, enum page_state state);

/* Fills `out` with the runs of both maps, which do not overlap. Does not allocate where it has the
 * room. */
void page_map_merge(const struct page_map *a, const struct page_map *b, struct page_map *out);

/* Appends the range, with the states of the first of the maps that has a run there, absent where
 * none has. */
void page_map_append_layers(struct page_map *map, const struct page_map *const *layers,
							size_t count, struct range range);

/* Index of the run that holds the address or, where none does, of the next one behind it (count
 * where there is none). */
size_t page_map_find(const struct page_map *map, vaddr address);

/* Bytes of the range in each state; bytes in no run are counted nowhere. */
void page_map_sum(const struct page_map *map, struct range range, uint64_t bytes[PAGE_STATES]);

/* Resident bytes of the range: present, unreadable and torn pages. */
uint64_t page_map_resident(const struct page_map *map, struct range range);

/* The note's description bytes in host byte order, and back. Decode refuses an unknown version,
 * a count beyond the bytes or FORMAT_MAX_PAGE_RUNS, unsorted or overlapping runs. */
void page_map_encode(const struct page_map *map, struct strbuf *out);
bool page_map_decode(struct span note, bool big_endian, struct page_map *map, struct err *err);

/* The same encoding in pieces, for a writer that does not want to hold it twice: the header, then
 * each run in order. */
uint64_t page_map_encoded_bytes(const struct page_map *map);
void page_map_encode_header(const struct page_map *map, struct strbuf *out);
void page_map_encode_run(const struct page_map *map, size_t index, struct strbuf *out);

#endif

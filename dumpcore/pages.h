/* pages: asks the kernel which pages of a process are there, before any byte is read: reading an
 * untouched page would grow the target's page tables, reading a swapped one would bring it back. */
#ifndef DUMPCORE_PAGES_H
#define DUMPCORE_PAGES_H

#include "archive/page_map.h"
#include "archive/proc_text.h"
#include "base/err.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <stdint.h>

struct pages {
	int fd;              /* /proc/PID/pagemap */
	uint32_t page_size;  /* bytes */
	uint64_t categories; /* what PAGEMAP_SCAN can tell here; 0: the kernel has no PAGEMAP_SCAN */
	uint64_t zero_frame; /* frame number of the shared zero page; 0: not known */
	void *buffer;
};

/* A mapping, and what its present pages are to be called. */
struct pages_range {
	struct range range;
	enum page_state present; /* PAGE_PRESENT or PAGE_TORN */
	bool skip;               /* known to hold nothing: all absent, not asked */
};

typedef VEC(struct pages_range) pages_ranges;

/* Opens and probes. The caller ends with pages_close in every case. */
bool pages_open(struct pages *pages, const struct procfs *procfs, struct err *err);
void pages_close(struct pages *pages);

/* Appends the runs of all ranges (ascending, whole pages) to the map; the bytes of a range that are
 * neither present nor swapped are PAGE_ABSENT. Does not allocate where the map has room. */
bool pages_scan(const struct pages *pages, const pages_ranges *ranges, struct page_map *map,
				struct err *err);

#endif

/* pagemap_scan: the PAGEMAP_SCAN ioctl of /proc/PID/pagemap, Linux 6.7 (include/uapi/linux/fs.h,
 * Documentation/admin-guide/mm/pagemap.rst), which older headers lack. */
#ifndef DUMPCORE_PAGEMAP_SCAN_H
#define DUMPCORE_PAGEMAP_SCAN_H

#include "base/vaddr.h"

#include <stdint.h>

enum pagemap_category {
	PAGEMAP_WPALLOWED = 1 << 0, /* the mapping is write-protected asynchronously */
	PAGEMAP_WRITTEN = 1 << 1,   /* since it was protected, or never protected */
	PAGEMAP_PRESENT = 1 << 3,
	PAGEMAP_SWAPPED = 1 << 4,
	PAGEMAP_ZERO_FRAME = 1 << 5,
	PAGEMAP_GUARD = 1 << 8, /* since 6.15 */
};

enum pagemap_flag {
	PAGEMAP_PROTECT = 1 << 0, /* write-protect what is reported */
	PAGEMAP_CHECK = 1 << 1,   /* EPERM where a mapping is not PAGEMAP_WPALLOWED */
};

struct pagemap_region {
	uint64_t start, end, categories;
};

struct pagemap_query {
	uint64_t flags;
	uint64_t all;  /* categories that a page must have */
	uint64_t any;  /* of which it must have one; 0: no such wish */
	uint64_t tell; /* to be told of each run */
};

/* Fills at most `count` regions and gives their number, or -1 with errno. The walk ended at `end`:
 * the range's end, or where the regions were full. The kernel fills a buffer of its own many times
 * in a call, and where the last fill completes the walk it leaves `end` at the one before
 * (fs/proc/task_mmu.c, do_pagemap_scan): the tail may be told twice. */
long pagemap_scan(int fd, struct range range, const struct pagemap_query *query,
				  struct pagemap_region *regions, uint64_t count, vaddr *end);

#endif

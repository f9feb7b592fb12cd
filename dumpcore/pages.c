#include "dumpcore/pages.h"

#include "base/mem.h"
#include "dumpcore/pagemap_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Entries of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_GUARD (UINT64_C(1) << 58)
#define ENTRY_FRAME ((UINT64_C(1) << 55) - 1)

enum { REGIONS = 4096, ENTRIES = 8192, STRETCH_GAP_BYTES = 1 << 20 };

static long scan(int fd, struct range range, uint64_t categories, struct pagemap_region *regions,
				 uint64_t count, vaddr *walk_end)
{
	struct pagemap_query query = { .any = PAGEMAP_PRESENT | PAGEMAP_SWAPPED, .tell = categories };

	return pagemap_scan(fd, range, &query, regions, count, walk_end);
}

/* The most detailed set of categories that this kernel answers; 0 where it has no such ioctl. */
static uint64_t probe(int fd, uint32_t page_size, struct pagemap_region *regions)
{
	static const uint64_t sets[] = {
		PAGEMAP_PRESENT | PAGEMAP_SWAPPED | PAGEMAP_ZERO_FRAME | PAGEMAP_GUARD,
		PAGEMAP_PRESENT | PAGEMAP_SWAPPED | PAGEMAP_ZERO_FRAME,
	};
	vaddr end;

	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (scan(fd, (struct range){ 0, page_size }, sets[i], regions, 1, &end) >= 0)
			return sets[i];
	return 0;
}

/* The frame that a page of ours has after a read only. Frame numbers read as 0 without
 * CAP_SYS_ADMIN; pages of it then count as present, as they cannot be told apart. */
static uint64_t find_zero_frame(uint32_t page_size)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	volatile char *page = mmap(NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t entry = 0;

	if (fd >= 0 && page != MAP_FAILED) {
		(void)*page;
		if (pread(fd, &entry, sizeof entry, (off_t)((uintptr_t)page / page_size * 8)) !=
			sizeof entry)
			entry = 0;
	}
	if (page != MAP_FAILED)
		munmap((void *)(uintptr_t)page, page_size);
	if (fd >= 0)
		close(fd);
	return entry & ENTRY_PRESENT ? entry & ENTRY_FRAME : 0;
}

bool pages_open(struct pages *pages, const struct procfs *procfs, struct err *err)
{
	*pages = (struct pages){ .fd = -1, .page_size = (uint32_t)sysconf(_SC_PAGESIZE) };
	pages->buffer = mem_zeroed(REGIONS, sizeof(struct pagemap_region));
	_Static_assert(sizeof(struct pagemap_region) * REGIONS >= ENTRIES * sizeof(uint64_t),
				   "one buffer serves both ways");
	pages->fd = procfs_open_file(procfs, "pagemap", O_RDONLY);
	if (pages->fd < 0)
		return err_sys(err, errno, "process %d: cannot open pagemap", (int)procfs->pid);
	pages->categories = probe(pages->fd, pages->page_size, pages->buffer);
	if (!pages->categories)
		pages->zero_frame = find_zero_frame(pages->page_size);
	return true;
}

void pages_close(struct pages *pages)
{
	if (pages->fd >= 0)
		close(pages->fd);
	free(pages->buffer);
	*pages = (struct pages){ .fd = -1 };
}

/* Where in the ranges the scan is: everything before `at` is in the map. */
struct walk {
	const pages_ranges *ranges;
	struct page_map *map;
	size_t index;
	vaddr at;
};

static void put_absent(struct walk *walk, vaddr end)
{
	if (walk->at < end)
		page_map_append(walk->map, (struct range){ walk->at, end }, PAGE_ABSENT);
	walk->at = end;
}

/* Goes on to the range that the address is in or before; what is passed is absent. */
static const struct pages_range *walk_to(struct walk *walk, vaddr address)
{
	while (walk->index < walk->ranges->count) {
		const struct pages_range *range = &walk->ranges->items[walk->index];

		if (walk->at < range->range.start)
			walk->at = range->range.start;
		if (address < range->range.end)
			return range;
		put_absent(walk, range->range.end);
		walk->index++;
	}
	return NULL;
}

/* Files one run; its parts outside the ranges are dropped. What was filed already is not filed
 * again: the kernel fills its own buffer of 512 regions many times in a call, and where the last
 * fill completes the walk it leaves walk_end at the one before (fs/proc/task_mmu.c,
 * do_pagemap_scan), so the tail is reported twice. */
static void put_run(struct walk *walk, struct range run, enum page_state state)
{
	if (run.start < walk->at)
		run.start = walk->at;
	while (run.start < run.end) {
		const struct pages_range *range = walk_to(walk, run.start);
		struct range part;

		if (!range)
			return;
		part = range_overlap(run, range->range);
		if (part.start == part.end)
			return;
		put_absent(walk, part.start);
		page_map_append(walk->map, part, state == PAGE_PRESENT ? range->present : state);
		walk->at = run.start = part.end;
	}
}

static enum page_state state_of(uint64_t categories)
{
	if (categories & PAGEMAP_GUARD)
		return PAGE_ABSENT;
	if (categories & PAGEMAP_ZERO_FRAME)
		return PAGE_ZERO;
	return categories & PAGEMAP_PRESENT ? PAGE_PRESENT : PAGE_SWAPPED;
}

/* One stretch of address space in a few calls: the kernel passes over what has no page tables. */
static bool scan_stretch(const struct pages *pages, struct range left, struct walk *walk,
						 struct err *err)
{
	struct pagemap_region *regions = pages->buffer;

	while (left.start < left.end) {
		vaddr end;
		long got = scan(pages->fd, left, pages->categories, regions, REGIONS, &end);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "PAGEMAP_SCAN at 0x%" PRIvaddr, left.start);
		for (long i = 0; i < got; i++)
			put_run(walk, (struct range){ regions[i].start, regions[i].end },
					state_of(regions[i].categories));
		if (end <= left.start)
			break;
		left.start = end;
	}
	return true;
}

/* Ranges that lie close together are one stretch: a call costs as much as a few hundred pages. */
static bool scan_all(const struct pages *pages, struct walk *walk, struct err *err)
{
	const pages_ranges *ranges = walk->ranges;

	for (size_t i = 0, next; i < ranges->count; i = next) {
		struct range stretch = ranges->items[i].range;

		for (next = i + 1; next < ranges->count &&
						   ranges->items[next].range.start - stretch.end < STRETCH_GAP_BYTES;
			 next++)
			stretch.end = ranges->items[next].range.end;
		if (!scan_stretch(pages, stretch, walk, err))
			return false;
	}
	return true;
}

static enum page_state state_of_entry(const struct pages *pages, uint64_t entry)
{
	if (entry & ENTRY_GUARD)
		return PAGE_ABSENT;
	if (entry & ENTRY_PRESENT)
		return pages->zero_frame && (entry & ENTRY_FRAME) == pages->zero_frame ? PAGE_ZERO
																			   : PAGE_PRESENT;
	return entry & ENTRY_SWAPPED ? PAGE_SWAPPED : PAGE_ABSENT;
}

/* Kernels before 6.7: eight bytes a page. */
static bool read_entries(const struct pages *pages, struct range range, struct walk *walk,
						 struct err *err)
{
	uint64_t *entries = pages->buffer;
	const uint64_t page = pages->page_size;

	while (range.start < range.end) {
		uint64_t wanted = range_bytes(range) / page < ENTRIES ? range_bytes(range) / page : ENTRIES;
		ssize_t got = pread(pages->fd, entries, wanted * 8, (off_t)(range.start / page * 8));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 8)
			return err_sys(err, got < 0 ? errno : ESRCH, "pagemap at 0x%" PRIvaddr, range.start);
		for (size_t i = 0; i < (size_t)got / 8; i++, range.start += page) {
			enum page_state state = state_of_entry(pages, entries[i]);

			if (state != PAGE_ABSENT)
				put_run(walk, (struct range){ range.start, range.start + page }, state);
		}
	}
	return true;
}

static bool read_all(const struct pages *pages, struct walk *walk, struct err *err)
{
	for (size_t i = 0; i < walk->ranges->count; i++) {
		const struct pages_range *range = &walk->ranges->items[i];

		if (!range->skip && !read_entries(pages, range->range, walk, err))
			return false;
	}
	return true;
}

bool pages_scan(const struct pages *pages, const pages_ranges *ranges, struct page_map *map,
				struct err *err)
{
	struct walk walk = { .ranges = ranges, .map = map };

	map->page_size = pages->page_size;
	if (!ranges->count)
		return true;
	if (!(pages->categories ? scan_all(pages, &walk, err) : read_all(pages, &walk, err)))
		return false;
	walk_to(&walk, UINT64_MAX);
	return true;
}

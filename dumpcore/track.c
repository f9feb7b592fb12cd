#include "dumpcore/track.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/userfaultfd.h of Linux 6.7, which older headers lack. */
#define FEATURE_WP_UNPOPULATED (UINT64_C(1) << 13)
#define FEATURE_WP_ASYNC (UINT64_C(1) << 15)

/* Documentation/admin-guide/mm/pagemap.rst */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)

enum {
	REGIONS = 4096,
	OPEN_FLAGS = O_CLOEXEC | UFFD_USER_MODE_ONLY,
	PROTECT_PIECE = 32 << 20, /* 0.4 ms of small pages */
	RELEASE_PIECE = 16 << 20, /* 0.3 ms, and faults of the target wait for that long */
	TABLE_BYTES = 2 << 20,    /* of memory that one page table describes (x86_64, 4K granule) */
	PROBE_BYTES = 2 * TABLE_BYTES,
	ENTRY_BYTES = 8,
};

static const struct pagemap_query query_protect = {
	.flags = PAGEMAP_PROTECT,
	.all = PAGEMAP_WPALLOWED,
	.any = PAGEMAP_PRESENT | PAGEMAP_SWAPPED,
	.tell = PAGEMAP_PRESENT,
};
static const struct pagemap_query query_collect = {
	.flags = PAGEMAP_PROTECT | PAGEMAP_CHECK,
	.all = PAGEMAP_WRITTEN,
	.any = PAGEMAP_PRESENT | PAGEMAP_SWAPPED,
	.tell = PAGEMAP_WRITTEN,
};
/* Exactly this query is the kernel's fast way (pagemap_scan_pmd_entry): 0.3 ms/GiB of small pages,
 * and it tells of dropped pages too. */
static const struct pagemap_query query_final = {
	.flags = PAGEMAP_CHECK,
	.all = PAGEMAP_WRITTEN,
	.tell = PAGEMAP_WRITTEN,
};

static bool shake_hands(int fd)
{
	struct uffdio_api api = { .api = UFFD_API,
							  .features = FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED };

	return ioctl(fd, UFFDIO_API, &api) == 0;
}

static bool enroll(int fd, struct range range)
{
	struct uffdio_register request = { .range = { range.start, range_bytes(range) },
									   .mode = UFFDIO_REGISTER_MODE_WP };

	return ioctl(fd, UFFDIO_REGISTER, &request) == 0;
}

/* --- what the kernel can do --- */

/* Memory without page tables in a tracked mapping: is it told as written? Kernels differ, and where
 * it is not, a large block that the target drops would look unchanged. */
static bool tells_holes(int fd)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	char *memory =
		mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vaddr start = ((uintptr_t)memory + TABLE_BYTES - 1) / TABLE_BYTES * TABLE_BYTES, end;
	struct range table = { start, start + TABLE_BYTES };
	struct pagemap_region region;
	bool told = false;

	if (memory == MAP_FAILED)
		return false;
	if (pagemap >= 0 && enroll(fd, table))
		told = pagemap_scan(pagemap, table, &query_final, &region, 1, &end) == 1;
	munmap(memory, PROBE_BYTES);
	if (pagemap >= 0)
		close(pagemap);
	return told;
}

static bool probe(bool *holes, const char **why)
{
	int fd = (int)syscall(SYS_userfaultfd, OPEN_FLAGS);
	bool able;

	*why = "this kernel has no userfaultfd, or forbids it";
	if (fd < 0)
		return false;
	*why = "this kernel does not tell which pages are written (Linux 6.7 does)";
	able = shake_hands(fd);
	*holes = able && tells_holes(fd);
	close(fd);
	return able;
}

bool track_possible(const char **why)
{
	bool holes;

	return probe(&holes, why);
}

/* --- the descriptor --- */

static int take_over(pid_t pid, int target_fd)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0), fd;

	if (process < 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_getfd, process, target_fd, 0);
	close(process);
	return fd;
}

/* With the thread between its call and the close that follows. */
static bool open_through(struct track *track, struct inject *inject, pid_t pid, struct err *err)
{
	static const uint64_t arguments[6] = { OPEN_FLAGS };
	int64_t result;
	int failure;

	if (!inject_call(inject, INJECT_OPEN, SYS_userfaultfd, arguments, &result, err))
		return false;
	if (result < 0) {
		err_sys(err, (int)-result, "process %d cannot make a userfaultfd", (int)pid);
		return false;
	}
	track->fd = take_over(pid, (int)result);
	failure = errno;
	if (!inject_close(inject, err))
		return false;
	return track->fd >= 0 ||
		   err_sys(err, failure, "cannot take over a descriptor of process %d", (int)pid);
}

bool track_prepare(struct track *track, int pagemap, struct err *err)
{
	const char *why;

	*track = (struct track){ .fd = -1, .pagemap = pagemap };
	if (!probe(&track->tells_holes, &why))
		return err_set(err, ERR_UNSUPPORTED, "%s", why);
	track->regions = mem_zeroed(REGIONS, sizeof *track->regions);
	return true;
}

bool track_open(struct track *track, const struct inject_site *site, pid_t pid, pid_t tid,
				bool through_seccomp, struct err *err)
{
	struct inject inject;
	bool opened;

	if (!inject_begin(&inject, site, tid, through_seccomp, err))
		return false;
	opened = open_through(track, &inject, pid, err);
	if (!inject_end(&inject, opened ? err : NULL) || !opened)
		return false;
	return shake_hands(track->fd) || err_sys(err, errno, "userfaultfd of process %d", (int)pid);
}

/* --- tracking --- */

bool track_add(struct track *track, struct range range)
{
	if (!enroll(track->fd, range))
		return false;
	*vec_add(&track->ranges) = range;
	return true;
}

static void add_written(track_ranges *written, struct range range)
{
	struct range *last = written->count ? &written->items[written->count - 1] : NULL;

	if (last && range.start < last->end)
		range.start = last->end; /* told twice */
	if (range.start >= range.end)
		return;
	/* Where the table is full its last range grows over what lies between: more is copied than must
	 * be, and nothing is allocated while the target stands still. */
	if (last && (last->end == range.start || written->count == written->capacity))
		last->end = range.end;
	else
		*vec_add(written) = range;
}

/* Asks about a range to its end. EPERM: it is not tracked, so all of it may have been written. */
static bool ask(struct track *track, struct range range, const struct pagemap_query *query,
				track_ranges *written, struct err *err)
{
	while (range.start < range.end) {
		vaddr end;
		long got = pagemap_scan(track->pagemap, range, query, track->regions, REGIONS, &end);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EPERM && written) {
			add_written(written, range);
			return true;
		}
		if (got < 0)
			return err_sys(err, errno, "PAGEMAP_SCAN at 0x%" PRIvaddr, range.start);
		for (long i = 0; written && i < got; i++)
			add_written(written, (struct range){ track->regions[i].start, track->regions[i].end });
		if (end <= range.start)
			break;
		range.start = end;
	}
	return true;
}

static bool ask_in_pieces(struct track *track, struct range range,
						  const struct pagemap_query *query, track_ranges *written, struct err *err)
{
	for (struct range piece = { range.start, range.start }; piece.start < range.end;
		 piece.start = piece.end) {
		piece.end = range_bytes((struct range){ piece.start, range.end }) > PROTECT_PIECE
						? piece.start + PROTECT_PIECE
						: range.end;
		if (!ask(track, piece, query, written, err))
			return false;
	}
	return true;
}

bool track_protect(struct track *track, struct err *err)
{
	for (size_t i = 0; i < track->ranges.count; i++)
		if (!ask_in_pieces(track, track->ranges.items[i], &query_protect, NULL, err))
			return false;
	return true;
}

bool track_collect(struct track *track, struct range range, track_ranges *written, struct err *err)
{
	return ask_in_pieces(track, range, &query_collect, written, err);
}

/* --- holes --- */

static bool is_there(const struct track *track, vaddr address)
{
	uint64_t entry = 0;
	off_t at = (off_t)(address / (uint64_t)sysconf(_SC_PAGESIZE) * ENTRY_BYTES);

	return pread(track->pagemap, &entry, sizeof entry, at) == sizeof entry &&
		   entry & (ENTRY_PRESENT | ENTRY_SWAPPED);
}

/* A page table's worth of memory in which nothing was told as written: either nothing was, or the
 * table is gone. One page that was there before tells which. */
static bool table_is_gone(const struct track *track, struct range table,
						  const struct page_map *before)
{
	for (size_t i = page_map_find(before, table.start);
		 i < before->runs.count && before->runs.items[i].range.start < table.end; i++) {
		const struct page_run *run = &before->runs.items[i];
		struct range part = range_overlap(run->range, table);

		if (range_bytes(part) && (run->state == PAGE_PRESENT || run->state == PAGE_SWAPPED))
			return !is_there(track, part.start);
	}
	return false;
}

/* Kernels that do not tell of holes are asked about each page table, and where nothing is told, one
 * page is looked at. */
static bool ask_tables(struct track *track, struct range range, const struct page_map *before,
					   track_ranges *written, struct err *err)
{
	while (range.start < range.end) {
		vaddr next = (range.start / TABLE_BYTES + 1) * TABLE_BYTES;
		struct range table = { range.start, next < range.end ? next : range.end };
		vaddr told = written->count ? written->items[written->count - 1].end : 0;

		if (!ask(track, table, &query_final, written, err))
			return false;
		if ((!written->count || written->items[written->count - 1].end == told) &&
			table_is_gone(track, table, before))
			add_written(written, table);
		range.start = table.end;
	}
	return true;
}

bool track_final(struct track *track, struct range range, const struct page_map *before,
				 track_ranges *written, struct err *err)
{
	return track->tells_holes ? ask(track, range, &query_final, written, err)
							  : ask_tables(track, range, before, written, err);
}

/* --- the end --- */

/* Closing the descriptor would do the same at once, with the target's page faults waiting for it:
 * 20 ms/GiB. */
static void release(const struct track *track, struct range range)
{
	for (vaddr at = range.start; at < range.end; at += RELEASE_PIECE) {
		uint64_t left = range.end - at;
		struct uffdio_range piece = { at, left < RELEASE_PIECE ? left : RELEASE_PIECE };

		ioctl(track->fd, UFFDIO_UNREGISTER, &piece);
	}
}

void track_close(struct track *track)
{
	for (size_t i = 0; track->fd >= 0 && i < track->ranges.count; i++)
		release(track, track->ranges.items[i]);
	if (track->fd >= 0)
		close(track->fd);
	vec_deinit(&track->ranges);
	free(track->regions);
	*track = (struct track){ .fd = -1 };
}

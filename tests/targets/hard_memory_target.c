/* hard_memory_target: a process whose memory is of one kind that is hard to capture.
 *
 * usage: hard_memory_target KIND [NUMBER]
 *
 * The table at the end has the kinds and what NUMBER is. What is printed and read is described in
 * hard.h. */
#include "hard.h"

#include <fcntl.h>

enum {
	MEGABYTE = 1 << 20,
	GUARD_INSTALL = 102, /* MADV_GUARD_INSTALL of Linux 6.13, which older headers lack */
	RESERVED_TERABYTES = 4,
};

#define TERABYTE ((size_t)1 << 40)
#define READ_WRITE (PROT_READ | PROT_WRITE)

static void fill(char *memory, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += HARD_PAGE)
		memset(memory + at, (int)('a' + at / HARD_PAGE % 26), 256);
}

/* Filled memory with a mark in its first and in its last page. */
static char *marked_memory(size_t bytes, const char *first, const char *last)
{
	char *memory = hard_map(bytes, READ_WRITE, 0);

	fill(memory, bytes);
	hard_mark(first, memory);
	hard_mark(last, memory + bytes - HARD_PAGE);
	return memory;
}

/* Every other page is read-only, so that each is a mapping of its own. */
static void make_mappings(size_t count)
{
	char *memory = marked_memory(count * HARD_PAGE, "first", "last");

	hard_mark("middle", memory + count / 2 * HARD_PAGE);
	for (size_t i = 0; i < count; i += 2)
		if (mprotect(memory + i * HARD_PAGE, HARD_PAGE, PROT_READ))
			return hard_skip("mprotect: vm.max_map_count is too low");
}

static void make_hugetlb(size_t megabytes)
{
	char *memory = mmap(NULL, megabytes * MEGABYTE, READ_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (memory == MAP_FAILED)
		return hard_skip("MAP_HUGETLB: vm.nr_hugepages is too low");
	fill(memory, megabytes * MEGABYTE);
	hard_mark("huge", memory + MEGABYTE);
}

static void make_thp(size_t megabytes)
{
	char *memory = hard_map((megabytes + 2) * MEGABYTE, READ_WRITE, 0);
	char *aligned = memory + (2 * MEGABYTE - (uintptr_t)memory % (2 * MEGABYTE));

	if (madvise(aligned, megabytes * MEGABYTE, MADV_HUGEPAGE))
		return hard_skip("MADV_HUGEPAGE");
	fill(aligned, megabytes * MEGABYTE);
	hard_mark("thp", aligned + (megabytes - 1) * MEGABYTE);
}

/* Bit 62 of pagemap; mincore() calls a page resident that the swap cache still holds. */
static bool is_swapped(const char *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (pread(fd, &entry, sizeof entry, (off_t)((uintptr_t)page / HARD_PAGE * 8)) != sizeof entry)
		entry = 0;
	close(fd);
	return entry >> 62 & 1;
}

/* The second half goes to the swap device. */
static void make_swap(size_t megabytes)
{
	size_t half = megabytes * MEGABYTE / 2;
	char *memory = marked_memory(2 * half, "resident", "swapped");

	if (madvise(memory + half, half, MADV_PAGEOUT))
		return hard_skip("MADV_PAGEOUT");
	errno = ENOSPC;
	if (!is_swapped(memory + 2 * half - HARD_PAGE))
		hard_skip("nothing was swapped out");
}

static int new_file(size_t bytes)
{
	int fd = memfd_create("hard", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)bytes)) {
		perror("memfd");
		exit(1);
	}
	return fd;
}

static char *map_file(int fd, size_t bytes, int flags)
{
	char *memory = mmap(NULL, bytes, READ_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

static void make_memfd(size_t megabytes)
{
	char *memory = map_file(new_file(megabytes * MEGABYTE), megabytes * MEGABYTE, MAP_SHARED);

	fill(memory, megabytes * MEGABYTE);
	hard_mark("shared", memory);
}

/* A private mapping of a file that was cut behind the page with the mark: the rest gives SIGBUS. */
static void make_truncated(size_t pages)
{
	int fd = new_file(pages * HARD_PAGE);
	char *memory = map_file(fd, pages * HARD_PAGE, MAP_PRIVATE);

	fill(memory, pages * HARD_PAGE);
	hard_mark("kept", memory);
	if (ftruncate(fd, HARD_PAGE))
		hard_skip("ftruncate");
}

static void make_guard_pages(size_t pages)
{
	char *memory = marked_memory(pages * HARD_PAGE, "before", "after");

	for (size_t i = 2; i + 2 < pages; i += 5)
		if (madvise(memory + i * HARD_PAGE, 2 * HARD_PAGE, GUARD_INSTALL))
			return hard_skip("MADV_GUARD_INSTALL");
	hard_mark("between", memory + 4 * HARD_PAGE);
}

static void make_advised(size_t bytes, int advice, const char *name)
{
	char *memory = marked_memory(bytes, name, "end");

	if (madvise(memory, bytes, advice))
		hard_skip("madvise");
}

static void make_dontdump(size_t megabytes)
{
	make_advised(megabytes * MEGABYTE, MADV_DONTDUMP, "dontdump");
}

static void make_dontfork(size_t megabytes)
{
	make_advised(megabytes * MEGABYTE, MADV_DONTFORK, "dontfork");
}

static void make_wipeonfork(size_t megabytes)
{
	make_advised(megabytes * MEGABYTE, MADV_WIPEONFORK, "wipeonfork");
}

/* Written once, then closed to everybody. */
static void make_prot_none(size_t megabytes)
{
	char *memory = marked_memory(megabytes * MEGABYTE, "closed", "end");

	if (mprotect(memory, megabytes * MEGABYTE, PROT_NONE))
		hard_skip("mprotect");
}

/* Far more addresses than memory; a few pages of them were touched. */
static void make_reservation(size_t terabytes)
{
	char *usable = hard_map(terabytes * TERABYTE, READ_WRITE, MAP_NORESERVE);

	hard_map(terabytes * TERABYTE, PROT_NONE, MAP_NORESERVE);
	hard_mark("first", usable);
	hard_mark("middle", usable + terabytes * TERABYTE / 2 + HARD_PAGE);
	hard_mark("last", usable + terabytes * TERABYTE - HARD_PAGE);
}

/* Memory that strict overcommit counts though nobody touched it: a copy of it is refused. */
static void make_commitment(size_t terabytes)
{
	char *memory = mmap(NULL, terabytes * TERABYTE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return hard_skip("the kernel does not commit this much");
	hard_mark("first", memory);
}

static char *filled;
static size_t filled_bytes;

static void *keep_writing(void *argument)
{
	for (;;)
		for (size_t at = 0; at < filled_bytes; at += HARD_PAGE)
			++*(volatile char *)(filled + at + HARD_PAGE / 2);
	return argument;
}

/* Each page is written again and again: a copy-on-write copy of all of it soon exists twice. */
static void make_filled(size_t megabytes)
{
	filled_bytes = megabytes * MEGABYTE;
	filled = marked_memory(filled_bytes, "first", "last");
	hard_thread(keep_writing, 0);
}

static const struct hard_kind kinds[] = {
	{ "mappings", make_mappings, .argument = 1000 }, /* mappings */
	{ "hugetlb", make_hugetlb, .argument = 4 },      /* MiB, as for those without a comment */
	{ "thp", make_thp, .argument = 16 },
	{ "swap", make_swap, .argument = 8 },
	{ "memfd", make_memfd, .argument = 4 },
	{ "truncated", make_truncated, .argument = 16 },     /* pages */
	{ "guard-pages", make_guard_pages, .argument = 64 }, /* pages */
	{ "dontdump", make_dontdump, .argument = 2 },
	{ "dontfork", make_dontfork, .argument = 2 },
	{ "wipeonfork", make_wipeonfork, .argument = 2 },
	{ "prot-none", make_prot_none, .argument = 2 },
	{ "reservation", make_reservation, .argument = RESERVED_TERABYTES }, /* TiB */
	{ "commitment", make_commitment, .argument = 1 },                    /* TiB */
	{ "filled", make_filled, .argument = 64 },
};

int main(int argc, char **argv)
{
	return hard_main(argc, argv, kinds, sizeof kinds / sizeof *kinds);
}

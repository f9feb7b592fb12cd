#include "dumpcore/read.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char unreadable[] = "could not be read";
static const char many[] = "could not be read, in parts: too many to list";

bool reader_open(struct reader *reader, const struct procfs *procfs, bool is_live, struct err *err)
{
	*reader = (struct reader){ .pid = procfs->pid, .is_live = is_live };
	reader->page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	reader->errors.items = mem_zeroed(READER_ERRORS, sizeof *reader->errors.items);
	reader->errors.capacity = READER_ERRORS;
	reader->memory = procfs_open_file(procfs, "mem", O_RDONLY);
	if (reader->memory < 0)
		return err_sys(err, errno, "cannot read the memory of process %d", (int)procfs->pid);
	return true;
}

void reader_close(struct reader *reader)
{
	if (reader->memory >= 0)
		close(reader->memory);
	reader->memory = -1;
	vec_deinit(&reader->errors);
}

void reader_add_error(struct reader *reader, struct range range, const char *reason)
{
	struct capture_gap *last =
		reader->errors.count ? &reader->errors.items[reader->errors.count - 1] : NULL;

	if (last && last->reason == reason && last->range.end == range.start) {
		last->range.end = range.end;
	} else if (reader->errors.count < READER_ERRORS) {
		*vec_add(&reader->errors) = (struct capture_gap){ range, reason };
	} else {
		last->range.end = range.end;
		last->reason = many;
	}
}

/* Bytes copied: fewer than asked where a page cannot be read this way, -1 where the process is
 * gone. */
static ssize_t copy_fast(const struct reader *reader, vaddr address, uint8_t *to, size_t size)
{
	struct iovec local = { to, size }, remote = { (void *)(uintptr_t)address, size };
	ssize_t got = process_vm_readv(reader->pid, &local, 1, &remote, 1, 0);

	if (got < 0)
		return errno == ESRCH ? -1 : 0;
	return got / reader->page_size * reader->page_size;
}

/* The same through /proc/PID/mem, which also reads pages without PROT_READ. It reads 0 bytes when
 * the address space is gone (fs/proc/base.c, mem_rw). */
static ssize_t copy_slow(const struct reader *reader, vaddr address, uint8_t *to, size_t size)
{
	ssize_t got;

	do
		got = pread(reader->memory, to, size, (off_t)address);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return -1;
	return got < 0 ? 0 : got / reader->page_size * reader->page_size;
}

static bool is_same(const struct reader *reader, vaddr address)
{
	uint8_t byte;

	return !reader->is_live || pread(reader->memory, &byte, 1, (off_t)address) != 0;
}

/* After a page that fails, the fast way is tried again: guard pages lie inside stacks. */
bool reader_fill(struct reader *reader, vaddr address, uint8_t *to, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t got = copy_fast(reader, address + at, to + at, size - at);

		if (got == 0)
			got = copy_slow(reader, address + at, to + at, size - at);
		if (got < 0)
			return false;
		if (got == 0) {
			struct range page = { address + at, address + at + reader->page_size };

			memset(to + at, 0, reader->page_size);
			reader_add_error(reader, page, unreadable);
			at += reader->page_size;
			continue;
		}
		at += (size_t)got;
		reader->bytes += (uint64_t)got;
	}
	return is_same(reader, address);
}

#include "dumpcore/read.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char unreadable[] = "could not be read";
const char reader_went[] =
	"a clone does not get it (MADV_DONTFORK), and it went before it was read";
static const char many[] = "could not be read, in parts: too many to list";

static bool open_memory(const struct procfs *procfs, int *memory, struct err *err)
{
	*memory = procfs_open_file(procfs, "mem", O_RDONLY);
	return *memory >= 0 ||
		   err_sys(err, errno, "cannot read the memory of process %d", (int)procfs->pid);
}

bool reader_open(struct reader *reader, const struct procfs *procfs, struct err *err)
{
	*reader = (struct reader){ .other = -1 };
	reader->page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	reader->errors.items = mem_zeroed(READER_ERRORS, sizeof *reader->errors.items);
	reader->errors.capacity = READER_ERRORS;
	return open_memory(procfs, &reader->memory, err);
}

bool reader_switch(struct reader *reader, const struct procfs *procfs, struct err *err)
{
	reader->other = reader->memory;
	return open_memory(procfs, &reader->memory, err);
}

void reader_close(struct reader *reader)
{
	if (reader->memory >= 0)
		close(reader->memory);
	if (reader->other >= 0)
		close(reader->other);
	reader->memory = reader->other = -1;
	vec_deinit(&reader->parts);
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

/* The part that the address is in, or the next one behind it; NULL where there is none. */
static const struct reader_part *find_part(const struct reader *reader, vaddr address)
{
	size_t index = range_search(reader->parts.items, reader->parts.count,
								sizeof *reader->parts.items, address);

	return index < reader->parts.count ? &reader->parts.items[index] : NULL;
}

/* Whole pages read: 0 where the first page cannot be, -1 where the address space is gone (the file
 * then reads as empty: fs/proc/base.c, mem_rw). */
static ssize_t read_pages(const struct reader *reader, int memory, vaddr address, uint8_t *to,
						  size_t size)
{
	ssize_t got;

	do
		got = pread(memory, to, size, (off_t)address);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return -1;
	return got < 0 ? 0 : got / reader->page_size * reader->page_size;
}

/* The same from wherever these bytes are, up to the end of the part they begin in. */
static ssize_t read_part(const struct reader *reader, vaddr address, uint8_t *to, size_t size)
{
	const struct reader_part *part = find_part(reader, address);
	vaddr end;

	if (!part)
		return read_pages(reader, reader->memory, address, to, size);
	end = address < part->range.start ? part->range.start : part->range.end;
	if (size > end - address)
		size = (size_t)(end - address);
	if (address < part->range.start)
		return read_pages(reader, reader->memory, address, to, size);
	if (!part->kept)
		return read_pages(reader, reader->other, address, to, size);
	memcpy(to, part->kept + (address - part->range.start), size);
	return (ssize_t)size;
}

/* Why the page cannot be read. */
static const char *reason_of(const struct reader *reader, vaddr address)
{
	const struct reader_part *part = find_part(reader, address);

	return part && part->range.start <= address && !part->kept ? reader_went : unreadable;
}

bool reader_fill(struct reader *reader, vaddr address, uint8_t *to, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t got = read_part(reader, address + at, to + at, size - at);

		if (got < 0)
			return false;
		if (got == 0) {
			struct range page = { address + at, address + at + reader->page_size };

			memset(to + at, 0, reader->page_size);
			reader_add_error(reader, page, reason_of(reader, address + at));
			at += reader->page_size;
			continue;
		}
		at += (size_t)got;
		reader->bytes += (uint64_t)got;
	}
	return true;
}

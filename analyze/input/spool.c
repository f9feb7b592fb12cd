#include "analyze/input/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A hole is worth it from one block of the file system on. */
enum { BLOCK = 4096 };

/* O_TMPFILE is not there on every file system (NFS, overlayfs of old kernels). */
static int open_in(const char *folder)
{
	char path[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof path, "%s/analyze-XXXXXX", folder) >= (int)sizeof path)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

int spool_open(struct err *err)
{
	const char *folders[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		int fd = folders[i] && *folders[i] ? open_in(folders[i]) : -1;

		if (fd >= 0)
			return fd;
	}
	err_sys(err, errno, "cannot make a temporary file in $TMPDIR, /var/tmp or /tmp");
	err_hint(err, "set TMPDIR to a folder with room for the decompressed core");
	return -1;
}

static bool write_all(int fd, struct span bytes, uint64_t offset)
{
	while (bytes.size) {
		ssize_t put = pwrite(fd, bytes.data, bytes.size, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		bytes = span_make(bytes.data + put, bytes.size - (size_t)put);
		offset += (uint64_t)put;
	}
	return true;
}

static bool is_zero(struct span bytes)
{
	return bytes.size == 0 ||
		   (bytes.data[0] == 0 && memcmp(bytes.data, bytes.data + 1, bytes.size - 1) == 0);
}

bool spool_write(int fd, struct span bytes, uint64_t offset)
{
	size_t at = 0, start = 0;

	/* [start, at) is a run of blocks that are not zero and not written yet. */
	while (at < bytes.size) {
		struct span block = span_part(bytes, at, BLOCK);

		if (is_zero(block)) {
			if (at > start && !write_all(fd, span_part(bytes, start, at - start), offset + start))
				return false;
			start = at + block.size;
		}
		at += block.size;
	}
	return at <= start || write_all(fd, span_part(bytes, start, at - start), offset + start);
}

bool spool_map(int fd, uint64_t size, struct span *bytes, struct err *err)
{
	void *data;

	*bytes = span_make(NULL, 0);
	if (size == 0)
		return true;
	if (size > INT64_MAX || ftruncate(fd, (off_t)size) < 0)
		return spool_failed(size > INT64_MAX ? EFBIG : errno, err);
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_sys(err, errno, "cannot map the decompressed core");
	*bytes = span_make(data, size);
	return true;
}

bool spool_failed(int sys, struct err *err)
{
	err_sys(err, sys, "cannot write the decompressed core to a temporary file");
	return err_hint(err, "set TMPDIR to a folder with more room, or decompress the file yourself: "
						 "zstd -d --sparse FILE");
}

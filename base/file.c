#include "base/file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_read(int directory, const char *path, size_t limit, struct strbuf *out, struct err *err)
{
	enum { PIECE = 64 * 1024 };
	AUTO_CLOSE int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	size_t total = 0;

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	for (;;) {
		ssize_t got = read(fd, strbuf_room(out, PIECE), PIECE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "cannot read %s", path);
		if (got == 0)
			break;
		total += (size_t)got;
		if (total > limit)
			return err_set(err, ERR_LIMIT, "%s holds more than the %zu bytes allowed", path, limit);
		out->size += (size_t)got;
	}
	strbuf_add(out, "", 0);
	return true;
}

bool file_write(int fd, const void *data, size_t size)
{
	const char *next = data;

	while (size) {
		ssize_t put = write(fd, next, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		next += put;
		size -= (size_t)put;
	}
	return true;
}

bool file_read_at(int fd, void *data, size_t size, uint64_t offset)
{
	uint8_t *to = data;

	while (size) {
		ssize_t got = pread(fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0) {
			memset(to, 0, size);
			return true;
		}
		to += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}

static bool refuse_irregular(mode_t mode, const char *path, struct err *err)
{
	const char *kind = S_ISDIR(mode)    ? "a directory"
					   : S_ISFIFO(mode) ? "a pipe"
										: "a device or socket";

	err_set(err, ERR_FORMAT, "%s is %s, not a file", path, kind);
	if (S_ISFIFO(mode))
		err_hint(err, "store the stream in a file first");
	return false;
}

bool file_map_init(struct file_map *map, const char *path, struct err *err)
{
	struct stat status;
	void *data = NULL;

	*map = (struct file_map){ .fd = -1 };
	map->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (map->fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (fstat(map->fd, &status) < 0) {
		err_sys(err, errno, "cannot stat %s", path);
	} else if (!S_ISREG(status.st_mode)) {
		refuse_irregular(status.st_mode, path, err);
	} else if (status.st_size == 0) {
		return true;
	} else {
		data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, map->fd, 0);
		if (data != MAP_FAILED) {
			map->bytes = span_make(data, (size_t)status.st_size);
			return true;
		}
		err_sys(err, errno, "cannot map %s", path);
	}
	file_map_deinit(map);
	return false;
}

void file_map_deinit(struct file_map *map)
{
	if (map->bytes.data)
		munmap((void *)(uintptr_t)map->bytes.data, map->bytes.size);
	if (map->fd >= 0)
		close(map->fd);
	*map = (struct file_map){ .fd = -1 };
}

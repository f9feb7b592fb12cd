/* file: whole files in, whole buffers out. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"
#include "base/span.h"
#include "base/strbuf.h"

#include <stddef.h>
#include <sys/types.h>

/* Appends the file's bytes to out. Reads to end of file, so it works for /proc, where st_size is 0.
 * More than `limit` bytes is ERR_LIMIT. `directory` is an fd or AT_FDCWD. */
bool file_read(int directory, const char *path, size_t limit, struct strbuf *out, struct err *err);

/* Writes all bytes to a descriptor, whatever the pieces the kernel takes; EINTR is retried. On
 * failure gives false and leaves errno; it formats nothing, so it is usable in a stop. */
bool file_write(int fd, const void *data, size_t size);

/* Fills `data` from an offset; what lies behind the file's end is zeros. On failure gives false and
 * leaves errno. */
bool file_read_at(int fd, void *data, size_t size, uint64_t offset);

/* A file mapped for reading. data is NULL for an empty file. */
struct file_map {
	struct span bytes;
	int fd;
};

/* Maps a regular file; directories, pipes and devices are ERR_FORMAT with what they are. */
bool file_map_init(struct file_map *map, const char *path, struct err *err);
void file_map_deinit(struct file_map *map);

#endif

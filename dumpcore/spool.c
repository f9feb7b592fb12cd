#include "dumpcore/spool.h"

#include "base/file.h"
#include "base/size.h"
#include "dumpcore/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { GIVE_BACK_BYTES = 32 << 20 };

const char *spool_folder(const char *asked, const struct output *output, char *text, size_t size)
{
	const char *slash = strrchr(output->path, '/'), *temporary = getenv("TMPDIR");

	if (asked)
		snprintf(text, size, "%s", asked);
	else if (output->is_stream)
		snprintf(text, size, "%s", temporary && *temporary ? temporary : "/var/tmp");
	else
		snprintf(text, size, "%.*s", slash ? (int)(slash - output->path + 1) : 1,
				 slash ? output->path : ".");
	return text;
}

bool spool_check(const char *folder, bool asked, uint64_t bytes, struct err *err)
{
	char needed[SIZE_TEXT], available[SIZE_TEXT];
	struct statfs status;
	struct disk disk;

	if (statfs(folder, &status) < 0 || !disk_of_folder(folder, &disk))
		return err_sys(err, errno, "spool folder %s", folder);
	if (!asked && (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC)) {
		err_set(err, ERR_LIMIT, "%s is in memory: a spool there takes as much memory again",
				folder);
		return err_hint(err, "name a folder on a disk: --spool DIR");
	}
	if (bytes <= disk.free && disk_reserve(&disk, DISK_RESERVE_DEFAULT) <= disk.free - bytes)
		return true;
	err_set(err, ERR_NO_SPACE, "the spool needs %s, %s has %s free", size_format(bytes, needed),
			folder, size_format(disk.free, available));
	return err_hint(err, "name a folder with room: --spool DIR");
}

int spool_open(const char *folder, struct err *err)
{
	char name[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* Not every file system has O_TMPFILE (overlayfs before Linux 6.1, NFS). */
	snprintf(name, sizeof name, "%s/dumpcore-spool-XXXXXX", folder);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		err_sys(err, errno, "cannot create a spool file in %s", folder);
	else
		unlink(name);
	return fd;
}

/* Data at the offset: gives its bytes up to the next hole, 0 at a hole, with the hole's bytes. */
static uint64_t next_data(int fd, uint64_t offset, uint64_t end, uint64_t *hole)
{
	off_t data = lseek(fd, (off_t)offset, SEEK_DATA), next;

	*hole = 0;
	if (data < 0 && errno != ENXIO)
		return end - offset; /* a file system that does not tell */
	if (data < 0 || (uint64_t)data > offset) {
		*hole = (data < 0 ? end : (uint64_t)data) - offset;
		return 0;
	}
	next = lseek(fd, (off_t)offset, SEEK_HOLE);
	return (next < 0 ? end : (uint64_t)next) - offset;
}

static bool send_data(int fd, struct sink *sink, uint64_t offset, uint64_t bytes,
					  struct progress *progress)
{
	while (bytes) {
		size_t room, part;
		uint8_t *to = sink_room_always(sink, &room);

		if (!to)
			return false;
		part = bytes < room ? (size_t)bytes : room;
		if (!file_read_at(fd, to, part, offset)) {
			sink_fail(sink, errno);
			return false;
		}
		sink_commit(sink, part);
		progress_add(progress, part);
		offset += part;
		bytes -= part;
	}
	return true;
}

/* Gives the room of what was sent back, so that the archive and the spool together hardly take more
 * than the spool did. Where the file system cannot, they do. */
static void give_back(int fd, uint64_t *given, uint64_t sent)
{
	if (sent - *given < GIVE_BACK_BYTES)
		return;
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)*given,
			  (off_t)(sent - *given));
	*given = sent;
}

void spool_send(int fd, struct sink *sink, struct progress *progress)
{
	uint64_t end = (uint64_t)lseek(fd, 0, SEEK_END), offset = 0, given = 0;

	progress_start(progress, "sending", end);
	while (offset < end) {
		uint64_t hole, bytes = next_data(fd, offset, end, &hole);

		bytes = bytes < GIVE_BACK_BYTES ? bytes : GIVE_BACK_BYTES;
		if (hole)
			sink_hole(sink, hole);
		else if (!send_data(fd, sink, offset, bytes, progress))
			break;
		offset += hole + bytes;
		give_back(fd, &given, offset);
	}
	progress_end(progress);
}

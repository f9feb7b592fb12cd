#include "analyze/output.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_file(const char *path, struct span bytes, struct err *err)
{
	struct stat status;
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_sys(err, errno, "%s", path);
	/* A file that was there may be readable by others; its content goes first. */
	if (S_ISREG(status.st_mode) && (ftruncate(fd, 0) < 0 || fchmod(fd, 0600) < 0))
		return err_sys(err, errno, "%s", path);
	return file_write(fd, bytes.data, bytes.size) || err_sys(err, errno, "%s", path);
}

bool output_write(const char *path, struct span bytes, struct err *err)
{
	if (path && strcmp(path, "-") != 0)
		return write_file(path, bytes, err);
	return file_write(STDOUT_FILENO, bytes.data, bytes.size) || err_sys(err, errno, "stdout");
}

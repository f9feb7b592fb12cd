#include "analyze/output.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_file(const char *path, struct span bytes, struct err *err)
{
	struct stat status;
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_sys(err, errno, "%s", path);
	/* A file that was there may be readable by others: not one byte before that is over. */
	if (S_ISREG(status.st_mode) && (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0))
		return err_sys(err, errno, "%s", path);
	return file_write(fd, bytes.data, bytes.size) || err_sys(err, errno, "%s", path);
}

static bool is_stdout(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

bool output_check(const char *path, const char *evidence, struct err *err)
{
	struct stat out, in;

	if (is_stdout(path) || stat(path, &out) < 0 || stat(evidence, &in) < 0 ||
		out.st_dev != in.st_dev || out.st_ino != in.st_ino)
		return true;
	err_set(err, ERR_USAGE, "--output %s is the file that is read", path);
	return err_hint(err, "a report never replaces its evidence: choose another name");
}

bool output_write(const char *path, struct span bytes, struct err *err)
{
	if (!is_stdout(path))
		return write_file(path, bytes, err);
	return file_write(STDOUT_FILENO, bytes.data, bytes.size) || err_sys(err, errno, "stdout");
}

/* What goes into a pipe is most often read at once, with less(1) on the terminal of the messages.
 */
static int reader_of_stdout(void)
{
	struct stat status;

	return fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode) ? STDERR_FILENO
																		  : STDOUT_FILENO;
}

size_t output_columns(void)
{
	int terminal = reader_of_stdout();
	struct winsize size = { 0 };

	return isatty(terminal) && ioctl(terminal, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

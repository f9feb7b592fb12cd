#include "dumpcore/output.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void output_default_name(const char *comm, int pid, int64_t seconds, struct strbuf *out)
{
	time_t moment = (time_t)seconds;
	struct tm utc;

	gmtime_r(&moment, &utc);
	strbuf_puts(out, "./");
	for (; *comm; comm++)
		strbuf_putc(out, isalnum((unsigned char)*comm) || strchr("._-", *comm) ? *comm : '_');
	strbuf_printf(out, ".%d.%04d%02d%02dT%02d%02d%02dZ.core.zst", pid, utc.tm_year + 1900,
				  utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static bool open_stdout(struct output *output, struct err *err)
{
	output->fd = STDOUT_FILENO;
	output->is_stream = output->is_stdout = true;
	if (!isatty(STDOUT_FILENO))
		return true;
	err_set(err, ERR_USAGE, "an archive is not for a terminal");
	return err_hint(err, "pipe it: dumpcore -o - PID | ssh HOST 'cat >x.core.zst'");
}

/* Something that exists: a pipe or a device is written, a file is left alone. */
static bool open_existing(struct output *output, const struct stat *status, struct err *err)
{
	if (S_ISDIR(status->st_mode)) {
		err_set(err, ERR_EXISTS, "%s is a directory", output->path);
		return err_hint(err, "name a file in it: -o %s/x.core.zst", output->path);
	}
	if (S_ISREG(status->st_mode)) {
		err_set(err, ERR_EXISTS, "%s is there already", output->path);
		return err_hint(err, "give another name with -o, or remove it first");
	}
	output->is_stream = true;
	output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
	return output->fd >= 0 || err_sys(err, errno, "cannot open %s", output->path);
}

static bool open_temporary(struct output *output, struct err *err)
{
	int length = snprintf(output->temporary, sizeof output->temporary, "%s.partial-%d",
						  output->path, (int)getpid());

	if (length < 0 || (size_t)length >= sizeof output->temporary) {
		output->temporary[0] = '\0';
		return err_set(err, ERR_USAGE, "the output's name is too long");
	}
	output->fd = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (output->fd >= 0)
		return true;
	err_sys(err, errno, "cannot create %s", output->temporary);
	output->temporary[0] = '\0';
	return err->kind == ERR_EXISTS
			   ? err_hint(err, "an earlier capture left it behind; remove it")
			   : err_hint(err, "name a folder you may write to: -o /var/tmp/x.core.zst");
}

bool output_open(struct output *output, const char *path, struct err *err)
{
	struct stat status;

	*output = (struct output){ .fd = -1 };
	if (strlen(path) >= sizeof output->path)
		return err_set(err, ERR_USAGE, "the output's name is too long");
	memcpy(output->path, path, strlen(path) + 1);
	if (strcmp(path, "-") == 0)
		return open_stdout(output, err);
	if (lstat(path, &status) == 0 && (!S_ISLNK(status.st_mode) || stat(path, &status) == 0))
		return open_existing(output, &status, err);
	return open_temporary(output, err);
}

bool output_disk(const struct output *output, struct disk *disk)
{
	return !output->is_stream && disk_of_file(output->fd, disk);
}

/* RENAME_NOREPLACE needs the file system's help; a link does the same where there are links. */
static bool give_name(const struct output *output)
{
	if (renameat2(AT_FDCWD, output->temporary, AT_FDCWD, output->path, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	return link(output->temporary, output->path) == 0 && unlink(output->temporary) == 0;
}

bool output_commit(struct output *output, struct err *err)
{
	int fd = output->fd;

	if (output->is_stream)
		return true;
	output->fd = -1;
	if (close(fd) < 0)
		return err_sys(err, errno, "cannot write %s", output->path);
	if (!give_name(output)) {
		err_sys(err, errno, "cannot rename %s to %s", output->temporary, output->path);
		output->temporary[0] = '\0'; /* the capture is whole: it stays under that name */
		return err_hint(err, "the archive is whole, under its temporary name");
	}
	output->temporary[0] = '\0';
	return true;
}

void output_close(struct output *output)
{
	if (output->fd >= 0 && !output->is_stdout)
		close(output->fd);
	if (output->temporary[0])
		unlink(output->temporary);
	output->fd = -1;
	output->temporary[0] = '\0';
}

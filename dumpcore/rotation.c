#include "dumpcore/rotation.h"

#include "base/strbuf.h"
#include "dumpcore/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The moment in ".PID.UTC.core.zst", the end of an archive's name. */
static bool parse_tail(const char *tail, int *pid, int64_t *seconds)
{
	struct tm utc = { 0 };

	if (sscanf(tail, ".%d.%4d%2d%2dT%2d%2d%2dZ", pid, &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
			   &utc.tm_hour, &utc.tm_min, &utc.tm_sec) != 7)
		return false;
	utc.tm_year -= 1900;
	utc.tm_mon -= 1;
	*seconds = timegm(&utc);
	return *pid > 0;
}

/* Is it an archive of `comm`? It is where the name made of the parts read is the name again. */
static bool is_archive(const char *name, const char *comm, int64_t *seconds)
{
	struct strbuf made = { 0 };
	size_t length = strlen(comm);
	bool same = false;
	int pid;

	if (strlen(name) > length && parse_tail(name + length, &pid, seconds)) {
		output_default_name(comm, pid, *seconds, &made);
		same = strcmp(strbuf_text(&made) + strlen("./"), name) == 0;
	}
	strbuf_deinit(&made);
	return same;
}

static int older_first(const void *a, const void *b)
{
	const struct rotation_file *left = a, *right = b;

	if (left->seconds != right->seconds)
		return left->seconds < right->seconds ? -1 : 1;
	return strcmp(left->name, right->name);
}

static void list_archives(DIR *folder, const char *comm, rotation_files *files)
{
	struct dirent *entry;
	struct stat status;
	int64_t seconds;

	while ((entry = readdir(folder)))
		if (is_archive(entry->d_name, comm, &seconds) &&
			fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(status.st_mode) && status.st_uid == geteuid())
			*vec_add(files) = (struct rotation_file){ mem_string(entry->d_name), seconds,
													  (uint64_t)status.st_size };
	vec_sort(files, older_first);
}

static bool too_much(const struct rotation *rotation, uint64_t count, uint64_t bytes)
{
	return (rotation->keep && count > rotation->keep) ||
		   (rotation->keep_bytes && bytes > rotation->keep_bytes);
}

/* Takes the oldest ones off the list, which then holds what stays. */
static bool remove_oldest(DIR *folder, const struct rotation *rotation, unsigned incoming,
						  const char *spare, rotation_files *files, rotation_files *removed,
						  struct err *err)
{
	uint64_t bytes = 0, count = files->count + incoming;
	bool done = true;

	for (size_t i = 0; i < files->count; i++)
		bytes += files->items[i].bytes;
	for (size_t i = 0; i + 1 < files->count && too_much(rotation, count, bytes); i++) {
		struct rotation_file *file = &files->items[i];

		if (spare && strcmp(file->name, spare) == 0)
			continue;
		if (unlinkat(dirfd(folder), file->name, 0) < 0) {
			done = err_sys(err, errno, "cannot remove the archive %s", file->name);
			continue;
		}
		count--;
		bytes -= file->bytes;
		*vec_add(removed) = *file;
		file->name = NULL;
	}
	return done;
}

bool rotation_apply(const struct rotation *rotation, const char *folder, const char *comm,
					unsigned incoming, const char *spare, rotation_files *removed, struct err *err)
{
	rotation_files files = { 0 };
	DIR *list;
	bool done;

	if (!rotation->keep && !rotation->keep_bytes)
		return true;
	list = opendir(folder);
	if (!list)
		return err_sys(err, errno, "cannot read the folder %s", folder);
	list_archives(list, comm, &files);
	done = remove_oldest(list, rotation, incoming, spare, &files, removed, err);
	closedir(list);
	rotation_files_deinit(&files);
	return done;
}

void rotation_files_deinit(rotation_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i].name);
	vec_deinit(files);
}

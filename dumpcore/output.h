/* output: the file an archive becomes. It grows under a temporary name beside its own, readable by
 * its owner only, and gets its name when it is whole: a killed capture never looks finished. */
#ifndef DUMPCORE_OUTPUT_H
#define DUMPCORE_OUTPUT_H

#include "base/err.h"
#include "base/strbuf.h"
#include "dumpcore/disk.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct output {
	int fd;
	bool is_stream; /* stdout, a pipe or a device: no holes, no name to give */
	bool is_stdout;
	char path[PATH_MAX];
	char temporary[PATH_MAX]; /* "" once it has its name or is a stream */
};

/* Appends the default name: ./COMM.PID.UTC.core.zst, with what is no letter, digit, '.', '_' or '-'
 * in COMM replaced by '_'. `seconds` is the time since the epoch. */
void output_default_name(const char *comm, int pid, int64_t seconds, struct strbuf *out);

/* Opens PATH, or stdout for "-". An existing file is ERR_EXISTS, a terminal ERR_USAGE; a pipe or
 * device that exists is written as a stream. The caller ends with output_close in every case. */
bool output_open(struct output *output, const char *path, struct err *err);

/* The disk that the file is on, or false where that does not apply. */
bool output_disk(const struct output *output, struct disk *disk);

/* Gives the file its name; never replaces a file that came meanwhile. */
bool output_commit(struct output *output, struct err *err);

/* Closes, and removes what has not got its name. */
void output_close(struct output *output);

#endif

/* status: what dumpcore says on stderr: lines for people, or JSON objects, one a line. */
#ifndef DUMPCORE_STATUS_H
#define DUMPCORE_STATUS_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct status {
	bool json;
	bool quiet; /* only errors and warnings */
};

/* The end of a capture. */
struct status_capture {
	const char *path; /* "-": stdout */
	pid_t pid;
	const char *comm;
	const char *consistency; /* how it was taken */
	const char *why;         /* that way was taken */
	bool complete;
	const char *reason; /* why not complete */
	uint64_t memory_bytes, stored_bytes;
	int64_t pause_ns; /* 0: the process was not stopped */
	int64_t total_ns;
	uint64_t threads;
};

void status_error(const struct status *status, const struct err *err);
void status_warning(const struct status *status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Zombies found, and of these the ones that are gone now. */
void status_cleaned(const struct status *status, pid_t pid, size_t found, size_t reaped);
void status_captured(const struct status *status, const struct status_capture *capture);

/* Something that happened: the line for people, or the object, which is taken over. */
void status_event(const struct status *status, const char *line, json_t *object);

/* A JSON string of text that may hold anything. */
json_t *status_json_text(const char *text);

#endif

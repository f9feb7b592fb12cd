/* proc_text: the text formats of /proc that both programs read: maps and smaps lines, key-value
 * files. Format: Documentation/filesystems/proc.rst of the Linux kernel. */
#ifndef ARCHIVE_PROC_TEXT_H
#define ARCHIVE_PROC_TEXT_H

#include "base/err.h"
#include "base/pool.h"
#include "base/span.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum mapping_protection {
	MAPPING_READ = 1,
	MAPPING_WRITE = 2,
	MAPPING_EXECUTE = 4,
	MAPPING_SHARED = 8,
};

/* One mapping: the maps line, and the byte counts where the text is smaps. */
struct mapping {
	struct range range;
	unsigned protection; /* bits of enum mapping_protection */
	uint64_t file_offset;
	uint64_t inode;           /* 0: anonymous */
	const char *path;         /* "" where the line has none; octal escapes decoded; in the pool */
	bool deleted;             /* the path ended in " (deleted)", which is cut off */
	bool has_counts;          /* the fields below were in the text (smaps) */
	uint64_t resident_bytes;  /* Rss */
	uint64_t anonymous_bytes; /* Anonymous */
	uint64_t swapped_bytes;   /* Swap */
	uint64_t huge_bytes;      /* AnonHugePages */
	char vm_flags[96];        /* VmFlags, two letters each, blank-separated */
};

typedef VEC(struct mapping) mappings;

/* Reads /proc/PID/maps or smaps. Strings go to the pool; the array is freed with vec_deinit. A line
 * that is no mapping and no known field is ERR_FORMAT with its line number; a last line cut short
 * is dropped. */
bool proc_text_mappings(struct span text, struct pool *pool, mappings *out, struct err *err);

/* The number behind "Key:" in a key-value text such as /proc/PID/status; a "kB" unit multiplies by
 * 1024. False where the key is missing or its value is no number. */
bool proc_text_number(struct span text, const char *key, uint64_t *value);

/* The rest of the line behind "Key:", blanks trimmed; an empty span where it is missing. */
struct span proc_text_value(struct span text, const char *key);

/* True where the blank-separated two-letter flag is in vm_flags. */
bool mapping_has_flag(const struct mapping *mapping, const char flag[2]);

#endif

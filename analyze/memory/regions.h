/* regions: the mappings of the target and what kind each is, from maps or smaps or, in a foreign
 * core, from NT_FILE and the segments. What glibc made of an anonymous region is the heap stage's
 * to say. */
#ifndef ANALYZE_MEMORY_REGIONS_H
#define ANALYZE_MEMORY_REGIONS_H

#include "analyze/input/core.h"
#include "archive/proc_text.h"
#include "base/pool.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>

enum region_kind {
	REGION_ANONYMOUS, /* nothing known yet */
	REGION_BRK,       /* [heap] */
	REGION_STACK,     /* [stack], or an anonymous region that holds a thread's stack pointer */
	REGION_MODULE,    /* a mapped ELF file: its file-backed parts and its .bss */
	REGION_FILE,      /* any other mapped file */
	REGION_SHARED,    /* shared anonymous memory, memfd, /dev/shm, System V */
	REGION_KERNEL,    /* vdso, vvar, vsyscall */
	REGION_JAVA_HEAP,
	REGION_JVM_CLASS_SPACE,
	REGION_JVM_CODE,
	REGION_KINDS
};

struct region {
	struct range range;
	unsigned protection; /* bits of enum mapping_protection */
	enum region_kind kind;
	const char *path; /* as in maps; "" for plain anonymous */
	uint64_t file_offset;
	uint32_t tid;            /* REGION_STACK: a thread whose stack it is; else 0 */
	bool has_counts;         /* resident_bytes and swapped_bytes are known */
	uint64_t resident_bytes; /* from the page map where there is one, else from smaps */
	uint64_t swapped_bytes;
};

struct regions {
	VEC(struct region) items; /* by ascending address, not overlapping */
	bool from_proc;   /* maps or smaps; else from NT_FILE and segments: names of anonymous ones
						 unknown */
	bool is_java;     /* libjvm.so is mapped */
	struct pool pool; /* paths */
};

/* Takes the mappings of the document "maps", which is of the same moment as the page map, else of
 * "smaps", which is older; then what only segments and NT_FILE know of. A
 * mapping that is two things is split: where a module's .bss ends (by its program headers, where
 * captured) and, on x86, where a thread's stack ends (behind the page that its thread pointer is
 * in). The core must outlive the regions. */
void regions_init(struct regions *regions, const struct core *core);
void regions_deinit(struct regions *regions);

/* The region that holds the address, or NULL. */
const struct region *regions_find(const struct regions *regions, vaddr address);

/* Where the memory that the process has without a break from `address` to `end` stops: `end`, or
 * the first address before it that no region holds. Only maps and smaps tell of every region:
 * without them the answer is `end`. */
vaddr regions_mapped_until(const struct regions *regions, vaddr address, vaddr end);

/* "anonymous", "stack", … as in the glossary. */
const char *region_kind_name(enum region_kind kind);

#endif

/* roots: the memory from which a program reaches its chunks: everything captured that malloc does
 * not own. Registers are roots as well; they are in the core's threads. */
#ifndef ANALYZE_ATTRIBUTE_ROOTS_H
#define ANALYZE_ATTRIBUTE_ROOTS_H

#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/regions.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdint.h>

/* From those that say most about who holds a chunk to those that say least. */
enum root_kind {
	ROOT_MODULE,     /* writable data and .bss of programs and libraries */
	ROOT_STACK,      /* of a thread, from below its stack pointer to its end */
	ROOT_REGISTER,   /* general registers of a thread */
	ROOT_JAVA_HEAP,  /* objects of the JVM */
	ROOT_JVM,        /* class space and compiled code of the JVM */
	ROOT_ANONYMOUS,  /* no malloc's: mapped by the program, another allocator's, a loader's TLS */
	ROOT_MAPPED,     /* writable files and shared memory */
	ROOT_UNWALKABLE, /* malloc's, but damaged: chunks in there may hold others */
	ROOT_KINDS
};

struct root {
	struct range range;
	enum root_kind kind;
	uint32_t tid; /* ROOT_STACK: whose; 0: nobody's that is known, so all of it is taken */
};

/* By ascending address, not overlapping. What was captured of them is the image's to say. */
struct roots {
	VEC(struct root) items;
};

/* Takes from each region what is a root. Left out are the blocks of malloc (its chunks are reached
 * or not; heap_info, malloc_state and tcache structs hold free chunks only), main_arena in libc's
 * data for the same reason, what lies below a stack pointer and its red zone, read-only memory of
 * files, and memory that cannot be accessed. The caller ends with roots_deinit. */
void roots_init(struct roots *roots, const struct core *core, const struct regions *regions,
				const struct heap *heap);
void roots_deinit(struct roots *roots);

/* The root that holds the address, or NULL. */
const struct root *roots_find(const struct roots *roots, vaddr address);

/* "module", "stack", …; and what a reader calls them. */
const char *root_id(enum root_kind kind);
const char *root_title(enum root_kind kind);

#endif

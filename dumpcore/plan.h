/* plan: which ranges are captured, which are left out and why, and how the archive is laid out.
 * Computed from tables alone, so it is tested with fabricated ones. */
#ifndef DUMPCORE_PLAN_H
#define DUMPCORE_PLAN_H

#include "archive/capture.h"
#include "archive/page_map.h"
#include "archive/proc_text.h"
#include "archive/writer.h"
#include "base/err.h"
#include "base/vaddr.h"
#include "base/vec.h"
#include "dumpcore/pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a mapping is to a capture. Each has a name for --select and a reason to be left out. */
enum plan_kind {
	PLAN_HEAP,      /* [heap] */
	PLAN_STACK,     /* [stack] and the threads' stacks */
	PLAN_ANONYMOUS, /* other private anonymous memory */
	PLAN_DATA,      /* writable or relocated private pages of mapped files */
	PLAN_MODULE,    /* the first mapping of an ELF file: its first page */
	PLAN_VDSO,
	PLAN_FILE,   /* other file-backed memory: it is in the file */
	PLAN_SHARED, /* shared memory */
	PLAN_JAVA,   /* the recognised Java heap */
	PLAN_MARKED, /* madvise(MADV_DONTDUMP): the program asked for it to be left out */
	PLAN_DEVICE, /* device and kernel pages; never read */
	PLAN_KINDS
};

struct plan_kind_row {
	const char *name;       /* for --select; NULL: cannot be asked for */
	bool native;            /* in the default selection */
	const char *title;      /* for people: "malloc'ed and other private memory" */
	const char *gap_reason; /* why it is not in the archive */
};

extern const struct plan_kind_row plan_kinds[PLAN_KINDS];

/* Bits 1 << enum plan_kind. */
typedef uint32_t plan_selection;

/* Reads "native", "all", "stacks" or a comma-separated list of kind names. */
bool plan_selection_parse(const char *text, plan_selection *selection, struct err *err);

/* A mapping of no more than this is asked for its pages though smaps found none in it: 1 ms. */
#define PLAN_ASKED_BYTES (UINT64_C(1) << 30)

struct plan_item {
	struct range range;
	enum plan_kind kind;
	uint32_t flags;       /* PF_R | PF_W | PF_X */
	bool selected;        /* all of it, or its first page */
	bool first_page;      /* where selected, no more than that */
	bool is_file;         /* absent pages are not zeros: they are in the file */
	bool is_shared;       /* with other processes, or with a clone */
	bool is_cloned;       /* a clone has its pages, if it has the mapping */
	bool is_wiped;        /* MADV_WIPEONFORK, as smaps said: a clone has it empty */
	bool is_new;          /* smaps had no such mapping: it did not say how it is advised */
	bool is_huge;         /* of hugetlbfs */
	const char *path;     /* the mapping's, not owned */
	const char *left_out; /* why what is not taken is not: a constant; NULL: because of its kind */
	/* Of the whole mapping, as smaps said before the stop. */
	uint64_t resident_bytes, swapped_bytes;
};

/* How much an item is worth to --max-size; budget.c says what the members mean. */
struct plan_value {
	size_t item; /* index */
	uint32_t rank, density;
	uint64_t bytes; /* that are read of it */
};

typedef VEC(struct writer_segment) plan_segments;

struct plan {
	/* One a mapping, or several where it was split, ascending; what is never readable is not here.
	 */
	VEC(struct plan_item) items;
	VEC(struct plan_value) values; /* room of budget_apply */
	plan_segments segments;
	capture_gaps gaps;      /* reasons are string constants */
	struct range whole;     /* read to its end though not all present: the vdso */
	bool read_swapped;      /* swapped pages of what is selected are read too; else they are gaps */
	uint64_t memory_bytes;  /* bytes of segments that are no holes: what will be read */
	uint64_t segment_bytes; /* of all segments, holes included */
};

/* Reserves, so that the functions below do not allocate for that many mappings and segments. */
void plan_reserve(struct plan *plan, size_t items, size_t segments);
void plan_deinit(struct plan *plan);

/* Classifies the mappings and selects. `java_heap` is empty where there is none. */
void plan_select(struct plan *plan, const mappings *list, plan_selection selection,
				 struct range java_heap);

/* Index of the item that holds the address or, where none does, of the next one behind it. */
size_t plan_find(const struct plan *plan, vaddr address);

/* Makes two items of one: the second starts at the address, which is inside the item. What is taken
 * for its first page only is not taken behind it. The vdso stays whole. Does not allocate where the
 * plan has room for one more. */
void plan_split(struct plan *plan, size_t index, vaddr at);

/* The anonymous mapping at a thread's stack pointer is that thread's stack. */
void plan_mark_stack(struct plan *plan, vaddr stack_pointer, plan_selection selection);

/* What may change while it is read. */
enum plan_torn {
	TORN_NONE,     /* the target stands still */
	TORN_SHARED,   /* a copy of its private memory does */
	TORN_WRITABLE, /* it runs */
};

/* What to ask the kernel about. Present pages of what is selected, writable and may change are
 * PAGE_TORN. */
void plan_ranges(const struct plan *plan, enum plan_torn torn, pages_ranges *ranges);

/* The first segment that ends behind the address, NULL where there is none; and the one that the
 * address is in. */
const struct writer_segment *plan_segments_next(const plan_segments *segments, vaddr address);
const struct writer_segment *plan_segments_find(const plan_segments *segments, vaddr address);

/* Whether pages in that state are read where they are selected. */
bool plan_reads(const struct plan *plan, enum page_state state);

/* Bytes that are read of an item: none where it is not selected. */
uint64_t plan_item_bytes(const struct plan *plan, const struct plan_item *item,
						 const struct page_map *map);

/* Makes segments and gaps from the selection and the page map. A segment starts and ends with a
 * page that is read; inside it only absent anonymous pages (zeros in truth) and zero pages are
 * holes. The vdso is taken whole: debuggers want the complete image, and reading it costs the
 * target a mapping of a page that the kernel has anyway. */
void plan_lay_out(struct plan *plan, const struct page_map *map);

#endif

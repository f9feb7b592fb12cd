/* model: the report as data. attribute/ and report/build.c fill it, renderers print it and include
 * nothing below it. Strings are in the report's pool, valid UTF-8 and already redacted. Sizes are
 * bytes. docs/report.schema.json is this file as JSON Schema; both change together. */
#ifndef ANALYZE_REPORT_MODEL_H
#define ANALYZE_REPORT_MODEL_H

#include "base/pool.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

#define REPORT_SCHEMA "dumpcore.report/1"

/* Sentences. */
typedef VEC(const char *) report_lines;

struct report_gap {
	struct range range;
	const char *reason;
};

/* What no number of the report can say, because something is not in the file. */
struct report_unknown {
	const char *what;   /* "resident bytes" */
	const char *lacks;  /* "the core has no page map" */
	const char *effect; /* what it is in the report, and what to do */
};

struct report_evidence {
	const char *file;
	uint64_t bytes;
	bool complete;           /* nothing that was meant to be in the file is missing */
	const char *writer;      /* "dumpcore" or "other" */
	const char *consistency; /* "freeze", "live", "unknown" */
	bool has_pause;          /* false: not stopped (live) or not known */
	double pause_ms;
	const char *captured_at, *host, *kernel, *comm, *exe;
	uint32_t pid; /* 0: not known */
	const char *glibc_generation, *glibc_basis;
	bool has_residency; /* false: resident columns are unknown, not zero */
	VEC(struct report_gap) gaps;
	VEC(struct report_unknown) unknown;
	/* One sentence each: what the evidence does not tell, for lack of what; `unknown` as well. */
	report_lines missing;
};

struct report_bucket {
	const char *id; /* "heap.in_use", … the list in design order */
	const char *title;
	uint64_t virtual_bytes, resident_bytes;
};

/* An allocator or a runtime that is not glibc's malloc, and the memory recognised as its own. */
struct report_owner {
	const char *id, *title; /* "jemalloc"; its bucket is anonymous.ID */
	const char *certainty;  /* "certain", "likely", "hint" (no memory is recognised) */
	bool is_malloc;         /* it takes malloc's place */
	const char *module;     /* name of its program or library, "" where none is mapped */
	const char *basis;      /* what speaks for it, one sentence */
	const char *advice;     /* the tool that can look into it */
	uint64_t regions;       /* mappings that have memory of it */
	uint64_t virtual_bytes, resident_bytes;
};

struct report_stack {
	uint32_t tid;     /* 0: not known */
	const char *name; /* of the thread; "": not known */
	uint64_t virtual_bytes, resident_bytes;
};

struct report_memory {
	uint64_t virtual_bytes;
	bool has_resident;       /* false: no resident_bytes of the report is known */
	uint64_t resident_bytes; /* VmRSS of the kernel at the capture, and hugetlb_bytes */
	uint64_t hugetlb_bytes;  /* of hugetlbfs: in RAM, but not in VmRSS */
	uint64_t swapped_bytes;
	VEC(struct report_bucket) buckets;
	VEC(struct report_owner) owners; /* most bytes first */
	VEC(struct report_stack) stacks; /* most bytes first; a thread's guard is none of it */
	int64_t residual_bytes;          /* resident_bytes - sum of the buckets' resident_bytes */
};

/* resident_bytes here and below mean something only where evidence.has_residency. */
struct report_sum {
	uint64_t chunks, bytes, resident_bytes;
};

struct report_thread {
	uint32_t tid;
	const char *name;
};

/* Free resident bytes that malloc_trim(0) would not give back, by what keeps them. */
struct report_pinned {
	uint64_t cache_bytes;             /* in thread caches */
	uint64_t small_bytes;             /* in free stretches without a whole page */
	uint64_t edge_bytes;              /* at the ends of longer ones, on pages of their neighbours */
	uint64_t top_bytes;               /* in tops that malloc_trim does not touch */
	uint64_t live_chunks, live_bytes; /* in use, on pages with small or edge bytes */
};

/* heap_bytes = in_use + tcache + fastbin + binned + top + overhead + unwalkable + foreign_bytes. */
struct report_arena {
	unsigned index;
	bool main;
	bool locked;
	vaddr address;
	unsigned heaps;
	uint64_t system_bytes; /* as malloc counts */
	uint64_t heap_bytes;   /* of its heaps as found; other than system_bytes only with an anomaly */
	struct report_sum in_use, tcache, fastbin, binned, top, overhead, unwalkable;
	uint64_t foreign_bytes; /* inside its brk memory, but somebody else's, who moved the break */
	uint64_t free_resident_bytes, free_gone_bytes; /* of tcache, fastbin, binned and top */
	uint64_t trimmable_bytes, pinned_free_bytes;   /* of free_resident_bytes */
	struct report_pinned pinned;                   /* pinned_free_bytes, and by which chunks */
	VEC(struct report_thread) threads;
};

struct report_size_class {
	uint64_t size;     /* chunk size */
	const char *state; /* "in-use", … */
	uint64_t chunks, bytes;
};

/* Pins of one rule or, where no rule has them, of one size and state. */
struct report_pin_group {
	const char *rule;  /* NULL: none */
	const char *state; /* "in-use"; "tcache": in a thread cache; "overhead": such a cache itself */
	uint64_t size;     /* chunk size; 0 with a rule */
	uint64_t chunks, bytes;
};

struct report_pin_chunk {
	vaddr address; /* as the program sees it */
	uint64_t bytes;
	const char *state, *rule; /* as above */
};

/* A heap that would go back to the kernel, or shrink, but for a few chunks. */
struct report_pin {
	struct range heap;
	unsigned arena;
	const char *kind;             /* "brk", "newest" (of a secondary arena), "older" */
	uint64_t held_bytes;          /* binned and fastbin chunks that would go */
	uint64_t held_resident_bytes; /* of those */
	uint64_t trimmable_bytes;     /* of the heap's: malloc_trim(0) would give them back as it is */
	uint64_t live_chunks, live_bytes;     /* in use */
	uint64_t cached_chunks, cached_bytes; /* in thread caches, and those caches */
	VEC(struct report_pin_group) groups;  /* of both, most bytes first, at most 5 */
	VEC(struct report_pin_chunk) last;    /* of both, highest address first, at most 8 */
};

struct report_heap {
	bool found;
	bool has_threads;     /* false: which thread uses which arena is not known */
	const char *replaced; /* one sentence on the allocator that is malloc too; NULL: none is */
	struct report_arena totals; /* the arenas summed; index, kind and threads unused */
	VEC(struct report_arena) arenas;
	struct report_sum mmapped;
	struct report_sum mmapped_cached;   /* freed, but in a thread cache */
	struct report_sum mmapped_overhead; /* of their mappings: before and behind the chunks */
	VEC(struct report_pin) pins;        /* most held (resident) bytes first, at most 50 */
	VEC(struct report_size_class) size_classes; /* largest bytes first, at most 50 */
};

struct report_hits {
	uint64_t hits, chunks, bytes; /* bytes: attributed, no byte counted for two rules */
};

/* One aggregation key of a rule. */
struct report_group {
	const char *key;
	uint64_t hits, bytes; /* live and stale together; bytes attributed as in report_hits */
	uint64_t live_bytes;  /* of bytes: in live chunks */
};

/* What looking for a rule cost and came to. */
struct report_rule_stats {
	uint64_t
		cpu_ns; /* estimated from samples, where validators read far from their work; without the
				 * search for keywords and inflating what is looked into, which rules share */
	uint64_t keywords;    /* wherever they stand */
	uint64_t confirms;    /* places where the pattern or the structure was tried */
	uint64_t matched;     /* of those */
	uint64_t refused;     /* of the matched, by a validator */
	uint64_t hits;        /* what was left, without matches that overlap an earlier one */
	uint64_t inside_hits; /* in streams; the numbers before count what was done there too */
	uint64_t work;        /* bytes that its validators read and made, where they may be many */
	uint64_t undecided, unsearched_bytes; /* as in report_rule */
	bool slow;
};

/* What a rule found in compressed streams and windows: bytes there have no address, so nothing of
 * it is attributed. */
struct report_inside_group {
	const char *key;
	uint64_t hits, live_hits;
};

struct report_inside {
	const char *id, *title;   /* of the rule that found it */
	uint64_t streams;         /* of the outer rule's, with a hit in them */
	uint64_t hits, live_hits; /* live: in streams of live chunks */
	uint64_t bytes; /* inflated bytes that the hits explain; two rules may explain the same */
	VEC(struct report_inside_group) groups; /* most hits first, at most the rule's top */
};

/* The compressed streams of a rule's hits, or the windows of inflaters that they claim. */
struct report_packed {
	uint64_t streams, live_streams;        /* looked into */
	uint64_t nested;                       /* streams in them, looked into */
	uint64_t packed_bytes, inflated_bytes; /* of both: read, and what came out */
	uint64_t broken, cut_short;            /* of both: they count as far as they go */
	uint64_t too_long;              /* of both: more would have come out than is inflated of one */
	uint64_t over_budget, too_deep; /* not looked into */
	VEC(struct report_inside) inside; /* most bytes first */
};

struct report_rule {
	const char *id, *title, *severity, *confidence, *remediation;
	struct report_hits live, stale;
	uint64_t undecided;        /* places where a limit was hit: neither match nor no match */
	uint64_t unsearched_bytes; /* of the heap and of streams: it had been given up before */
	bool slow;                 /* places or bytes were left over */
	const char *ended_by;      /* the limit that did it: "match-limit", "work", "clock"; or NULL */
	VEC(struct report_group) groups; /* most bytes first, at most the rule's top */
	uint64_t more_groups;            /* beyond them */
	struct report_rule_stats stats;  /* where the content has them */
	bool has_packed;                 /* a hit is a stream, or has a window */
	struct report_packed packed;
};

struct report_cluster {
	uint64_t size;      /* chunk size */
	const char *prefix; /* shape of the first words, no content: "ptr ptr 0 text" */
	const char *kind;   /* "pointers", "text", "zeros", "binary", "mixed" */
	uint64_t chunks, bytes;
};

struct report_content {
	VEC(struct report_rule) rules; /* rules with hits or something left over, most bytes first */
	uint64_t unattributed_chunks, unattributed_bytes; /* live chunks no rule explains any byte of */
	VEC(struct report_cluster) clusters;              /* of those, most bytes first, at most 20 */
	size_t rules_applied;
	uint64_t look_budget, look_spent; /* bytes read and inflated to look into streams */
	bool has_stats;                   /* filled on demand */
	VEC(struct report_rule) quiet;    /* with stats: the other rules, by id */
};

/* Chunks that count once: here live ones only. */
struct report_count {
	uint64_t chunks, bytes;
};

/* What one kind of root holds. */
struct report_root {
	const char *id, *title;
	uint64_t bytes;               /* captured, and read for pointers */
	uint64_t references;          /* pointers to live chunks in them */
	struct report_count anchored; /* from here, and from no kind before it in the list */
};

struct report_unreachable_rule {
	const char *id; /* "" for chunks without a hit */
	struct report_count sum;
};

struct report_unreachable_chunk {
	vaddr address; /* the program's pointer */
	uint64_t bytes;
	const char *state;
	const char *rule; /* "" without a hit */
	bool head;
};

/* Who holds the live chunks, by conservative reachability. Filled on demand. */
struct report_references {
	bool asked;
	bool upper_bound; /* something that may hold chunks was not captured: see missing */
	bool weak;        /* words of 4 bytes: numbers and text are more often taken for pointers */
	struct report_count anchored, unreachable;
	struct report_count interior; /* of anchored: no pointer leads to their start */
	struct report_count heads;    /* of unreachable: no other unreachable chunk points to them */
	VEC(struct report_root) roots;
	VEC(struct report_size_class) sizes;          /* of unreachable ones, most bytes first */
	VEC(struct report_unreachable_rule) rules;    /* each chunk once; most bytes first */
	VEC(struct report_unreachable_chunk) largest; /* unreachable ones */
	report_lines missing; /* one sentence each: what was not captured and may hold chunks */
};

/* What somebody should look at: a rule, a size class or a region that holds a lot. */
struct report_suspect {
	const char *kind; /* "rule", "size-class", "arena", "region" */
	const char *subject;
	const char *why;
	uint64_t bytes;
};

struct report_diagnosis {
	const char *id; /* "retention", "leak-suspect", "not-glibc", "no-excess", … */
	const char *severity, *confidence;
	const char *title;
	report_lines evidence;  /* one sentence each, with its numbers */
	const char *first_step; /* what to do first, one sentence */
	const char *advice;     /* what else, and what will not help; may be "" */
	bool has_gain;
	uint64_t predicted_gain_bytes; /* of RSS, if first_step is done */
};

struct report_anomaly {
	vaddr address;
	const char *what;
};

struct report {
	const char *tool_version;
	const char *command; /* the command line that made the report */
	struct report_evidence evidence;
	struct report_memory memory;
	struct report_heap heap;
	struct report_content content;
	struct report_references references;
	const char *verdict; /* a few sentences */
	VEC(struct report_suspect) suspects;
	VEC(struct report_diagnosis) diagnosis;
	VEC(struct report_anomaly) anomalies;
	uint64_t anomalies_dropped;
	struct pool pool;
};

/* Frees everything the report owns. */
void report_deinit(struct report *report);

#endif

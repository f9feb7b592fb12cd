/* show_model: what `analyze show` says of one address, as data. attribute/show_chunk.c fills it,
 * the renderers show_text.c and show_json.c print it. Strings are in its pool, valid UTF-8 and
 * redacted already; only `revealed` holds content, and only where the user asked for it. */
#ifndef ANALYZE_REPORT_SHOW_MODEL_H
#define ANALYZE_REPORT_SHOW_MODEL_H

#include "analyze/report/model.h"
#include "base/pool.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* A place in the process. */
struct show_place {
	const char *kind;   /* "chunk", a root's id, or "other": memory that is no root */
	const char *name;   /* "libfoo.so .data/.bss+0x120", "stack of worker (4711)"; "" for a chunk */
	const char *module; /* path of the mapped file; "" where it is none */
	vaddr address;      /* of the place; 0: a register */
	vaddr chunk;        /* the program's pointer; 0: not in a chunk */
	uint64_t bytes;     /* of the chunk */
	const char *state;  /* of the chunk; "" */
	int64_t offset;     /* of the address in the chunk, or in the module's data, or from sp */
};

/* A pointer between the chunk and a place. */
struct show_reference {
	uint64_t offset; /* in the chunk: of the pointer (outgoing), or where it leads to (incoming) */
	struct show_place place;
};

struct show_references {
	uint64_t total; /* items has the first ones */
	VEC(struct show_reference) items;
};

struct show_rule {
	const char *id, *title;
	const char *key; /* redacted group of its hits; "" where they have none */
	uint64_t hits;
};

/* Bytes by kind, words by what they look like (attribute/shape.h). */
struct show_content {
	uint64_t captured, zeros, text, other;
	uint64_t pointers, zero_words, integers, text_words, data_words;
};

struct show {
	const char *tool_version, *command, *file;
	vaddr address; /* that was asked for */
	bool complete; /* of the evidence */

	bool is_chunk;
	struct show_place place; /* where it is no chunk */

	vaddr user; /* the program's pointer */
	uint64_t bytes, usable_bytes;
	int64_t offset; /* of the address that was asked for from `user`; negative: in the header */
	const char *state;
	bool is_live;
	vaddr
		also; /* the address is the last word of this chunk as well (user pointer); 0: it is not */
	bool has_arena;
	struct report_arena arena; /* index, main, address, threads; of mmapped chunks none */
	VEC(struct show_rule) rules;
	uint64_t more_hits; /* of rows that are not in `rules` */
	size_t rules_applied;
	struct show_content content;
	struct show_references outgoing, incoming;
	uint64_t stale; /* words in freed chunks that lead to it: no references */

	bool chain_known; /* false: not live, or too many chunks to follow */
	VEC(struct show_place)
	chain;                 /* the root, then each chunk up to the one before this; its
							* first and last ones; empty: unreachable */
	uint64_t chain_length; /* places of the whole chain */
	uint64_t chain_from;   /* of the chain, that the second half of `chain` starts with */
	report_lines missing;  /* what may hold it and was not captured */
	const char *revealed;  /* a dump of its bytes; NULL: not asked for */
	struct pool pool;
};

/* Frees everything it owns. */
void show_deinit(struct show *show);

#endif

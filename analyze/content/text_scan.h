/* text_scan: runs the pattern rules over a text that stands in no heap, and counts what they find.
 * Structures are not looked for: a text has no chunks that could be pointed to. */
#ifndef ANALYZE_CONTENT_TEXT_SCAN_H
#define ANALYZE_CONTENT_TEXT_SCAN_H

#include "analyze/validators/match.h"
#include "base/span_index.h"
#include "analyze/content/unit_scan.h"
#include "analyze/memory/chunks.h"
#include "base/err.h"
#include "base/span.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum { TEXT_KEYS = 64 << 10 }; /* bytes of keys that a tally keeps */

/* What looking for one rule came to, and its hits; those that overlap an earlier one of the rule do
 * not count. */
struct text_row {
	uint32_t rule; /* in the set */
	uint64_t hits, bytes;
	uint64_t other_hits; /* with a key that was one too many to keep */
	struct rule_tally tally;
};

/* Zero-initialised is empty; several texts may be counted together. */
struct text_tally {
	VEC(struct text_row) rows; /* by first sight */
	struct span_index keys;    /* heads and texts (raw_key.h) */
	VEC(uint64_t) key_hits;    /* per key */
	size_t key_bytes;
};

/* A compressed stream in the text. */
struct text_stream {
	size_t at;
	enum match_packed format;
};

/* What else is to know of one text. */
struct text_facts {
	bool any;           /* a rule has hit */
	uint32_t rule;      /* the one whose hit has the highest priority, then the most bytes */
	struct strbuf key;  /* of that hit, as it may be seen; empty where it has none or hides it */
	uint64_t key_bytes; /* its extent */
	VEC(struct text_stream) streams; /* by place, then rule */
	uint64_t work;                   /* bytes that validators read and made, of all rules */
};

void text_tally_deinit(struct text_tally *tally);
void text_facts_deinit(struct text_facts *facts);

/* What the validators of a rule may read and make in a text (unit_scan.h), for each of its bytes: a
 * text may be full of streams, and one of 1 MiB should cost no more than is spent on the streams in
 * it (LOOK_COST). */
enum { TEXT_WORK_A_BYTE = 8 };

/* One thread's state. `heap` are the tables of the heap's scan, whose rules, image and budget are
 * used; `applies` says which rules (with a pattern) are run. Both must outlive it. NULL and an
 * error where a library refuses. */
struct text_scan *text_scan_create(const struct unit_tables *heap, const bool *applies,
								   struct err *err);
void text_scan_destroy(struct text_scan *scan);

/* Scans a text of 1 to UNIT_BYTES bytes, as the payload of a chunk in that state. Rows of the tally
 * are added to; the facts are replaced. Gives false where libhs failed. */
bool text_scan_run(struct text_scan *scan, struct span text, enum chunk_state state,
				   struct text_tally *tally, struct text_facts *facts);

#endif

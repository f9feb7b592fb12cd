/* look: what is in one source. A stream is inflated, what came out is scanned, and streams found in
 * there are inflated in turn; a window is put in order and scanned. Counts and keys are kept, no
 * content. */
#ifndef ANALYZE_CONTENT_LOOK_H
#define ANALYZE_CONTENT_LOOK_H

#include "analyze/content/inflate.h"
#include "analyze/content/source.h"
#include "analyze/content/text_scan.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	LOOK_OUTPUT = 1 << 20, /* bytes that are inflated of one stream */
	LOOK_INPUT = 2 << 20,  /* bytes that are read of one: empty blocks make none */
	LOOK_COST = 8 << 20,   /* bytes for one source (look_cost): then no stream in it is begun */
};

/* What became of a source's streams; windows count as whole ones. */
struct look {
	struct text_tally found;
	struct span_index name; /* the key of the source's own hit, where its rule groups by it */
	uint64_t read, made;    /* bytes of all of them */
	uint64_t proving;       /* bytes that validators read and made in them (match.h) */
	uint64_t covers;  /* bytes of the source, where it ends itself: a stream that starts in them
					   * is one in it */
	uint64_t streams; /* looked into: the source, and those in it */
	uint64_t ends[INFLATE_FULL + 1]; /* of those, by how they ended */
	uint64_t left;                   /* in it, but LOOK_COST was spent */
	uint64_t too_deep;               /* in a stream in it */
};

/* Bytes that the look has read and made in all. */
static inline uint64_t look_cost(const struct look *look)
{
	return look->read + look->made + look->proving;
}

void look_deinit(struct look *look);

/* One thread's state: two texts of LOOK_OUTPUT and what a text_scan takes. As text_scan_create. */
struct look_worker *look_worker_create(const struct unit_tables *heap, const bool *applies,
									   struct err *err);
void look_worker_destroy(struct look_worker *worker);

/* Looks into a source; *look must be empty. Gives false where libhs failed. */
bool look_into(struct look_worker *worker, const struct source *source, struct look *look);

#endif

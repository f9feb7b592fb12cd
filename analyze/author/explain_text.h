/* explain_text: an explanation as text or JSON. Shows parts of the rule, places, counts, values of
 * structure words and kinds of bytes; no content. */
#ifndef ANALYZE_AUTHOR_EXPLAIN_TEXT_H
#define ANALYZE_AUTHOR_EXPLAIN_TEXT_H

#include "analyze/author/explain.h"
#include "base/strbuf.h"

/* A hit of another rule over bytes of a hit of this one. */
struct explain_rival {
	const char *rule;   /* of the findings */
	uint64_t hit;       /* start of this rule's hit, as an offset in the chunk */
	uint64_t at, bytes; /* the other one's */
	bool wins;          /* and so has the bytes that both match */
};

/* What is known besides the explanation. */
struct explain_report {
	const struct explain *explain;
	const struct structure_tables *tables;
	VEC(struct explain_rival) rivals;
	uint64_t claimed;    /* bytes of the chunk that a hit of the rule in another chunk explains */
	uint64_t unsearched; /* bytes of the chunk that a scan does not search: it gives the rule up */
	size_t rows;         /* of each list of the text; what is more is counted */
};

/* Appends the text: a line with the verdict, then a paragraph a step. */
void explain_text(const struct explain_report *report, struct strbuf *out);

/* Appends a JSON object, schema dumpcore.explain/1. */
void explain_json(const struct explain_report *report, struct strbuf *out);

/* Appends the verdict as one line without an end, "the chunk is binned; the rule looks at in-use".
 */
void explain_reason(const struct explain_report *report, struct strbuf *out);

/* As explain_reason; of a pattern how far it got and what it wanted there. */
void explain_short(const struct explain_report *report, struct strbuf *out);

/* "a digit", "a line end", …: the kind of a byte; -1: "the end of the bytes". */
const char *explain_byte_kind(int byte);

/* Appends what a structure's word wants: "ptr to chunk-start, size 272..32848, or null". */
void explain_word(const struct structure_word *word, struct strbuf *out);

/* The value of a structure's word that may be seen: a number of at most 48 bits that is no text.
 * What else stands in a word may be content. */
bool explain_shows(const struct structure_tables *tables, uint64_t value);

/* Appends what a value that should have been a pointer leads to: "not mapped". */
void explain_pointer(const struct structure_tables *tables, uint64_t value, struct strbuf *out);

#endif

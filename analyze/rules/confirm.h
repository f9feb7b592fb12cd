/* confirm: PCRE2 says whether a pattern matches at one place. Bytes, not characters; every pattern
 * is compiled anchored, because pcre2_jit_match ignores PCRE2_ANCHORED at match time. */
#ifndef ANALYZE_RULES_CONFIRM_H
#define ANALYZE_RULES_CONFIRM_H

#include "analyze/validators/match.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A compiled pattern; may be used by several threads at once. */
struct confirm;

/* What one thread needs to match: match data, match context, JIT stack. */
struct confirm_thread;

enum confirm_result {
	CONFIRM_NO,
	CONFIRM_YES,
	CONFIRM_UNDECIDED, /* the match limit or the JIT stack ran out: not "no match" */
};

/* Why a pattern was refused. */
struct confirm_problem {
	const char *code; /* of the message: "R020" */
	size_t offset;    /* byte in the pattern */
	char what[160];
};

/* Compiles; NULL and a problem where PCRE2 refuses it, it can match nothing at all, or it holds
 * callouts. The caller ends with confirm_destroy. */
struct confirm *confirm_create(struct span pattern, struct confirm_problem *problem);
void confirm_destroy(struct confirm *confirm);

/* Bytes before the start that a lookbehind, or ^, may look at; at least one. */
size_t confirm_lookbehind(const struct confirm *confirm);

/* False where the machine does not allow JIT-compiled code (SELinux execmem): slower, with the same
 * matches, but PCRE2 counts towards the match limit otherwise, and it runs out at other places. */
bool confirm_has_jit(const struct confirm *confirm);

/* Names of the captures, each once; gives their number, at most MATCH_CAPTURES. */
size_t confirm_captures(const struct confirm *confirm, const char *names[MATCH_CAPTURES]);

/* The bytes a match can start with, one bit each. A superset. */
const uint8_t *confirm_first_bytes(const struct confirm *confirm);

/* NULL where memory for executable code or a match context cannot be had. */
struct confirm_thread *confirm_thread_create(void);
void confirm_thread_destroy(struct confirm_thread *thread);

/* Sets the match limit; it is CONFIRM_MATCH_LIMIT else. A place where it runs out is undecided. */
enum { CONFIRM_MATCH_LIMIT = 50000 };
void confirm_thread_limit(struct confirm_thread *thread, uint32_t limit);

/* Does the pattern match exactly at offset `at` of the subject? Fills match (bytes, extent,
 * captures that point into the subject) where it does. */
enum confirm_result confirm_at(const struct confirm *confirm, struct confirm_thread *thread,
							   struct span subject, size_t at, struct match *match);

/* What the last confirm_at of the thread took: CONFIRM_STRAIN where a limit ran out, a tenth of
 * that where it took a tenth of the match limit, 1 (a place that costs a microsecond) where it took
 * a hundredth, else 0. The same on any machine with JIT and the same release of PCRE2. */
enum { CONFIRM_STRAIN = 400 };
unsigned confirm_strain(const struct confirm_thread *thread);

#endif

/* rule_tally: what looking for one rule came to, in one unit or in all of a scan. */
#ifndef ANALYZE_CONTENT_RULE_TALLY_H
#define ANALYZE_CONTENT_RULE_TALLY_H

#include <stdint.h>

/* Why places of a rule were left over. */
enum given_up {
	GIVEN_UP_STRIKES = 1 << 0, /* its pattern hit the match limit at too many places */
	GIVEN_UP_WORK = 1 << 1,    /* its validators had read and inflated too much */
	GIVEN_UP_CLOCK = 1 << 2,   /* it took too long; elsewhere it might not */
};

struct rule_tally {
	uint64_t keywords;   /* its keywords, wherever they stand */
	uint64_t places;     /* what it would be looked for at: keywords, else bytes, else chunks */
	uint64_t tried;      /* places where the pattern or the structure was tried */
	uint64_t matched;    /* of those, it matched */
	uint64_t refused;    /* of those, a validator refused */
	uint64_t undecided;  /* places where a limit ran out, and those left over in the same unit */
	uint64_t unsearched; /* bytes of units and of what streams hold, where it was given up before */
	uint64_t strain;     /* of places that took much in vain, in parts of a strike (confirm.h) */
	uint64_t work;       /* bytes that its validators read and made (match.h) */
	uint64_t cpu_ns;     /* estimated: from samples, where validators read far from their work */
	unsigned given_up;   /* enum given_up, or-ed; 0: no place and no byte was left over */
};

/* Adds b to a. */
static inline void rule_tally_add(struct rule_tally *a, const struct rule_tally *b)
{
	a->keywords += b->keywords;
	a->places += b->places;
	a->tried += b->tried;
	a->matched += b->matched;
	a->refused += b->refused;
	a->undecided += b->undecided;
	a->unsearched += b->unsearched;
	a->strain += b->strain;
	a->work += b->work;
	a->cpu_ns += b->cpu_ns;
	a->given_up |= b->given_up;
}

#endif

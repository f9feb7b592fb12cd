/* ended_by: the limit that ended a rule, in words. */
#ifndef ANALYZE_ATTRIBUTE_ENDED_BY_H
#define ANALYZE_ATTRIBUTE_ENDED_BY_H

/* A limit. */
struct ended_by {
	unsigned limit;       /* enum given_up (rule_tally.h) */
	const char *name;     /* in JSON */
	const char *sentence; /* what it did, behind "Rule X": "was too slow and was given up" */
	const char *advice;   /* a sentence, what to do or to know about it */
};

/* Of limits that are or-ed: the one that tells most. NULL where there is none. */
const struct ended_by *ended_by(unsigned limits);

#endif

#include "analyze/attribute/ended_by.h"

#include "analyze/content/rule_tally.h"

#include <stddef.h>

/* First what makes a report differ from the next one, then what is wrong with the rule. */
static const struct ended_by rows[] = {
	{ GIVEN_UP_CLOCK, "clock", "took too much processor time and was given up",
	  "Where it ended another time is different." },
	{ GIVEN_UP_STRIKES, "match-limit", "was too slow and was given up",
	  "`analyze rules check` may tell why (R060)." },
	{ GIVEN_UP_WORK, "work", "was given up in parts of the heap that take too much to prove",
	  "Streams packed hundredfold (zeros, bombs) and starts that never end do that." },
};

const struct ended_by *ended_by(unsigned limits)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (limits & rows[i].limit)
			return &rows[i];
	return NULL;
}

/* suggest: a rule file for chunks that no rule explains yet. Each rule stands for one group
 * (candidates.h) and is made of what its chunks have in common (profile.h). What may be content is
 * not shown: of text only a beginning that all chunks share while what follows differs, that looks
 * like no secret and that a report would show as it is; of words only numbers and where pointers
 * lead. */
#ifndef ANALYZE_ATTRIBUTE_SUGGEST_H
#define ANALYZE_ATTRIBUTE_SUGGEST_H

#include "analyze/attribute/unattributed.h"
#include "analyze/rules/redact.h"
#include "analyze/memory/regions.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct suggest_input {
	const char *path; /* of the core, as given, for comments */
	struct unattributed where;
	const struct regions *regions;
	const struct redactor *redactor;
	size_t limit; /* rules at most */
	bool reveal;  /* show what is redacted */
};

/* Appends the file. It loads, and passes `rules check` and `rules test`. Gives the number of rules.
 */
size_t suggest_write(const struct suggest_input *input, struct strbuf *out);

#endif

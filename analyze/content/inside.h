/* inside: adds up what was found in streams and windows, by the rule whose hits they are. */
#ifndef ANALYZE_CONTENT_INSIDE_H
#define ANALYZE_CONTENT_INSIDE_H

#include "analyze/content/findings.h"
#include "analyze/content/join.h"
#include "analyze/content/look.h"
#include "analyze/rules/rule.h"
#include "analyze/content/source.h"

/* Keys kept of all streams, besides each rule's own max_keys; hits with more go to "(other keys)".
 */
enum { INSIDE_KEYS = 100000 };

struct inside;

/* Adds to the findings; all must outlive it. Ends with inside_destroy. */
struct inside *inside_create(const struct rule_set *set, struct join *join,
							 struct findings *findings);
void inside_destroy(struct inside *inside);

/* Takes the next source's look, by address. */
void inside_add(struct inside *inside, const struct source *source, const struct look *look);

#endif

/* origin: what the content of a window was read from, as captures to group by. */
#ifndef ANALYZE_CONTENT_ORIGIN_H
#define ANALYZE_CONTENT_ORIGIN_H

#include "analyze/validators/match.h"
#include "base/span.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Backs the captures; zero-initialised is empty. */
struct origin {
	struct strbuf origin, class_name;
	bool class_seen; /* by origin_of_class: there is a class file, whether it could be named or not
					  */
};

void origin_deinit(struct origin *origin);

/* Sets captures of the match by a class file in the text: "class" (com/acme/Foo; com/acme/? where
 * only the source file tells), "package" (com/acme) and "origin": the package and the title of the
 * jar's manifest, where one stands in the text before the class: then both came out of one archive
 * in one stream. Else the jar is unknown; a class does not say where it was loaded from. False
 * where there is no class. Captures point into the text and the origin. */
bool origin_of_class(struct origin *origin, struct span text, struct match *match);

/* Sets "origin" alone: the id of a rule that explains most, and the key it was grouped by ("" where
 * there is none or it is hidden). */
void origin_of_rule(struct origin *origin, const char *id, struct span key, struct match *match);

/* Sets "origin" alone, to why there is none: "(no window)". */
void origin_none(struct origin *origin, const char *why, struct match *match);

#endif

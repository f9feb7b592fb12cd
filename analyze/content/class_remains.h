/* class_remains: whose class file it was, of which a part is left: in the window of an inflater, in
 * freed memory whose first bytes malloc has overwritten. */
#ifndef ANALYZE_CONTENT_CLASS_REMAINS_H
#define ANALYZE_CONTENT_CLASS_REMAINS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct class_remains {
	bool seen;           /* there is one, named or not */
	struct span name;    /* "com/acme/Foo"; data NULL where only its package is known */
	struct span package; /* "com/acme", empty for the default package */
	size_t start;        /* offset of what is left of it */
};

/* Looks for a class file in the bytes, which belong together: its header where that is there, else
 * its constant pool near the start. True where the package is known: this_class says so, or what
 * the source file is called. The spans point into the bytes. */
bool class_remains_find(struct span bytes, struct class_remains *remains);

#endif

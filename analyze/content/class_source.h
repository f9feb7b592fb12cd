/* class_source: the package of a class of which this_class cannot be followed, by its source file.
 */
#ifndef ANALYZE_CONTENT_CLASS_SOURCE_H
#define ANALYZE_CONTENT_CLASS_SOURCE_H

#include "analyze/content/class_pool.h"

/* The package of a class named as its source file is: the SourceFile attribute (JVMS 4.7.10) has
 * the text "Foo.java", and a constant names "com/acme/Foo" or "com/acme/Foo$Bar". False where there
 * are several source files or packages, or none. `headless`: the start of the pool is gone, and the
 * class's own constant with it, so that one that is left may be of another Foo: guava's Function
 * extends java.util.function.Function.
 *
 * (The package that most constants name is a guess: of 1,300 classes of JDK 17 cut behind 4 KiB it
 * was wrong for 500, this for none.) */
bool class_source_package(const struct class_pool *pool, bool headless, struct span *package);

#endif

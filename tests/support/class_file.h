/* class_file: class files for tests, with a constant pool as javac writes it. */
#ifndef TESTS_SUPPORT_CLASS_FILE_H
#define TESTS_SUPPORT_CLASS_FILE_H

#include "base/strbuf.h"

#include <stdbool.h>

/* Appends a class of that name ("com/acme/Foo"), compiled from `source` ("Foo.java", NULL: not
 * told), with so many fields; `flags` are its access flags. The name comes behind 20 other
 * constants where `late`, else it is the first. */
void class_file_add(struct strbuf *out, const char *name, const char *source, unsigned fields,
					unsigned flags, bool late);

#endif

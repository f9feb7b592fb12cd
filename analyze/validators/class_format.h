/* class_format: what class files are made of (Java Virtual Machine Specification, SE 22, chapter
 * 4): header, kinds of constants, names. */
#ifndef ANALYZE_VALIDATORS_CLASS_FORMAT_H
#define ANALYZE_VALIDATORS_CLASS_FORMAT_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Tags of constants, table 4.4-A: those that somebody asks for. */
enum {
	CLASS_UTF8 = 1,
	CLASS_LONG = 5,
	CLASS_DOUBLE = 6,
	CLASS_CLASS = 7,
	CLASS_NAME_AND_TYPE = 12,
};

/* A kind of constant. */
struct class_constant {
	uint8_t bytes;         /* behind the tag; of Utf8 those of its length, which follows */
	uint8_t first, second; /* tags that its two indexes lead to; 0: no index, or to anything */
};

/* The constants of that tag; NULL where there are none. */
const struct class_constant *class_constant_find(uint8_t tag);

/* Slots of the pool that it takes: two for long and double (4.4.5). */
unsigned class_constant_slots(uint8_t tag);

/* Bytes of a header: magic, two versions, the count of the pool (4.1). */
enum { CLASS_HEADER_BYTES = 10 };

/* Reads a header off the cursor, which is big-endian. `slots` is what the pool has. False where no
 * class file of JDK 1.1 to some releases ahead of JDK 25 starts. */
bool class_header_read(struct cursor *cursor, uint32_t *slots);

/* Internal form of a class name (4.2.1): no . ; [ and no empty part, bytes above the blank. */
bool class_name_is_possible(struct span name);

#endif

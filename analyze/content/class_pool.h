/* class_pool: the constant pool of a class file (Java Virtual Machine Specification, SE 22, 4.4) of
 * which only a part may be there. Where the start is gone, the index of the first constant that is
 * left follows from the references between the constants: only one lets all of them lead to
 * constants of the right kind. */
#ifndef ANALYZE_CONTENT_CLASS_POOL_H
#define ANALYZE_CONTENT_CLASS_POOL_H

#include "analyze/validators/class_format.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes a pool is looked for in: two windows of zlib. A constant takes three bytes at least. */
enum { CLASS_POOL_BYTES = 1 << 16, CLASS_POOL_SLOTS = CLASS_POOL_BYTES / 3 };

struct class_pool {
	struct span bytes;
	uint32_t slots; /* long and double take two (4.4.5) */
	uint32_t base;  /* index of slot 0; 0: not known */
	size_t end;     /* offset behind the last constant */
	bool cut;       /* the bytes ended inside the pool */
	uint16_t at[CLASS_POOL_SLOTS];
	uint8_t tag[CLASS_POOL_SLOTS]; /* 0: the second slot of the one before */
};

/* Walks constants from `offset` on, at most `most` slots, up to what is none. Gives their number of
 * slots; base is not known then. `bytes` beyond CLASS_POOL_BYTES are not looked at. */
uint32_t class_pool_walk(struct class_pool *pool, struct span bytes, size_t offset, uint32_t most);

/* Finds the base of a pool whose start is gone. False where none, or more than one, agrees with all
 * references, or where they are too few to tell. */
bool class_pool_find_base(struct class_pool *pool);

/* The text of the Utf8 constant, or that a Class constant names. False where it is not there. */
bool class_pool_text(const struct class_pool *pool, uint32_t index, struct span *text);
bool class_pool_class(const struct class_pool *pool, uint32_t index, struct span *name);

/* The name of the class whose pool ends at slot `end`: what follows must be access flags, this
 * class, its super class and its interfaces (4.1). False where it is not. */
bool class_pool_this_class(const struct class_pool *pool, uint32_t end, struct span *name);

#endif

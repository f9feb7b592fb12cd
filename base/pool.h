/* pool: memory that is given back all at once. Items never move and are never freed one by one. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/span.h"

#include <stddef.h>

struct pool_block;

/* Zero-initialised is empty. Not safe for use by several threads at once. */
struct pool {
	struct pool_block *newest;
	size_t used;
};

/* `size` zeroed bytes aligned for any type; lives until pool_deinit. */
void *pool_alloc(struct pool *pool, size_t size);

/* Makes room, so that the next `size` bytes of items (each rounded up to the alignment) are given
 * without asking the system for memory. */
void pool_reserve(struct pool *pool, size_t size);

/* A NUL-terminated copy. */
char *pool_string(struct pool *pool, const char *text);
char *pool_span(struct pool *pool, struct span span);

char *pool_printf(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));

void pool_deinit(struct pool *pool);

#endif

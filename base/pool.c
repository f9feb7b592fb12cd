#include "base/pool.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct pool_block {
	struct pool_block *older;
	size_t size;
	alignas(max_align_t) char data[];
};

static void pool_extend(struct pool *pool, size_t size)
{
	size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	struct pool_block *block = mem_zeroed(1, sizeof *block + bytes);

	block->older = pool->newest;
	block->size = bytes;
	pool->newest = block;
	pool->used = 0;
}

void *pool_alloc(struct pool *pool, size_t size)
{
	size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void *memory;

	if (!pool->newest || aligned > pool->newest->size - pool->used)
		pool_extend(pool, aligned);
	memory = pool->newest->data + pool->used;
	pool->used += aligned;
	return memory;
}

void pool_reserve(struct pool *pool, size_t size)
{
	if (!pool->newest || size > pool->newest->size - pool->used)
		pool_extend(pool, size);
}

char *pool_span(struct pool *pool, struct span span)
{
	char *copy = pool_alloc(pool, span.size + 1);

	if (span.size)
		memcpy(copy, span.data, span.size);
	return copy;
}

char *pool_string(struct pool *pool, const char *text)
{
	return pool_span(pool, span_string(text));
}

char *pool_printf(struct pool *pool, const char *format, ...)
{
	va_list args, again;
	char *text;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	if (length < 0)
		length = 0;
	text = pool_alloc(pool, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}

void pool_deinit(struct pool *pool)
{
	while (pool->newest) {
		struct pool_block *older = pool->newest->older;

		free(pool->newest);
		pool->newest = older;
	}
	pool->used = 0;
}

#include "analyze/content/class_remains.h"

#include "analyze/content/class_pool.h"
#include "analyze/content/class_source.h"
#include "base/cleanup.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	HEADERS_MAX = 16, /* that are followed */
	START_MAX = 256,  /* a pool without its start begins no later: a constant's text may be cut */
	ENTRIES_MAX = 16, /* places where one can be entered that are tried */
	FEW_SLOTS = 5,
	OVERRUN_MAX = 6, /* flags and indexes behind a pool may look like constants */
};

static void set_name(struct class_remains *remains, struct span name)
{
	size_t package = name.size;

	while (package && name.data[package - 1] != '/')
		package--;
	remains->name = name;
	remains->package = span_part(name, 0, package ? package - 1 : 0);
}

/* The number of constants a header at `offset` says there are; 0: no header of a class is there. */
static uint32_t read_header(struct span bytes, size_t offset)
{
	struct cursor cursor = cursor_make(span_part(bytes, offset, CLASS_HEADER_BYTES), true);
	uint32_t slots;

	return class_header_read(&cursor, &slots) ? slots : 0;
}

static bool read_class(struct class_pool *pool, struct span bytes, size_t offset, uint32_t count,
					   struct class_remains *remains)
{
	struct span name;

	if (class_pool_walk(pool, bytes, offset + CLASS_HEADER_BYTES, count) < count && !pool->cut)
		return false;
	remains->seen |= pool->slots >= FEW_SLOTS;
	pool->base = 1;
	if (pool->cut || !class_pool_this_class(pool, pool->slots, &name))
		return class_source_package(pool, false, &remains->package);
	set_name(remains, name);
	return true;
}

static bool find_header(struct class_pool *pool, struct span bytes, struct class_remains *remains)
{
	int tries = HEADERS_MAX;

	for (size_t at = 0; tries && at + CLASS_HEADER_BYTES <= bytes.size; at++) {
		const uint8_t *found = memchr(bytes.data + at, 0xca, bytes.size - at);
		uint32_t count;

		if (!found)
			return false;
		at = (size_t)(found - bytes.data);
		count = read_header(bytes, at);
		if (!count)
			continue;
		tries--;
		if (read_class(pool, bytes, at, count, remains)) {
			remains->start = at;
			return true;
		}
	}
	return false;
}

/* this_class behind the pool, whose numbering is known. */
static bool follow(const struct class_pool *pool, struct class_remains *remains)
{
	struct span name;

	for (uint32_t back = 0; !pool->cut && back <= OVERRUN_MAX && back < pool->slots; back++)
		if ((!back || pool->tag[pool->slots - back]) &&
			class_pool_this_class(pool, pool->slots - back, &name)) {
			set_name(remains, name);
			return true;
		}
	return false;
}

/* A pool may be entered in the middle of a constant, and then be in step a few constants later,
 * with another numbering. So several places are tried; the one that gives most is kept. */
static bool find_pool(struct class_pool *pool, struct span bytes, struct class_remains *remains)
{
	uint32_t most = 0;
	size_t best = 0;
	int tries = ENTRIES_MAX;

	for (size_t at = 0; tries && at < START_MAX && at < bytes.size; at++) {
		uint32_t slots = class_pool_walk(pool, bytes, at, CLASS_POOL_SLOTS);

		if (slots < FEW_SLOTS)
			continue;
		tries--;
		if (class_pool_find_base(pool) && follow(pool, remains))
			return true;
		remains->seen |= pool->base > 0;
		if (pool->base)
			slots += CLASS_POOL_SLOTS; /* one that is numbered tells more */
		if (slots > most) {
			most = slots;
			best = at;
		}
	}
	if (!most)
		return false;
	class_pool_walk(pool, bytes, best, CLASS_POOL_SLOTS);
	class_pool_find_base(pool);
	return class_source_package(pool, true, &remains->package);
}

bool class_remains_find(struct span bytes, struct class_remains *remains)
{
	AUTO_FREE struct class_pool *pool = mem_zeroed(1, sizeof *pool);

	*remains = (struct class_remains){ 0 };
	bytes = span_part(bytes, 0, CLASS_POOL_BYTES);
	return find_header(pool, bytes, remains) || find_pool(pool, bytes, remains);
}

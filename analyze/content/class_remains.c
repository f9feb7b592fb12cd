#include "analyze/content/class_remains.h"

#include "analyze/content/class_pool.h"
#include "analyze/content/class_source.h"
#include "base/cleanup.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	HEADER_BYTES = 10, /* magic, two versions, the pool's count */
	OLDEST_MAJOR = 45, /* JDK 1.1 */
	NEWEST_MAJOR = 75, /* some releases ahead of JDK 25, which is 69 */
	HEADERS_MAX = 16,  /* that are followed */
	START_MAX = 256,   /* a pool without its start begins no later: a constant's text may be cut */
	FEW_SLOTS = 5,
	MANY_SLOTS = 64, /* so many constants in a row are a pool */
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
	struct cursor cursor = cursor_make(span_part(bytes, offset, HEADER_BYTES), true);
	uint32_t magic = cursor_u32(&cursor);
	unsigned minor = cursor_u16(&cursor), major = cursor_u16(&cursor);
	unsigned count = cursor_u16(&cursor);

	if (!cursor_ok(&cursor) || magic != 0xcafebabe || major < OLDEST_MAJOR ||
		major > NEWEST_MAJOR || count < 4 || (major >= 56 && minor != 0 && minor != 0xffff))
		return 0;
	return count - 1;
}

static bool read_class(struct class_pool *pool, struct span bytes, size_t offset, uint32_t count,
					   struct class_remains *remains)
{
	struct span name;

	if (class_pool_walk(pool, bytes, offset + HEADER_BYTES, count) < count && !pool->cut)
		return false;
	pool->base = 1;
	if (pool->cut || !class_pool_this_class(pool, pool->slots, &name))
		return class_source_package(pool, &remains->package);
	set_name(remains, name);
	return true;
}

static bool find_header(struct class_pool *pool, struct span bytes, struct class_remains *remains)
{
	int tries = HEADERS_MAX;

	for (size_t at = 0; tries && at + HEADER_BYTES <= bytes.size; at++) {
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

/* The walk with the most constants of those that start near the front. */
static bool enter_pool(struct class_pool *pool, struct span bytes)
{
	uint32_t most = 0;
	size_t best = 0;

	for (size_t at = 0; at < START_MAX && at < bytes.size; at++) {
		uint32_t slots = class_pool_walk(pool, bytes, at, CLASS_POOL_SLOTS);

		if (slots >= MANY_SLOTS)
			return true;
		if (slots > most) {
			most = slots;
			best = at;
		}
	}
	return most >= FEW_SLOTS && class_pool_walk(pool, bytes, best, CLASS_POOL_SLOTS);
}

static bool find_pool(struct class_pool *pool, struct span bytes, struct class_remains *remains)
{
	struct span name;

	if (!enter_pool(pool, bytes))
		return false;
	if (!class_pool_find_base(pool)) {
		pool->base = 1; /* any number tells the constants apart */
		return class_source_package(pool, &remains->package);
	}
	for (uint32_t back = 0; !pool->cut && back <= OVERRUN_MAX && back < pool->slots; back++)
		if ((!back || pool->tag[pool->slots - back]) &&
			class_pool_this_class(pool, pool->slots - back, &name)) {
			set_name(remains, name);
			return true;
		}
	return class_source_package(pool, &remains->package);
}

bool class_remains_find(struct span bytes, struct class_remains *remains)
{
	AUTO_FREE struct class_pool *pool = mem_zeroed(1, sizeof *pool);

	*remains = (struct class_remains){ 0 };
	bytes = span_part(bytes, 0, CLASS_POOL_BYTES);
	return find_header(pool, bytes, remains) || find_pool(pool, bytes, remains);
}

#include "analyze/content/class_pool.h"

enum {
	FEW_REFERENCES = 6, /* as many that agree prove a base */
	CHECKED_MAX = 256,  /* constants that are held against a base: more tell no more */
};

static struct cursor cursor_at(const struct class_pool *pool, size_t offset)
{
	struct cursor cursor = cursor_make(pool->bytes, true);

	cursor_skip(&cursor, offset);
	return cursor;
}

/* Modified UTF-8 (4.4.7) has no byte 0 and none from f0 on. */
static bool is_utf8(struct span text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!text.data[i] || text.data[i] >= 0xf0)
			return false;
	return true;
}

/* Steps over the constant at the cursor. False where there is none; a cursor that failed came to
 * the end of the bytes. */
static bool skip_constant(struct cursor *cursor, uint8_t *tag)
{
	const struct class_constant *constant;

	*tag = cursor_u8(cursor);
	constant = class_constant_find(*tag);
	if (!constant)
		return false;
	if (*tag == CLASS_UTF8)
		return is_utf8(cursor_bytes(cursor, cursor_u16(cursor))) && cursor_ok(cursor);
	cursor_skip(cursor, constant->bytes);
	return cursor_ok(cursor);
}

uint32_t class_pool_walk(struct class_pool *pool, struct span bytes, size_t offset, uint32_t most)
{
	struct cursor cursor;
	uint8_t tag;

	pool->bytes = span_part(bytes, 0, CLASS_POOL_BYTES);
	pool->slots = pool->base = 0;
	pool->cut = false;
	pool->end = offset;
	cursor = cursor_at(pool, offset);
	while (pool->slots < most && pool->slots + 1 < CLASS_POOL_SLOTS) {
		if (!skip_constant(&cursor, &tag)) {
			pool->cut = !cursor_ok(&cursor);
			break;
		}
		pool->at[pool->slots] = (uint16_t)pool->end;
		pool->tag[pool->slots++] = tag;
		if (class_constant_slots(tag) == 2)
			pool->tag[pool->slots++] = 0;
		pool->end = cursor.at;
	}
	return pool->slots;
}

/* The slot of that index; false where it is not there. */
static bool slot_of(const struct class_pool *pool, uint32_t index, uint32_t *slot)
{
	*slot = index - pool->base;
	return index >= pool->base && *slot < pool->slots;
}

/* Does the index lead to a constant with that tag? One that is not there may be one. */
static bool leads_to(const struct class_pool *pool, uint32_t index, uint8_t wanted)
{
	uint32_t slot;

	if (!index)
		return false;
	return !slot_of(pool, index, &slot) || pool->tag[slot] == wanted;
}

/* How many references of the constant lead to one that is there and of the right kind; -1 where one
 * is wrong. */
static int check_constant(const struct class_pool *pool, uint32_t slot)
{
	const struct class_constant *constant = class_constant_find(pool->tag[slot]);
	const uint8_t wanted[2] = { constant->first, constant->second };
	struct cursor cursor = cursor_at(pool, pool->at[slot] + 1ul);
	int agree = 0;

	for (int i = 0; i < 2; i++) {
		uint32_t index = wanted[i] || (i == 0 && wanted[1]) ? cursor_u16(&cursor) : 0;
		uint32_t target;

		if (wanted[i] && !leads_to(pool, index, wanted[i]))
			return -1;
		agree += wanted[i] && slot_of(pool, index, &target);
	}
	return agree;
}

/* Do all references agree with this base? Where the pool was entered in the middle of a constant,
 * its first ones are none. */
static bool base_agrees(const struct class_pool *pool)
{
	enum { BOGUS = 2 };
	uint32_t checked = pool->slots < CHECKED_MAX ? pool->slots : CHECKED_MAX;
	int agree = 0;

	for (uint32_t i = 0; i < checked; i++) {
		int found = pool->tag[i] ? check_constant(pool, i) : 0;

		if (found < 0 && i >= BOGUS && i + 2 * BOGUS < pool->slots)
			return false;
		agree += found > 0 ? found : 0;
	}
	return agree >= FEW_REFERENCES;
}

/* As many constants as fit between a header at the start of the bytes and the first one left. */
static uint32_t most_missing(const struct class_pool *pool)
{
	enum { CONSTANT_LEAST = 3 };
	size_t room = pool->at[0] > CLASS_HEADER_BYTES ? pool->at[0] - CLASS_HEADER_BYTES : 0;

	return (uint32_t)(room / CONSTANT_LEAST);
}

bool class_pool_find_base(struct class_pool *pool)
{
	uint32_t found = 0, most = most_missing(pool) + 1;

	for (pool->base = 1; pool->base <= most; pool->base++) {
		if (!base_agrees(pool))
			continue;
		if (found) {
			pool->base = 0;
			return false;
		}
		found = pool->base;
	}
	pool->base = found;
	return found;
}

bool class_pool_text(const struct class_pool *pool, uint32_t index, struct span *text)
{
	struct cursor cursor;
	uint32_t slot;

	if (!slot_of(pool, index, &slot) || pool->tag[slot] != CLASS_UTF8)
		return false;
	cursor = cursor_at(pool, pool->at[slot] + 1ul);
	*text = cursor_bytes(&cursor, cursor_u16(&cursor));
	return cursor_ok(&cursor);
}

bool class_pool_class(const struct class_pool *pool, uint32_t index, struct span *name)
{
	struct cursor cursor;
	uint32_t slot;

	if (!slot_of(pool, index, &slot) || pool->tag[slot] != CLASS_CLASS)
		return false;
	cursor = cursor_at(pool, pool->at[slot] + 1ul);
	return class_pool_text(pool, cursor_u16(&cursor), name);
}

/* 4.1-B: the flags a class can have, and 0x8000 of a module. */
static bool flags_are_possible(unsigned flags)
{
	enum { KNOWN = 0x0001 | 0x0010 | 0x0020 | 0x0200 | 0x0400 | 0x1000 | 0x2000 | 0x4000 | 0x8000 };

	return (flags & ~(unsigned)KNOWN) == 0;
}

/* Offset of the slot's constant, or behind the last. */
static size_t offset_of(const struct class_pool *pool, uint32_t slot)
{
	return slot < pool->slots ? pool->at[slot] : pool->end;
}

bool class_pool_this_class(const struct class_pool *pool, uint32_t end, struct span *name)
{
	struct cursor cursor = cursor_at(pool, offset_of(pool, end));
	unsigned flags = cursor_u16(&cursor), this_class = cursor_u16(&cursor);
	unsigned super = cursor_u16(&cursor), interfaces = cursor_u16(&cursor);

	if (!cursor_ok(&cursor) || !flags_are_possible(flags) ||
		!class_pool_class(pool, this_class, name) || !class_name_is_possible(*name) ||
		(super && !leads_to(pool, super, CLASS_CLASS)))
		return false;
	for (unsigned i = 0; i < interfaces && cursor_left(&cursor) >= 2; i++)
		if (!leads_to(pool, cursor_u16(&cursor), CLASS_CLASS))
			return false;
	return true;
}

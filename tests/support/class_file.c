#include "tests/support/class_file.h"

#include <stdio.h>
#include <string.h>

/* A pool that grows; its constants are numbered from 1. */
struct pool_text {
	struct strbuf bytes;
	unsigned count;
};

static void add_u16(struct strbuf *out, unsigned value)
{
	strbuf_putc(out, (char)(value >> 8));
	strbuf_putc(out, (char)value);
}

static unsigned add_utf8(struct pool_text *pool, const char *text)
{
	strbuf_putc(&pool->bytes, 1);
	add_u16(&pool->bytes, (unsigned)strlen(text));
	strbuf_puts(&pool->bytes, text);
	return ++pool->count;
}

static unsigned add_pair(struct pool_text *pool, char tag, unsigned first, unsigned second)
{
	strbuf_putc(&pool->bytes, tag);
	add_u16(&pool->bytes, first);
	if (tag != 7)
		add_u16(&pool->bytes, second);
	return ++pool->count;
}

static unsigned add_class(struct pool_text *pool, const char *name)
{
	unsigned text = add_utf8(pool, name);

	return add_pair(pool, 7, text, 0);
}

/* A long takes two indexes (JVMS 4.4.5). */
static void add_long(struct pool_text *pool)
{
	strbuf_add(&pool->bytes, "\5\0\0\0\0\0\0\1\1", 9);
	pool->count += 2;
}

static void add_members(struct pool_text *pool, unsigned owner, unsigned fields)
{
	for (unsigned i = 0; i < fields; i++) {
		char name[16];
		unsigned text, type;

		snprintf(name, sizeof name, "field%u", i);
		text = add_utf8(pool, name);
		type = add_utf8(pool, "Ljava/util/List;");
		add_pair(pool, 9, owner, add_pair(pool, 12, text, type));
		if (i % 5 == 4)
			add_long(pool);
	}
}

void class_file_add(struct strbuf *out, const char *name, const char *source, unsigned fields,
					unsigned flags, bool late)
{
	struct pool_text pool = { 0 };
	unsigned super = late ? add_class(&pool, "java/lang/Object") : 0, this_class;

	if (late)
		for (int i = 0; i < 9; i++)
			add_pair(&pool, 12, add_utf8(&pool, "<init>"), add_utf8(&pool, "()V"));
	this_class = add_class(&pool, name);
	super = late ? super : add_class(&pool, "java/lang/Object");
	add_members(&pool, this_class, fields);
	if (source)
		add_utf8(&pool, source);
	strbuf_add(out, "\xca\xfe\xba\xbe\0\0\0\x3d", 8);
	add_u16(out, pool.count + 1);
	strbuf_add(out, pool.bytes.data, pool.bytes.size);
	add_u16(out, flags);
	add_u16(out, this_class);
	add_u16(out, super);
	strbuf_add(out, "\0\0\0\0\0\0\0\0", 8); /* no interfaces, fields, methods, attributes */
	strbuf_deinit(&pool.bytes);
}

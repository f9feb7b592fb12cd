#include "analyze/attribute/names.h"

#include "base/text.h"

#include <string.h>

static const char *escape(struct span bytes, struct pool *pool)
{
	struct strbuf safe = { 0 };
	const char *text;

	text_escape(bytes, &safe);
	text = pool_span(pool, strbuf_span(&safe));
	strbuf_deinit(&safe);
	return text;
}

const char *names_safe(const char *text, struct pool *pool)
{
	return escape(span_string(text ? text : ""), pool);
}

const char *names_thread(const struct core *core, uint32_t tid, struct pool *pool)
{
	for (size_t i = 0; i < core->threads.count; i++) {
		const struct core_thread *thread = &core->threads.items[i];

		if (thread->tid == tid)
			return escape(span_make(thread->name, strnlen(thread->name, sizeof thread->name)),
						  pool);
	}
	return "";
}

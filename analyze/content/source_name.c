#include "analyze/content/source_name.h"

void source_namer_deinit(struct source_namer *namer)
{
	origin_deinit(&namer->origin);
	raw_key_cache_deinit(&namer->cache);
}

static void add_key(struct source_namer *namer, const struct source *source,
					const struct match *match, struct span_index *keys)
{
	raw_key_cache_clear(&namer->cache); /* it is for one index of keys */
	raw_key_add(&namer->cache, keys, namer->rules->redactor,
				&namer->rules->rules.items[source->rule], source->rule, match);
}

void source_name(struct source_namer *namer, const struct source *source, struct span text,
				 const struct text_facts *facts, struct span_index *keys)
{
	struct match match = { 0 };

	if (!namer->rules->rules.items[source->rule].aggregate.by)
		return;
	if (!text.size)
		origin_none(&namer->origin, "(empty window)", &match);
	else if (!origin_of_class(&namer->origin, text, &match) && facts->any)
		origin_of_rule(&namer->origin, namer->rules->rules.items[facts->rule].id,
					   strbuf_span(&facts->key), &match);
	else if (!match.captures)
		origin_none(&namer->origin,
					namer->origin.class_seen ? "(class file, not named)" : "(unknown content)",
					&match);
	add_key(namer, source, &match, keys);
}

void source_name_none(struct source_namer *namer, const struct source *source, const char *why,
					  struct span_index *keys)
{
	struct match match = { 0 };

	if (!namer->rules->rules.items[source->rule].aggregate.by)
		return;
	origin_none(&namer->origin, why, &match);
	add_key(namer, source, &match, keys);
}

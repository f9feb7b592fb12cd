#include "analyze/content/raw_key.h"

enum { CACHE_MAX = 4096, CACHE_MAX_BYTES = 1024, KEY_MAX_BYTES = 4096 };

void raw_key_cache_clear(struct raw_key_cache *cache)
{
	span_index_deinit(&cache->seen);
	cache->keys.count = 0;
}

void raw_key_cache_deinit(struct raw_key_cache *cache)
{
	span_index_deinit(&cache->seen);
	vec_deinit(&cache->keys);
	strbuf_deinit(&cache->buffer);
	strbuf_deinit(&cache->key);
}

/* A value that looks like a secret, before or after the transforms, is hidden whatever the rule
 * says. What dirname alone leaves is a part of the value as it was: that part decides, so that a
 * long class name does not hide its package. */
static bool must_hide(const struct redactor *redactor, const struct rule *rule,
					  const struct match_capture *capture, struct span key)
{
	return !rule_shows(rule, capture->name) || redactor_is_secret(redactor, key) ||
		   (!aggregate_only_cuts(&rule->aggregate) && redactor_is_secret(redactor, capture->text));
}

/* Head and text of the key. */
static uint32_t make_key(struct raw_key_cache *cache, struct span_index *keys,
						 const struct redactor *redactor, const struct rule *rule,
						 uint32_t rule_index, const struct match_capture *capture)
{
	struct raw_key_head head = { rule_index, 0 };
	struct span key;

	aggregate_key(&rule->aggregate, capture->text, &cache->key);
	key = strbuf_span(&cache->key);
	head.hidden = must_hide(redactor, rule, capture, key);
	strbuf_clear(&cache->buffer);
	strbuf_add(&cache->buffer, &head, sizeof head);
	if (head.hidden)
		strbuf_add(&cache->buffer, key.data, key.size < KEY_MAX_BYTES ? key.size : KEY_MAX_BYTES);
	else
		redact_show(key, &cache->buffer);
	return span_index_add(keys, strbuf_span(&cache->buffer));
}

uint32_t raw_key_add(struct raw_key_cache *cache, struct span_index *keys,
					 const struct redactor *redactor, const struct rule *rule, uint32_t rule_index,
					 const struct match *match)
{
	const struct match_capture *capture =
		rule->aggregate.by ? match_find(match, rule->aggregate.by) : NULL;
	uint32_t seen;

	if (!capture || !capture->text.data)
		return RAW_NO_KEY;
	if (capture->text.size > CACHE_MAX_BYTES)
		return make_key(cache, keys, redactor, rule, rule_index, capture);
	if (cache->seen.items.count >= CACHE_MAX)
		raw_key_cache_clear(cache);
	strbuf_clear(&cache->buffer);
	strbuf_add(&cache->buffer, &rule_index, sizeof rule_index);
	strbuf_add(&cache->buffer, capture->text.data, capture->text.size);
	seen = span_index_add(&cache->seen, strbuf_span(&cache->buffer));
	if (seen == cache->keys.count) {
		uint32_t key = make_key(cache, keys, redactor, rule, rule_index, capture);

		*vec_add(&cache->keys) = key;
	}
	return cache->keys.items[seen];
}

#include "analyze/content/raw_key.h"

enum { CACHE_MAX = 4096, CACHE_MAX_BYTES = 1024, KEY_MAX_BYTES = 4096 };

void raw_key_cache_clear(struct raw_key_cache *cache)
{
	span_index_deinit(&cache->seen);
	cache->keys.count = 0;
	span_index_deinit(&cache->shapes);
	cache->made.count = 0;
}

void raw_key_cache_deinit(struct raw_key_cache *cache)
{
	span_index_deinit(&cache->seen);
	vec_deinit(&cache->keys);
	span_index_deinit(&cache->shapes);
	vec_deinit(&cache->made);
	strbuf_deinit(&cache->buffer);
	strbuf_deinit(&cache->key);
}

/* A captured value, and who asks for its key. */
struct value {
	const struct redactor *redactor;
	const struct rule *rule;
	uint32_t rule_index;
	const struct match_capture *capture;
};

/* A value that looks like a secret, before or after the transforms, is hidden whatever the rule
 * says. What dirname alone leaves is the beginning of the value: there a secret behind it does not
 * count, so that a long class name does not hide its package. */
static bool value_hides(const struct value *value, struct span key)
{
	const struct aggregate *aggregate = &value->rule->aggregate;
	struct span whole = value->capture->text;
	size_t kept = whole.size;

	if (!aggregate->step_count)
		return false; /* it is the key */
	if (aggregate_only_cuts(aggregate))
		kept = span_equal(key, span_part(whole, 0, key.size)) ? key.size : 0;
	return redactor_begins_secret(value->redactor, whole, kept);
}

/* Head and text of the key; the text is what the transforms have made. */
static uint32_t add_key(struct raw_key_cache *cache, struct span_index *keys, uint32_t rule_index,
						struct span text, bool hidden)
{
	struct raw_key_head head = { rule_index, hidden };

	strbuf_clear(&cache->buffer);
	strbuf_add(&cache->buffer, &head, sizeof head);
	if (hidden)
		strbuf_add(&cache->buffer, text.data,
				   text.size < KEY_MAX_BYTES ? text.size : KEY_MAX_BYTES);
	else
		redact_show(text, &cache->buffer);
	return span_index_add(keys, strbuf_span(&cache->buffer));
}

/* The entry of a text of that rule in an index. */
static uint32_t look_up(struct raw_key_cache *cache, struct span_index *index, uint32_t rule_index,
						struct span text)
{
	strbuf_clear(&cache->buffer);
	strbuf_add(&cache->buffer, &rule_index, sizeof rule_index);
	strbuf_add(&cache->buffer, text.data, text.size);
	return span_index_add(index, strbuf_span(&cache->buffer));
}

/* What is known of the text so far; `fresh` is filled where it is not worth being kept. */
static struct raw_key_made *made_of(struct raw_key_cache *cache, const struct value *value,
									struct span text, struct raw_key_made *fresh)
{
	struct raw_key_made *made = fresh;

	if (value->rule->aggregate.step_count && text.size <= CACHE_MAX_BYTES) {
		uint32_t shape = look_up(cache, &cache->shapes, value->rule_index, text);

		if (shape < cache->made.count)
			return &cache->made.items[shape];
		made = vec_add(&cache->made);
	}
	made->hides =
		!rule_shows(value->rule, value->capture->name) || redactor_is_secret(value->redactor, text);
	made->number[0] = made->number[1] = RAW_NO_KEY;
	return made;
}

static uint32_t make_key(struct raw_key_cache *cache, struct span_index *keys,
						 const struct value *value)
{
	struct raw_key_made fresh, *made;
	struct span text;
	bool hidden;

	aggregate_key(&value->rule->aggregate, value->capture->text, &cache->key);
	text = strbuf_span(&cache->key);
	made = made_of(cache, value, text, &fresh);
	hidden = made->hides || value_hides(value, text);
	if (made->number[hidden] == RAW_NO_KEY)
		made->number[hidden] = add_key(cache, keys, value->rule_index, text, hidden);
	return made->number[hidden];
}

uint32_t raw_key_add(struct raw_key_cache *cache, struct span_index *keys,
					 const struct redactor *redactor, const struct rule *rule, uint32_t rule_index,
					 const struct match *match)
{
	const struct match_capture *capture =
		rule->aggregate.by ? match_find(match, rule->aggregate.by) : NULL;
	struct value value = { redactor, rule, rule_index, capture };
	uint32_t seen;

	if (!capture || !capture->text.data)
		return RAW_NO_KEY;
	if (cache->seen.items.count >= CACHE_MAX || cache->shapes.items.count >= CACHE_MAX)
		raw_key_cache_clear(cache);
	if (capture->text.size > CACHE_MAX_BYTES)
		return make_key(cache, keys, &value);
	seen = look_up(cache, &cache->seen, rule_index, capture->text);
	if (seen == cache->keys.count) {
		uint32_t key = make_key(cache, keys, &value);

		*vec_add(&cache->keys) = key;
	}
	return cache->keys.items[seen];
}

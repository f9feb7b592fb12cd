#include "analyze/author/explain_near.h"

#include <ctype.h>

enum { LOOK_AT = 1 << 20, BEGINNING_MIN = 3 };

static bool is_found(const struct explain *explain, size_t keyword)
{
	for (size_t i = 0; i < explain->keywords.count; i++)
		if (explain->keywords.items[i].keyword == keyword)
			return true;
	return false;
}

static bool same_but_case(struct span text, size_t at, struct span keyword)
{
	for (size_t i = 0; i < keyword.size; i++)
		if (at + i >= text.size || tolower(text.data[at + i]) != tolower(keyword.data[i]))
			return false;
	return true;
}

static bool same_in_utf16(struct span text, size_t at, struct span keyword)
{
	for (size_t i = 0; i < keyword.size; i++)
		if (at + 2 * i + 1 >= text.size || text.data[at + 2 * i] != keyword.data[i] ||
			text.data[at + 2 * i + 1])
			return false;
	return true;
}

static size_t common(struct span text, size_t at, struct span keyword)
{
	size_t length = 0;

	while (length < keyword.size && at + length < text.size &&
		   text.data[at + length] == keyword.data[length])
		length++;
	return length;
}

/* False where nothing is like it. */
static bool find(struct span text, struct span keyword, struct explain_near *near)
{
	near->bytes = 0;
	for (size_t at = 0; at < text.size; at++) {
		size_t length;

		if (tolower(text.data[at]) != tolower(keyword.data[0]))
			continue;
		length = common(text, at, keyword);
		near->likeness = same_but_case(text, at, keyword)   ? EXPLAIN_OTHER_CASE
						 : same_in_utf16(text, at, keyword) ? EXPLAIN_UTF16
															: EXPLAIN_BEGINNING;
		if (near->likeness != EXPLAIN_BEGINNING) {
			near->at = at;
			near->bytes = keyword.size;
			return true;
		}
		if (length >= BEGINNING_MIN && length > near->bytes) {
			near->bytes = length;
			near->at = at;
		}
	}
	return near->bytes > 0;
}

/* One entry a keyword: the likest of all runs. */
static struct explain_near *entry_of(struct explain *explain, size_t keyword)
{
	struct explain_near *entry;

	for (size_t i = 0; i < explain->near.count; i++)
		if (explain->near.items[i].keyword == keyword)
			return &explain->near.items[i];
	entry = vec_add(&explain->near);
	entry->keyword = keyword;
	return entry;
}

void explain_near_add(struct explain *explain, struct span bytes, uint64_t first)
{
	const struct rule *rule = explain->rule;
	struct span text = span_part(bytes, 0, LOOK_AT);

	for (size_t i = 0; i < rule->keywords.count; i++) {
		struct explain_near near = { .keyword = i }, *entry;

		if (is_found(explain, i) || !find(text, rule->keywords.items[i].bytes, &near))
			continue;
		near.at += first;
		entry = entry_of(explain, i);
		if (near.bytes > entry->bytes)
			*entry = near;
	}
}

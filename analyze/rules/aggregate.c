#include "analyze/rules/aggregate.h"

#include "analyze/rules/redact.h"
#include "analyze/rules/sql_shape.h"

#include <string.h>

const char *transform_name(enum transform_kind kind)
{
	static const char *const names[] = { "dirname", "prefix", "lower", "digits", "ids", "sql" };

	return names[kind];
}

/* A leading slash belongs to the first directory. */
static void dirname_of(struct strbuf *text, uint32_t count)
{
	size_t end = 0;

	for (size_t i = 1; i < text->size && count; i++)
		if (text->data[i] == '/') {
			end = i;
			count--;
		}
	if (end) {
		text->size = end;
		text->data[end] = '\0';
	} else {
		strbuf_clear(text);
		strbuf_putc(text, '.');
	}
}

static void prefix_of(struct strbuf *text, uint32_t count)
{
	if (text->size <= count)
		return;
	text->size = count;
	text->data[count] = '\0';
}

static void lower(struct strbuf *text, uint32_t ignored)
{
	(void)ignored;
	for (size_t i = 0; i < text->size; i++)
		if (text->data[i] >= 'A' && text->data[i] <= 'Z')
			text->data[i] = (char)(text->data[i] | 32);
}

/* A UUID and a long hex number are masked whole: their letters are of the number. */
static void mask_digits(struct strbuf *text, uint32_t ignored)
{
	struct span rest = strbuf_span(text);
	size_t kept = 0;
	uint8_t before = 0;

	(void)ignored;
	while (rest.size) {
		const char *by;
		size_t length = redact_run(rest, before, &by);
		bool number = length || (rest.data[0] >= '0' && rest.data[0] <= '9');

		length = length ? length : 1;
		before = rest.data[length - 1];
		if (!number)
			text->data[kept++] = (char)before;
		else if (!kept || text->data[kept - 1] != '#')
			text->data[kept++] = '#';
		rest = span_part(rest, length, rest.size);
	}
	text->size = kept;
	if (text->data)
		text->data[kept] = '\0';
}

static bool is_id(const char *part, size_t length)
{
	bool has_digit = false;

	for (size_t i = 0; i < length; i++) {
		bool digit = part[i] >= '0' && part[i] <= '9';

		has_digit |= digit;
		if (!digit && part[i] != '-' && ((part[i] | 32) < 'a' || (part[i] | 32) > 'f'))
			return false;
	}
	return has_digit;
}

static void mask_ids(struct strbuf *text, uint32_t ignored)
{
	size_t kept = 0;

	(void)ignored;
	for (size_t start = 0, end; start <= text->size && text->size; start = end + 1) {
		for (end = start; end < text->size && text->data[end] != '/';)
			end++;
		if (start && is_id(text->data + start, end - start)) {
			text->data[kept++] = '#';
		} else {
			memmove(text->data + kept, text->data + start, end - start);
			kept += end - start;
		}
		if (end < text->size)
			text->data[kept++] = '/';
	}
	text->size = kept;
	if (text->data)
		text->data[kept] = '\0';
}

static void mask_sql(struct strbuf *text, uint32_t ignored)
{
	struct strbuf shape = { 0 };

	(void)ignored;
	sql_shape(strbuf_span(text), &shape);
	strbuf_deinit(text);
	*text = shape;
}

void aggregate_key(const struct aggregate *aggregate, struct span value, struct strbuf *out)
{
	static void (*const apply[TRANSFORM_KINDS])(struct strbuf *, uint32_t) = {
		[TRANSFORM_DIRNAME] = dirname_of, [TRANSFORM_PREFIX] = prefix_of,
		[TRANSFORM_LOWER] = lower,        [TRANSFORM_DIGITS] = mask_digits,
		[TRANSFORM_IDS] = mask_ids,       [TRANSFORM_SQL] = mask_sql,
	};
	struct strbuf key = { 0 };

	strbuf_add(&key, value.data, value.size);
	for (size_t i = 0; i < aggregate->step_count; i++)
		apply[aggregate->steps[i].kind](&key, aggregate->steps[i].number);
	strbuf_add(out, key.data, key.size);
	strbuf_deinit(&key);
}

bool aggregate_only_cuts(const struct aggregate *aggregate)
{
	for (size_t i = 0; i < aggregate->step_count; i++)
		if (aggregate->steps[i].kind != TRANSFORM_DIRNAME)
			return false;
	return aggregate->step_count;
}

#include "analyze/rules/aggregate.h"

#include "analyze/rules/mask.h"
#include "analyze/rules/sql_shape.h"
#include "base/text.h"

#include <string.h>

const char *transform_name(enum transform_kind kind)
{
	static const char *const names[] = { "dirname", "prefix", "lower", "digits", "ids", "sql" };

	return names[kind];
}

/* A leading slash belongs to the first directory. */
static void dirname_of(struct span text, uint32_t count, struct strbuf *out)
{
	size_t end = 0;

	for (size_t i = 1; i < text.size && count; i++)
		if (text.data[i] == '/') {
			end = i;
			count--;
		}
	if (end)
		strbuf_add(out, text.data, end);
	else
		strbuf_putc(out, '.');
}

static void prefix_of(struct span text, uint32_t count, struct strbuf *out)
{
	strbuf_add(out, text.data, text.size < count ? text.size : count);
}

static void lower(struct span text, uint32_t ignored, struct strbuf *out)
{
	char *to = strbuf_room(out, text.size);

	(void)ignored;
	for (size_t i = 0; i < text.size; i++)
		to[i] =
			(char)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] | 32 : text.data[i]);
	out->size += text.size;
	out->data[out->size] = '\0';
}

/* A UUID and a long hex number are masked whole: their letters are of the number. */
static void mask_digits(struct span text, uint32_t ignored, struct strbuf *out)
{
	size_t start = out->size;
	uint8_t before = 0;

	(void)ignored;
	while (text.size) {
		const char *by;
		size_t length = mask_next(text, before, &by);

		if (!by && !text_is_digit(text.data[0]))
			strbuf_add(out, text.data, length);
		else if (out->size == start || out->data[out->size - 1] != '#')
			strbuf_putc(out, '#');
		before = text.data[length - 1];
		text = span_part(text, length, text.size);
	}
}

static bool is_id(struct span part)
{
	bool has_digit = false;

	for (size_t i = 0; i < part.size; i++) {
		has_digit |= text_is_digit(part.data[i]);
		if (!text_is_hex(part.data[i]) && part.data[i] != '-')
			return false;
	}
	return has_digit;
}

/* The first part, in front of any slash, is no id. */
static void mask_ids(struct span text, uint32_t ignored, struct strbuf *out)
{
	bool first = true;

	(void)ignored;
	while (text.size) {
		const uint8_t *slash = memchr(text.data, '/', text.size);
		struct span part = span_part(text, 0, slash ? (size_t)(slash - text.data) : text.size);

		if (!first && is_id(part))
			strbuf_putc(out, '#');
		else
			strbuf_add(out, part.data, part.size);
		if (slash)
			strbuf_putc(out, '/');
		text = span_part(text, part.size + 1, text.size);
		first = false;
	}
}

static void mask_sql(struct span text, uint32_t ignored, struct strbuf *out)
{
	(void)ignored;
	sql_shape(text, out);
}

void aggregate_key(const struct aggregate *aggregate, struct span value, struct strbuf *out)
{
	static void (*const apply[TRANSFORM_KINDS])(struct span, uint32_t, struct strbuf *) = {
		[TRANSFORM_DIRNAME] = dirname_of, [TRANSFORM_PREFIX] = prefix_of,
		[TRANSFORM_LOWER] = lower,        [TRANSFORM_DIGITS] = mask_digits,
		[TRANSFORM_IDS] = mask_ids,       [TRANSFORM_SQL] = mask_sql,
	};
	struct strbuf from = { 0 };

	strbuf_clear(out);
	if (!aggregate->step_count)
		strbuf_add(out, value.data, value.size);
	for (size_t i = 0; i < aggregate->step_count; i++) {
		const struct transform *step = &aggregate->steps[i];

		if (i > 0) { /* what the last step has made */
			struct strbuf made = *out;

			*out = from;
			from = made;
			value = strbuf_span(&from);
			strbuf_clear(out);
		}
		apply[step->kind](value, step->number, out);
	}
	strbuf_deinit(&from);
}

bool aggregate_only_cuts(const struct aggregate *aggregate)
{
	for (size_t i = 0; i < aggregate->step_count; i++)
		if (aggregate->steps[i].kind != TRANSFORM_DIRNAME)
			return false;
	return aggregate->step_count;
}

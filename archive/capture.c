#include "archive/capture.h"

#include "base/text.h"

#include <jansson.h>
#include <string.h>

/* One line of the table of string members: where it stands in JSON and in the struct. */
struct member {
	const char *name;
	size_t offset; /* of a const char * in struct capture_facts */
};

static const struct member fact_strings[] = {
	{ "tool", offsetof(struct capture_facts, tool) },
	{ "consistency", offsetof(struct capture_facts, consistency) },
	{ "requested", offsetof(struct capture_facts, requested) },
	{ "why", offsetof(struct capture_facts, why) },
	{ "captured_at", offsetof(struct capture_facts, captured_at) },
	{ "host", offsetof(struct capture_facts, host) },
	{ "kernel", offsetof(struct capture_facts, kernel) },
	{ "machine", offsetof(struct capture_facts, machine) },
	{ "comm", offsetof(struct capture_facts, comm) },
	{ "exe", offsetof(struct capture_facts, exe) },
	{ "selection", offsetof(struct capture_facts, selection) },
	{ "command", offsetof(struct capture_facts, command) },
};

enum { FACT_STRINGS = sizeof fact_strings / sizeof *fact_strings };

static const char **string_at(const struct capture_facts *facts, size_t row)
{
	return (const char **)((uintptr_t)facts + fact_strings[row].offset);
}

/* A JSON string (RFC 8259, 7). Bytes that are not UTF-8 become the text \xNN. Written without a
 * tree in memory: a process may have 70,000 gaps, and this runs while it is stopped. */
static void put_string(struct strbuf *out, const char *text)
{
	struct span left = span_string(text ? text : "");

	strbuf_putc(out, '"');
	while (left.size) {
		uint8_t c = left.data[0];
		size_t length = text_utf8_length(left);

		if (c == '"' || c == '\\')
			strbuf_printf(out, "\\%c", c);
		else if (c < 0x20)
			strbuf_printf(out, "\\u%04x", c);
		else if (!length)
			strbuf_printf(out, "\\\\x%02x", c);
		else
			strbuf_add(out, left.data, length);
		left = span_part(left, length ? length : 1, left.size);
	}
	strbuf_putc(out, '"');
}

static void put_gaps(struct strbuf *out, const char *name, const capture_gaps *gaps)
{
	strbuf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < gaps->count; i++) {
		const struct capture_gap *gap = &gaps->items[i];

		strbuf_printf(out, "%s\n{\"start\":\"0x%" PRIvaddr "\",\"end\":\"0x%" PRIvaddr "\",",
					  i ? "," : "", gap->range.start, gap->range.end);
		strbuf_puts(out, "\"reason\":");
		put_string(out, gap->reason);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, ']');
}

void capture_facts_encode(const struct capture_facts *facts, struct strbuf *out)
{
	strbuf_putc(out, '{');
	for (size_t i = 0; i < FACT_STRINGS; i++) {
		strbuf_printf(out, "\"%s\":", fact_strings[i].name);
		put_string(out, *string_at(facts, i));
		strbuf_puts(out, ",\n");
	}
	strbuf_printf(out, "\"pid\":%u,\"page_size\":%u", facts->pid, facts->page_size);
	put_gaps(out, "gaps", &facts->gaps);
	strbuf_puts(out, "}\n");
}

void capture_outcome_encode(const struct capture_outcome *outcome, struct strbuf *out)
{
	strbuf_printf(out, "{\"complete\":%s,\"reason\":", outcome->complete ? "true" : "false");
	put_string(out, outcome->reason);
	strbuf_printf(out, ",\"pause_ns\":%" PRId64 ",\"memory_bytes\":%" PRIu64, outcome->pause_ns,
				  outcome->memory_bytes);
	if (outcome->torn_from)
		strbuf_printf(out, ",\"torn_from\":\"0x%" PRIvaddr "\"", outcome->torn_from);
	put_gaps(out, "errors", &outcome->errors);
	strbuf_puts(out, "}\n");
}

static json_t *load(struct span text, const char *what, struct err *err)
{
	json_error_t problem;
	json_t *root;

	root = json_loadb((const char *)text.data, text.data ? text.size : 0, 0, &problem);
	if (!root) {
		err_set(err, ERR_FORMAT, "the %s is not JSON: line %d column %d: %s", what, problem.line,
				problem.column, problem.text);
		return NULL;
	}
	if (!json_is_object(root)) {
		json_decref(root);
		err_set(err, ERR_FORMAT, "the %s is not a JSON object", what);
		return NULL;
	}
	return root;
}

static const char *get_string(const json_t *object, const char *name, struct pool *pool)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? pool_string(pool, text) : "";
}

static uint64_t get_number(const json_t *object, const char *name, uint64_t most)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value < 0 || (uint64_t)value > most ? 0 : (uint64_t)value;
}

/* "0x…", as put_gaps writes it. */
static bool get_address(const json_t *object, const char *name, vaddr *address)
{
	const char *text = json_string_value(json_object_get(object, name));
	char *end;

	if (!text || strncmp(text, "0x", 2) != 0 || strlen(text) > 18)
		return false;
	*address = strtoull(text, &end, 16);
	return end > text + 2 && *end == '\0';
}

/* An entry that is no gap is left out: it says nothing. */
static void get_gaps(const json_t *object, const char *name, struct pool *pool, capture_gaps *gaps)
{
	const json_t *array = json_object_get(object, name);
	struct range range;

	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);

		if (get_address(item, "start", &range.start) && get_address(item, "end", &range.end) &&
			range.start < range.end)
			*vec_add(gaps) = (struct capture_gap){ range, get_string(item, "reason", pool) };
	}
}

bool capture_facts_decode(struct span json, struct pool *pool, struct capture_facts *facts,
						  struct err *err)
{
	json_t *root = load(json, "capture description", err);

	*facts = (struct capture_facts){ 0 };
	for (size_t i = 0; i < FACT_STRINGS; i++)
		*string_at(facts, i) = root ? get_string(root, fact_strings[i].name, pool) : "";
	if (!root)
		return false;
	facts->pid = (uint32_t)get_number(root, "pid", UINT32_MAX);
	facts->page_size = (uint32_t)get_number(root, "page_size", UINT32_MAX);
	get_gaps(root, "gaps", pool, &facts->gaps);
	json_decref(root);
	return true;
}

bool capture_outcome_decode(struct span json, struct pool *pool, struct capture_outcome *outcome,
							struct err *err)
{
	json_t *root = load(json, "capture outcome", err);

	*outcome = (struct capture_outcome){ .reason = "" };
	if (!root)
		return false;
	outcome->complete = json_is_true(json_object_get(root, "complete"));
	outcome->reason = get_string(root, "reason", pool);
	outcome->pause_ns = (int64_t)get_number(root, "pause_ns", INT64_MAX);
	outcome->memory_bytes = get_number(root, "memory_bytes", INT64_MAX);
	get_address(root, "torn_from", &outcome->torn_from);
	get_gaps(root, "errors", pool, &outcome->errors);
	json_decref(root);
	return true;
}

#include "analyze/report/json_value.h"

#include "analyze/report/clean.h"

#include <stdio.h>

json_t *json_value_text(const char *value)
{
	struct strbuf safe = { 0 };
	json_t *json;

	clean_add(value ? value : "", &safe);
	json = json_stringn(strbuf_text(&safe), safe.size);
	strbuf_deinit(&safe);
	return json;
}

json_t *json_value_number(uint64_t value)
{
	return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

json_t *json_value_known(bool known, uint64_t value)
{
	return known ? json_value_number(value) : json_null();
}

json_t *json_value_address(vaddr value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "0x%" PRIvaddr, value);
	return json_string(digits);
}

json_t *json_value_lines(const report_lines *lines)
{
	json_t *array = json_array();

	for (size_t i = 0; i < lines->count; i++)
		json_array_append_new(array, json_value_text(lines->items[i]));
	return array;
}

json_t *json_value_size_classes(const struct report_size_class *items, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *row = json_object();

		json_object_set_new(row, "size", json_value_number(items[i].size));
		json_object_set_new(row, "state", json_value_text(items[i].state));
		json_object_set_new(row, "chunks", json_value_number(items[i].chunks));
		json_object_set_new(row, "bytes", json_value_number(items[i].bytes));
		json_array_append_new(array, row);
	}
	return array;
}

static int append(const char *bytes, size_t size, void *out)
{
	strbuf_add(out, bytes, size);
	return 0;
}

void json_value_write(json_t *root, struct strbuf *out)
{
	json_dump_callback(root, append, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	strbuf_putc(out, '\n');
	json_decref(root);
}

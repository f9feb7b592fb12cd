#include "analyze/report/references_json.h"

#include "analyze/report/json_value.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *count(struct report_count value)
{
	json_t *object = json_object();

	set(object, "chunks", json_value_number(value.chunks));
	set(object, "bytes", json_value_number(value.bytes));
	return object;
}

static json_t *roots_json(const struct report_references *references)
{
	json_t *array = json_array();

	for (size_t i = 0; i < references->roots.count; i++) {
		const struct report_root *root = &references->roots.items[i];
		json_t *row = json_object();

		set(row, "id", json_value_text(root->id));
		set(row, "title", json_value_text(root->title));
		set(row, "bytes", json_value_number(root->bytes));
		set(row, "references", json_value_number(root->references));
		set(row, "anchored", count(root->anchored));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *unreachable_rules_json(const struct report_references *references)
{
	json_t *array = json_array();

	for (size_t i = 0; i < references->rules.count; i++) {
		json_t *row = count(references->rules.items[i].sum);
		const char *id = references->rules.items[i].id;

		set(row, "id", *id ? json_value_text(id) : json_null());
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *largest_json(const struct report_references *references)
{
	json_t *array = json_array();

	for (size_t i = 0; i < references->largest.count; i++) {
		const struct report_unreachable_chunk *chunk = &references->largest.items[i];
		json_t *row = json_object();

		set(row, "address", json_value_address(chunk->address));
		set(row, "bytes", json_value_number(chunk->bytes));
		set(row, "state", json_value_text(chunk->state));
		set(row, "rule", *chunk->rule ? json_value_text(chunk->rule) : json_null());
		set(row, "head", json_boolean(chunk->head));
		json_array_append_new(array, row);
	}
	return array;
}

json_t *references_json(const struct report_references *references)
{
	json_t *object = json_object();

	set(object, "upper_bound", json_boolean(references->upper_bound));
	set(object, "weak", json_boolean(references->weak));
	set(object, "anchored", count(references->anchored));
	set(object, "interior", count(references->interior));
	set(object, "unreachable", count(references->unreachable));
	set(object, "heads", count(references->heads));
	set(object, "roots", roots_json(references));
	set(object, "sizes", json_value_size_classes(references->sizes.items, references->sizes.count));
	set(object, "rules", unreachable_rules_json(references));
	set(object, "largest", largest_json(references));
	set(object, "missing", json_value_lines(&references->missing));
	return object;
}

#include "analyze/report/packed_json.h"

#include "analyze/report/json_value.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *groups_json(const struct report_inside *inside)
{
	json_t *array = json_array();

	for (size_t i = 0; i < inside->groups.count; i++) {
		const struct report_inside_group *group = &inside->groups.items[i];
		json_t *row = json_object();

		set(row, "key", json_value_text(group->key));
		set(row, "hits", json_value_number(group->hits));
		set(row, "live_hits", json_value_number(group->live_hits));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *inside_json(const struct report_packed *packed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < packed->inside.count; i++) {
		const struct report_inside *inside = &packed->inside.items[i];
		json_t *row = json_object();

		set(row, "id", json_value_text(inside->id));
		set(row, "title", json_value_text(inside->title));
		set(row, "streams", json_value_number(inside->streams));
		set(row, "hits", json_value_number(inside->hits));
		set(row, "live_hits", json_value_number(inside->live_hits));
		set(row, "bytes", json_value_number(inside->bytes));
		set(row, "groups", groups_json(inside));
		json_array_append_new(array, row);
	}
	return array;
}

json_t *packed_json(const struct report_rule *rule)
{
	const struct report_packed *packed = &rule->packed;
	json_t *object;

	if (!rule->has_packed)
		return json_null();
	object = json_object();
	set(object, "streams", json_value_number(packed->streams));
	set(object, "live_streams", json_value_number(packed->live_streams));
	set(object, "nested", json_value_number(packed->nested));
	set(object, "packed_bytes", json_value_number(packed->packed_bytes));
	set(object, "inflated_bytes", json_value_number(packed->inflated_bytes));
	set(object, "broken", json_value_number(packed->broken));
	set(object, "cut_short", json_value_number(packed->cut_short));
	set(object, "too_long", json_value_number(packed->too_long));
	set(object, "over_budget", json_value_number(packed->over_budget));
	set(object, "too_deep", json_value_number(packed->too_deep));
	set(object, "inside", inside_json(packed));
	return object;
}

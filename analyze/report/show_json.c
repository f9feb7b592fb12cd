#include "analyze/report/show_json.h"

#include "analyze/report/json_value.h"

#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *place_json(const struct show_place *place)
{
	json_t *object = json_object();
	bool in_chunk = place->chunk != 0;

	set(object, "kind", json_value_text(place->kind));
	set(object, "name", json_value_text(place->name));
	set(object, "module", *place->module ? json_value_text(place->module) : json_null());
	set(object, "address", place->address ? json_value_address(place->address) : json_null());
	set(object, "chunk", in_chunk ? json_value_address(place->chunk) : json_null());
	set(object, "bytes", json_value_known(in_chunk, place->bytes));
	set(object, "state", in_chunk ? json_value_text(place->state) : json_null());
	set(object, "offset", place->address ? json_integer(place->offset) : json_null());
	return object;
}

static json_t *references_json(const struct show_references *references)
{
	json_t *object = json_object(), *items = json_array();

	for (size_t i = 0; i < references->items.count; i++) {
		const struct show_reference *reference = &references->items.items[i];
		json_t *row = json_object();

		set(row, "offset", json_value_number(reference->offset));
		set(row, "place", place_json(&reference->place));
		json_array_append_new(items, row);
	}
	set(object, "total", json_value_number(references->total));
	set(object, "more", json_value_number(references->total - references->items.count));
	set(object, "items", items);
	return object;
}

static json_t *arena_json(const struct show *show)
{
	json_t *object = json_object(), *threads = json_array();

	set(object, "index", json_value_number(show->arena.index));
	set(object, "kind", json_string(show->arena.main ? "main" : "secondary"));
	set(object, "address", json_value_address(show->arena.address));
	for (size_t i = 0; i < show->arena.threads.count; i++) {
		json_t *row = json_object();

		set(row, "tid", json_value_number(show->arena.threads.items[i].tid));
		set(row, "name", json_value_text(show->arena.threads.items[i].name));
		json_array_append_new(threads, row);
	}
	set(object, "threads", threads);
	return object;
}

static json_t *rules_json(const struct show *show)
{
	json_t *array = json_array();

	for (size_t i = 0; i < show->rules.count; i++) {
		const struct show_rule *rule = &show->rules.items[i];
		json_t *row = json_object();

		set(row, "id", json_value_text(rule->id));
		set(row, "title", json_value_text(rule->title));
		set(row, "key", *rule->key ? json_value_text(rule->key) : json_null());
		set(row, "hits", json_value_number(rule->hits));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *content_json(const struct show_content *content)
{
	json_t *object = json_object(), *words = json_object();

	set(object, "captured_bytes", json_value_number(content->captured));
	set(object, "zero_bytes", json_value_number(content->zeros));
	set(object, "text_bytes", json_value_number(content->text));
	set(object, "other_bytes", json_value_number(content->other));
	set(words, "pointers", json_value_number(content->pointers));
	set(words, "zeros", json_value_number(content->zero_words));
	set(words, "numbers", json_value_number(content->integers));
	set(words, "text", json_value_number(content->text_words));
	set(words, "other", json_value_number(content->data_words));
	set(object, "words", words);
	return object;
}

static json_t *chain_json(const struct show *show)
{
	json_t *object = json_object(), *links = json_array();

	for (size_t i = 0; i < show->chain.count; i++)
		json_array_append_new(links, place_json(&show->chain.items[i]));
	set(object, "length", json_value_number(show->chain_length));
	set(object, "more", json_value_number(show->chain_length - show->chain.count));
	set(object, "links", links);
	return object;
}

/* Null: not live, or not looked for. */
static json_t *reach_json(const struct show *show)
{
	if (!show->is_live || !show->chain_known)
		return json_null();
	return json_string(show->chain_length ? "anchored" : "unreachable");
}

static json_t *chunk_json(const struct show *show)
{
	json_t *object = json_object();

	set(object, "address", json_value_address(show->user));
	set(object, "offset", json_integer(show->offset));
	set(object, "bytes", json_value_number(show->bytes));
	set(object, "usable_bytes", json_value_number(show->usable_bytes));
	set(object, "state", json_value_text(show->state));
	set(object, "also", show->also ? json_value_address(show->also) : json_null());
	set(object, "arena", show->has_arena ? arena_json(show) : json_null());
	set(object, "rules", rules_json(show));
	set(object, "more_hits", json_value_number(show->more_hits));
	set(object, "content", content_json(&show->content));
	set(object, "outgoing", references_json(&show->outgoing));
	set(object, "incoming", references_json(&show->incoming));
	set(object, "stale_pointers", json_value_number(show->stale));
	set(object, "reach", reach_json(show));
	set(object, "chain", show->chain_length ? chain_json(show) : json_null());
	set(object, "missing", json_value_lines(&show->missing));
	return object;
}

void show_json_render(const struct show *show, struct strbuf *out)
{
	json_t *root = json_object(), *tool = json_object();

	set(root, "schema", json_string(SHOW_SCHEMA));
	set(tool, "name", json_string("analyze"));
	set(tool, "version", json_value_text(show->tool_version));
	set(root, "tool", tool);
	set(root, "command", json_value_text(show->command));
	set(root, "file", json_value_text(show->file));
	set(root, "complete", json_boolean(show->complete));
	set(root, "address", json_value_address(show->address));
	set(root, "chunk", show->is_chunk ? chunk_json(show) : json_null());
	set(root, "place", show->is_chunk ? json_null() : place_json(&show->place));
	json_value_write(root, out);
}

#include "analyze/report/json.h"

#include "analyze/report/content_json.h"
#include "analyze/report/json_value.h"
#include "analyze/report/references_json.h"

/* Short names for what stands in every line below. */
static json_t *text(const char *value)
{
	return json_value_text(value);
}

static json_t *number(uint64_t value)
{
	return json_value_number(value);
}

static json_t *number_or_null(bool known, uint64_t value)
{
	return json_value_known(known, value);
}

static json_t *address(vaddr value)
{
	return json_value_address(value);
}

static json_t *lines(const report_lines *sentences)
{
	return json_value_lines(sentences);
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *gaps(const struct report_evidence *evidence)
{
	json_t *array = json_array();

	for (size_t i = 0; i < evidence->gaps.count; i++) {
		const struct report_gap *gap = &evidence->gaps.items[i];
		json_t *row = json_object();

		set(row, "start", address(gap->range.start));
		set(row, "end", address(gap->range.end));
		set(row, "reason", text(gap->reason));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *unknown(const struct report_evidence *evidence)
{
	json_t *array = json_array();

	for (size_t i = 0; i < evidence->unknown.count; i++) {
		const struct report_unknown *unknown = &evidence->unknown.items[i];
		json_t *row = json_object();

		set(row, "what", text(unknown->what));
		set(row, "lacks", text(unknown->lacks));
		set(row, "effect", text(unknown->effect));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *evidence_json(const struct report_evidence *evidence)
{
	json_t *object = json_object(), *glibc = json_object();

	set(object, "file", text(evidence->file));
	set(object, "bytes", number(evidence->bytes));
	set(object, "complete", json_boolean(evidence->complete));
	set(object, "writer", text(evidence->writer));
	set(object, "consistency", text(evidence->consistency));
	set(object, "pause_ms", evidence->has_pause ? json_real(evidence->pause_ms) : json_null());
	set(object, "captured_at", text(evidence->captured_at));
	set(object, "host", text(evidence->host));
	set(object, "kernel", text(evidence->kernel));
	set(object, "pid", number_or_null(evidence->pid != 0, evidence->pid));
	set(object, "comm", text(evidence->comm));
	set(object, "exe", text(evidence->exe));
	set(glibc, "generation", text(evidence->glibc_generation));
	set(glibc, "basis", text(evidence->glibc_basis));
	set(object, "glibc", glibc);
	set(object, "has_residency", json_boolean(evidence->has_residency));
	set(object, "gaps", gaps(evidence));
	set(object, "unknown", unknown(evidence));
	set(object, "missing", lines(&evidence->missing));
	return object;
}

static json_t *owners_json(const struct report_memory *memory)
{
	json_t *array = json_array();

	for (size_t i = 0; i < memory->owners.count; i++) {
		const struct report_owner *owner = &memory->owners.items[i];
		json_t *row = json_object();

		set(row, "id", text(owner->id));
		set(row, "title", text(owner->title));
		set(row, "certainty", text(owner->certainty));
		set(row, "is_malloc", json_boolean(owner->is_malloc));
		set(row, "module", text(owner->module));
		set(row, "basis", text(owner->basis));
		set(row, "advice", text(owner->advice));
		set(row, "mappings", number(owner->regions));
		set(row, "virtual_bytes", number(owner->virtual_bytes));
		set(row, "resident_bytes", number_or_null(memory->has_resident, owner->resident_bytes));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *stacks_json(const struct report_memory *memory)
{
	json_t *array = json_array();

	for (size_t i = 0; i < memory->stacks.count; i++) {
		const struct report_stack *stack = &memory->stacks.items[i];
		json_t *row = json_object();

		set(row, "tid", number_or_null(stack->tid != 0, stack->tid));
		set(row, "name", text(stack->name));
		set(row, "virtual_bytes", number(stack->virtual_bytes));
		set(row, "resident_bytes", number_or_null(memory->has_resident, stack->resident_bytes));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *memory_json(const struct report_memory *memory)
{
	json_t *object = json_object(), *buckets = json_array();

	set(object, "virtual_bytes", number(memory->virtual_bytes));
	set(object, "resident_bytes", number_or_null(memory->has_resident, memory->resident_bytes));
	set(object, "hugetlb_bytes", number_or_null(memory->has_resident, memory->hugetlb_bytes));
	set(object, "swapped_bytes", number_or_null(memory->has_resident, memory->swapped_bytes));
	for (size_t i = 0; i < memory->buckets.count; i++) {
		const struct report_bucket *bucket = &memory->buckets.items[i];
		json_t *row = json_object();

		set(row, "id", text(bucket->id));
		set(row, "title", text(bucket->title));
		set(row, "virtual_bytes", number(bucket->virtual_bytes));
		set(row, "resident_bytes", number_or_null(memory->has_resident, bucket->resident_bytes));
		json_array_append_new(buckets, row);
	}
	set(object, "buckets", buckets);
	set(object, "owners", owners_json(memory));
	set(object, "stacks", stacks_json(memory));
	set(object, "residual_bytes",
		memory->has_resident ? json_integer(memory->residual_bytes) : json_null());
	return object;
}

static json_t *sum(struct report_sum value, bool has_residency)
{
	json_t *object = json_object();

	set(object, "chunks", number(value.chunks));
	set(object, "bytes", number(value.bytes));
	set(object, "resident_bytes", number_or_null(has_residency, value.resident_bytes));
	return object;
}

static json_t *pinned(const struct report_pinned *value, bool has_residency)
{
	json_t *object = json_object();

	set(object, "cache_bytes", number_or_null(has_residency, value->cache_bytes));
	set(object, "small_bytes", number_or_null(has_residency, value->small_bytes));
	set(object, "edge_bytes", number_or_null(has_residency, value->edge_bytes));
	set(object, "top_bytes", number_or_null(has_residency, value->top_bytes));
	set(object, "live_chunks", number_or_null(has_residency, value->live_chunks));
	set(object, "live_bytes", number_or_null(has_residency, value->live_bytes));
	return object;
}

/* What an arena and the totals have in common. */
static void set_sums(json_t *object, const struct report_arena *arena, bool has_residency)
{
	set(object, "heaps", number(arena->heaps));
	set(object, "system_bytes", number(arena->system_bytes));
	set(object, "heap_bytes", number(arena->heap_bytes));
	set(object, "in_use", sum(arena->in_use, has_residency));
	set(object, "tcache", sum(arena->tcache, has_residency));
	set(object, "fastbin", sum(arena->fastbin, has_residency));
	set(object, "binned", sum(arena->binned, has_residency));
	set(object, "top", sum(arena->top, has_residency));
	set(object, "overhead", sum(arena->overhead, has_residency));
	set(object, "overhead_bytes", number(arena->overhead.bytes));
	set(object, "unwalkable", sum(arena->unwalkable, has_residency));
	set(object, "unwalkable_bytes", number(arena->unwalkable.bytes));
	set(object, "foreign_bytes", number(arena->foreign_bytes));
	set(object, "free_resident_bytes", number_or_null(has_residency, arena->free_resident_bytes));
	set(object, "free_gone_bytes", number_or_null(has_residency, arena->free_gone_bytes));
	set(object, "trimmable_bytes", number_or_null(has_residency, arena->trimmable_bytes));
	set(object, "pinned_free_bytes", number_or_null(has_residency, arena->pinned_free_bytes));
	set(object, "pinned", pinned(&arena->pinned, has_residency));
}

static json_t *threads_json(const struct report_arena *arena)
{
	json_t *threads = json_array();

	for (size_t i = 0; i < arena->threads.count; i++) {
		json_t *thread = json_object();

		set(thread, "tid", number(arena->threads.items[i].tid));
		set(thread, "name", text(arena->threads.items[i].name));
		json_array_append_new(threads, thread);
	}
	return threads;
}

static json_t *arena_json(const struct report_heap *heap, const struct report_arena *arena,
						  bool has_residency)
{
	json_t *object = json_object();

	set(object, "index", number(arena->index));
	set(object, "kind", json_string(arena->main ? "main" : "secondary"));
	set(object, "address", address(arena->address));
	set(object, "locked", json_boolean(arena->locked));
	set_sums(object, arena, has_residency);
	set(object, "threads", heap->has_threads ? threads_json(arena) : json_null());
	return object;
}

static json_t *text_or_null(const char *value)
{
	return value ? text(value) : json_null();
}

static json_t *chunks_and_bytes(uint64_t chunks, uint64_t bytes)
{
	json_t *object = json_object();

	set(object, "chunks", number(chunks));
	set(object, "bytes", number(bytes));
	return object;
}

static json_t *pin_json(const struct report_pin *pin, bool has_residency)
{
	json_t *object = json_object(), *groups = json_array(), *last = json_array();

	set(object, "start", address(pin->heap.start));
	set(object, "end", address(pin->heap.end));
	set(object, "arena", number(pin->arena));
	set(object, "kind", text(pin->kind));
	set(object, "held_bytes", number(pin->held_bytes));
	set(object, "held_resident_bytes", number_or_null(has_residency, pin->held_resident_bytes));
	set(object, "trimmable_bytes", number_or_null(has_residency, pin->trimmable_bytes));
	set(object, "live", chunks_and_bytes(pin->live_chunks, pin->live_bytes));
	set(object, "cached", chunks_and_bytes(pin->cached_chunks, pin->cached_bytes));
	for (size_t i = 0; i < pin->groups.count; i++) {
		const struct report_pin_group *group = &pin->groups.items[i];
		json_t *row = chunks_and_bytes(group->chunks, group->bytes);

		set(row, "rule", text_or_null(group->rule));
		set(row, "size", number_or_null(!group->rule, group->size));
		set(row, "state", text(group->state));
		json_array_append_new(groups, row);
	}
	set(object, "groups", groups);
	for (size_t i = 0; i < pin->last.count; i++) {
		const struct report_pin_chunk *chunk = &pin->last.items[i];
		json_t *row = json_object();

		set(row, "address", address(chunk->address));
		set(row, "bytes", number(chunk->bytes));
		set(row, "state", text(chunk->state));
		set(row, "rule", text_or_null(chunk->rule));
		json_array_append_new(last, row);
	}
	set(object, "last", last);
	return object;
}

static json_t *pins_json(const struct report_heap *heap, bool has_residency)
{
	json_t *array = json_array();

	for (size_t i = 0; i < heap->pins.count; i++)
		json_array_append_new(array, pin_json(&heap->pins.items[i], has_residency));
	return array;
}

static json_t *heap_json(const struct report_heap *heap, bool has_residency)
{
	json_t *object = json_object(), *totals = json_object();
	json_t *arenas = json_array();

	set(object, "found", json_boolean(heap->found));
	set(object, "replaced", heap->replaced ? text(heap->replaced) : json_null());
	set_sums(totals, &heap->totals, has_residency);
	set(object, "totals", totals);
	for (size_t i = 0; i < heap->arenas.count; i++)
		json_array_append_new(arenas, arena_json(heap, &heap->arenas.items[i], has_residency));
	set(object, "arenas", arenas);
	set(object, "mmapped", sum(heap->mmapped, has_residency));
	set(object, "mmapped_cached", sum(heap->mmapped_cached, has_residency));
	set(object, "mmapped_overhead", sum(heap->mmapped_overhead, has_residency));
	set(object, "pins", pins_json(heap, has_residency));
	set(object, "size_classes",
		json_value_size_classes(heap->size_classes.items, heap->size_classes.count));
	return object;
}

static json_t *suspects_json(const struct report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->suspects.count; i++) {
		const struct report_suspect *suspect = &report->suspects.items[i];
		json_t *row = json_object();

		set(row, "kind", text(suspect->kind));
		set(row, "subject", text(suspect->subject));
		set(row, "why", text(suspect->why));
		set(row, "bytes", number(suspect->bytes));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *diagnosis_json(const struct report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->diagnosis.count; i++) {
		const struct report_diagnosis *item = &report->diagnosis.items[i];
		json_t *row = json_object();

		set(row, "id", text(item->id));
		set(row, "severity", text(item->severity));
		set(row, "confidence", text(item->confidence));
		set(row, "title", text(item->title));
		set(row, "evidence", lines(&item->evidence));
		set(row, "first_step", text(item->first_step));
		set(row, "advice", text(item->advice));
		set(row, "predicted_gain_bytes",
			number_or_null(item->has_gain, item->predicted_gain_bytes));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *anomalies_json(const struct report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->anomalies.count; i++) {
		json_t *row = json_object();

		set(row, "address", address(report->anomalies.items[i].address));
		set(row, "what", text(report->anomalies.items[i].what));
		json_array_append_new(array, row);
	}
	return array;
}

void json_render(const struct report *report, struct strbuf *out)
{
	json_t *root = json_object(), *tool = json_object();
	bool has_residency = report->evidence.has_residency;

	set(root, "schema", json_string(REPORT_SCHEMA));
	set(tool, "name", json_string("analyze"));
	set(tool, "version", text(report->tool_version));
	set(root, "tool", tool);
	set(root, "command", text(report->command));
	set(root, "verdict", text(report->verdict));
	set(root, "evidence", evidence_json(&report->evidence));
	set(root, "memory", memory_json(&report->memory));
	set(root, "heap", heap_json(&report->heap, has_residency));
	set(root, "content", content_json(&report->content));
	set(root, "references",
		report->references.asked ? references_json(&report->references) : json_null());
	set(root, "suspects", suspects_json(report));
	set(root, "diagnosis", diagnosis_json(report));
	set(root, "anomalies", anomalies_json(report));
	set(root, "anomalies_dropped", number(report->anomalies_dropped));
	json_value_write(root, out);
}

#include "analyze/commands/commands.h"

#include "analyze/attribute/evidence.h"
#include "analyze/commands/setup.h"
#include "analyze/output.h"
#include "analyze/pipeline.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_BYTES = 1 << 20 };

/* What a line tells of a hit. */
struct hit_line {
	const struct hit *hit;
	const char *rule, *state;
	const char *key; /* NULL: its rule makes no groups */
	vaddr chunk;     /* the program's pointer */
};

static json_t *address_to_json(vaddr address)
{
	char text[24];

	snprintf(text, sizeof text, "0x%" PRIvaddr, address);
	return json_string(text);
}

static void add_json(const struct hit_line *line, struct strbuf *out)
{
	json_t *object = json_object();
	char *text;

	json_object_set_new(object, "address", address_to_json(line->hit->start));
	json_object_set_new(object, "bytes", json_integer((json_int_t)line->hit->bytes));
	json_object_set_new(object, "rule", json_string(line->rule));
	json_object_set_new(object, "key", line->key ? json_string(line->key) : json_null());
	json_object_set_new(object, "claimed", json_boolean(line->hit->claimed));
	json_object_set_new(object, "state", json_string(line->state));
	json_object_set_new(object, "chunk", address_to_json(line->chunk));
	json_object_set_new(object, "chunk_bytes", json_integer((json_int_t)line->hit->chunk_bytes));
	text = json_dumps(object, JSON_COMPACT);
	if (text)
		strbuf_printf(out, "%s\n", text);
	free(text);
	json_decref(object);
}

static void add_text(const struct hit_line *line, struct strbuf *out)
{
	strbuf_printf(out, "0x%-16" PRIvaddr " %14" PRIu64 "  %-10s 0x%-16" PRIvaddr " %s%s%s%s\n",
				  line->hit->start, line->hit->bytes, line->state, line->chunk, line->rule,
				  line->hit->claimed ? " (claimed)" : "", line->key ? "  " : "",
				  line->key ? line->key : "");
}

/* False where the command line does not want this hit. */
static bool describe(const struct pipeline *pipeline, const struct options *options,
					 const struct hit *hit, struct hit_line *line)
{
	const struct findings *findings = &pipeline->findings;
	struct chunk chunk;

	*line = (struct hit_line){ .hit = hit, .rule = findings->rules.items[hit->rule].id };
	if (options->rule && strcmp(options->rule, line->rule) != 0)
		return false;
	if (!chunk_table_find(&pipeline->heap.chunks, hit->chunk, &chunk) ||
		(options->states && !(options->states >> chunk.state & 1)))
		return false;
	line->state = chunk_state_name(chunk.state);
	line->chunk = chunk.address + pipeline->heap.chunks.header_bytes;
	if (hit->group != HIT_NO_GROUP)
		line->key = findings->groups.items[hit->group].key;
	return true;
}

static bool flush(struct strbuf *out, size_t least, struct err *err)
{
	bool good = true;

	if (out->size && out->size >= least) {
		good = output_write(NULL, strbuf_span(out), err);
		strbuf_clear(out);
	}
	return good;
}

static enum exit_status list(const struct pipeline *pipeline, const struct options *options,
							 struct err *err)
{
	struct strbuf out = { 0 };
	bool good = true;

	if (!options->ndjson)
		strbuf_printf(&out, "%-18s %14s  %-10s %-18s %s\n", "address", "bytes", "state", "chunk",
					  "rule  key");
	for (size_t i = 0; good && i < pipeline->findings.hits.count; i++) {
		struct hit_line line;

		if (!describe(pipeline, options, &pipeline->findings.hits.items[i], &line))
			continue;
		(options->ndjson ? add_json : add_text)(&line, &out);
		good = flush(&out, FLUSH_BYTES, err);
	}
	good = good && flush(&out, 0, err);
	strbuf_deinit(&out);
	return !good                                   ? EXIT_FAILED
		   : evidence_is_complete(&pipeline->core) ? EXIT_COMPLETE
												   : EXIT_INCOMPLETE;
}

enum exit_status command_hits(const struct options *options, struct err *err)
{
	enum exit_status status = EXIT_FAILED;
	struct setup_rules rules;
	struct pipeline pipeline;
	struct progress progress;

	setup_progress(&progress, options);
	if (!setup_rules_of(&rules, options, err)) {
		status = err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
	} else if (!setup_knows_rule(&rules, options->rule, err)) {
		status = EXIT_USAGE;
	} else {
		if (pipeline_run(&pipeline, options->operands.items[0], rules.set, setup_workers(options),
						 &progress, err))
			status = list(&pipeline, options, err);
		pipeline_deinit(&pipeline);
	}
	setup_rules_deinit(&rules);
	return status;
}

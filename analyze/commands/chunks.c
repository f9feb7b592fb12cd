#include "analyze/commands/commands.h"

#include "analyze/attribute/ledger.h"
#include "analyze/attribute/reach.h"
#include "analyze/attribute/roots.h"
#include "analyze/attribute/unseen.h"
#include "analyze/commands/setup.h"
#include "analyze/output.h"
#include "analyze/pipeline.h"
#include "base/vec.h"

#include <stdio.h>
#include <string.h>

enum { FLUSH_BYTES = 1 << 20, DEFAULT_STATES = (1 << (CHUNK_TOP + 1)) - 1 };

/* A list while it is written. */
struct listing {
	const struct options *options;
	const struct findings *findings;
	unsigned header_bytes;
	unsigned states;              /* wanted, a bit each */
	uint32_t rule;                /* index of --rule, where it is given */
	size_t next_hit;              /* first hit at or behind the next chunk */
	const struct reach *pointers; /* NULL: without --references */
	struct strbuf out;
};

static void add_hex(struct strbuf *out, uint64_t value)
{
	char digits[16], *at = digits + sizeof digits;

	do
		*--at = "0123456789abcdef"[value & 15];
	while (value >>= 4);
	strbuf_add(out, "0x", 2);
	strbuf_add(out, at, (size_t)(digits + sizeof digits - at));
}

static void add_decimal(struct strbuf *out, uint64_t value)
{
	char digits[20], *at = digits + sizeof digits;

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	strbuf_add(out, at, (size_t)(digits + sizeof digits - at));
}

/* Written by hand, as there may be millions: numbers, names of states, and rule ids, which are of
 * [a-z0-9.-] only (rules/README.md), need no escaping. */
static void add_json(struct strbuf *out, vaddr user, const struct chunk *chunk, const char *rule,
					 const char *reach)
{
	strbuf_puts(out, "{\"address\":\"");
	add_hex(out, user);
	strbuf_puts(out, "\",\"bytes\":");
	add_decimal(out, chunk->bytes);
	strbuf_puts(out, ",\"state\":\"");
	strbuf_puts(out, chunk_state_name(chunk->state));
	strbuf_puts(out, "\",\"arena\":");
	if (chunk->arena == CHUNK_NO_ARENA)
		strbuf_puts(out, "null");
	else
		add_decimal(out, (uint64_t)chunk->arena);
	strbuf_puts(out, ",\"rule\":");
	strbuf_puts(out, rule ? "\"" : "null");
	if (rule)
		strbuf_puts(out, rule);
	if (rule)
		strbuf_putc(out, '"');
	if (reach)
		strbuf_puts(out, *reach ? ",\"reach\":\"" : ",\"reach\":null");
	if (reach && *reach) {
		strbuf_puts(out, reach);
		strbuf_putc(out, '"');
	}
	strbuf_puts(out, "}\n");
}

static void add_line(struct strbuf *out, vaddr user, const struct chunk *chunk, const char *rule,
					 const char *reach)
{
	char arena[16] = "-";

	if (chunk->arena != CHUNK_NO_ARENA)
		snprintf(arena, sizeof arena, "%d", chunk->arena);
	strbuf_printf(out, "0x%-16" PRIvaddr " %14" PRIu64 "  %-10s %5s  ", user, chunk->bytes,
				  chunk_state_name(chunk->state), arena);
	if (reach)
		strbuf_printf(out, "%-11s  ", *reach ? reach : "-");
	strbuf_printf(out, "%s\n", rule ? rule : "-");
}

/* The hit that stands for the chunk: of the wanted rule, or the one that precedes all others. */
static const struct hit *find_hit(struct listing *listing, const struct chunk *chunk)
{
	const struct findings *findings = listing->findings;
	const struct hit *best = NULL;
	vaddr end = chunk->address + chunk->bytes;

	while (listing->next_hit < findings->hits.count &&
		   findings->hits.items[listing->next_hit].start < chunk->address)
		listing->next_hit++;
	for (; listing->next_hit < findings->hits.count &&
		   findings->hits.items[listing->next_hit].start < end;
		 listing->next_hit++) {
		const struct hit *hit = &findings->hits.items[listing->next_hit];

		if (listing->options->rule && hit->rule != listing->rule)
			continue;
		if (!best || ledger_precedes(findings, hit, best))
			best = hit;
	}
	return best;
}

/* Of chunk `index` of the block; "" where it is not live, NULL where nobody asked. */
static const char *reach_of(const struct listing *listing, size_t block, size_t index,
							const struct chunk *chunk)
{
	if (!listing->pointers)
		return NULL;
	if (!chunk_is_live(chunk->state))
		return "";
	return reach_has(listing->pointers, REACH_ANCHORED, block, index) ? "anchored" : "unreachable";
}

static bool reach_wanted(const struct listing *listing, const char *reach)
{
	switch (listing->options->reach) {
	case REACH_ANY:
		return true;
	case REACH_ONLY_ANCHORED:
		return reach && *reach == 'a';
	case REACH_ONLY_UNREACHABLE:
		return reach && *reach == 'u';
	}
	return true;
}

static void list_chunk(struct listing *listing, size_t block, size_t index,
					   const struct chunk *chunk)
{
	const struct options *options = listing->options;
	const struct hit *hit;
	const char *rule;
	const char *reach = reach_of(listing, block, index, chunk);
	vaddr user = chunk->address + listing->header_bytes;

	if (!(listing->states >> chunk->state & 1) || chunk->bytes < options->min_bytes)
		return;
	if (options->has_arena && (chunk->arena < 0 || (uint64_t)chunk->arena != options->arena))
		return;
	if (!reach_wanted(listing, reach))
		return;
	hit = find_hit(listing, chunk);
	if (options->rule && !hit)
		return;
	rule = hit ? listing->findings->rules.items[hit->rule].id : NULL;
	if (options->ndjson)
		add_json(&listing->out, user, chunk, rule, reach);
	else
		add_line(&listing->out, user, chunk, rule, reach);
}

static bool flush(struct listing *listing, size_t least, struct err *err)
{
	bool good = true;

	if (listing->out.size >= least && listing->out.size)
		good = output_write(NULL, strbuf_span(&listing->out), err);
	if (listing->out.size >= least)
		strbuf_clear(&listing->out);
	return good;
}

static bool list_all(struct listing *listing, const struct chunk_table *chunks, struct err *err)
{
	if (!listing->options->ndjson)
		strbuf_printf(&listing->out, "%-18s %14s  %-10s %5s  %s%s\n", "address", "bytes", "state",
					  "arena", listing->pointers ? "reach        " : "", "rule");
	for (size_t i = 0; i < chunks->blocks.count; i++) {
		const struct chunk_block *block = &chunks->blocks.items[i];

		for (size_t j = 0; j < block->count; j++) {
			struct chunk chunk = chunk_block_get(block, j);

			list_chunk(listing, i, j, &chunk);
			if (listing->out.size >= FLUSH_BYTES && !flush(listing, FLUSH_BYTES, err))
				return false;
		}
	}
	return flush(listing, 0, err);
}

/* Its index, or UINT32_MAX: not among the rules that apply to this core. */
static uint32_t find_rule(const struct findings *findings, const char *id)
{
	for (uint32_t i = 0; id && i < findings->rules.count; i++)
		if (strcmp(findings->rules.items[i].id, id) == 0)
			return i;
	return UINT32_MAX;
}

static bool check_arena(const struct heap *heap, const struct options *options, struct err *err)
{
	if (!heap->found || !options->has_arena || options->arena < heap->arenas.count)
		return true;
	return err_set(err, ERR_USAGE, "there is no arena %" PRIu64 ": the report has 0 to %zu",
				   options->arena, heap->arenas.count - 1);
}

/* The list has no room for it: a report does. */
static void warn_of_unseen(const struct pipeline *pipeline, const struct roots *roots)
{
	struct pool pool = { 0 };
	report_lines lines = { 0 };

	unseen_describe(&pipeline->core, &pipeline->image, &pipeline->regions, &pipeline->heap, roots,
					&pool, &lines);
	if (lines.count)
		fputs("analyze: unreachable is an upper bound, as not all that may hold chunks was "
			  "captured; `analyze report --references` says what\n",
			  stderr);
	vec_deinit(&lines);
	pool_deinit(&pool);
}

static void follow_pointers(const struct pipeline *pipeline, const struct options *options,
							struct progress *progress, struct reach *reach)
{
	struct roots roots;

	roots_init(&roots, &pipeline->core, &pipeline->regions, &pipeline->heap);
	reach_init(reach, &pipeline->core, &pipeline->image, &roots, &pipeline->heap.chunks,
			   setup_workers(options), progress);
	if (pipeline->heap.found && !options->quiet)
		warn_of_unseen(pipeline, &roots);
	roots_deinit(&roots);
}

static enum exit_status list(const struct pipeline *pipeline, const struct options *options,
							 struct progress *progress, struct err *err)
{
	struct reach reach = { 0 };
	struct listing listing = {
		.options = options,
		.findings = &pipeline->findings,
		.header_bytes = pipeline->heap.chunks.header_bytes,
		.states = options->states ? options->states : DEFAULT_STATES,
		.rule = find_rule(&pipeline->findings, options->rule),
	};
	bool good;

	if (!check_arena(&pipeline->heap, options, err))
		return EXIT_USAGE;
	if (!pipeline->heap.found && !options->quiet)
		fputs("analyze: no glibc heap was recognised, so there are no chunks\n", stderr);
	if (options->references) {
		follow_pointers(pipeline, options, progress, &reach);
		listing.pointers = &reach;
	}
	good = list_all(&listing, &pipeline->heap.chunks, err);
	strbuf_deinit(&listing.out);
	reach_deinit(&reach);
	return setup_list_status(pipeline, good);
}

enum exit_status command_chunks(const struct options *options, struct err *err)
{
	return setup_run(options, list, err);
}

#include "analyze/author/explain.h"

#include "analyze/rules/byte_set.h"
#include "analyze/author/explain_near.h"
#include "analyze/content/view.h"

/* Places that are traced: a trace is slow, and the first are as telling as the rest. */
enum { MOST_TRACES = 256 };

struct explaining {
	struct explain *out;
	const struct explain_input *input;
	struct confirm_thread *thread;
	struct prefilter_thread *prefilter;
	struct trace_pattern *trace;
	unsigned traces;
	const struct run *run; /* at hand */
	struct view view;
	vaddr next; /* starts before this one were tried */
	vaddr end;  /* of the last hit that counts */
};

static uint64_t offset_of(const struct explaining *now, vaddr at)
{
	return at - now->view.payload;
}

/* One hit explains a whole chunk; others go on behind their extent. */
static void add_hit(struct explaining *now, vaddr at, uint64_t bytes)
{
	const struct chunk *chunk = &now->out->chunk;
	vaddr end = chunk->address + chunk->bytes;
	bool whole = now->out->rule->extent == RULE_EXTENT_CHUNK, overlapped = at < now->end;

	if (!overlapped)
		now->end = whole ? UINT64_MAX : at + bytes;
	if (now->out->hits.count == EXPLAIN_HITS) {
		now->out->more_hits++;
		return;
	}
	*vec_add(&now->out->hits) = (struct explain_hit){
		.at = offset_of(now, at),
		.bytes = bytes < end - at ? bytes : end - at,
		.overlapped = overlapped,
	};
}

static void add_refusal(struct explaining *now, const struct validator *validator, vaddr at,
						uint64_t bytes)
{
	struct explain *out = now->out;

	if (out->refused < EXPLAIN_REFUSALS)
		out->refusals[out->refused] =
			(struct explain_refusal){ validator, offset_of(now, at), bytes };
	out->refused++;
}

/* The bytes a pattern may look at from `at` on, as the scan gives them; *before is how many of them
 * stand before it, for lookbehinds. */
static struct span subject_of(const struct explaining *now, vaddr at, size_t *before)
{
	const struct rule *rule = now->out->rule;
	const struct range readable = now->view.readable;
	uint64_t left = readable.end - at;

	*before = at - readable.start > rule->lookbehind ? rule->lookbehind : at - readable.start;
	return run_span(now->run, at - *before,
					at + (left < rule->scan.max_length ? left : rule->scan.max_length));
}

/* Keeps the trace of the place where the pattern got furthest. */
static void trace_place(struct explaining *now, vaddr at)
{
	struct explain *out = now->out;
	size_t before = 0, place;
	struct span subject = subject_of(now, at, &before);
	struct trace trace;

	if (!now->trace || now->traces++ >= MOST_TRACES)
		return;
	trace = trace_at(now->trace, subject, before);
	if (out->has_trace && trace.reached <= out->trace.reached)
		return;
	place = before + trace.reached;
	out->has_trace = true;
	out->trace_at = offset_of(now, at);
	out->trace = trace;
	out->trace_byte = place < subject.size ? subject.data[place] : -1;
}

static bool validate(struct explaining *now, vaddr at, struct match *match)
{
	const struct rule *rule = now->out->rule;
	struct span bytes = run_span(now->run, at, now->view.readable.end);
	uint64_t matched = match->bytes;

	for (size_t i = 0; i < rule->validator_count; i++)
		if (!rule->validators[i]->run(bytes, match)) {
			add_refusal(now, rule->validators[i], at, matched);
			return false;
		}
	return true;
}

static void try_pattern(struct explaining *now, vaddr at)
{
	const struct rule *rule = now->out->rule;
	size_t before = 0;
	struct span subject = subject_of(now, at, &before);
	struct match match;

	if (!byte_set_has(confirm_first_bytes(rule->confirm), subject.data[before])) {
		now->out->first_byte++;
		return;
	}
	now->out->tried++;
	switch (confirm_at(rule->confirm, now->thread, subject, before, &match)) {
	case CONFIRM_UNDECIDED:
		now->out->undecided++;
		break;
	case CONFIRM_NO:
		trace_place(now, at);
		break;
	case CONFIRM_YES:
		if (validate(now, at, &match))
			add_hit(now, at, rule->extent == RULE_EXTENT_VALIDATOR ? match.extent : match.bytes);
		break;
	}
}

static void try_structure(struct explaining *now, vaddr at)
{
	struct explain *out = now->out;
	const struct structure *structure = &out->rule->structure;
	struct structure_place place = { out->chunk, at,
									 run_span(now->run, at, now->view.readable.end) };
	struct structure_failure failure =
		structure_find_failure(structure, &now->input->tables, &place);

	out->tried++;
	if (failure.word == structure->words.count) {
		add_hit(now, at, structure->bytes);
	} else if (!out->has_failure || failure.word > out->failure.word) {
		out->has_failure = true;
		out->failure_at = offset_of(now, at);
		out->failure = failure;
	}
}

/* Where a match may start in this run. */
static struct range starts_of(const struct explaining *now)
{
	const struct chunk *chunk = &now->out->chunk;
	struct range starts = range_overlap(
		now->view.readable, (struct range){ now->view.payload, chunk->address + chunk->bytes });

	if (now->out->rule->scan.anchor == RULE_ANCHOR_CHUNK_START)
		starts = range_overlap(starts, (struct range){ now->view.payload, now->view.payload + 1 });
	return starts;
}

static void try_starts(struct explaining *now, struct range starts)
{
	vaddr at = starts.start > now->next ? starts.start : now->next;

	for (; at < starts.end && now->out->undecided < EXPLAIN_PATIENCE; at++)
		try_pattern(now, at);
	now->next = at > now->next ? at : now->next;
}

static void count_keyword(struct explaining *now, struct span bytes, vaddr at)
{
	const struct rule *rule = now->out->rule;
	struct explain_keyword *found;

	for (size_t i = 0; i < now->out->keywords.count; i++) {
		found = &now->out->keywords.items[i];
		if (span_equal(rule->keywords.items[found->keyword].bytes, bytes)) {
			found->count++;
			return;
		}
	}
	found = vec_add(&now->out->keywords);
	found->count = 1;
	found->first = offset_of(now, at);
	while (!span_equal(rule->keywords.items[found->keyword].bytes, bytes))
		found->keyword++;
}

/* The starts from which the keyword can be the match's first one. */
static void try_keyword(struct explaining *now, vaddr at)
{
	const struct rule *rule = now->out->rule;
	vaddr payload = now->view.payload;
	struct range lead;

	if (at - payload < rule->lead_min)
		return;
	lead.start = at - payload > rule->lead_max ? at - rule->lead_max : payload;
	lead.end = at - rule->lead_min + 1;
	try_starts(now, range_overlap(lead, starts_of(now)));
}

static bool has_literal(const struct rule_literal *literal, uint32_t rule)
{
	for (size_t i = 0; i < literal->uses.count; i++)
		if (literal->uses.items[i].rule == rule)
			return true;
	return false;
}

static void take_keyword(struct explaining *now, const struct rule_literal *literal, vaddr at)
{
	if (!has_literal(literal, now->input->rule))
		return;
	count_keyword(now, literal->bytes, at);
	try_keyword(now, at);
}

/* A piece of the chunk at a time; a keyword that starts in one may reach into the next. */
static bool look_for_keywords(struct explaining *now, struct err *err)
{
	const struct rule_set *set = now->input->rules;
	const struct range readable = now->view.readable;
	uint64_t tail = prefilter_longest(set->prefilter) - 1;
	prefilter_hits hits = { 0 };
	bool good = true;

	for (vaddr from = readable.start; good && from < readable.end; from += UNIT_BYTES) {
		vaddr to = readable.end - from > UNIT_BYTES ? from + UNIT_BYTES : readable.end;
		uint64_t left = now->run->range.end - to;

		good = prefilter_scan(set->prefilter, now->prefilter,
							  run_span(now->run, from, to + (left < tail ? left : tail)), &hits);
		for (size_t i = 0; good && i < hits.count; i++)
			if (from + hits.items[i].at < to)
				take_keyword(now, &set->literals.items[hits.items[i].literal],
							 from + hits.items[i].at);
	}
	vec_deinit(&hits);
	return good || err_set(err, ERR_SYSTEM, "libhs failed while looking for keywords");
}

/* The places a structure may start at, as in the scan. */
static void try_places(struct explaining *now)
{
	struct range starts = starts_of(now);
	unsigned step = now->out->header_bytes;

	if (starts.start >= starts.end)
		return;
	starts.start += (now->view.payload - starts.start) & (step - 1);
	for (vaddr at = starts.start; at < starts.end; at += step)
		try_structure(now, at);
}

static bool look_at_run(struct explaining *now, struct err *err)
{
	const struct rule *rule = now->out->rule;

	if (now->view.readable.start >= now->view.readable.end)
		return true;
	now->out->readable += range_bytes(now->view.readable);
	if (rule->keywords.count) {
		if (!look_for_keywords(now, err))
			return false;
		explain_near_add(now->out,
						 run_span(now->run, now->view.readable.start, now->view.readable.end),
						 offset_of(now, now->view.readable.start));
	} else if (rule->confirm) {
		try_starts(now, starts_of(now));
	} else {
		try_places(now);
	}
	return true;
}

/* Every run that holds bytes of the chunk: pages between them may be missing. */
static bool look(struct explaining *now, size_t block_index, struct err *err)
{
	const struct chunk_table *chunks = now->input->tables.chunks;
	const struct chunk_block *block = &chunks->blocks.items[block_index];
	size_t index = chunk_block_find(block, now->out->chunk.address);
	bool good = true;

	for (size_t i = 0; good && i < now->input->runs->items.count; i++) {
		now->run = &now->input->runs->items.items[i];
		if (now->run->block != block_index)
			continue;
		now->view = view_make(
			&(struct view_source){
				.run = now->run,
				.block = block,
				.header_bytes = chunks->header_bytes,
				.word = now->input->tables.image->word,
			},
			index);
		good = look_at_run(now, err);
	}
	return good;
}

/* The first of the conditions that need no content; EXPLAIN_HIT: none of them drops it. */
static enum explain_verdict drop(const struct explaining *now)
{
	const struct rule *rule = now->out->rule;
	const struct chunk *chunk = &now->out->chunk;

	if (!rule_applies(rule, now->input->tables.image->machine, now->input->tables.image->word))
		return EXPLAIN_TARGET;
	if (!(rule->scan.states >> chunk->state & 1))
		return EXPLAIN_STATE;
	if (chunk->bytes < rule->scan.sizes.min || chunk->bytes > rule->scan.sizes.max)
		return EXPLAIN_SIZE;
	return EXPLAIN_HIT;
}

static enum explain_verdict judge(const struct explain *out)
{
	if (out->hits.count)
		return EXPLAIN_HIT;
	if (!out->readable)
		return EXPLAIN_NOT_THERE;
	if (out->undecided)
		return EXPLAIN_UNDECIDED;
	if (out->refused)
		return EXPLAIN_VALIDATOR;
	if (out->rule->keywords.count && !out->keywords.count)
		return EXPLAIN_NO_KEYWORD;
	if (!out->tried && !out->first_byte)
		return EXPLAIN_ANCHOR;
	return out->rule->confirm ? EXPLAIN_PATTERN : EXPLAIN_STRUCTURE;
}

static void set_verdict(struct explaining *now)
{
	struct explain *out = now->out;
	enum explain_verdict dropped = drop(now);

	out->verdict = judge(out);
	if (dropped == EXPLAIN_HIT)
		return;
	out->verdict = dropped;
	for (size_t i = 0; i < out->hits.count; i++)
		out->would_hit += !out->hits.items[i].overlapped;
	out->hits.count = 0;
}

static bool start(struct explaining *now, struct err *err)
{
	const struct rule *rule = now->out->rule;

	now->thread = confirm_thread_create();
	now->prefilter = prefilter_thread_create(now->input->rules->prefilter, err);
	if (rule->confirm)
		now->trace = trace_pattern_create(rule->pattern);
	if (now->thread && now->prefilter)
		return true;
	return !now->prefilter ||
		   err_set(err, ERR_SYSTEM, "PCRE2 cannot allocate what a thread needs to match");
}

bool explain_fill(struct explain *out, const struct explain_input *input, vaddr address,
				  struct err *err)
{
	const struct chunk_table *chunks = input->tables.chunks;
	struct explaining now = { .out = out, .input = input };
	bool good = chunk_table_find(chunks, address, &out->chunk);

	out->rule = &input->rules->rules.items[input->rule];
	out->header_bytes = chunks->header_bytes;
	if (!good)
		return err_set(err, ERR_NOT_FOUND, "no chunk of malloc is at 0x%" PRIvaddr, address);
	good = start(&now, err) && look(&now, chunk_table_find_block(chunks, address), err);
	if (good)
		set_verdict(&now);
	confirm_thread_destroy(now.thread);
	prefilter_thread_destroy(now.prefilter);
	trace_pattern_destroy(now.trace);
	return good;
}

void explain_deinit(struct explain *explain)
{
	vec_deinit(&explain->keywords);
	vec_deinit(&explain->near);
	vec_deinit(&explain->hits);
}

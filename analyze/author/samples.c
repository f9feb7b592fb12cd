#include "analyze/author/samples.h"

#include "analyze/author/explain_text.h"
#include "analyze/rules/rule_schema.h"
#include "analyze/content/unit_scan.h"
#include "base/cleanup.h"
#include "base/mem.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OTHER_CHUNKS = 16, TAIL_BYTES = 64 };

/* A heap of the sample's chunk and those its words point to. */
struct stage {
	vaddr heap; /* its address; the sample's chunk is the first */
	uint8_t *memory;
	uint64_t bytes;
	struct image image;
	struct chunk_table chunks;
	struct runs runs;
	uint32_t offsets[OTHER_CHUNKS + 2]; /* of the chunks, ascending */
	enum chunk_state states[OTHER_CHUNKS + 2];
	size_t count;
};

/* What the first match showed. */
struct seen {
	const struct rule *rule;
	size_t hits;
	vaddr at;
	uint64_t bytes;
	struct {
		const char *name;
		struct strbuf text;
	} values[MATCH_CAPTURES + 1];
	size_t count;
};

static void stage_deinit(struct stage *stage)
{
	runs_deinit(&stage->runs);
	chunk_table_deinit(&stage->chunks);
	vec_deinit(&stage->image.pieces);
	free(stage->memory);
}

static void put_word(uint8_t *at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* The state the rule looks at: in use where it can be. */
static enum chunk_state sample_state(const struct rule *rule)
{
	static const enum chunk_state order[] = { CHUNK_IN_USE, CHUNK_MMAPPED, CHUNK_BINNED,
											  CHUNK_FASTBIN, CHUNK_TCACHE };

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (rule->scan.states >> order[i] & 1)
			return order[i];
	return CHUNK_TOP;
}

/* As small as holds the sample, but of a size the rule looks at. */
static uint64_t sample_size(const struct rule *rule, const struct rule_test *test, unsigned header)
{
	uint64_t bytes = test->bytes.size + header + 16;

	if (test->size)
		return test->size;
	if (bytes < rule->scan.sizes.min && rule->scan.sizes.min <= 1 << 20)
		bytes = rule->scan.sizes.min;
	return (bytes + 15) / 16 * 16;
}

static uint64_t add_chunk(struct stage *stage, uint64_t bytes, enum chunk_state state)
{
	uint64_t start = stage->bytes;

	stage->offsets[stage->count] = (uint32_t)start;
	stage->states[stage->count++] = state;
	stage->bytes += bytes;
	return start;
}

/* Lays out the chunks the words ask for; other[i] is the payload's offset of word i's chunk. */
static void lay_out(struct stage *stage, const struct rule *rule, const struct rule_test *test,
					uint64_t other[OTHER_CHUNKS])
{
	unsigned header = stage->chunks.header_bytes;

	add_chunk(stage, sample_size(rule, test, header), sample_state(rule));
	for (size_t i = 0; i < test->words.count && i < OTHER_CHUNKS; i++) {
		const struct rule_test_word *word = &test->words.items[i];

		if (word->kind == RULE_WORD_CHUNK)
			other[i] = add_chunk(stage, word->value, CHUNK_IN_USE) + header;
		else if (word->kind == RULE_WORD_FREE)
			other[i] = add_chunk(stage, word->value, CHUNK_BINNED) + header;
	}
	add_chunk(stage, TAIL_BYTES, CHUNK_OVERHEAD);
	stage->memory = mem_zeroed(stage->bytes, 1);
}

static unsigned word_bytes(const struct rule *rule, uint32_t at, unsigned pointer)
{
	for (size_t i = 0; i < rule->structure.words.count; i++)
		if (rule->structure.words.items[i].at == at)
			return structure_word_bytes(rule->structure.words.items[i].type, pointer);
	return pointer;
}

static void fill_words(struct stage *stage, const struct rule *rule, const struct rule_test *test,
					   const uint64_t other[OTHER_CHUNKS])
{
	unsigned header = stage->chunks.header_bytes, pointer = stage->image.word;

	for (size_t i = 0; i < test->words.count && i < OTHER_CHUNKS; i++) {
		const struct rule_test_word *word = &test->words.items[i];
		unsigned size = word_bytes(rule, word->at, pointer);
		uint64_t value = word->value;

		if (header + word->at + size > sample_size(rule, test, header))
			continue; /* the scan will not find it there either */
		if (word->kind == RULE_WORD_SELF)
			value += stage->heap + header;
		else if (word->kind != RULE_WORD_NUMBER)
			value = stage->heap + other[i] + word->header;
		put_word(stage->memory + header + word->at, value, size);
		if (word->has_back && word->header + word->back + pointer + header <= word->value)
			put_word(stage->memory + other[i] + word->header + word->back, stage->heap + header,
					 pointer);
	}
}

static void add_block(struct stage *stage)
{
	struct chunk_block *block = chunk_table_add(
		&stage->chunks, (struct range){ stage->heap, stage->heap + stage->bytes }, 0);

	block->packed = mem_zeroed(stage->count, sizeof *block->packed);
	block->count = stage->count;
	for (size_t i = 0; i < stage->count; i++)
		block->packed[i] = stage->offsets[i] / 8 << 3 | (uint32_t)stage->states[i];
	chunk_table_seal(&stage->chunks);
}

static unsigned word_of(uint16_t machine)
{
	return machine == EM_386 || machine == EM_ARM ? 4 : 8;
}

/* A machine the rule is about. */
static uint16_t sample_machine(const struct rule *rule)
{
	if (rule->scan.machine)
		return (uint16_t)rule->scan.machine;
	return rule->scan.word == 4 ? EM_386 : EM_X86_64;
}

static void stage_init(struct stage *stage, const struct rule *rule, const struct rule_test *test)
{
	uint64_t other[OTHER_CHUNKS] = { 0 };
	uint64_t room;

	*stage = (struct stage){ 0 };
	stage->image.machine = sample_machine(rule);
	stage->image.word = word_of(stage->image.machine);
	stage->heap = stage->image.word == 4 ? UINT64_C(0xf5500000) : UINT64_C(0x7f5500000000);
	stage->image.page_size = 4096;
	stage->chunks.header_bytes = 2 * stage->image.word;
	lay_out(stage, rule, test, other);
	room = sample_size(rule, test, stage->chunks.header_bytes) - stage->chunks.header_bytes;
	if (test->bytes.size)
		memcpy(stage->memory + stage->chunks.header_bytes, test->bytes.data,
			   test->bytes.size < room ? test->bytes.size : room);
	fill_words(stage, rule, test, other);
	*vec_add(&stage->image.pieces) =
		(struct piece){ { stage->heap, stage->heap + stage->bytes }, stage->memory, true };
	add_block(stage);
	runs_init(&stage->runs, &stage->image, &stage->chunks, NULL, UNIT_BYTES);
}

static void keep(struct seen *seen, const char *name, struct span text)
{
	seen->values[seen->count].name = name;
	strbuf_clear(&seen->values[seen->count].text);
	strbuf_add(&seen->values[seen->count].text, text.data, text.size);
	seen->count++;
}

static void watch(void *context, const struct raw_hit *hit, const struct match *match)
{
	struct seen *seen = context;
	const struct match_capture *by;
	struct strbuf key = { 0 };

	if (seen->hits++ && hit->at >= seen->at)
		return;
	seen->at = hit->at;
	seen->bytes = seen->rule->extent == RULE_EXTENT_CHUNK ? hit->chunk.bytes : hit->bytes;
	seen->count = 0;
	for (size_t i = 0; i < match->captures; i++)
		if (match->capture[i].text.data)
			keep(seen, match->capture[i].name, match->capture[i].text);
	by = seen->rule->aggregate.by ? match_find(match, seen->rule->aggregate.by) : NULL;
	if (by && by->text.data) {
		aggregate_key(&seen->rule->aggregate, by->text, &key);
		keep(seen, "key", strbuf_span(&key));
	}
	strbuf_deinit(&key);
}

static void seen_deinit(struct seen *seen)
{
	for (size_t i = 0; i <= MATCH_CAPTURES; i++)
		strbuf_deinit(&seen->values[i].text);
}

/* Scans the stage with one rule alone. */
static bool scan_stage(const struct rule_set *set, uint32_t index, struct stage *stage, bool brute,
					   struct seen *seen, struct err *err)
{
	AUTO_FREE bool *applies = mem_zeroed(set->rules.count, sizeof *applies);
	struct unit_tables shared = {
		.rules = set,
		.applies = applies,
		.tables = { &stage->image, NULL, &stage->chunks },
		.runs = &stage->runs,
		.brute = brute,
	};
	struct unit_worker *worker;
	struct unit_result result = { 0 };
	bool good = true;

	applies[index] = true;
	unit_tables_init(&shared);
	worker = unit_worker_create(&shared, err);
	if (!worker) {
		unit_tables_deinit(&shared);
		return false;
	}
	unit_worker_watch(worker, watch, seen);
	for (size_t i = 0; i < stage->runs.units.count; i++)
		good &= unit_scan(worker, &stage->runs.units.items[i], &result);
	unit_result_deinit(&result);
	unit_worker_destroy(worker);
	unit_tables_deinit(&shared);
	return good || err_set(err, ERR_SYSTEM, "libhs failed on a sample");
}

static struct span seen_value(const struct seen *seen, const char *name, struct strbuf *number)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->values[i].name, name) == 0)
			return strbuf_span(&seen->values[i].text);
	if (strcmp(name, "bytes") == 0)
		strbuf_printf(number, "%" PRIu64, seen->bytes);
	return strbuf_span(number);
}

/* Why the rule found nothing on the stage. */
static void put_reason(const struct rule_set *set, uint32_t index, const struct stage *stage,
					   struct strbuf *out)
{
	struct explain explain = { 0 };
	struct explain_input input = {
		.rules = set,
		.rule = index,
		.tables = { &stage->image, NULL, &stage->chunks },
		.runs = &stage->runs,
	};
	struct explain_report report = { .explain = &explain, .tables = &input.tables };
	struct err err = { 0 };

	if (explain_fill(&explain, &input, stage->heap, &err) && explain.verdict != EXPLAIN_HIT) {
		strbuf_puts(out, ": ");
		explain_short(&report, out);
	}
	explain_deinit(&explain);
}

static void put_differences(const struct rule_test *test, const struct seen *seen,
							struct schema *schema, struct strbuf *out)
{
	for (size_t i = 0; i < test->expect.count; i++) {
		const struct rule_expectation *want = &test->expect.items[i];
		struct strbuf number = { 0 };
		struct span got = seen_value(seen, want->name, &number);

		if (!span_equal(got, want->value))
			strbuf_printf(out, "%s%s='%s', want '%s'", out->size ? "; " : "matched, but ",
						  want->name, schema_quote(schema, got), schema_quote(schema, want->value));
		strbuf_deinit(&number);
	}
}

/* What a scan of a sample showed: "matched, but event='x', want 'kick'"; empty where all is as
 * expected. */
static void judge(const struct rule_set *set, uint32_t index, const struct rule_test *test,
				  const struct stage *stage, const struct seen *seen, struct schema *schema,
				  struct strbuf *out)
{
	if (!test->wants_match && seen->hits) {
		strbuf_printf(out, "matched %" PRIu64 " bytes from +%" PRIu64 ", want none", seen->bytes,
					  seen->at - stage->heap - stage->chunks.header_bytes);
	} else if (test->wants_match && !seen->hits) {
		strbuf_puts(out, "did not match");
		put_reason(set, index, stage, out);
	} else {
		put_differences(test, seen, schema, out);
	}
}

static void report_failure(const struct rule_test *test, const struct strbuf verdicts[2],
						   struct schema *schema)
{
	const struct strbuf *said = &verdicts[verdicts[0].size == 0];

	rule_message_add(schema->sink, test->place, "R050", "test '%s': %s%s",
					 schema_quote(schema, span_string(test->name)), strbuf_text(said),
					 !verdicts[0].size   ? " (only without the prefilter)"
					 : !verdicts[1].size ? " (only with the prefilter: no keyword found it)"
										 : "");
}

static bool run_test(const struct rule_set *set, uint32_t index, const struct rule_test *test,
					 struct schema *schema, bool *passed, struct err *err)
{
	const struct rule *rule = &set->rules.items[index];
	struct strbuf verdicts[2] = { { 0 }, { 0 } };
	bool good = true;

	for (int brute = 0; good && brute < 2; brute++) {
		struct seen seen = { .rule = rule };
		struct stage stage;

		stage_init(&stage, rule, test);
		good = scan_stage(set, index, &stage, brute, &seen, err);
		judge(set, index, test, &stage, &seen, schema, &verdicts[brute]);
		seen_deinit(&seen);
		stage_deinit(&stage);
	}
	*passed = !verdicts[0].size && !verdicts[1].size;
	if (good && !*passed)
		report_failure(test, verdicts, schema);
	strbuf_deinit(&verdicts[0]);
	strbuf_deinit(&verdicts[1]);
	return good;
}

bool samples_run(const struct rule_set *set, uint32_t index, struct rule_sink *sink,
				 struct samples_count *count, struct err *err)
{
	const struct rule *rule = &set->rules.items[index];
	struct schema schema = { sink, sink->pool };
	bool good = true;

	sink->rule = rule->id;
	for (size_t i = 0; good && i < rule->tests.count; i++) {
		bool passed = false;

		good = run_test(set, index, &rule->tests.items[i], &schema, &passed, err);
		count->passed += passed;
		count->failed += !passed;
	}
	sink->rule = NULL;
	return good;
}

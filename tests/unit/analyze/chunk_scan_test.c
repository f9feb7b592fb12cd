/* A scan of one chunk finds there what a scan of the whole heap does. */
#include "tests/unit/unit.h"

#include "analyze/content/chunk_scan.h"
#include "analyze/content/unit_scan.h"
#include "analyze/rules/rule.h"
#include "tests/support/packed.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#define GZIP                                                                             \
	"- {id: gzip, title: T, keywords: [{hex: '1f 8b 08'}], pattern: '\\x1f\\x8b\\x08', " \
	"validate: [gzip], extent: validator}\n"

static struct findings scan_chunk(const struct rule_text *rules, const struct sketch *sketch,
								  size_t index)
{
	const struct structure_tables tables = { &sketch->image, NULL, &sketch->chunks };
	struct chunk chunk = chunk_block_get(&sketch->chunks.blocks.items[0], index);
	struct findings findings;
	struct err err = { 0 };

	if (!chunk_scan(&findings, rules->set, &tables, NULL, &chunk, 1, NULL, &err))
		fail_msg("%s", err.what);
	return findings;
}

/* What validators may take is in proportion to the unit that the chunk stands in, not to the chunk:
 * its streams make more than it alone would be worth. */
static void a_small_chunk_may_take_what_its_unit_may(void **state)
{
	enum { STREAMS = 4 };
	struct strbuf zeros = { 0 }, packed = { 0 };
	struct findings whole, own;
	struct rule_text rules;
	struct sketch sketch;

	(void)state;
	rule_text_load_rule(&rules, GZIP);
	strbuf_pad(&zeros, '\0', UNIT_WORK);
	for (size_t i = 0; i < STREAMS; i++)
		packed_add(&packed, MATCH_GZIP, strbuf_span(&zeros));
	sketch_init(&sketch, 4 << 20);
	sketch_chunk(&sketch, 1 << 20, CHUNK_IN_USE);
	sketch_bytes(&sketch, CHUNK_IN_USE, packed.data, packed.size);
	sketch_chunk(&sketch, 1 << 20, CHUNK_IN_USE);
	sketch_seal(&sketch);
	whole = unit_run_whole(&rules, &sketch, NULL, 1);
	own = scan_chunk(&rules, &sketch, 1);
	assert_int_equal(whole.hits.count, STREAMS);
	assert_int_equal(own.hits.count, STREAMS);
	for (size_t i = 0; i < STREAMS; i++)
		assert_int_equal(own.hits.items[i].start, whole.hits.items[i].start);
	assert_int_equal(own.rules.items[0].tally.undecided, 0);
	findings_deinit(&whole);
	findings_deinit(&own);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
	strbuf_deinit(&packed);
	strbuf_deinit(&zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_chunk_may_take_what_its_unit_may),
	};

	return cmocka_run_group_tests_name("chunk_scan", tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include "analyze/rules/rule.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#include <string.h>

/* What a scan does not look at: pages that are not there, and what a limit leaves out. */
enum { PAGE = 4096, PAGES = 6 };

#define EVENT                                                                                     \
	"- id: event\n  title: T\n  keywords: ['42[\"']\n  pattern: '42\\[\"(?<event>[^\"]+)\"\\]'\n" \
	"  aggregate: {by: event, max_keys: 3}\n"

/* Rules, a heap that they look at, and what is known of its pages. */
struct scene {
	struct rule_text rules;
	struct sketch sketch;
	struct page_map map;
	struct findings findings;
};

static void scene_begin(struct scene *scene, const char *rules, size_t bytes)
{
	*scene = (struct scene){ .map.page_size = PAGE };
	rule_text_load_sound(&scene->rules, rules);
	sketch_init(&scene->sketch, bytes);
}

/* The state of the page behind the last one. */
static void scene_page(struct scene *scene, enum page_state state)
{
	size_t runs = scene->map.runs.count;
	vaddr start = runs ? scene->map.runs.items[runs - 1].range.end : SKETCH_START;

	page_map_append(&scene->map, (struct range){ start, start + PAGE }, state);
}

/* Scans with the page map, or as of a core that has none. */
static void scene_scan(struct scene *scene, bool has_map)
{
	findings_deinit(&scene->findings);
	scene->findings =
		unit_run_whole(&scene->rules, &scene->sketch, has_map ? &scene->map : NULL, 1);
}

static void scene_end(struct scene *scene)
{
	findings_deinit(&scene->findings);
	page_map_deinit(&scene->map);
	sketch_deinit(&scene->sketch);
	rule_text_deinit(&scene->rules);
}

static void pages_that_are_not_there_are_skipped(void **state)
{
	struct scene scene;
	uint8_t *payload;

	(void)state;
	scene_begin(&scene, EVENT, PAGES * PAGE);
	payload = sketch_chunk(&scene.sketch, PAGES * PAGE - 64, CHUNK_IN_USE);
	for (size_t page = 0; page < 5; page++)
		memcpy(payload + page * PAGE + 100, "42[\"a\"]", 7);
	memcpy(payload - 16 + 2 * PAGE - 3, "42[\"a\"]", 7); /* reaches into the zero page */
	memcpy(payload - 16 + 3 * PAGE - 3, "42[\"a\"]", 7); /* comes out of it */
	sketch_seal(&scene.sketch);
	scene_page(&scene, PAGE_PRESENT);
	scene_page(&scene, PAGE_SWAPPED); /* and in the file all the same: a capture read it */
	scene_page(&scene, PAGE_ZERO);
	scene_page(&scene, PAGE_TORN);
	scene_page(&scene, PAGE_ABSENT);
	scene_scan(&scene, true);
	assert_int_equal(scene.findings.hits.count, 3); /* pages 0, 1 and 3 */
	scene_scan(&scene, false);
	assert_int_equal(scene.findings.hits.count, 7);
	scene_end(&scene);
}

/* The word that a structure is probed by may stand behind a page that was never touched. */
static void structures_reach_over_missing_pages(void **state)
{
	const uint64_t word = 0x123456789;
	struct scene scene;
	const struct hit *hits;
	uint8_t *payload;

	(void)state;
	scene_begin(&scene,
				"- {id: s, title: T, structure: [{at: 0, type: u8, in: 1..3}, "
				"{at: 8200, type: u64, in: 0x123456789..0x123456789}], "
				"scan: {anchor: chunk-start}}\n"
				"- {id: any, title: T, structure: [{at: 0, type: u8, in: 1..3}, "
				"{at: 8136, type: u64, in: 0x123456789..0x123456789}]}\n",
				PAGES * PAGE);
	payload = sketch_chunk(&scene.sketch, 4 * PAGE, CHUNK_IN_USE);
	payload[0] = payload[64] = 2;
	memcpy(payload + 8200, &word, sizeof word);
	sketch_seal(&scene.sketch);
	for (size_t page = 0; page < PAGES; page++)
		scene_page(&scene, page == 1 ? PAGE_ABSENT : PAGE_PRESENT);
	scene_scan(&scene, true);
	hits = scene.findings.hits.items;
	assert_int_equal(scene.findings.hits.count, 2);
	assert_int_equal(hits[0].start, sketch_address(&scene.sketch, payload));
	assert_int_equal(hits[1].start, sketch_address(&scene.sketch, payload) + 64);
	assert_int_equal(hits[1].rule, 1);
	scene_end(&scene);
}

static void a_limit_is_counted_as_undecided(void **state)
{
	struct scene scene;
	uint8_t *payload;

	(void)state;
	scene_begin(&scene,
				"- id: slow\n  title: T\n  keywords: [key]\n"
				"  pattern: 'key(?:[a-z]{1,100}){1,3}[\\x01\\x02]'\n",
				PAGE);
	payload = sketch_chunk(&scene.sketch, 2048, CHUNK_IN_USE);
	memset(payload, 'a', 2000);
	memcpy(payload, "key", 3);
	memcpy(payload + 1000, "key", 3);
	sketch_seal(&scene.sketch);
	scene_scan(&scene, false);
	assert_int_equal(scene.findings.hits.count, 0);
	assert_int_equal(scene.findings.rules.items[0].tally.undecided, 2);
	assert_false(scene.findings.rules.items[0].tally.given_up);
	scene_end(&scene);
}

static void check_limits(struct unit_run_limits limits, size_t hits, size_t undecided)
{
	struct scene scene;

	scene_begin(&scene, EVENT, PAGE);
	sketch_text(&scene.sketch, CHUNK_IN_USE, "42[\"a\"]42[\"b\"]42[\"c\"] 42[");
	sketch_text(&scene.sketch, CHUNK_IN_USE, "42[\"d\"] 42[\"\"]");
	sketch_seal(&scene.sketch);
	scene.findings = unit_run(&scene.rules, &scene.sketch, NULL, 1 << 20, limits);
	assert_int_equal(scene.findings.hits.count, hits);
	assert_int_equal(scene.findings.rules.items[0].tally.undecided, undecided);
	scene_end(&scene);
}

/* "Not looked at" is never "no match". */
static void what_limits_leave_out_is_undecided(void **state)
{
	(void)state;
	check_limits((struct unit_run_limits){ .hits = 4 }, 4, 0);
	check_limits((struct unit_run_limits){ .hits = 3 }, 3, 1);
	check_limits((struct unit_run_limits){ .hits = 0 }, 0, 4);
	check_limits((struct unit_run_limits){ .hits = 4, .budget_ns = UINT64_MAX }, 4, 0);
	check_limits((struct unit_run_limits){ .hits = 4, .budget_ns = 1, .spent_ns = 2 }, 0, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_that_are_not_there_are_skipped),
		cmocka_unit_test(structures_reach_over_missing_pages),
		cmocka_unit_test(a_limit_is_counted_as_undecided),
		cmocka_unit_test(what_limits_leave_out_is_undecided),
	};

	return cmocka_run_group_tests_name("scan_missing", tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include "analyze/content/keyword_search.h"
#include "analyze/content/unit_scan.h"
#include "analyze/content/unit_worker.h"
#include "base/strbuf.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"

#include <string.h>

#define RULES                                                             \
	"- {id: one, title: T, keywords: [one, both], pattern: 'one|both'}\n" \
	"- {id: two, title: T, keywords: [two, both], pattern: 'two|both'}\n" \
	"- {id: odd, title: T, keywords: [odd, both], pattern: 'odd|both'}\n"

enum { ONE, TWO, ODD, ALL, PATIENCE = 10 };

struct scene {
	struct rule_text rules;
	bool applies[ALL];
	atomic_bool given_up[ALL];
	struct keyword_search *search;
	struct strbuf words;
};

/* All of the rules apply but the last. */
static int setup(void **state)
{
	static struct scene scene;

	memset(&scene, 0, sizeof scene);
	rule_text_load_rule(&scene.rules, RULES);
	assert_string_equal(strbuf_text(&scene.rules.all), "");
	scene.applies[ONE] = scene.applies[TWO] = true;
	scene.search = keyword_search_create(scene.rules.set, scene.applies, scene.given_up, PATIENCE);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	keyword_search_destroy(scene->search);
	strbuf_deinit(&scene->words);
	rule_text_deinit(&scene->rules);
	return 0;
}

/* The keywords that are found in a text of all of them. */
static const char *found(struct scene *scene, const struct prefilter *prefilter)
{
	struct err err = { 0 };
	struct prefilter_thread *thread = prefilter_thread_create(prefilter, &err);
	prefilter_hits hits = { 0 };

	assert_non_null(thread);
	assert_true(prefilter_scan(prefilter, thread, span_string("odd both two one"), &hits));
	strbuf_clear(&scene->words);
	for (size_t i = 0; i < hits.count; i++) {
		struct span word = scene->rules.set->literals.items[hits.items[i].literal].bytes;

		strbuf_printf(&scene->words, "%.*s ", (int)word.size, (const char *)word.data);
	}
	vec_deinit(&hits);
	prefilter_thread_destroy(thread);
	return strbuf_text(&scene->words);
}

static void what_is_met_in_vain_too_often_is_left_out(void **state)
{
	struct scene *scene = *state;
	const struct prefilter *all = scene->rules.set->prefilter, *less;

	scene->given_up[ONE] = true;
	assert_ptr_equal(keyword_search_now(scene->search, 0), all);
	assert_ptr_equal(keyword_search_now(scene->search, PATIENCE - 1), all);
	assert_string_equal(found(scene, all), "odd both two one ");
	less = keyword_search_now(scene->search, 1);
	assert_string_equal(found(scene, less), "both two ");
	assert_ptr_equal(keyword_search_now(scene->search, 0), less);
	scene->given_up[TWO] = true;
	assert_ptr_equal(keyword_search_now(scene->search, PATIENCE - 1), less);
	assert_string_equal(found(scene, keyword_search_now(scene->search, 1)), "");
	assert_string_equal(found(scene, less), "both two ");
}

/* A rule may be at the end of its strikes in each unit, and have some left in the scan. */
static void no_set_is_made_that_leaves_out_nothing_more(void **state)
{
	struct scene *scene = *state;
	const struct prefilter *less;

	scene->applies[ODD] = true;
	assert_ptr_equal(keyword_search_now(scene->search, PATIENCE), scene->rules.set->prefilter);
	scene->given_up[ONE] = true;
	less = keyword_search_now(scene->search, PATIENCE);
	assert_string_equal(found(scene, less), "odd both two ");
	assert_ptr_equal(keyword_search_now(scene->search, PATIENCE), less);
}

/* One unit twice: what is left out is met no more, and all else is found as before. */
static void a_worker_takes_the_new_set(void **state)
{
	enum { WORDS = 2 * PATIENCE };
	struct scene *scene = *state;
	struct sketch sketch;
	struct runs runs;
	struct err err = { 0 };
	struct unit_tables shared = { .rules = scene->rules.set,
								  .applies = scene->applies,
								  .tables = { &sketch.image, NULL, &sketch.chunks },
								  .runs = &runs,
								  .given_up = scene->given_up,
								  .search = scene->search };
	struct unit_worker *worker;

	sketch_init(&sketch, 4096);
	for (int i = 0; i < WORDS; i++)
		sketch_text(&sketch, CHUNK_IN_USE, i % 4 ? "one" : "one two both");
	sketch_seal(&sketch);
	runs_init(&runs, &sketch.image, &sketch.chunks, NULL, UNIT_BYTES);
	unit_tables_init(&shared);
	worker = unit_worker_create(&shared, &err);
	assert_non_null(worker);
	scene->given_up[ONE] = true;
	for (int round = 0; round < 2; round++) {
		struct unit_result result = { 0 };

		assert_true(unit_scan(worker, &runs.units.items[0], &result));
		assert_int_equal(worker->vain, round ? 0 : WORDS);
		assert_int_equal(result.hits.count, 2 * (WORDS / 4));
		assert_int_equal(result.hits.items[0].rule, TWO);
		unit_result_deinit(&result);
	}
	unit_worker_destroy(worker);
	unit_tables_deinit(&shared);
	runs_deinit(&runs);
	sketch_deinit(&sketch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_met_in_vain_too_often_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(no_set_is_made_that_leaves_out_nothing_more, setup,
										teardown),
		cmocka_unit_test_setup_teardown(a_worker_takes_the_new_set, setup, teardown),
	};

	return cmocka_run_group_tests_name("keyword_search", tests, NULL, NULL);
}

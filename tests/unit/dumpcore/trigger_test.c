#include "tests/unit/unit.h"

#include "base/duration.h"
#include "dumpcore/trigger.h"

#include <string.h>

enum { COOLDOWN = 60 };

static struct triggers triggers;
static int64_t now;

/* Begins with one trigger, at time 0. */
static void begin(enum trigger_kind kind, const char *text)
{
	struct trigger_limits limits = { 0 };

	assert_true(trigger_parse(&limits, kind, text, NULL));
	triggers_init(&triggers, &limits);
	now = 0;
}

/* Reads after `seconds` more; gives what fires. */
static enum trigger_kind after(int64_t seconds, struct gauge_values values)
{
	now += seconds * DURATION_S;
	return triggers_read(&triggers, &values, now);
}

static enum trigger_kind rss_after(int64_t seconds, uint64_t rss)
{
	return after(seconds, (struct gauge_values){ rss, GAUGE_UNKNOWN, GAUGE_UNKNOWN });
}

static void capture(bool kept)
{
	triggers_rest(&triggers, kept, now, COOLDOWN * DURATION_S);
}

static void values_are_parsed(void **state)
{
	struct trigger_limits limits = { 0 };

	(void)state;
	assert_false(trigger_wanted(&limits));
	assert_true(trigger_parse(&limits, TRIGGER_RSS, "6G", NULL));
	assert_true(trigger_wanted(&limits));
	assert_true(trigger_parse(&limits, TRIGGER_GROWTH, "500M/10m", NULL));
	assert_true(trigger_parse(&limits, TRIGGER_CGROUP, "90%", NULL));
	assert_true(trigger_parse(&limits, TRIGGER_PRESSURE, "2.5", NULL));
	assert_true(limits.thresholds[TRIGGER_RSS] == UINT64_C(6) << 30);
	assert_true(limits.thresholds[TRIGGER_GROWTH] == UINT64_C(500) << 20);
	assert_true(limits.window_ns == 600 * DURATION_S);
	assert_int_equal(limits.thresholds[TRIGGER_CGROUP], 9000);
	assert_int_equal(limits.thresholds[TRIGGER_PRESSURE], 250);
}

static void mistakes_name_the_option(void **state)
{
	static const struct {
		enum trigger_kind kind;
		const char *text, *what, *hint;
	} rows[] = {
		{ TRIGGER_RSS, "", "--rss: '' is not a size", "6G" },
		{ TRIGGER_RSS, "0", "--rss: '0'", "6G" },
		{ TRIGGER_RSS, "6X", "--rss: '6X'", "6G" },
		{ TRIGGER_GROWTH, "500M", "--growth: '500M' is not SIZE/TIME", "500M/10m" },
		{ TRIGGER_GROWTH, "500M/10", "--growth: '10' has no unit", "10m" },
		{ TRIGGER_GROWTH, "/10m", "--growth: '' is not a size", "" },
		{ TRIGGER_GROWTH, "5M/1ms", "at least 1s", "" },
		{ TRIGGER_GROWTH, "11111111111111111111111111111111111M/1s", "not SIZE/TIME", "" },
		{ TRIGGER_CGROUP, "0%", "--cgroup: '0%' is not a percentage", "90%" },
		{ TRIGGER_CGROUP, "101%", "--cgroup: '101%'", "90%" },
		{ TRIGGER_CGROUP, "90%%", "--cgroup: '90%%'", "90%" },
		{ TRIGGER_CGROUP, "-5%", "--cgroup: '-5%'", "90%" },
		{ TRIGGER_PRESSURE, "nan", "--pressure: 'nan'", "90%" },
		{ TRIGGER_PRESSURE, "1.2.3", "--pressure: '1.2.3'", "90%" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct trigger_limits limits = { 0 };
		struct err err = { 0 };

		assert_false(trigger_parse(&limits, rows[i].kind, rows[i].text, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.what, rows[i].what) || !strstr(err.hint, rows[i].hint))
			fail_msg("'%s' gave \"%s\" / \"%s\"", rows[i].text, err.what, err.hint);
	}
}

static void the_threshold_itself_fires(void **state)
{
	(void)state;
	begin(TRIGGER_RSS, "1000");
	assert_int_equal(rss_after(1, 999), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 1000), TRIGGER_RSS);
}

static void nothing_fires_while_it_rests(void **state)
{
	(void)state;
	begin(TRIGGER_RSS, "1000");
	assert_int_equal(rss_after(1, 1000), TRIGGER_RSS);
	capture(true);
	assert_int_equal(rss_after(1, 10), TRIGGER_KINDS);
	assert_int_equal(rss_after(COOLDOWN - 2, 5000), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 1000), TRIGGER_RSS);
}

/* 95 % of 1000 is 950: only below that is it armed again. */
static void a_fat_process_is_captured_once(void **state)
{
	(void)state;
	begin(TRIGGER_RSS, "1000");
	assert_int_equal(rss_after(1, 1000), TRIGGER_RSS);
	capture(true);
	assert_int_equal(rss_after(COOLDOWN, 1050), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 950), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 1000), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 949), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 1000), TRIGGER_RSS);
}

static void a_tenth_more_is_worth_another_capture(void **state)
{
	(void)state;
	begin(TRIGGER_RSS, "1000");
	assert_int_equal(rss_after(1, 2000), TRIGGER_RSS);
	capture(true);
	assert_int_equal(rss_after(COOLDOWN, 2199), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 2200), TRIGGER_RSS);
	capture(true);
	assert_int_equal(rss_after(COOLDOWN, 2400), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 2420), TRIGGER_RSS);
}

/* Two triggers that hold at one capture are both spent by it. */
static void what_holds_together_is_spent_together(void **state)
{
	struct trigger_limits limits = { .thresholds = {
										 [TRIGGER_CGROUP] = 9000, [TRIGGER_PRESSURE] = 100 } };

	(void)state;
	triggers_init(&triggers, &limits);
	now = 0;
	assert_int_equal(after(1, (struct gauge_values){ 10, 9100, 150 }), TRIGGER_CGROUP);
	capture(true);
	assert_int_equal(after(COOLDOWN, (struct gauge_values){ 10, 9100, 150 }), TRIGGER_KINDS);
	assert_int_equal(after(1, (struct gauge_values){ 10, 9100, 94 }), TRIGGER_KINDS);
	assert_int_equal(after(1, (struct gauge_values){ 10, 9100, 100 }), TRIGGER_PRESSURE);
}

static void unknown_values_neither_fire_nor_arm(void **state)
{
	(void)state;
	begin(TRIGGER_CGROUP, "50%");
	assert_int_equal(rss_after(1, 10), TRIGGER_KINDS);
	assert_int_equal(after(1, (struct gauge_values){ 10, 6000, 0 }), TRIGGER_CGROUP);
	capture(true);
	assert_int_equal(rss_after(COOLDOWN, 10), TRIGGER_KINDS);
	assert_int_equal(after(1, (struct gauge_values){ 10, 6000, 0 }), TRIGGER_KINDS);
}

static void growth_counts_within_its_time(void **state)
{
	(void)state;
	begin(TRIGGER_GROWTH, "500/100s");
	assert_int_equal(rss_after(1, 10000), TRIGGER_KINDS);
	assert_int_equal(rss_after(60, 10300), TRIGGER_KINDS);
	assert_int_equal(rss_after(60, 10600), TRIGGER_KINDS);
	assert_int_equal(rss_after(30, 10800), TRIGGER_GROWTH);
	capture(true);
	assert_int_equal(rss_after(COOLDOWN, 10900), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 11299), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 11300), TRIGGER_GROWTH);
}

static void a_failed_capture_is_tried_again(void **state)
{
	(void)state;
	begin(TRIGGER_RSS, "1000");
	assert_int_equal(rss_after(1, 1000), TRIGGER_RSS);
	capture(false);
	assert_int_equal(rss_after(COOLDOWN - 1, 1000), TRIGGER_KINDS);
	assert_int_equal(rss_after(1, 1000), TRIGGER_RSS);
}

static void readings_are_written_for_people(void **state)
{
	struct trigger_limits limits = { .thresholds = { 6 << 20, 1 << 20, 9000, 0 },
									 .window_ns = 600 * DURATION_S };
	struct strbuf text = { 0 };

	(void)state;
	triggers_init(&triggers, &limits);
	now = 0;
	after(1, (struct gauge_values){ 2 << 20, GAUGE_UNKNOWN, 5 });
	triggers_put_all(&triggers, false, &text);
	assert_string_equal(strbuf_text(&text),
						"RSS 2.00 MiB (threshold 6.00 MiB), growth 0 B (threshold 1.00 MiB in "
						"10 min), cgroup ? (threshold 90.0 %)");
	strbuf_clear(&text);
	triggers_put_all(&triggers, true, &text);
	assert_string_equal(strbuf_text(&text),
						"RSS 2.00 MiB / 6.00 MiB, growth 0 B / 1.00 MiB, cgroup ? / 90.0 %");
	strbuf_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_parsed),
		cmocka_unit_test(mistakes_name_the_option),
		cmocka_unit_test(the_threshold_itself_fires),
		cmocka_unit_test(nothing_fires_while_it_rests),
		cmocka_unit_test(a_fat_process_is_captured_once),
		cmocka_unit_test(a_tenth_more_is_worth_another_capture),
		cmocka_unit_test(what_holds_together_is_spent_together),
		cmocka_unit_test(unknown_values_neither_fire_nor_arm),
		cmocka_unit_test(growth_counts_within_its_time),
		cmocka_unit_test(a_failed_capture_is_tried_again),
		cmocka_unit_test(readings_are_written_for_people),
	};

	return cmocka_run_group_tests_name("trigger", tests, NULL, NULL);
}

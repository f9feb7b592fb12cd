#include "tests/unit/unit.h"

#include "analyze/content/look.h"
#include "analyze/rules/rule.h"
#include "analyze/content/scan.h"
#include "analyze/content/streams.h"
#include "tests/support/packed.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Streams, entries, and what may be in them: events, texts at the start, and a structure that is
 * everywhere in the heap. */
#define RULES                                                                                     \
	"- {id: gzip, title: T, keywords: [{hex: \"1f 8b 08\"}], pattern: '\\x1f\\x8b\\x08',\n"       \
	"   validate: [gzip], extent: validator, priority: 700}\n"                                    \
	"- {id: entry, title: T, keywords: [\"PK\\x03\\x04\"], pattern: 'PK\\x03\\x04',\n"            \
	"   validate: [zip_local_header], extent: validator, aggregate: {by: entry}, redact: show}\n" \
	"- {id: event, title: T, keywords: ['42[\"'], pattern: '42\\[\"(?<event>[^\"]+)\"\\]',\n"     \
	"   aggregate: {by: event, max_keys: 50}, redact: show}\n"                                    \
	"- {id: name, title: T, keywords: ['name='], pattern: 'name=(?<who>[a-z]+)',\n"               \
	"   aggregate: {by: who}}\n"                                                                  \
	"- {id: first, title: T, pattern: 'begin', scan: {anchor: chunk-start}}\n"                    \
	"- {id: words, title: T, structure: [{at: 0, type: u8, in: 0..255}]}\n"

struct scene {
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
};

static int setup(void **state)
{
	static struct scene scene;

	memset(&scene, 0, sizeof scene);
	rule_text_load_rule(&scene.rules, RULES);
	assert_string_equal(strbuf_text(&scene.rules.all), "");
	sketch_init(&scene.sketch, 64 << 20);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	findings_deinit(&scene->findings);
	sketch_deinit(&scene->sketch);
	rule_text_deinit(&scene->rules);
	return 0;
}

static void scan_within(struct scene *scene, uint64_t budget, unsigned workers)
{
	struct err err = { 0 };

	findings_deinit(&scene->findings);
	if (!scene->sketch.chunks.blocks.count)
		sketch_seal(&scene->sketch);
	if (!content_scan_within(&scene->findings, scene->rules.set, &scene->sketch.image, NULL,
							 &scene->sketch.chunks, NULL, budget, workers, NULL, &err))
		fail_msg("%s", err.what);
}

static void scan(struct scene *scene)
{
	scan_within(scene, STREAMS_BUDGET, 2);
}

/* A text of at least 300 bytes, which proves a stream without its end. */
static struct strbuf text_of(const char *start)
{
	struct strbuf text = { 0 };

	strbuf_puts(&text, start);
	while (text.size < 300)
		strbuf_printf(&text, " %zu", text.size * 7919 % 1009);
	return text;
}

static struct strbuf pack(enum match_packed format, struct strbuf text)
{
	struct strbuf packed = { 0 };

	packed_add(&packed, format, strbuf_span(&text));
	strbuf_deinit(&text);
	return packed;
}

static struct strbuf zip(const char *name, struct strbuf text)
{
	struct strbuf packed = { 0 };

	packed_add_zip(&packed, name, strbuf_span(&text));
	strbuf_deinit(&text);
	return packed;
}

static void put(struct scene *scene, enum chunk_state state, struct strbuf bytes)
{
	sketch_bytes(&scene->sketch, state, bytes.data, bytes.size);
	strbuf_deinit(&bytes);
}

static size_t rule_of(const struct scene *scene, const char *id)
{
	size_t i = 0;

	while (strcmp(scene->findings.rules.items[i].id, id) != 0)
		i++;
	return i;
}

static const struct finding_packed *packed_of(const struct scene *scene, const char *id)
{
	return &scene->findings.rules.items[rule_of(scene, id)].packed;
}

/* NULL where the rule found nothing there. */
static const struct finding_inside *inside_of(const struct scene *scene, const char *outer,
											  const char *id)
{
	for (size_t i = 0; i < scene->findings.inside.count; i++) {
		const struct finding_inside *inside = &scene->findings.inside.items[i];

		if (inside->outer == rule_of(scene, outer) && inside->rule == rule_of(scene, id))
			return inside;
	}
	return NULL;
}

static uint64_t hits_of_key(const struct scene *scene, const char *key)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < scene->findings.inside_groups.count; i++)
		if (strcmp(scene->findings.inside_groups.items[i].key, key) == 0)
			hits += scene->findings.inside_groups.items[i].hits;
	return hits;
}

static void what_is_inside_is_counted_with_the_outer_rule(void **state)
{
	struct scene *scene = *state;
	const struct finding_inside *inside;
	size_t bytes;

	put(scene, CHUNK_IN_USE, pack(MATCH_GZIP, text_of("42[\"kick\"] 42[\"join\"] 42[\"kick\"]")));
	bytes = scene->sketch.used;
	put(scene, CHUNK_BINNED, pack(MATCH_GZIP, text_of("42[\"kick\"]")));
	scan(scene);
	assert_int_equal(packed_of(scene, "t.gzip")->streams, 2);
	assert_int_equal(packed_of(scene, "t.gzip")->live_streams, 1);
	assert_int_equal(packed_of(scene, "t.gzip")->cut_short, 0);
	assert_true(packed_of(scene, "t.gzip")->inflated_bytes >= 600);
	assert_true(packed_of(scene, "t.gzip")->packed_bytes < 2 * bytes);
	inside = inside_of(scene, "t.gzip", "t.event");
	assert_non_null(inside);
	assert_int_equal(inside->hits, 4);
	assert_int_equal(inside->live_hits, 3);
	assert_int_equal(inside->streams, 2);
	assert_int_equal(inside->bytes, 4 * 10);
	assert_int_equal(hits_of_key(scene, "kick"), 3);
	for (size_t i = 0; i < scene->findings.hits.count; i++) {
		const struct hit *hit = &scene->findings.hits.items[i];

		/* nothing in the heap is attributed to what has no address */
		assert_true(hit->rule != rule_of(scene, "t.event"));
		assert_true(hit->start >= scene->sketch.start);
	}
}

static void a_stream_starts_like_a_chunk(void **state)
{
	struct scene *scene = *state;

	put(scene, CHUNK_IN_USE, pack(MATCH_GZIP, text_of("begin")));
	put(scene, CHUNK_IN_USE, pack(MATCH_GZIP, text_of("not begin")));
	scan(scene);
	assert_int_equal(inside_of(scene, "t.gzip", "t.first")->hits, 1);
	assert_null(inside_of(scene, "t.gzip", "t.words")); /* no structures */
}

static void two_deep_is_looked_into_and_no_more(void **state)
{
	struct scene *scene = *state;
	struct strbuf deep = text_of("42[\"three\"]");

	/* the blanks keep zlib from storing a stream as it is, to be read from outside */
	deep = pack(MATCH_GZIP, deep);
	strbuf_puts(&deep, "42[\"two\"]");
	strbuf_pad(&deep, ' ', 5000);
	deep = pack(MATCH_GZIP, deep);
	strbuf_puts(&deep, "42[\"one\"]");
	strbuf_pad(&deep, ' ', 5000);
	put(scene, CHUNK_IN_USE, zip("lib/a.gz", deep));
	scan(scene);
	assert_int_equal(packed_of(scene, "t.entry")->streams, 1);
	assert_int_equal(packed_of(scene, "t.entry")->nested, 1);
	assert_int_equal(packed_of(scene, "t.entry")->too_deep, 1);
	assert_int_equal(hits_of_key(scene, "one"), 1);
	assert_int_equal(hits_of_key(scene, "two"), 1);
	assert_int_equal(hits_of_key(scene, "three"), 0);
	assert_int_equal(packed_of(scene, "t.gzip")->streams, 0); /* none is in the heap */
}

/* A compressor stores what it cannot shrink: a stream in such a block is seen from outside too. */
static void a_stored_stream_counts_once(void **state)
{
	struct scene *scene = *state;
	struct strbuf entry = zip("lib/a.gz", pack(MATCH_GZIP, text_of("42[\"kick\"] 42[\"join\"]")));

	assert_non_null(memmem(entry.data, entry.size, "\x1f\x8b\x08", 3));
	put(scene, CHUNK_IN_USE, entry);
	scan(scene);
	assert_int_equal(packed_of(scene, "t.entry")->streams, 1);
	assert_int_equal(packed_of(scene, "t.entry")->nested, 1);
	assert_int_equal(packed_of(scene, "t.gzip")->streams, 0);
	assert_int_equal(hits_of_key(scene, "kick"), 1);
}

/* The header: gzip, with the name "self" (RFC 1952 2.3.1). A stored block of 20 bytes (RFC
 * 1951 3.2.4). A block that repeats the last 20 bytes (3.2.6: ten and ten more at distance 20). The
 * final one repeats the last 13: itself and the trailer. */
#define SELF_HEADER                  \
	"\x1f\x8b\x08\x08\0\0\0\0\0\xff" \
	"self\0"
#define STORED "\0\x14\0\xeb\xff"
#define REPEAT "\x42\x88\x21\xc4\0"
#define SELF_END         \
	"\x83\x70\xa0\x1c\0" \
	"\x1f\x5e\x1f\x5e\x71\0\0\0"

/* Seven bytes that nothing executes make the checksum right. */
#define SELF_TUNED "\x15\x5b\x97\x1b\0\0\0"

/* Inflates to itself: what each block prints is what stands behind it. */
static const char self[] = SELF_HEADER STORED SELF_HEADER STORED REPEAT STORED REPEAT STORED REPEAT
	STORED REPEAT STORED SELF_TUNED SELF_END SELF_END;

static void a_stream_that_inflates_to_itself_ends(void **state)
{
	struct scene *scene = *state;
	struct inflater *inflater = inflater_create();
	uint8_t out[sizeof self];
	struct inflated once =
		inflate_stream(inflater, MATCH_GZIP, span_make(self, sizeof self - 1), out, sizeof out);

	inflater_destroy(inflater);
	assert_int_equal(once.end, INFLATE_WHOLE);
	assert_int_equal(once.made, sizeof self - 1);
	assert_memory_equal(out, self, sizeof self - 1);
	sketch_bytes(&scene->sketch, CHUNK_IN_USE, self, sizeof self - 1);
	scan(scene);
	assert_int_equal(packed_of(scene, "t.gzip")->streams, 1);
	assert_int_equal(packed_of(scene, "t.gzip")->nested, 1);
	assert_true(packed_of(scene, "t.gzip")->too_deep >= 1);
	assert_int_equal(packed_of(scene, "t.gzip")->inflated_bytes, 2 * (sizeof self - 1));
}

static void a_part_counts_as_far_as_it_goes(void **state)
{
	struct scene *scene = *state;
	struct strbuf text = text_of("42[\"kick\"]"), packed = { 0 };

	for (int i = 0; i < 200; i++)
		strbuf_printf(&text, " %d", rand());
	packed = pack(MATCH_GZIP, text);
	packed.size = packed.size / 16 * 16 - 8 - 64; /* the chunk's last word is in it */
	put(scene, CHUNK_IN_USE, packed);
	packed = pack(MATCH_GZIP, text_of("42[\"kick\"]"));
	packed.data[packed.size - 8] ^= 0x55; /* the checksum */
	strbuf_puts(&packed, "behind it");
	put(scene, CHUNK_IN_USE, packed);
	scan(scene);
	assert_int_equal(packed_of(scene, "t.gzip")->streams, 2);
	assert_int_equal(packed_of(scene, "t.gzip")->cut_short + packed_of(scene, "t.gzip")->broken, 2);
	assert_int_equal(hits_of_key(scene, "kick"), 2);
}

static struct strbuf zeros(size_t size)
{
	struct strbuf text = { 0 };

	strbuf_puts(&text, "42[\"bomb\"]");
	strbuf_pad(&text, '\0', size);
	return text;
}

static void a_bomb_gives_one_mebibyte(void **state)
{
	struct scene *scene = *state;

	put(scene, CHUNK_IN_USE, pack(MATCH_GZIP, zeros(32 << 20)));
	scan(scene);
	assert_int_equal(packed_of(scene, "t.gzip")->inflated_bytes, LOOK_OUTPUT);
	assert_int_equal(packed_of(scene, "t.gzip")->too_long, 1);
	assert_int_equal(hits_of_key(scene, "bomb"), 1);
}

static void empty_blocks_are_not_read_for_ever(void **state)
{
	struct scene *scene = *state;
	struct strbuf packed = zip("a", text_of("begin"));
	size_t header = 31; /* of an entry with a name of one byte */

	packed.size = header;
	for (int i = 0; i < 1000000; i++)
		strbuf_add(&packed, "\0\0\0\xff\xff", 5);
	packed.data[18] = packed.data[19] = packed.data[20] = 0; /* the size is not known */
	sketch_bytes(&scene->sketch, CHUNK_IN_USE, packed.data, packed.size);
	strbuf_deinit(&packed);
	scan(scene);
	/* a validator may refuse it; where none does, no more is read than of any stream */
	assert_true(packed_of(scene, "t.entry")->packed_bytes <= LOOK_INPUT);
	assert_int_equal(packed_of(scene, "t.entry")->inflated_bytes, 0);
}

static void bombs_in_a_stream_share_its_work(void **state)
{
	struct scene *scene = *state;
	const struct finding_packed *packed;
	const struct rule_tally *tally;
	struct strbuf text = { 0 };

	for (int i = 0; i < 40; i++) {
		struct strbuf bomb = pack(MATCH_GZIP, zeros(2 << 20));

		strbuf_add(&text, bomb.data, bomb.size);
		strbuf_deinit(&bomb);
	}
	put(scene, CHUNK_IN_USE, zip("bombs", text));
	scan(scene);
	packed = packed_of(scene, "t.entry");
	tally = &scene->findings.rules.items[rule_of(scene, "t.gzip")].tally;
	assert_int_equal(packed->nested + packed->over_budget + tally->undecided, 40);
	assert_in_range(packed->nested, 2, 8);
	assert_int_equal(tally->given_up, GIVEN_UP_WORK);
	assert_true(packed->packed_bytes + packed->inflated_bytes <=
				LOOK_COST + LOOK_OUTPUT + LOOK_INPUT);
	assert_int_equal(hits_of_key(scene, "bomb"), packed->nested);
}

/* All that the scan says, as text. */
static struct strbuf describe(const struct findings *findings)
{
	struct strbuf out = { 0 };

	for (size_t i = 0; i < findings->rules.count; i++) {
		const struct finding_packed *packed = &findings->rules.items[i].packed;

		strbuf_printf(&out, "%s %" PRIu64, findings->rules.items[i].id,
					  findings->rules.items[i].tally.undecided);
		for (size_t j = 0; j < sizeof *packed / sizeof(uint64_t); j++)
			strbuf_printf(&out, " %" PRIu64, ((const uint64_t *)(const void *)packed)[j]);
		strbuf_putc(&out, '\n');
	}
	for (size_t i = 0; i < findings->inside.count; i++)
		strbuf_printf(&out, "%u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
					  findings->inside.items[i].outer, findings->inside.items[i].rule,
					  findings->inside.items[i].streams, findings->inside.items[i].hits,
					  findings->inside.items[i].live_hits, findings->inside.items[i].bytes);
	for (size_t i = 0; i < findings->inside_groups.count; i++)
		strbuf_printf(&out, "%u %s %" PRIu64 " %" PRIu64 "\n",
					  findings->inside_groups.items[i].inside, findings->inside_groups.items[i].key,
					  findings->inside_groups.items[i].hits,
					  findings->inside_groups.items[i].live_hits);
	strbuf_printf(&out, "%" PRIu64 " of %" PRIu64 "\n", findings->look_spent,
				  findings->look_budget);
	return out;
}

static void fill_with_streams(struct scene *scene, int count)
{
	srand(7);
	for (int i = 0; i < count; i++) {
		struct strbuf text = { 0 };
		int events = rand() % 5, size = rand() % 3000;

		for (int j = 0; j < events; j++)
			strbuf_printf(&text, "42[\"event %d\"] name=user%c ", rand() % 200, 'a' + rand() % 8);
		while (text.size < (size_t)size + 300)
			strbuf_printf(&text, "%d ", rand());
		text = pack(MATCH_GZIP, text);
		put(scene, i % 3 ? CHUNK_IN_USE : CHUNK_BINNED, i % 4 ? text : zip("lib/x.gz", text));
	}
}

static void the_result_is_the_same_for_any_number_of_workers(void **state)
{
	static const uint64_t budgets[] = { STREAMS_BUDGET, 1000000, 0 };
	struct scene *scene = *state;

	fill_with_streams(scene, 1500);
	for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
		struct strbuf one, more;

		scan_within(scene, budgets[i], 1);
		one = describe(&scene->findings);
		for (unsigned workers = 2; workers <= 8; workers *= 4) {
			scan_within(scene, budgets[i], workers);
			more = describe(&scene->findings);
			assert_string_equal(strbuf_text(&one), strbuf_text(&more));
			strbuf_deinit(&more);
		}
		strbuf_deinit(&one);
	}
}

static void what_is_over_the_budget_is_counted(void **state)
{
	struct scene *scene = *state;
	const struct finding_packed *gzip, *entry;
	uint64_t all, last = 0;

	fill_with_streams(scene, 1000);
	scan(scene);
	all = packed_of(scene, "t.gzip")->streams + packed_of(scene, "t.entry")->streams;
	assert_int_equal(all, 1000);
	for (uint64_t budget = 0; budget < 2000000; budget += 400000) {
		scan_within(scene, budget, 2);
		gzip = packed_of(scene, "t.gzip");
		entry = packed_of(scene, "t.entry");
		/* which are stored in others is not known of those */
		assert_true(gzip->streams + gzip->over_budget + entry->streams + entry->over_budget >= all);
		assert_true(gzip->streams + entry->streams >= last);
		assert_true(scene->findings.look_spent <= budget + LOOK_COST);
		assert_true(scene->findings.look_spent >= budget || budget > 1600000);
		last = gzip->streams + entry->streams;
	}
	assert_true(last > 100 && last < all);
}

/* Values that may not be seen have one number in the report, wherever they are. */
static void hidden_values_are_numbered_across_streams(void **state)
{
	struct scene *scene = *state;

	put(scene, CHUNK_IN_USE, text_of("name=alice "));
	put(scene, CHUNK_IN_USE, pack(MATCH_GZIP, text_of("name=bob name=alice")));
	put(scene, CHUNK_IN_USE, pack(MATCH_GZIP, text_of("name=bob 42[\"password=sEcr3tW0rd!\"]")));
	scan(scene);
	assert_string_equal(scene->findings.groups.items[0].key, "hidden #1");
	assert_int_equal(hits_of_key(scene, "hidden #1"), 1);
	assert_int_equal(hits_of_key(scene, "hidden #2"), 2);
	for (size_t i = 0; i < scene->findings.inside_groups.count; i++)
		assert_null(strstr(scene->findings.inside_groups.items[i].key, "sEcr3t"));
}

static void keys_are_bounded(void **state)
{
	struct scene *scene = *state;
	struct strbuf text = { 0 };

	for (int i = 0; i < 8000; i++)
		strbuf_printf(&text, "42[\"an event with a long name and a number: %c%c%c\"]", 'a' + i % 26,
					  'a' + i / 26 % 26, 'a' + i / 676);
	put(scene, CHUNK_IN_USE, pack(MATCH_GZIP, text));
	scan(scene);
	assert_int_equal(inside_of(scene, "t.gzip", "t.event")->hits, 8000);
	assert_int_equal(scene->findings.inside_groups.count, 51); /* max_keys, and the rest */
	assert_int_equal(hits_of_key(scene, "(other keys)"), 8000 - 50);
}

/* Ten rules may know a stream; it is inflated for one. */
static void a_stream_of_two_rules_counts_once(void **state)
{
	struct scene *scene = *state;

	rule_text_deinit(&scene->rules);
	rule_text_load_rule(&scene->rules,
						"- {id: low, title: T, keywords: [{hex: \"1f 8b 08\"}], pattern: "
						"'\\x1f\\x8b\\x08', validate: [gzip], priority: 1}\n" RULES);
	put(scene, CHUNK_IN_USE, pack(MATCH_GZIP, text_of("42[\"kick\"]")));
	scan(scene);
	assert_int_equal(packed_of(scene, "t.gzip")->streams, 1);
	assert_int_equal(packed_of(scene, "t.low")->streams, 0);
	assert_int_equal(hits_of_key(scene, "kick"), 1);
}

/* A stream is read up to the end of what is there of its chunk. */
static void streams_end_with_their_chunk(void **state)
{
	struct scene *scene = *state;
	struct strbuf text = text_of("begin"), packed = { 0 };
	uint8_t *at;

	for (int i = 0; i < 3000; i++)
		strbuf_printf(&text, " %d", rand());
	strbuf_puts(&text, " 42[\"end\"]");
	packed = pack(MATCH_GZIP, text);
	at = sketch_chunk(&scene->sketch, 4096, CHUNK_IN_USE);
	sketch_chunk(&scene->sketch, (packed.size + 64) / 16 * 16, CHUNK_IN_USE);
	memcpy(at, packed.data, packed.size); /* over the next chunk: it is none of this one */
	strbuf_deinit(&packed);
	scan(scene);
	assert_int_equal(packed_of(scene, "t.gzip")->cut_short, 1);
	assert_true(packed_of(scene, "t.gzip")->packed_bytes <= 4096 - 8);
	assert_int_equal(hits_of_key(scene, "end"), 0);
	assert_int_equal(inside_of(scene, "t.gzip", "t.first")->hits, 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_inside_is_counted_with_the_outer_rule),
		TEST(a_stream_starts_like_a_chunk),
		TEST(two_deep_is_looked_into_and_no_more),
		TEST(a_stored_stream_counts_once),
		TEST(a_stream_that_inflates_to_itself_ends),
		TEST(a_part_counts_as_far_as_it_goes),
		TEST(a_bomb_gives_one_mebibyte),
		TEST(empty_blocks_are_not_read_for_ever),
		TEST(bombs_in_a_stream_share_its_work),
		TEST(the_result_is_the_same_for_any_number_of_workers),
		TEST(what_is_over_the_budget_is_counted),
		TEST(hidden_values_are_numbered_across_streams),
		TEST(keys_are_bounded),
		TEST(a_stream_of_two_rules_counts_once),
		TEST(streams_end_with_their_chunk),
	};

	return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}

/* What damage costs: sound heaps are damaged by seed, one damage each, and walked again.
 *
 *     damage_test                     a few hundred seeds; 10,000 where DUMPCORE_LONG=1
 *     damage_test CORE...             the same on captured heaps instead of the built ones
 *     DUMPCORE_SEED=N damage_test     that seed only, with what became of every arena
 *     DUMPCORE_TELL=1 damage_test     the same of every seed
 *
 * Whatever was damaged: no crash, no hang, no arena that is not there; every byte stays in one
 * bucket; what is lost is of the damaged arena, and an anomaly says so. */
#include "tests/unit/unit.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "tests/support/damage.h"
#include "tests/support/sound_heap.h"
#include "tests/support/toll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEDS = 2000, SEEDS_SANITIZED = 300, SEEDS_LONG = 10000, HANG_SECONDS = 60, CHUNKS = 300 };

static VEC(struct sound_heap) patients;

/* ---- what must hold ---- */

struct trial {
	uint64_t seed;
	const struct sound_heap *patient;
	struct damage damage;
	struct heap_walked found;
	struct toll *tolls;
	struct toll total;
	unsigned complaints;
};

/* A line of the seed's complaint. Reruns with DUMPCORE_SEED. */
#define COMPLAIN(trial, ...)                                                                  \
	do {                                                                                      \
		if ((trial)->complaints++ == 0)                                                       \
			printf("# seed %" PRIu64 " (%s, %s) %s\n", (trial)->seed, (trial)->patient->name, \
				   damage_name((trial)->damage.kind), (trial)->damage.text);                  \
		printf("#     " __VA_ARGS__);                                                         \
		printf("\n");                                                                         \
	} while (0)

static int arena_at(const struct heap *heap, vaddr address)
{
	for (size_t i = 0; i < heap->arenas.count; i++)
		if (heap->arenas.items[i].address == address)
			return (int)i;
	return -1;
}

/* The ring of a process with one arena is that arena's `next` alone. Where it was overwritten with
 * the address at which a malloc_state of another class would have these bins, no word says
 * otherwise; every chunk is still found. */
static bool is_the_only_witness(const struct trial *trial, vaddr address)
{
	const struct damage *damage = &trial->damage;

	return trial->patient->truth.arenas.count == 1 && damage->kind == DAMAGE_STATE &&
		   specimen_get(&trial->patient->specimen, damage->ranges.items[0].start) == address &&
		   !trial->total.unwalkable && !trial->total.missing && !trial->total.wrong;
}

static void check_arenas(struct trial *trial)
{
	for (size_t i = 0; i < trial->found.heap.arenas.count; i++) {
		vaddr address = trial->found.heap.arenas.items[i].address;

		if (arena_at(&trial->patient->truth, address) < 0 && !is_the_only_witness(trial, address))
			COMPLAIN(trial, "phantom arena at 0x%" PRIx64, address);
	}
}

static void check_promises(struct trial *trial)
{
	char text[HEAP_PROMISE_BYTES];
	const char *broken = heap_promise_broken(&trial->found.heap, text);

	if (broken)
		COMPLAIN(trial, "%s", broken);
}

/* Each byte of the process in one bucket, damaged or not. */
static void check_buckets(struct trial *trial)
{
	const struct heap_walked_sums *sound = &trial->patient->sums, *now = &trial->found.sums;

	if (sound->virtual_bytes != now->virtual_bytes || sound->resident_bytes != now->resident_bytes)
		COMPLAIN(trial,
				 "buckets sum to %" PRIu64 ", resident %" PRIu64 "; expected %" PRIu64 ", %" PRIu64,
				 now->virtual_bytes, now->resident_bytes, sound->virtual_bytes,
				 sound->resident_bytes);
}

static bool meets(const struct damage *damage, struct range range)
{
	for (size_t i = 0; i < damage->ranges.count; i++)
		if (range_bytes(range_overlap(damage->ranges.items[i], range)))
			return true;
	return false;
}

enum { STATE_BYTES = 2200, PARAMS_NEAR = 0x2000 };

static bool is_damaged(const struct trial *trial, size_t arena)
{
	const struct heap *truth = &trial->patient->truth;
	vaddr state;

	if (arena == truth->arenas.count) { /* mmapped chunks: their headers, or malloc_par */
		for (size_t i = 0; i < truth->chunks.blocks.count; i++)
			if (truth->chunks.blocks.items[i].arena == CHUNK_NO_ARENA &&
				meets(&trial->damage, truth->chunks.blocks.items[i].range))
				return true;
		state = truth->arenas.items[0].address;
		return meets(&trial->damage, (struct range){ state - PARAMS_NEAR, state + PARAMS_NEAR });
	}
	state = truth->arenas.items[arena].address;
	if (meets(&trial->damage, (struct range){ state, state + STATE_BYTES }))
		return true;
	for (size_t i = 0; i < truth->blocks.count; i++)
		if ((size_t)truth->blocks.items[i].arena == arena &&
			meets(&trial->damage, truth->blocks.items[i].range))
			return true;
	return false;
}

static void check_toll(struct trial *trial)
{
	size_t others = trial->patient->truth.arenas.count;

	for (size_t i = 0; i <= others; i++) {
		const struct toll *toll = &trial->tolls[i];

		trial->total.unwalkable += toll->unwalkable;
		trial->total.missing += toll->missing;
		trial->total.wrong += toll->wrong;
		trial->total.hints += toll->hints;
		if (toll_sum(toll) && !is_damaged(trial, i))
			COMPLAIN(trial,
					 "arena %zu was not damaged, but %" PRIu64 " bytes are unwalkable, %" PRIu64
					 " missing, %" PRIu64 " wrong",
					 i, toll->unwalkable, toll->missing, toll->wrong);
	}
	if (trial->tolls[others].invented)
		COMPLAIN(trial, "%" PRIu64 " bytes of chunks where none were",
				 trial->tolls[others].invented);
}

/* Whatever is lost is told of: by an anomaly, or because there is no heap at all, which is said. */
static void check_told(struct trial *trial)
{
	if ((trial->total.unwalkable || trial->total.missing) && trial->found.heap.found &&
		!trial->found.anomalies.rows.count)
		COMPLAIN(trial, "%" PRIu64 " bytes unwalkable, %" PRIu64 " missing, and no anomaly",
				 trial->total.unwalkable, trial->total.missing);
}

static void tell(const struct trial *trial)
{
	for (size_t i = 0; i <= trial->patient->truth.arenas.count; i++)
		printf("#     arena %zu%s: unwalkable %" PRIu64 " missing %" PRIu64 " hints %" PRIu64
			   " wrong %" PRIu64 "\n",
			   i, is_damaged(trial, i) ? " (damaged)" : "", trial->tolls[i].unwalkable,
			   trial->tolls[i].missing, trial->tolls[i].hints, trial->tolls[i].wrong);
	for (size_t i = 0; i < trial->found.anomalies.rows.count; i++)
		printf("#     0x%" PRIx64 " %s\n", trial->found.anomalies.rows.items[i].address,
			   trial->found.anomalies.rows.items[i].what);
}

/* ---- the seeds ---- */

struct figures {
	VEC(uint64_t) lost; /* of each seed */
	uint64_t wrong_seeds, hint_seeds, wrong_bytes;
};

static struct figures figures[DAMAGE_KINDS];

static void count(const struct trial *trial)
{
	struct figures *row = &figures[trial->damage.kind];

	*vec_add(&row->lost) = trial->total.unwalkable + trial->total.missing;
	row->wrong_seeds += trial->total.wrong > 0;
	row->wrong_bytes += trial->total.wrong;
	row->hint_seeds += trial->total.hints > 0;
}

/* Gives whether all held. */
static bool try_seed(uint64_t seed, bool verbose)
{
	struct sound_heap *patient = &patients.items[seed % patients.count];
	AUTO_FREE struct toll *tolls = mem_zeroed(patient->truth.arenas.count + 1, sizeof *tolls);
	struct trial trial = { .seed = seed, .patient = patient, .tolls = tolls };

	damage_do(&patient->specimen, &patient->truth, seed, &trial.damage);
	alarm(HANG_SECONDS);
	heap_walked_init(&trial.found, patient);
	alarm(0);
	toll_take(&patient->truth, &trial.found.heap, tolls);
	check_toll(&trial);
	check_arenas(&trial);
	check_promises(&trial);
	check_buckets(&trial);
	check_told(&trial);
	count(&trial);
	if (verbose && !trial.complaints)
		printf("# seed %" PRIu64 " (%s, %s) %s\n", seed, patient->name,
			   damage_name(trial.damage.kind), trial.damage.text);
	if (verbose || trial.complaints)
		tell(&trial);
	specimen_heal(&patient->specimen);
	heap_walked_deinit(&trial.found);
	vec_deinit(&trial.damage.ranges);
	return !trial.complaints;
}

static int compare_numbers(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static void print_figures(void)
{
	printf("# damage     seeds   lost bytes: median      p90      max   wrong: seeds    bytes   "
		   "hints: seeds\n");
	for (int i = 0; i < DAMAGE_KINDS; i++) {
		struct figures *row = &figures[i];
		size_t n = row->lost.count;

		vec_sort(&row->lost, compare_numbers);
		if (n)
			printf("# %-10s %5zu %20" PRIu64 " %8" PRIu64 " %8" PRIu64 " %14" PRIu64 " %8" PRIu64
				   " %14" PRIu64 "\n",
				   damage_name((enum damage_kind)i), n, row->lost.items[n / 2],
				   row->lost.items[n * 9 / 10], row->lost.items[n - 1], row->wrong_seeds,
				   row->wrong_bytes, row->hint_seeds);
		vec_deinit(&row->lost);
	}
}

static uint64_t seeds_to_try(void)
{
	const char *is_long = getenv("DUMPCORE_LONG"), *sanitized = getenv("DUMPCORE_SANITIZED");

	if (is_long && *is_long == '1')
		return SEEDS_LONG;
	return sanitized && *sanitized ? SEEDS_SANITIZED : SEEDS;
}

static void damage_costs_what_is_damaged(void **state)
{
	const char *one = getenv("DUMPCORE_SEED");
	uint64_t count_of_seeds = seeds_to_try(), failures = 0;

	(void)state;
	if (one) {
		assert_true(try_seed(strtoull(one, NULL, 0), true));
		return;
	}
	for (uint64_t seed = 0; seed < count_of_seeds; seed++)
		failures += !try_seed(seed, getenv("DUMPCORE_TELL") != NULL);
	print_figures();
	if (failures)
		printf("# %" PRIu64 " of %" PRIu64 " seeds failed; DUMPCORE_SEED=N runs one\n", failures,
			   count_of_seeds);
	assert_int_equal(failures, 0);
}

static void must(bool holds, const char *what, const char *why)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, why);
	exit(2);
}

static void gather(int argument_count, char **arguments)
{
	struct err err = { 0 };

	for (int i = 1; i < argument_count; i++)
		must(sound_heap_open(vec_add(&patients), arguments[i], &err), arguments[i], err.what);
	for (size_t i = 0; argument_count == 1 && i < sound_heap_rows(); i++)
		sound_heap_build(vec_add(&patients), i, CHUNKS);
	for (size_t i = 0; i < patients.count; i++)
		must(sound_heap_examine(&patients.items[i]), patients.items[i].name, "is not sound");
}

int main(int argument_count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_costs_what_is_damaged),
	};
	int failures;

	gather(argument_count, arguments);
	failures = cmocka_run_group_tests_name("damage", tests, NULL, NULL);
	for (size_t i = 0; i < patients.count; i++)
		sound_heap_deinit(&patients.items[i]);
	vec_deinit(&patients);
	return failures;
}

#include "tests/unit/unit.h"

#include "dumpcore/kept.h"
#include "tests/support/child.h"

#include <elf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* This process is the target, a child that fork made of it the clone. */
enum { PAGE = 4096, PAGES = 4, BYTES = PAGES * PAGE, ROOM = 1 << 16 };

enum place {
	PLAIN,
	DONTFORK,
	DONTFORK_LEFT_OUT,
	WIPED,
	WIPED_NEW,
	PLAIN_NEW,
	EMPTY_NEW,
	WIPED_LATE,
	PLACES
};

static const struct {
	int advice; /* -1: none */
	bool is_wiped, is_new, left_out, empty, lacking;
} places[PLACES] = {
	[PLAIN] = { .advice = -1 },
	[DONTFORK] = { MADV_DONTFORK, .lacking = true }, /* since smaps was read: nothing tells of it */
	[DONTFORK_LEFT_OUT] = { MADV_DONTFORK, .left_out = true, .lacking = true },
	[WIPED] = { MADV_WIPEONFORK, .is_wiped = true, .lacking = true },
	[WIPED_NEW] = { MADV_WIPEONFORK, .is_new = true, .lacking = true },
	[PLAIN_NEW] = { .advice = -1, .is_new = true },
	[WIPED_LATE] = { MADV_WIPEONFORK }, /* smaps knew it without that */
	[EMPTY_NEW] = { MADV_WIPEONFORK, .is_new = true, .empty = true },
};

struct scene {
	struct child child;
	struct procfs self, clone;
	struct pages ours, theirs;
	struct reader reader;
	struct plan plan;
	pages_ranges asked;
	struct kept kept;
	uint8_t *memory; /* places, an unmapped page between each two */
};

static uint8_t *place_of(const struct scene *scene, int place)
{
	return scene->memory + (size_t)place * (BYTES + PAGE);
}

static struct range range_of(const struct scene *scene, int place)
{
	vaddr start = (uintptr_t)place_of(scene, place);

	return (struct range){ start, start + BYTES };
}

static void make_place(struct scene *scene, int place)
{
	uint8_t *memory = place_of(scene, place);

	munmap(memory + BYTES, PAGE);
	if (places[place].advice >= 0)
		assert_int_equal(madvise(memory, BYTES, places[place].advice), 0);
	if (!places[place].empty)
		memset(memory, 'a' + place, BYTES);
	*vec_add(&scene->plan.items) = (struct plan_item){ .range = range_of(scene, place),
													   .kind = PLAN_ANONYMOUS,
													   .selected = !places[place].left_out,
													   .flags = PF_R | PF_W,
													   .is_cloned = true,
													   .is_wiped = places[place].is_wiped,
													   .is_new = places[place].is_new };
	*vec_add(&scene->asked) = (struct pages_range){ range_of(scene, place), PAGE_PRESENT, false };
}

static void do_nothing(void *shared)
{
	(void)shared;
}

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	*state = scene;
	scene->memory = mmap(NULL, (size_t)PLACES * (BYTES + PAGE), PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(scene->memory, (size_t)PLACES * (BYTES + PAGE), MADV_NOHUGEPAGE);
	for (int i = 0; i < PLACES; i++)
		make_place(scene, i);
	child_start(&scene->child, do_nothing, NULL);
	assert_true(procfs_open(&scene->self, PROCFS_ROOT, getpid(), NULL));
	assert_true(procfs_open(&scene->clone, PROCFS_ROOT, scene->child.pid, NULL));
	assert_true(pages_open(&scene->ours, &scene->self, NULL));
	assert_true(pages_open(&scene->theirs, &scene->clone, NULL));
	assert_true(reader_open(&scene->reader, &scene->self, NULL));
	kept_reserve(&scene->kept, &scene->reader, PLACES, ROOM, BYTES);
	return 0;
}

static int drop(void **state)
{
	struct scene *scene = *state;

	kept_deinit(&scene->kept);
	reader_close(&scene->reader);
	pages_close(&scene->ours);
	pages_close(&scene->theirs);
	procfs_close(&scene->self);
	procfs_close(&scene->clone);
	child_end(&scene->child);
	plan_deinit(&scene->plan);
	vec_deinit(&scene->asked);
	munmap(scene->memory, (size_t)PLACES * (BYTES + PAGE));
	free(scene);
	return 0;
}

static uint64_t find_and_scan(struct scene *scene)
{
	uint64_t bytes;

	assert_true(kept_read_clone(&scene->kept, &scene->clone, NULL));
	assert_true(
		kept_find(&scene->kept, &scene->plan, &scene->asked, &scene->ours, &scene->theirs, NULL));
	assert_true(kept_scan(&scene->kept, &scene->plan, &scene->ours, &bytes, NULL));
	return bytes;
}

static void what_the_clone_lacks_is_found(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(find_and_scan(scene), 3 * BYTES); /* one of four is not selected */
	for (int i = 0; i < PLACES; i++)
		assert_int_equal(kept_has(&scene->kept, range_of(scene, i)), places[i].lacking);
}

static void what_it_lacks_is_read_as_it_was(void **state)
{
	struct scene *scene = *state;
	uint8_t got[BYTES], wanted[BYTES];

	find_and_scan(scene);
	assert_true(kept_copy(&scene->kept, &scene->plan, &scene->reader, NULL));
	assert_true(reader_switch(&scene->reader, &scene->clone, NULL));
	for (int i = 0; i < PLACES; i++) {
		if (!places[i].lacking)
			continue;
		memset(place_of(scene, i), 'z', BYTES);
		assert_int_equal(page_map_resident(&scene->kept.map, range_of(scene, i)), BYTES);
		if (places[i].left_out)
			continue;
		memset(wanted, 'a' + i, BYTES);
		assert_true(reader_fill(&scene->reader, range_of(scene, i).start, got, BYTES));
		assert_memory_equal(got, wanted, BYTES);
	}
	assert_int_equal(scene->reader.errors.count, 0);
}

static void what_has_no_room_is_torn(void **state)
{
	struct scene *scene = *state;
	uint64_t bytes[PAGE_STATES];
	uint8_t got[BYTES];

	find_and_scan(scene);
	scene->kept.room = BYTES;
	assert_true(kept_copy(&scene->kept, &scene->plan, &scene->reader, NULL));
	page_map_sum(&scene->kept.map, range_of(scene, WIPED), bytes);
	assert_int_equal(bytes[PAGE_TORN], BYTES);
	assert_true(reader_switch(&scene->reader, &scene->clone, NULL));
	memset(place_of(scene, WIPED), 'z', BYTES);
	assert_true(reader_fill(&scene->reader, range_of(scene, WIPED).start, got, BYTES));
	assert_int_equal(got[0], 'z'); /* the target's, as it is now */
	munmap(place_of(scene, WIPED_NEW), BYTES);
	assert_true(reader_fill(&scene->reader, range_of(scene, WIPED_NEW).start, got, BYTES));
	assert_ptr_equal(scene->reader.errors.items[0].reason, reader_went);
	assert_int_equal(scene->reader.errors.count, 1); /* gone: never zeros without a word */
}

static void what_was_wiped_unknown_is_an_error(void **state)
{
	struct scene *scene = *state;
	struct page_map cloned = { 0 };

	find_and_scan(scene);
	assert_true(pages_scan(&scene->theirs, &scene->asked, &cloned, NULL));
	kept_note_wiped(&scene->kept, &scene->plan, &scene->ours, &scene->clone, &cloned,
					&scene->reader);
	assert_int_equal(scene->reader.errors.count, 1);
	assert_int_equal(scene->reader.errors.items[0].range.start, range_of(scene, WIPED_LATE).start);
	assert_ptr_equal(scene->reader.errors.items[0].reason, kept_wiped);
	page_map_deinit(&cloned);
}

static void an_ended_clone_is_seen(void **state)
{
	struct scene *scene = *state;
	struct err err = { 0 };

	kill(scene->child.pid, SIGKILL);
	while (child_state(scene->child.pid) != 'Z')
		usleep(1000);
	assert_false(kept_read_clone(&scene->kept, &scene->clone, &err));
	assert_int_equal(err.kind, ERR_GONE);
}

static void smaps_tells_what_to_expect(void **state)
{
	struct mapping items[] = {
		{ .range = { 0x1000, 0x9000 }, .resident_bytes = 0x8000, .vm_flags = "rd wr" },
		{ .range = { 0x10000, 0x20000 }, .resident_bytes = 0x3000, .vm_flags = "rd wr dc" },
		{ .range = { 0x20000, 0x30000 }, .resident_bytes = 0x1000, .vm_flags = "rd wf" },
		{ .range = { 0x30000, 0x40000 },
		  .protection = MAPPING_SHARED,
		  .resident_bytes = 0x2000,
		  .vm_flags = "sh dc" },
	};
	mappings list = { items, 4, 4 };

	(void)state;
	assert_int_equal(kept_expected(&list), 0x4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_clone_lacks_is_found, make, drop),
		cmocka_unit_test_setup_teardown(what_it_lacks_is_read_as_it_was, make, drop),
		cmocka_unit_test_setup_teardown(what_has_no_room_is_torn, make, drop),
		cmocka_unit_test_setup_teardown(what_was_wiped_unknown_is_an_error, make, drop),
		cmocka_unit_test_setup_teardown(an_ended_clone_is_seen, make, drop),
		cmocka_unit_test(smaps_tells_what_to_expect),
	};

	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}

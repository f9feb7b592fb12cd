#include "tests/unit/unit.h"

#include "archive/format.h"
#include "base/file.h"
#include "dumpcore/describe.h"
#include "dumpcore/snapshot.h"
#include "tests/support/child.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, COUNT = 700, THREADS = 3, BATCHES = (THREADS + 1) * 64 * PAGE };

static char path[] = "/tmp/dumpcore-snapshot-XXXXXX";
static uint8_t *memory; /* at the same address in the child */
static struct child child;

static void fill(uint8_t *to)
{
	for (size_t i = 0; i < COUNT * PAGE; i++)
		to[i] = (uint8_t)(i * 2654435761U >> 11);
}

static void *wait_forever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

/* Page 3 is given back, and three threads stand by. */
static void prepare_child(void *shared)
{
	(void)shared;
	madvise(memory + 3 * PAGE, PAGE, MADV_DONTNEED);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, wait_forever, NULL);
	}
}

static int make(void **state)
{
	(void)state;
	if (!mkdtemp(path))
		return -1;
	memory = mmap(NULL, COUNT * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(memory, COUNT * PAGE, MADV_NOHUGEPAGE);
	fill(memory);
	child_start(&child, prepare_child, NULL);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	child_end(&child);
	munmap(memory, COUNT * PAGE);
	return rmdir(path);
}

/* Takes a snapshot into a file of the folder and reads the file. */
static void take(const char *method, struct capture_outcome *outcome, struct strbuf *file)
{
	struct choice choice = { 0 };
	struct snapshot_request request = { .method = snapshot_method(method),
										.choice = &choice,
										.selection_text = "native",
										.command = "test" };
	struct progress silent = { 0 };
	struct snapshot snapshot;
	struct target target;
	struct output output;
	struct err err = { 0 };
	char name[64];

	snprintf(name, sizeof name, "%s/%s.core", path, method);
	assert_true(plan_selection_parse("native", &choice.selection, NULL));
	assert_true(target_open(&target, PROCFS_ROOT, child.pid, "test", &err));
	assert_true(output_open(&output, name, &err));
	if (!snapshot_run(&snapshot, &request, &target, &output, &silent, &err))
		fail_msg("%s", err.what);
	*outcome = snapshot.outcome;
	outcome->reason = "";
	snapshot_deinit(&snapshot);
	output_close(&output);
	target_close(&target);
	assert_true(file_read(AT_FDCWD, name, 1 << 30, file, &err));
	assert_int_equal(unlink(name), 0);
}

/* The captured byte at the address, or -1 where it is in no PT_LOAD. */
static int byte_at(const struct strbuf *file, vaddr address)
{
	const Elf64_Ehdr *header = (const void *)file->data;
	const Elf64_Phdr *programs = (const void *)(file->data + header->e_phoff);

	for (size_t i = 0; i < header->e_phnum; i++)
		if (programs[i].p_type == PT_LOAD && address >= programs[i].p_vaddr &&
			address - programs[i].p_vaddr < programs[i].p_filesz)
			return (uint8_t)file->data[programs[i].p_offset + address - programs[i].p_vaddr];
	return -1;
}

static size_t children_of(pid_t pid)
{
	struct strbuf text = { 0 };
	char name[64];
	size_t count = 0;

	snprintf(name, sizeof name, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	assert_true(file_read(AT_FDCWD, name, 1 << 16, &text, NULL));
	for (const char *at = strbuf_text(&text); *at; at++)
		count += *at == ' ';
	strbuf_deinit(&text);
	return count;
}

/* Descriptions of all notes of that type; gives their number and the last one. */
static size_t find_notes(const struct strbuf *file, uint32_t type, struct span *found)
{
	const Elf64_Ehdr *header = (const void *)file->data;
	const Elf64_Phdr *programs = (const void *)(file->data + header->e_phoff);
	size_t count = 0;

	for (size_t i = 0; i < header->e_phnum; i++) {
		struct span notes =
			span_part(strbuf_span(file), programs[i].p_offset, programs[i].p_filesz);
		struct cursor cursor = cursor_make(notes, false);

		while (programs[i].p_type == PT_NOTE && cursor_left(&cursor)) {
			uint32_t name = cursor_u32(&cursor), size = cursor_u32(&cursor);
			bool wanted = cursor_u32(&cursor) == type;

			cursor_skip(&cursor, (name + 3U) & ~3U);
			if (wanted)
				*found = span_part(notes, cursor.at, size);
			count += wanted;
			cursor_skip(&cursor, (size + 3U) & ~3U);
			assert_true(cursor_ok(&cursor));
		}
	}
	return count;
}

static void check_memory(const struct strbuf *file)
{
	static uint8_t wanted[COUNT * PAGE];
	vaddr start = (uintptr_t)memory;

	fill(wanted);
	memset(wanted + 3 * PAGE, 0, PAGE);
	for (size_t i = 0; i < sizeof wanted; i += 501)
		if (byte_at(file, start + i) != wanted[i])
			fail_msg("byte %zu differs", i);
}

/* Present pages of the page map against the kernel's count in the status document. */
static void check_residency(const struct strbuf *file)
{
	struct page_map map;
	struct span note = { 0 }, status = { 0 };
	uint64_t rss;

	assert_int_equal(find_notes(file, FORMAT_NOTE_PAGE_MAP, &note), 1);
	assert_true(page_map_decode(note, false, &map, NULL));
	status = span_part(strbuf_span(file), 0, file->size);
	for (size_t at = 0; at + 7 < status.size; at++)
		if (memcmp(status.data + at, "status\0N", 8) == 0) {
			assert_true(proc_text_number(span_part(status, at + 7, 4096), "VmRSS", &rss));
			/* Before Linux 6.2 each thread keeps up to 64 pages for itself, now each processor. */
			assert_in_range(page_map_resident(&map, (struct range){ 0, UINT64_MAX }), rss - BATCHES,
							rss + BATCHES);
			page_map_deinit(&map);
			return;
		}
	fail_msg("no status document");
}

/* Ways that give the memory as it was at one instant. */
static void holds_memory_and_threads(const char *method)
{
	struct capture_outcome outcome;
	struct strbuf file = { 0 };
	struct span note;

	take(method, &outcome, &file);
	assert_true(outcome.complete);
	assert_true(outcome.pause_ns > 0);
	check_memory(&file);
	check_residency(&file);
	assert_int_equal(find_notes(&file, NT_PRSTATUS, &note), THREADS + 1);
	assert_int_equal(find_notes(&file, NT_SIGINFO, &note), THREADS + 1);
	assert_int_equal(find_notes(&file, NT_AUXV, &note), 1);
	assert_int_equal(find_notes(&file, NT_FILE, &note), 1);
	assert_int_equal(find_notes(&file, FORMAT_NOTE_FILLER, &note), 1);
	assert_true(strchr("RS", child_state(child.pid)) != NULL);
	strbuf_deinit(&file);
}

static void freeze_holds_memory_and_threads(void **state)
{
	(void)state;
	holds_memory_and_threads("freeze");
}

static void fork_holds_memory_and_threads(void **state)
{
	(void)state;
	holds_memory_and_threads("fork");
	assert_int_equal(children_of(child.pid), 0);
}

static void precopy_holds_memory_and_threads(void **state)
{
	const char *why;

	(void)state;
	if (!track_possible(&why)) {
		print_message("# SKIP precopy_holds_memory_and_threads: %s\n", why);
		skip();
	}
	holds_memory_and_threads("precopy");
}

static void live_does_not_stop(void **state)
{
	struct capture_outcome outcome;
	struct strbuf file = { 0 };
	struct page_map map;
	struct span note;
	uint64_t bytes[PAGE_STATES];

	(void)state;
	take("live", &outcome, &file);
	assert_true(outcome.complete);
	assert_int_equal(outcome.pause_ns, 0);
	check_memory(&file);
	assert_int_equal(find_notes(&file, NT_PRSTATUS, &note), THREADS + 1);
	assert_int_equal(find_notes(&file, FORMAT_NOTE_PAGE_MAP, &note), 1);
	assert_true(page_map_decode(note, false, &map, NULL));
	page_map_sum(&map, (struct range){ (uintptr_t)memory, (uintptr_t)memory + COUNT * PAGE },
				 bytes);
	assert_int_equal(bytes[PAGE_TORN], (COUNT - 1) * PAGE);
	page_map_deinit(&map);
	strbuf_deinit(&file);
}

static void methods_have_names(void **state)
{
	(void)state;
	assert_true(snapshot_method("freeze")->stops);
	assert_true(snapshot_method("fork")->injects);
	assert_false(snapshot_method("live")->stops);
	assert_null(snapshot_method("auto"));
}

static struct mapping mapping(vaddr start, vaddr end, uint64_t resident, const char *flags)
{
	struct mapping made = {
		.range = { start, end }, .path = "", .resident_bytes = resident, .has_counts = true
	};

	snprintf(made.vm_flags, sizeof made.vm_flags, "%s", flags);
	return made;
}

/* Between smaps and the stop mappings come, go and change. */
static void counts_follow_their_mappings(void **state)
{
	struct mapping old[] = { mapping(0x1000, 0x3000, 0, "rd"), mapping(0x5000, 0x9000, 8, "wr dd"),
							 mapping(0xa000, 0xb000, 4, "ex") };
	struct mapping new[] = { mapping(0x1000, 0x3000, 0, ""), mapping(0x4000, 0x5000, 0, ""),
							 mapping(0x5000, 0x8000, 0, ""), mapping(0xa000, 0xb000, 0, "") };
	mappings before = { old, 3, 3 }, now = { new, 4, 4 };

	(void)state;
	for (size_t i = 0; i < now.count; i++)
		new[i].has_counts = false; /* maps has none */
	new[1].protection = MAPPING_READ | MAPPING_WRITE;
	describe_inherit(&now, &before);
	assert_int_equal(new[1].anonymous_bytes, 0x1000); /* it may hold pages of its own */
	assert_int_equal(new[3].anonymous_bytes, 0);
	assert_true(new[3].has_counts && !new[1].has_counts && !new[2].has_counts);
	assert_int_equal(new[0].resident_bytes, 0);
	assert_string_equal(new[0].vm_flags, "rd");
	assert_int_equal(new[1].resident_bytes, 0x1000); /* new: it may hold anything */
	assert_string_equal(new[1].vm_flags, "");
	assert_int_equal(new[2].resident_bytes, 0x3000); /* changed: the count no longer holds */
	assert_string_equal(new[2].vm_flags, "wr dd");
	assert_int_equal(new[3].resident_bytes, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freeze_holds_memory_and_threads),
		cmocka_unit_test(fork_holds_memory_and_threads),
		cmocka_unit_test(precopy_holds_memory_and_threads),
		cmocka_unit_test(live_does_not_stop),
		cmocka_unit_test(methods_have_names),
		cmocka_unit_test(counts_follow_their_mappings),
	};

	return cmocka_run_group_tests_name("snapshot", tests, make, drop);
}

/* replay: runs a fuzzed parser without a fuzzer, in the ordinary test run. Prints TAP.
 *
 *     core_fuzz                  every seed, its truncations, and mutations of it; then the files
 *                                of tests/fuzz/corpus/core
 *     core_fuzz FILE|FOLDER...   these files, folders not recursively
 *     core_fuzz --write FOLDER   writes the seeds as files: the first corpus of a real fuzzer
 */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { TRUNCATIONS = 400, MUTATIONS = 1500, CHANGES_MAX = 4, ENDS = 1536, FILE_MAX = 64 << 20 };

/* splitmix64, Steele, Lea and Flood 2014 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Feeds a copy of exactly the size, so that a sanitizer sees a read past its end. */
static void feed(const char *data, size_t size)
{
	AUTO_FREE uint8_t *copy = mem_zeroed(size ? size : 1, 1);

	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
}

/* Anywhere, or near the start or the end, where headers and tables are. */
static size_t choose_place(size_t size, uint64_t *state)
{
	size_t near = size < ENDS ? size : ENDS, at = next_random(state) % near;

	switch (next_random(state) % 3) {
	case 0:
		return at;
	case 1:
		return size - 1 - at;
	default:
		return next_random(state) % size;
	}
}

/* Flips bits, or puts values that lengths and offsets go wrong at. */
static void mutate(char *data, size_t size, uint64_t *state)
{
	static const uint8_t odd[] = { 0x00, 0xff, 0x7f, 0x80, 0x01, 0xfe };
	uint64_t changes = 1 + next_random(state) % CHANGES_MAX;

	for (uint64_t i = 0; size && i < changes; i++) {
		size_t at = choose_place(size, state), run = 1 + next_random(state) % 8;

		if (next_random(state) % 2)
			data[at] = (char)(data[at] ^ 1 << next_random(state) % 8);
		else
			memset(data + at, odd[next_random(state) % sizeof odd],
				   run < size - at ? run : size - at);
	}
}

static void run_seed(size_t index, const struct strbuf *seed)
{
	uint64_t state = index;
	struct strbuf copy = { 0 };

	feed(seed->data, seed->size);
	printf("ok - seed %zu\n", index);
	for (size_t i = 0; i < TRUNCATIONS; i++)
		feed(seed->data, seed->size * i / TRUNCATIONS);
	printf("ok - seed %zu truncated at %d places\n", index, TRUNCATIONS);
	for (int i = 0; i < MUTATIONS; i++) {
		strbuf_clear(&copy);
		strbuf_add(&copy, seed->data, seed->size);
		mutate(copy.data, copy.size, &state);
		feed(copy.data, copy.size);
	}
	strbuf_deinit(&copy);
	printf("ok - seed %zu mutated %d times\n", index, MUTATIONS);
}

static int run_seeds(void)
{
	struct strbuf seed = { 0 };

	for (size_t i = 0; fuzz_seed(i, &seed); i++) {
		run_seed(i, &seed);
		strbuf_clear(&seed);
	}
	strbuf_deinit(&seed);
	return 0;
}

static int run_file(int folder, const char *name)
{
	struct strbuf bytes = { 0 };
	struct err err = { 0 };
	bool read = file_read(folder, name, FILE_MAX, &bytes, &err);

	if (read)
		feed(strbuf_text(&bytes), bytes.size);
	printf("%s - %s\n", read ? "ok" : "not ok", read ? name : err.what);
	strbuf_deinit(&bytes);
	return !read;
}

static int run_path(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int failures = 0;

	if (!folder)
		return run_file(AT_FDCWD, path);
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			failures += run_file(dirfd(folder), entry->d_name);
	closedir(folder);
	return failures;
}

/* What fuzzers found worth keeping, for a program NAME_fuzz; from the repository's root. */
static int run_corpus(const char *program)
{
	const char *name = strrchr(program, '/'), *end;
	char path[4096];
	DIR *folder;

	name = name ? name + 1 : program;
	end = strstr(name, "_fuzz");
	snprintf(path, sizeof path, "tests/fuzz/corpus/%.*s", end ? (int)(end - name) : 0, name);
	folder = opendir(path);
	if (!folder) {
		printf("ok - corpus # SKIP %s cannot be opened from here\n", path);
		return 0;
	}
	closedir(folder);
	return run_path(path);
}

static int write_seeds(const char *folder)
{
	struct strbuf seed = { 0 };
	bool written = true;

	for (size_t i = 0; written && fuzz_seed(i, &seed); i++) {
		char path[4096];
		int fd;

		snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
		fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
		written = fd >= 0 && file_write(fd, seed.data, seed.size);
		if (!written)
			perror(path);
		if (fd >= 0)
			close(fd);
		strbuf_clear(&seed);
	}
	strbuf_deinit(&seed);
	return !written;
}

int main(int count, char **arguments)
{
	int failures = 0;

	if (count == 1)
		return run_seeds() || run_corpus(arguments[0]);
	if (count == 3 && strcmp(arguments[1], "--write") == 0)
		return write_seeds(arguments[2]);
	for (int i = 1; i < count; i++)
		failures += run_path(arguments[i]);
	return failures != 0;
}

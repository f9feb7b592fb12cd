#include "dumpcore/headroom.h"

#include "archive/proc_text.h"
#include "base/file.h"
#include "dumpcore/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SMALL = 4096, STAT_BYTES = 16384 };

/* Above this a limit of version 1 is none: it stands for "not set" (PAGE_COUNTER_MAX). */
#define NO_LIMIT (UINT64_C(1) << 60)

/* Reads a file that is open already into a buffer on the stack. */
static struct span read_again(int fd, char *text, size_t size)
{
	ssize_t got;

	do
		got = pread(fd, text, size - 1, 0);
	while (got < 0 && errno == EINTR);
	text[got > 0 ? got : 0] = '\0';
	return span_make(text, got > 0 ? (size_t)got : 0);
}

static bool read_number(int fd, uint64_t *value)
{
	char text[64], *end;
	struct span got = read_again(fd, text, sizeof text);

	*value = strtoull(text, &end, 10);
	return got.size && end > text;
}

static int open_beside(const char *path, const char *name)
{
	char beside[SMALL];
	const char *slash = strrchr(path, '/');

	if (!slash || (size_t)(slash - path) + strlen(name) + 2 > sizeof beside)
		return -1;
	memcpy(beside, path, (size_t)(slash - path) + 1);
	strcpy(beside + (slash - path) + 1, name);
	return open(beside, O_RDONLY | O_CLOEXEC);
}

/* The number in a file that was opened for it; NO_LIMIT where it has none ("max"). */
static uint64_t take_limit(int fd)
{
	uint64_t limit = NO_LIMIT;

	if (fd >= 0) {
		if (!read_number(fd, &limit))
			limit = NO_LIMIT;
		close(fd);
	}
	return limit;
}

/* Above memory.high (version 2) nobody is killed, but the group is slowed down until it is below
 * again: that is no room for a clone either. */
static void add_group(struct headroom *headroom, const struct cgroup_level *level)
{
	struct headroom_group *group = &headroom->groups[headroom->count];
	uint64_t limit = take_limit(open(level->limit, O_RDONLY | O_CLOEXEC));
	uint64_t high = take_limit(open_beside(level->limit, "memory.high"));

	limit = high < limit ? high : limit;
	if (limit >= NO_LIMIT)
		return;
	*group = (struct headroom_group){ .limit = limit, .limit_file = level->limit };
	group->usage = open(level->usage, O_RDONLY | O_CLOEXEC);
	if (group->usage < 0)
		return;
	group->stat = open_beside(level->usage, "memory.stat");
	headroom->count++;
}

void headroom_open(struct headroom *headroom, const struct procfs *procfs, struct span cgroup)
{
	cgroup_levels levels = { 0 };

	*headroom = (struct headroom){ .meminfo = procfs_open_root(procfs, "meminfo") };
	cgroup_find_levels(procfs, cgroup, &headroom->pool, &levels);
	for (size_t i = 0; i < levels.count && headroom->count < HEADROOM_GROUPS; i++)
		add_group(headroom, &levels.items[i]);
	vec_deinit(&levels);
}

void headroom_close(struct headroom *headroom)
{
	for (size_t i = 0; i < headroom->count; i++) {
		close(headroom->groups[i].usage);
		if (headroom->groups[i].stat >= 0)
			close(headroom->groups[i].stat);
	}
	if (headroom->meminfo > 0)
		close(headroom->meminfo);
	pool_deinit(&headroom->pool);
	*headroom = (struct headroom){ .meminfo = -1 };
}

/* "inactive_file N" of version 2, "total_inactive_file N" of version 1, in a text of such lines. */
static uint64_t reclaimable(int stat)
{
	static const char name[] = "inactive_file ";
	char text[STAT_BYTES];
	const char *at;

	if (stat < 0)
		return 0;
	read_again(stat, text, sizeof text);
	at = strstr(text, "total_inactive_file ");
	at = at ? strstr(at, name) : strstr(text, name);
	return at ? strtoull(at + sizeof name - 1, NULL, 10) : 0;
}

static uint64_t left_of(const struct headroom_group *group)
{
	uint64_t usage, cache;

	if (!read_number(group->usage, &usage))
		return UINT64_MAX;
	/* memory.stat is slow to read: not asked where there is much room in any case. */
	if (usage < group->limit / 2)
		return group->limit - usage;
	cache = reclaimable(group->stat);
	usage -= cache < usage ? cache : usage;
	return usage < group->limit ? group->limit - usage : 0;
}

uint64_t headroom_left(const struct headroom *headroom, const char **what)
{
	uint64_t least = UINT64_MAX, left = 0;
	char text[SMALL];

	*what = "memory";
	if (headroom->meminfo >= 0 &&
		proc_text_number(read_again(headroom->meminfo, text, sizeof text), "MemAvailable", &left)) {
		least = left;
		*what = "MemAvailable of the machine";
	}
	for (size_t i = 0; i < headroom->count; i++) {
		left = left_of(&headroom->groups[i]);
		if (left < least) {
			least = left;
			*what = headroom->groups[i].limit_file;
		}
	}
	return least;
}

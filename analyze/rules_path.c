#include "analyze/rules_path.h"

#include "base/mem.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* build/analyze has them in ../rules, build/san/analyze in ../../rules. */
static char *find_beside_build(void)
{
	static const char *const ways[] = { "../rules", "../../rules" };
	char program[PATH_MAX], path[PATH_MAX + 16], real[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
	char *slash;

	if (length <= 0)
		return NULL;
	program[length] = '\0';
	slash = strrchr(program, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		snprintf(path, sizeof path, "%s/%s", program, ways[i]);
		if (is_folder(path) && realpath(path, real))
			return mem_string(real);
	}
	return NULL;
}

char *rules_path_find(void)
{
	const char *given = getenv("DUMPCORE_RULES");

	if (given && *given)
		return mem_string(given);
	if (is_folder(RULES_FOLDER))
		return mem_string(RULES_FOLDER);
	return find_beside_build();
}

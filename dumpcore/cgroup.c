#include "dumpcore/cgroup.h"

#include "base/file.h"

#include <fcntl.h>
#include <string.h>

enum { MOUNTINFO_LIMIT = 16 << 20, FIELDS = 48 };

static const char *const names_v2[] = { "memory.current", "memory.max",    "memory.high",
										"memory.stat",    "memory.events", NULL };
static const char *const names_v1[] = { "memory.usage_in_bytes", "memory.limit_in_bytes",
										"memory.stat", NULL };

/* Is `word` one of the comma-separated words of the text? */
static bool has_word(struct span text, const char *word)
{
	size_t length = strlen(word);

	for (size_t at = 0; at + length <= text.size; at++) {
		bool starts = at == 0 || text.data[at - 1] == ',';
		bool ends = at + length == text.size || text.data[at + length] == ',';

		if (starts && ends && memcmp(text.data + at, word, length) == 0)
			return true;
	}
	return false;
}

/* Cuts the text at the first `c`: gives the part before it and leaves the part behind it. */
static struct span cut(struct span *text, char c)
{
	const uint8_t *at = text->size ? memchr(text->data, c, text->size) : NULL;
	size_t length = at ? (size_t)(at - text->data) : text->size;
	struct span part = span_part(*text, 0, length);

	*text = span_part(*text, length + 1, SIZE_MAX);
	return part;
}

/* A line of /proc/PID/cgroup: "ID:CONTROLLERS:PATH"; version 2 has ID 0 and no controllers. */
static bool parse_group(struct span line, bool *v2, struct span *path)
{
	struct span id = cut(&line, ':'), controllers = cut(&line, ':');

	*path = line;
	*v2 = controllers.size == 0 && span_equal(id, span_string("0"));
	return line.size && (*v2 || has_word(controllers, "memory"));
}

/* A line of mountinfo: "36 35 98:0 ROOT POINT OPTIONS [FIELDS…] - TYPE SOURCE SUPER". */
static bool parse_mount(struct span line, bool v2, struct span *root, struct span *point)
{
	struct span type, super;

	for (int i = 0; i < 3; i++)
		cut(&line, ' ');
	*root = cut(&line, ' ');
	*point = cut(&line, ' ');
	for (int i = 0; i < FIELDS && line.size; i++)
		if (span_equal(cut(&line, ' '), span_string("-")))
			break;
	type = cut(&line, ' ');
	cut(&line, ' ');
	super = line;
	if (v2)
		return span_equal(type, span_string("cgroup2"));
	return span_equal(type, span_string("cgroup")) && has_word(super, "memory");
}

/* The group's path below the mount point: the mount may show a part of the hierarchy only. */
static bool below_root(struct span root, struct span *path)
{
	if (root.size <= 1)
		return true;
	if (path->size < root.size || memcmp(path->data, root.data, root.size) != 0)
		return false;
	*path = span_part(*path, root.size, SIZE_MAX);
	return true;
}

static void add_files(struct span point, struct span path, bool v2, struct pool *pool,
					  cgroup_files *files)
{
	if (path.size == 1)
		path.size = 0; /* "/" */
	for (const char *const *name = v2 ? names_v2 : names_v1; *name; name++)
		*vec_add(files) = (struct cgroup_file){
			pool_printf(pool, "cgroup/%s", *name),
			pool_printf(pool, "%.*s%.*s/%s", (int)point.size, (const char *)point.data,
						(int)path.size, path.size ? (const char *)path.data : "", *name),
		};
}

static void find_mount(struct span mountinfo, struct span path, bool v2, struct pool *pool,
					   cgroup_files *files)
{
	struct cursor cursor = cursor_make(mountinfo, false);
	struct span line, root, point;

	while (cursor_line(&cursor, &line))
		if (parse_mount(line, v2, &root, &point) && below_root(root, &path)) {
			add_files(point, path, v2, pool, files);
			return;
		}
}

void cgroup_find(const struct procfs *procfs, struct span text, struct pool *pool,
				 cgroup_files *files)
{
	struct cursor cursor = cursor_make(text, false);
	struct strbuf mountinfo = { 0 };
	struct span line, path;
	bool v2;

	if (procfs_read_root(procfs, "self/mountinfo", MOUNTINFO_LIMIT, &mountinfo, NULL))
		while (cursor_line(&cursor, &line))
			if (parse_group(line, &v2, &path))
				find_mount(strbuf_span(&mountinfo), path, v2, pool, files);
	strbuf_deinit(&mountinfo);
}

bool cgroup_read(const struct cgroup_file *file, size_t limit, struct strbuf *out)
{
	return file_read(AT_FDCWD, file->path, limit, out, NULL);
}

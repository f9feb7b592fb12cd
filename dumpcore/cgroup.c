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

/* A group as this machine's file system shows it: its folder is `point` and `path` together. */
struct place {
	struct span point, path;
	bool v2;
};

struct places {
	struct strbuf mountinfo; /* holds the points */
	VEC(struct place) items;
};

static bool find_mount(struct span mountinfo, struct place *place)
{
	struct cursor cursor = cursor_make(mountinfo, false);
	struct span line, root;

	while (cursor_line(&cursor, &line))
		if (parse_mount(line, place->v2, &root, &place->point) && below_root(root, &place->path)) {
			if (place->path.size == 1)
				place->path.size = 0; /* "/" */
			return true;
		}
	return false;
}

/* The places of a process whose /proc/PID/cgroup is `text`. */
static void find_places(const struct procfs *procfs, struct span text, struct places *places)
{
	struct cursor cursor = cursor_make(text, false);
	struct place place;
	struct span line;

	*places = (struct places){ 0 };
	if (!procfs_read_root(procfs, "self/mountinfo", MOUNTINFO_LIMIT, &places->mountinfo, NULL))
		return;
	while (cursor_line(&cursor, &line))
		if (parse_group(line, &place.v2, &place.path) &&
			find_mount(strbuf_span(&places->mountinfo), &place))
			*vec_add(&places->items) = place;
}

static void places_deinit(struct places *places)
{
	vec_deinit(&places->items);
	strbuf_deinit(&places->mountinfo);
}

/* The path of one file of the group, or of the ancestor that is `length` bytes of its path. */
static const char *file_path(const struct place *place, size_t length, const char *name,
							 struct pool *pool)
{
	return pool_printf(pool, "%.*s%.*s/%s", (int)place->point.size, (const char *)place->point.data,
					   (int)length, length ? (const char *)place->path.data : "", name);
}

static void add_files(const struct place *place, struct pool *pool, cgroup_files *files)
{
	for (const char *const *name = place->v2 ? names_v2 : names_v1; *name; name++)
		*vec_add(files) = (struct cgroup_file){
			pool_printf(pool, "cgroup/%s", *name),
			file_path(place, place->path.size, *name, pool),
		};
}

void cgroup_find(const struct procfs *procfs, struct span text, struct pool *pool,
				 cgroup_files *files)
{
	struct places places;

	find_places(procfs, text, &places);
	for (size_t i = 0; i < places.items.count; i++)
		add_files(&places.items.items[i], pool, files);
	places_deinit(&places);
}

static void add_level(const struct place *place, size_t length, struct pool *pool,
					  cgroup_levels *levels)
{
	*vec_add(levels) = (struct cgroup_level){
		.usage = file_path(place, length, place->v2 ? names_v2[0] : names_v1[0], pool),
		.limit = file_path(place, length, place->v2 ? names_v2[1] : names_v1[1], pool),
		.pressure = place->v2 ? file_path(place, length, "memory.pressure", pool) : NULL,
		.is_own = length == place->path.size,
	};
}

void cgroup_find_levels(const struct procfs *procfs, struct span text, struct pool *pool,
						cgroup_levels *levels)
{
	struct places places;

	find_places(procfs, text, &places);
	for (size_t i = 0; i < places.items.count; i++) {
		const struct place *place = &places.items.items[i];
		size_t length = place->path.size;

		add_level(place, length, pool, levels);
		while (length && levels->count < CGROUP_LEVELS)
			if (place->path.data[--length] == '/')
				add_level(place, length, pool, levels);
	}
	places_deinit(&places);
}

bool cgroup_read(const struct cgroup_file *file, size_t limit, struct strbuf *out)
{
	return file_read(AT_FDCWD, file->path, limit, out, NULL);
}

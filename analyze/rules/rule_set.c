#include "analyze/rules/rule_set.h"

#include "analyze/rules/rule.h"
#include "analyze/rules/rule_compile.h"
#include "analyze/rules/rule_file.h"
#include "analyze/rules/rule_schema.h"
#include "base/span_index.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Rules on their way into the set. */
struct loading {
	struct rule_set *set;
	struct rule_sink sink;
	rule_entries entries;
	rule_edits edits;
	size_t files;
};

static bool has_rule_ending(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot && (!strcmp(dot, ".yml") || !strcmp(dot, ".yaml"));
}

static bool load_file(struct loading *loading, const char *path, struct err *err)
{
	struct pool *pool = &loading->set->pool;
	struct rule_source *source = pool_alloc(pool, sizeof *source);
	struct strbuf text = { 0 }, shown = { 0 };
	bool good = file_read(AT_FDCWD, path, TREE_MAX_BYTES, &text, err);
	struct span all = strbuf_span(&text);

	/* editors of Windows put a byte order mark in front, as YAML allows (1.2, 5.2) */
	if (all.size >= 3 && memcmp(all.data, "\xef\xbb\xbf", 3) == 0)
		all = span_part(all, 3, all.size);
	if (good) {
		text_escape(span_string(path), &shown);
		source->path = pool_string(pool, strbuf_text(&shown));
		source->number = loading->files++;
		source->text = span_make(pool_span(pool, all), all.size);
		rule_file_read(source, pool, &loading->sink, &loading->entries, &loading->edits);
	}
	strbuf_deinit(&text);
	strbuf_deinit(&shown);
	return good;
}

static int rule_file_filter(const struct dirent *entry)
{
	return has_rule_ending(entry->d_name);
}

/* By name, byte by byte: the same order in every locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file of a folder that nobody named must not be one that waits for a writer or never ends. */
static bool load_entry(struct loading *loading, const char *path, struct err *err)
{
	struct stat status;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		return err_set(err, ERR_USAGE, "%s is no regular file; rename or remove it", path);
	return load_file(loading, path, err);
}

static bool load_folder(struct loading *loading, const char *path, struct err *err)
{
	struct dirent **names = NULL;
	int count = scandir(path, &names, rule_file_filter, compare_names);
	bool good = count >= 0 || err_sys(err, errno, "cannot read the folder %s", path);

	for (int i = 0; i < count; i++) {
		struct strbuf file = { 0 };

		strbuf_printf(&file, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
					  names[i]->d_name);
		good = good && load_entry(loading, strbuf_text(&file), err);
		strbuf_deinit(&file);
		free(names[i]);
	}
	free(names);
	if (good && !count)
		err_set(err, ERR_NOT_FOUND, "no rule file (*.yml) in %s", path);
	return good && count;
}

static bool load_path(struct loading *loading, const char *path, struct err *err)
{
	struct stat status;

	if (!*path)
		return err_set(err, ERR_USAGE, "the path of the rules is empty");
	if (stat(path, &status) < 0) {
		err_sys(err, errno, "cannot read the rules %s", path);
		return err_hint(err, "give a .yml file or a folder of them");
	}
	return S_ISDIR(status.st_mode) ? load_folder(loading, path, err)
								   : load_file(loading, path, err);
}

/* The later of two rules with the same id is not good. */
static void refuse_duplicates(struct loading *loading)
{
	struct span_index ids = { 0 };
	VEC(struct rule_place) places = { 0 };

	for (size_t i = 0; i < loading->entries.count; i++) {
		struct rule_entry *entry = &loading->entries.items[i];
		uint32_t number;

		if (!entry->rule.id)
			continue;
		number = span_index_add(&ids, span_string(entry->rule.id));
		if (number == places.count) {
			*vec_add(&places) = entry->rule.place;
			continue;
		}
		entry->good = rule_message_add(&loading->sink, entry->rule.place, "R010",
									   "duplicate id '%s' (first at %s:%zu:%zu)", entry->rule.id,
									   places.items[number].source->path, places.items[number].line,
									   places.items[number].column);
	}
	span_index_deinit(&ids);
	vec_deinit(&places);
}

/* "namespace.id", or an id of the edit's own namespace. */
static struct rule_entry *find_entry(struct loading *loading, const struct rule_edit *edit)
{
	const char *own = pool_printf(&loading->set->pool, "%s.%s", edit->namespace, edit->id);

	for (size_t i = 0; i < loading->entries.count; i++) {
		struct rule_entry *entry = &loading->entries.items[i];

		if (entry->rule.id && (!strcmp(entry->rule.id, edit->id) || !strcmp(entry->rule.id, own)))
			return entry;
	}
	return NULL;
}

static void warn_no_rule(struct loading *loading, const struct rule_edit *edit)
{
	struct schema schema = { &loading->sink, &loading->set->pool };
	const char **names = mem_zeroed(loading->entries.count + 1, sizeof *names);
	size_t count = 0;

	for (size_t i = 0; i < loading->entries.count; i++)
		if (loading->entries.items[i].rule.id)
			names[count++] = loading->entries.items[i].rule.id;
	rule_message_add(&loading->sink, edit->place, "W070", "no rule '%s' to %s%s",
					 schema_quote(&schema, span_string(edit->id)),
					 edit->override ? "override" : "disable",
					 schema_suggest(&schema, edit->id, names));
	free(names);
}

static void apply_edits(struct loading *loading)
{
	for (size_t i = 0; i < loading->edits.count; i++) {
		const struct rule_edit *edit = &loading->edits.items[i];
		struct rule_entry *entry = find_entry(loading, edit);

		if (!entry) {
			warn_no_rule(loading, edit);
		} else if (!edit->override) {
			entry->disabled = true;
		} else if (entry->good) {
			loading->sink.rule = entry->rule.id;
			rule_file_override(&entry->rule, edit, &loading->set->pool, &loading->sink);
			loading->sink.rule = NULL;
		}
	}
}

/* Moves what compiles into the set; the rest is freed. */
static void keep_good(struct loading *loading)
{
	struct rule_set *set = loading->set;

	for (size_t i = 0; i < loading->entries.count; i++) {
		struct rule_entry *entry = &loading->entries.items[i];

		if (!entry->disabled && rule_compile(entry, &set->pool, &loading->sink))
			*vec_add(&set->rules) = entry->rule;
		else
			rule_deinit(&entry->rule);
	}
}

/* Distinct keywords, so that the prefilter looks for each once. */
static void collect_literals(struct rule_set *set)
{
	struct span_index index = { 0 };

	for (uint32_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];

		for (size_t j = 0; j < rule->keywords.count; j++) {
			uint32_t number = span_index_add(&index, rule->keywords.items[j].bytes);
			struct rule_literal *literal;

			if (number == set->literals.count)
				vec_add(&set->literals)->bytes = rule->keywords.items[j].bytes;
			literal = &set->literals.items[number];
			if (!literal->uses.count || literal->uses.items[literal->uses.count - 1].rule != i)
				*vec_add(&literal->uses) = (struct literal_use){ i, &rule->keywords.items[j] };
		}
	}
	span_index_deinit(&index);
}

static bool build_prefilter(struct rule_set *set, struct err *err)
{
	struct span *literals = mem_zeroed(set->literals.count, sizeof *literals);

	for (size_t i = 0; i < set->literals.count; i++)
		literals[i] = set->literals.items[i].bytes;
	set->prefilter = prefilter_create(literals, set->literals.count, err);
	free(literals);
	return set->prefilter;
}

static bool fill(struct loading *loading, const char *const *paths, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!load_path(loading, paths[i], err)) {
			for (size_t j = 0; j < loading->entries.count; j++)
				rule_deinit(&loading->entries.items[j].rule);
			return false;
		}
	refuse_duplicates(loading);
	apply_edits(loading);
	keep_good(loading);
	rule_messages_sort(loading->sink.messages);
	collect_literals(loading->set);
	loading->set->redactor = redactor_create(err);
	return loading->set->redactor && build_prefilter(loading->set, err);
}

struct rule_set *rule_set_create(const char *const *paths, size_t count, rule_messages *messages,
								 struct err *err)
{
	struct rule_set *set = mem_zeroed(1, sizeof *set);
	struct loading loading = { .set = set, .sink = { messages, &set->pool, NULL, 0 } };
	bool good = fill(&loading, paths, count, err);

	vec_deinit(&loading.entries);
	vec_deinit(&loading.edits);
	if (good)
		return set;
	messages->count = 0; /* their texts go with the set */
	rule_set_destroy(set);
	return NULL;
}

void rule_set_destroy(struct rule_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->rules.count; i++)
		rule_deinit(&set->rules.items[i]);
	vec_deinit(&set->rules);
	for (size_t i = 0; i < set->literals.count; i++)
		vec_deinit(&set->literals.items[i].uses);
	vec_deinit(&set->literals);
	prefilter_destroy(set->prefilter);
	redactor_destroy(set->redactor);
	pool_deinit(&set->pool);
	free(set);
}

size_t rule_set_count(const struct rule_set *set)
{
	return set->rules.count;
}

const char *rule_set_id(const struct rule_set *set, size_t index)
{
	return set->rules.items[index].id;
}

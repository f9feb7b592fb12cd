#include "analyze/commands/setup.h"

#include "analyze/attribute/evidence.h"
#include "analyze/rules_path.h"
#include "base/text.h"
#include "base/mem.h"
#include "base/vec.h"
#include "base/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void count_errors(struct setup_rules *rules)
{
	rules->errors = 0;
	for (size_t i = 0; i < rules->messages.count; i++)
		rules->errors += rules->messages.items[i].is_error;
}

bool setup_rules_init(struct setup_rules *rules, const char *const *paths, size_t count,
					  struct err *err)
{
	char *found = NULL;
	const char *path;

	*rules = (struct setup_rules){ 0 };
	if (count == 1 && strcmp(paths[0], "none") == 0)
		return true;
	if (!count) {
		found = rules_path_find();
		if (!found)
			return true;
		path = found;
		paths = &path;
		count = 1;
	}
	rules->set = rule_set_create(paths, count, &rules->messages, err);
	free(found);
	count_errors(rules);
	return rules->set != NULL;
}

void setup_rules_deinit(struct setup_rules *rules)
{
	vec_deinit(&rules->messages);
	if (rules->set)
		rule_set_destroy(rules->set);
	rules->set = NULL;
}

void setup_rules_print(const struct setup_rules *rules, size_t first)
{
	for (size_t i = first; i < rules->messages.count; i++) {
		const char *text = rules->messages.items[i].text;
		size_t length = strlen(text);

		fprintf(stderr, "%s%s", text, length && text[length - 1] == '\n' ? "" : "\n");
	}
}

bool setup_rules_of(struct setup_rules *rules, const struct options *options, struct err *err)
{
	if (!setup_rules_init(rules, options->rules.items, options->rules.count, err))
		return false;
	if (!options->quiet)
		setup_rules_print(rules, 0);
	if (!rules->set && !options->rules.count && !options->quiet)
		fputs("analyze: no rules found; --rules PATH names them, --rules none does without\n",
			  stderr);
	if (options->rule && !rules->set)
		return err_set(err, ERR_USAGE, "--rule needs rules, and there are none");
	if (options->strict && rules->errors)
		return err_set(err, ERR_FORMAT, "%zu errors in rule files (--strict)", rules->errors);
	return true;
}

/* What stands behind the namespace; that may have a dot in it, an id that is asked for rarely has.
 */
static const char *short_id(const char *id)
{
	return strchr(id, '.') + 1;
}

static bool is_without_namespace(const char *id, const char *full)
{
	size_t length = strlen(full), end = strlen(id);

	return length > end && full[length - end - 1] == '.' && strcmp(full + length - end, id) == 0;
}

/* As text_nearest, by what stands behind the namespaces. */
static const char *nearest_short(const char *id, const char *const *ids, size_t count)
{
	const char **names = mem_zeroed(count + 1, sizeof *names), *nearest;

	for (size_t i = 0; i < count; i++)
		names[i] = short_id(ids[i]);
	nearest = text_nearest(id, names);
	for (size_t i = 0; nearest && i < count; i++)
		if (names[i] == nearest)
			nearest = ids[i];
	free(names);
	return nearest;
}

/* The id that was meant, or NULL: one whose namespace was left out, or one with a mistake in it. */
static const char *nearest_id(const char *id, const char *const *ids)
{
	const char *nearest = text_nearest(id, ids);
	size_t count = 0;

	for (; ids[count]; count++)
		if (is_without_namespace(id, ids[count]))
			return ids[count];
	return nearest ? nearest : nearest_short(id, ids, count);
}

static bool refuse_id(const struct rule_set *set, const char *id, struct err *err)
{
	VEC(const char *) ids = { 0 };
	const char *nearest;

	for (size_t i = 0; set && i < rule_set_count(set); i++)
		*vec_add(&ids) = rule_set_id(set, i);
	*vec_add(&ids) = NULL;
	nearest = nearest_id(id, ids.items);
	vec_deinit(&ids);
	err_set(err, ERR_USAGE, "there is no rule '%.100s'", id);
	if (nearest)
		return err_hint(err, "did you mean '%s'?", nearest);
	return err_hint(err, "`analyze rules list` prints the ids, --find WORD those with a word");
}

bool setup_find_rule(const struct setup_rules *rules, const char *id, uint32_t *index,
					 struct err *err)
{
	const struct rule_set *set = rules->set;

	for (*index = 0; set && *index < rule_set_count(set); ++*index)
		if (strcmp(rule_set_id(set, *index), id) == 0)
			return true;
	return refuse_id(set, id, err);
}

bool setup_knows_rule(const struct setup_rules *rules, const char *id, struct err *err)
{
	uint32_t index;

	return !id || setup_find_rule(rules, id, &index, err);
}

enum exit_status setup_run(const struct options *options, setup_work *work, struct err *err)
{
	enum exit_status status = EXIT_FAILED;
	struct setup_rules rules;
	struct pipeline pipeline;
	struct progress progress;

	setup_progress(&progress, options);
	if (!setup_rules_of(&rules, options, err)) {
		status = err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
	} else if (!setup_knows_rule(&rules, options->rule, err)) {
		status = EXIT_USAGE;
	} else {
		if (pipeline_run(&pipeline, options->operands.items[0], rules.set, setup_workers(options),
						 &progress, err))
			status = work(&pipeline, options, &progress, err);
		pipeline_deinit(&pipeline);
	}
	setup_rules_deinit(&rules);
	return status;
}

enum exit_status setup_list_status(const struct pipeline *pipeline, bool good)
{
	return !good                                   ? EXIT_FAILED
		   : evidence_is_complete(&pipeline->core) ? EXIT_COMPLETE
												   : EXIT_INCOMPLETE;
}

unsigned setup_workers(const struct options *options)
{
	return options->threads ? options->threads : workers_available();
}

void setup_progress(struct progress *progress, const struct options *options)
{
	progress_init(progress, !options->quiet || options->progress, options->progress);
}

bool setup_address(const char *text, vaddr *address, struct err *err)
{
	const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
	size_t length = strspn(digits, "0123456789abcdefABCDEF");

	if (!length || length > 16 || digits[length]) {
		err_set(err, ERR_USAGE, "'%.100s' is no address: hexadecimal, like 0x5581e0a2c2a0", text);
		return err_hint(err, "`analyze chunks FILE` lists those of all chunks");
	}
	*address = strtoull(digits, NULL, 16);
	return true;
}

#include "analyze/commands/setup.h"

#include "analyze/rules_path.h"
#include "base/text.h"
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

bool setup_knows_rule(const struct setup_rules *rules, const char *id, struct err *err)
{
	const struct rule_set *set = rules->set;
	VEC(const char *) ids = { 0 };
	const char *nearest;
	bool known = !id;

	for (size_t i = 0; set && i < rule_set_count(set); i++) {
		*vec_add(&ids) = rule_set_id(set, i);
		known |= id && strcmp(rule_set_id(set, i), id) == 0;
	}
	*vec_add(&ids) = NULL;
	nearest = known ? NULL : text_nearest(id, ids.items);
	vec_deinit(&ids);
	if (known)
		return true;
	err_set(err, ERR_USAGE, "there is no rule '%.100s'", id);
	if (nearest)
		return err_hint(err, "did you mean '%s'?", nearest);
	return err_hint(err, "`analyze rules list` prints the ids, --find WORD those with a word");
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

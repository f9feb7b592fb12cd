#include "analyze/commands/commands.h"

#include "analyze/commands/setup.h"
#include "analyze/content/sample_list.h"
#include "analyze/output.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static enum exit_status list(struct setup_rules *rules, const struct options *options,
							 struct strbuf *out)
{
	setup_rules_print(rules, 0);
	rule_set_list(rules->set, options->json, out);
	return options->strict && rules->errors ? EXIT_FAILED : EXIT_COMPLETE;
}

static enum exit_status check(struct setup_rules *rules, const struct options *options,
							  struct strbuf *out)
{
	size_t errors = 0;

	(void)options;
	rule_set_check(rules->set, &rules->messages);
	setup_rules_print(rules, 0);
	for (size_t i = 0; i < rules->messages.count; i++)
		errors += rules->messages.items[i].is_error;
	strbuf_printf(out, "%zu rules in force, %zu errors, %zu warnings\n", rule_set_count(rules->set),
				  errors, rules->messages.count - errors);
	return errors ? EXIT_FAILED : EXIT_COMPLETE;
}

static enum exit_status test(struct setup_rules *rules, const struct options *options,
							 struct strbuf *out)
{
	(void)options;
	setup_rules_print(rules, 0);
	return rule_set_test(rules->set, out) && !rules->errors ? EXIT_COMPLETE : EXIT_FAILED;
}

static enum exit_status samples(struct setup_rules *rules, const struct options *options,
								struct strbuf *out)
{
	setup_rules_print(rules, 0);
	sample_list(rules->set, options->json, out);
	return options->strict && rules->errors ? EXIT_FAILED : EXIT_COMPLETE;
}

static const struct {
	const char *name;
	enum exit_status (*run)(struct setup_rules *, const struct options *, struct strbuf *);
} verbs[] = { { "list", list }, { "check", check }, { "test", test }, { "samples", samples } };

enum { VERBS = sizeof verbs / sizeof *verbs };

/* Gives VERBS where there is none of that name. */
static size_t find_verb(const char *name, struct err *err)
{
	const char *names[VERBS + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < VERBS; i++) {
		names[i] = verbs[i].name;
		if (strcmp(name, verbs[i].name) == 0)
			return i;
	}
	nearest = text_nearest(name, names);
	err_set(err, ERR_USAGE, "`analyze rules` takes list, check, test or samples, not '%.100s'",
			name);
	if (nearest)
		err_hint(err, "did you mean '%s'?", nearest);
	return VERBS;
}

enum exit_status command_rules(const struct options *options, struct err *err)
{
	size_t verb = find_verb(options->operands.items[0], err);
	enum exit_status status = EXIT_FAILED;
	struct setup_rules rules;
	struct strbuf out = { 0 };

	if (verb == VERBS)
		return EXIT_USAGE;
	if (setup_rules_init(&rules, options->operands.items + 1, options->operands.count - 1, err)) {
		if (rules.set)
			status = verbs[verb].run(&rules, options, &out);
		else
			err_set(err, ERR_NOT_FOUND, "no rules found: name a file or a folder");
		if (!output_write(NULL, strbuf_span(&out), err))
			status = EXIT_FAILED;
	}
	strbuf_deinit(&out);
	setup_rules_deinit(&rules);
	return status;
}

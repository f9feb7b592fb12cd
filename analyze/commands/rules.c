#include "analyze/author/rule_list.h"
#include "analyze/author/rule_check.h"
#include "analyze/author/rule_test.h"
#include "analyze/commands/commands.h"

#include "analyze/commands/setup.h"
#include "analyze/author/sample_list.h"
#include "analyze/output.h"
#include "base/size.h"

#include <stdio.h>

/* The rules of the operands, or those a report would use. */
static bool load(struct setup_rules *rules, const struct options *options, struct err *err)
{
	if (!setup_rules_init(rules, options->operands.items, options->operands.count, err))
		return false;
	return rules->set || err_set(err, ERR_NOT_FOUND, "no rules found: name a file or a folder");
}

static enum exit_status list(struct setup_rules *rules, const struct options *options,
							 struct strbuf *out)
{
	const struct rule_list_options how = {
		.find = options->find,
		.columns = output_columns(),
		.json = options->json,
	};

	setup_rules_print(rules, 0);
	if (!rule_set_list(rules->set, &how, out) && !options->json && !options->quiet)
		fprintf(stderr, "analyze: no rule%s%s\n", options->find ? " holds " : " is in force",
				options->find ? options->find : "");
	return options->strict && rules->errors ? EXIT_FAILED : EXIT_COMPLETE;
}

static enum exit_status check(struct setup_rules *rules, const struct options *options,
							  struct strbuf *out)
{
	char errors_text[COUNT_TEXT], warnings_text[COUNT_TEXT], count[COUNT_TEXT];
	size_t errors = 0, warnings;

	rule_set_check(rules->set, &rules->messages);
	for (size_t i = 0; i < rules->messages.count; i++)
		errors += rules->messages.items[i].is_error;
	warnings = rules->messages.count - errors;
	if (options->json) {
		rule_set_check_json(rules->set, &rules->messages, out);
	} else {
		setup_rules_print(rules, 0);
		strbuf_printf(
			out, "%s in force, %s, %s\n", count_of(rule_set_count(rules->set), "rule", count),
			count_of(errors, "error", errors_text), count_of(warnings, "warning", warnings_text));
	}
	return errors || (options->strict && warnings) ? EXIT_FAILED : EXIT_COMPLETE;
}

static enum exit_status test(struct setup_rules *rules, const struct options *options,
							 struct strbuf *out)
{
	bool good;

	if (options->json) {
		good = rule_set_test_json(rules->set, &rules->messages, out);
	} else {
		setup_rules_print(rules, 0);
		good = rule_set_test(rules->set, out);
	}
	return good && !rules->errors ? EXIT_COMPLETE : EXIT_FAILED;
}

static enum exit_status samples(struct setup_rules *rules, const struct options *options,
								struct strbuf *out)
{
	setup_rules_print(rules, 0);
	sample_list(rules->set, options->json, out);
	return options->strict && rules->errors ? EXIT_FAILED : EXIT_COMPLETE;
}

static enum exit_status run(enum exit_status (*verb)(struct setup_rules *, const struct options *,
													 struct strbuf *),
							const struct options *options, struct err *err)
{
	enum exit_status status = EXIT_FAILED;
	struct setup_rules rules = { 0 };
	struct strbuf out = { 0 };

	if (load(&rules, options, err)) {
		status = verb(&rules, options, &out);
		if (!output_write(NULL, strbuf_span(&out), err))
			status = EXIT_FAILED;
	}
	strbuf_deinit(&out);
	setup_rules_deinit(&rules);
	return status;
}

enum exit_status command_rules_list(const struct options *options, struct err *err)
{
	return run(list, options, err);
}

enum exit_status command_rules_check(const struct options *options, struct err *err)
{
	return run(check, options, err);
}

enum exit_status command_rules_test(const struct options *options, struct err *err)
{
	return run(test, options, err);
}

enum exit_status command_rules_samples(const struct options *options, struct err *err)
{
	return run(samples, options, err);
}

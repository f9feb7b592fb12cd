#include "analyze/rules/rule.h"

#include <string.h>

bool rule_applies(const struct rule *rule, uint16_t machine, unsigned word)
{
	return (!rule->scan.machine || rule->scan.machine == machine) &&
		   (!rule->scan.word || rule->scan.word == word);
}

bool rule_shows(const struct rule *rule, const char *capture)
{
	for (size_t i = 0; i < rule->show.count; i++)
		if (strcmp(rule->show.items[i], capture) == 0)
			return true;
	return rule->show_all;
}

static size_t add_name(const char *names[MATCH_CAPTURES], size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return count;
	if (count < MATCH_CAPTURES)
		names[count++] = name;
	return count;
}

size_t rule_captures(const struct rule *rule, const char *names[MATCH_CAPTURES])
{
	size_t count = rule->confirm ? confirm_captures(rule->confirm, names) : 0;

	for (size_t i = 0; i < rule->validator_count; i++)
		if (rule->validators[i]->provides)
			count = add_name(names, count, rule->validators[i]->provides);
	for (size_t i = 0; structure_content(&rule->structure) && content_captures[i]; i++)
		count = add_name(names, count, content_captures[i]);
	return count;
}

void rule_deinit(struct rule *rule)
{
	vec_deinit(&rule->references);
	vec_deinit(&rule->tags);
	vec_deinit(&rule->keywords);
	vec_deinit(&rule->openings);
	vec_deinit(&rule->show);
	structure_deinit(&rule->structure);
	for (size_t i = 0; i < rule->tests.count; i++) {
		vec_deinit(&rule->tests.items[i].words);
		vec_deinit(&rule->tests.items[i].expect);
	}
	vec_deinit(&rule->tests);
	confirm_destroy(rule->confirm);
	rule->confirm = NULL;
}

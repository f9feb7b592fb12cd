/* setup: what several commands need before they start: rules, workers, progress. */
#ifndef ANALYZE_COMMANDS_SETUP_H
#define ANALYZE_COMMANDS_SETUP_H

#include "analyze/commands/commands.h"
#include "analyze/options.h"
#include "analyze/pipeline.h"
#include "analyze/rules/rule_set.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/vaddr.h"

/* A rule set with what was said about its files. */
struct setup_rules {
	struct rule_set *set; /* NULL: no rules (none wanted, or none found) */
	rule_messages messages;
	size_t errors; /* of the messages */
};

/* Reads `count` paths; none: those of the lookup order (rules_path.h). The one path "none" gives no
 * rules. The caller ends with setup_rules_deinit in every case. */
bool setup_rules_init(struct setup_rules *rules, const char *const *paths, size_t count,
					  struct err *err);
void setup_rules_deinit(struct setup_rules *rules);

/* Prints the messages from the `first` one on to stderr. */
void setup_rules_print(const struct setup_rules *rules, size_t first);

/* For commands that read a core: reads the rules, prints what is wrong with them unless --quiet,
 * and fails with --strict where a rule is bad. */
bool setup_rules_of(struct setup_rules *rules, const struct options *options, struct err *err);

/* Index of the rule of that id, in full: "namespace.id". An unknown one is a usage error that names
 * the one that was meant. */
bool setup_find_rule(const struct setup_rules *rules, const char *id, uint32_t *index,
					 struct err *err);

/* Is there a rule of that id? NULL is fine. An unknown one is a usage error, to be asked before the
 * core is read. */
bool setup_knows_rule(const struct setup_rules *rules, const char *id, struct err *err);

/* An address as every list prints it: hexadecimal, with or without "0x". False is ERR_USAGE. */
bool setup_address(const char *text, vaddr *address, struct err *err);

/* What a command does with a core that was read. Gives the exit status. */
typedef enum exit_status setup_work(const struct pipeline *pipeline, const struct options *options,
									struct progress *progress, struct err *err);

/* For commands about the file that is the first operand: reads the rules, asks whether --rule is
 * one of them, runs every stage over the file, and does the work. */
enum exit_status setup_run(const struct options *options, setup_work *work, struct err *err);

/* The exit status of a list that was written whole, where `good`. */
enum exit_status setup_list_status(const struct pipeline *pipeline, bool good);

unsigned setup_workers(const struct options *options);
void setup_progress(struct progress *progress, const struct options *options);

#endif

/* commands: what each word of `analyze WORD` does. */
#ifndef ANALYZE_COMMANDS_COMMANDS_H
#define ANALYZE_COMMANDS_COMMANDS_H

#include "analyze/options.h"
#include "base/err.h"

/* How the program ends. */
enum exit_status { EXIT_COMPLETE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INCOMPLETE = 3 };

/* Each gives the exit status; where that is EXIT_FAILED or EXIT_USAGE and err is set, the caller
 * prints it. */
enum exit_status command_report(const struct options *options, struct err *err);
enum exit_status command_chunks(const struct options *options, struct err *err);
enum exit_status command_hits(const struct options *options, struct err *err);
enum exit_status command_show(const struct options *options, struct err *err);
enum exit_status command_verify(const struct options *options, struct err *err);
enum exit_status command_rules_list(const struct options *options, struct err *err);
enum exit_status command_rules_check(const struct options *options, struct err *err);
enum exit_status command_rules_test(const struct options *options, struct err *err);
enum exit_status command_rules_samples(const struct options *options, struct err *err);
enum exit_status command_rules_explain(const struct options *options, struct err *err);
enum exit_status command_rules_suggest(const struct options *options, struct err *err);
enum exit_status command_rules_new(const struct options *options, struct err *err);

#endif

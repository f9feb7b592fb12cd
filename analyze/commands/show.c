#include "analyze/commands/commands.h"
enum exit_status command_show(const struct options *options, struct err *err)
{
	(void)options;
	err_set(err, ERR_USAGE, "TODO");
	return EXIT_FAILED;
}

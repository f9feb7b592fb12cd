/* option_row: how one option of the command line is described, in whichever table it stands. */
#ifndef DUMPCORE_OPTION_ROW_H
#define DUMPCORE_OPTION_ROW_H

#include "base/err.h"
#include "dumpcore/options.h"

#include <stdbool.h>

struct option_row {
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;     /* lines, separated by newlines */
	bool (*take)(struct options *options, const char *value, struct err *err);
};

#endif

/* watch_options: the options that only `dumpcore watch` takes. */
#ifndef DUMPCORE_WATCH_OPTIONS_H
#define DUMPCORE_WATCH_OPTIONS_H

#include "base/err.h"
#include "dumpcore/option_row.h"
#include "dumpcore/options.h"

#include <stdbool.h>

enum { WATCH_OPTION_ROWS = 9 };

extern const struct option_row watch_option_rows[WATCH_OPTION_ROWS];

/* Sets what holds where no option says otherwise. */
void watch_options_init(struct watch_settings *settings);

/* Checks what only the whole command line shows: a watch needs a trigger, and nothing else takes
 * its options. ERR_USAGE. */
bool watch_options_check(const struct options *options, struct err *err);

#endif

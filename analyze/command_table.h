/* command_table: what each command is called, takes and does, as rows. Its options are rows of
 * their own (options.c). */
#ifndef ANALYZE_COMMAND_TABLE_H
#define ANALYZE_COMMAND_TABLE_H

#include "analyze/options.h"

#include <stddef.h>

struct command_row {
	const char *name, *synopsis;
	const char *summary; /* in the list of commands; NULL: it is a verb of another one */
	const char *prints;  /* in its own help: "Prints …." */
	const char *more;    /* behind its options */
	size_t least, most;  /* operands */
};

extern const struct command_row command_table[COMMANDS];

#endif

/* option_table: the options of analyze, a row each: which commands take one, where its value goes,
 * and what help says of it. */
#ifndef ANALYZE_OPTION_TABLE_H
#define ANALYZE_OPTION_TABLE_H

#include "analyze/options.h"

#include <stddef.h>

#define OPTION_BIT(command) (1u << (command))

/* What an option's argument is. */
enum option_kind { FLAG, TEXT, TEXTS, SIZE, NUMBER, THREADS, FORMAT, STATES, REACH };

struct option {
	const char *name; /* without "--" */
	char letter;      /* 0: none */
	const char *argument;
	unsigned commands; /* OPTION_BIT of each that takes it */
	enum option_kind kind;
	size_t offset; /* in struct options */
	const char *help;
};

enum { OPTION_COUNT = 21 };

extern const struct option option_table[OPTION_COUNT];

/* The option of that name, which need not end with a NUL, or of that letter; NULL: none is. */
const struct option *option_find(const char *name, size_t length);
const struct option *option_find_letter(char letter);

#endif

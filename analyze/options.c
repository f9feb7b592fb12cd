#include "analyze/options.h"

#include "analyze/command_table.h"
#include "analyze/memory/chunks.h"
#include "analyze/option_table.h"
#include "base/size.h"
#include "base/text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 1024 };

const char *options_command_name(enum command command)
{
	return command_table[command].name;
}

static const char *const format_names[] = { "text", "json", "markdown", NULL };

static void *field(struct options *options, const struct option *option)
{
	return (char *)options + option->offset;
}

/* ERR_USAGE, with a suggestion where a name is near. */
static bool unknown(struct err *err, const char *what, const char *word, const char *const *names)
{
	const char *nearest = text_nearest(word, names);

	err_set(err, ERR_USAGE, "%s '%.100s'", what, word);
	return nearest ? err_hint(err, "did you mean '%s'?", nearest) : false;
}

static bool parse_format(const char *text, enum report_format *format, struct err *err)
{
	for (size_t i = 0; format_names[i]; i++)
		if (strcmp(format_names[i], text) == 0) {
			*format = (enum report_format)i;
			return true;
		}
	unknown(err, "unknown format", text, format_names);
	return err->hint[0] ? false : err_hint(err, "formats are text, json and markdown");
}

/* Adds the bits of one word of --state. */
static bool add_state(const char *word, unsigned *states, struct err *err)
{
	const char *names[CHUNK_STATES + 3] = { "live", "free" };
	enum chunk_state state;

	if (chunk_state_parse(word, &state)) {
		*states |= 1u << state;
		return true;
	}
	for (unsigned i = 0; i < CHUNK_STATES; i++) {
		if ((strcmp(word, "live") == 0 && chunk_is_live((enum chunk_state)i)) ||
			(strcmp(word, "free") == 0 && chunk_is_free((enum chunk_state)i)))
			*states |= 1u << i;
		names[i + 2] = chunk_state_name((enum chunk_state)i);
	}
	if (strcmp(word, "live") == 0 || strcmp(word, "free") == 0)
		return true;
	unknown(err, "unknown state", word, names);
	return err->hint[0] ? false : err_hint(err, "`analyze chunks --help` lists the states");
}

static bool parse_states(const char *text, unsigned *states, struct err *err)
{
	char *copy = mem_string(text), *rest = copy, *word;
	bool good = true;

	*states = 0;
	while (good && (word = strsep(&rest, ",")))
		good = add_state(word, states, err);
	free(copy);
	return good;
}

static bool parse_reach(const char *text, struct options *options, struct err *err)
{
	static const char *const names[] = { "anchored", "unreachable", NULL };

	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], text) == 0) {
			options->reach = (enum option_reach)(REACH_ONLY_ANCHORED + i);
			return options->references = true;
		}
	unknown(err, "--reach takes no", text, names);
	return err->hint[0] ? false : err_hint(err, "it takes anchored or unreachable");
}

static bool parse_number(const char *text, uint64_t most, uint64_t *number)
{
	char *end;

	if (text[0] < '0' || text[0] > '9' || strlen(text) > 18)
		return false;
	*number = strtoull(text, &end, 10);
	return *end == '\0' && *number <= most;
}

static bool set_option(struct options *options, const struct option *option, const char *text,
					   struct err *err)
{
	uint64_t number = 0;
	bool good = true;

	switch (option->kind) {
	case FLAG:
		*(bool *)field(options, option) = true;
		return true;
	case TEXT:
		*(const char **)field(options, option) = text;
		return true;
	case TEXTS:
		*vec_add((option_texts *)field(options, option)) = text;
		return true;
	case FORMAT:
		return parse_format(text, field(options, option), err);
	case STATES:
		return parse_states(text, field(options, option), err);
	case REACH:
		return parse_reach(text, options, err);
	case SIZE:
		good = size_parse(text, field(options, option));
		break;
	case NUMBER:
		good = parse_number(text, INT32_MAX, field(options, option));
		options->has_arena |= option->offset == offsetof(struct options, arena);
		break;
	case THREADS:
		good = parse_number(text, MAX_THREADS, &number) && number > 0;
		*(unsigned *)field(options, option) = (unsigned)number;
		break;
	}
	return good || err_set(err, ERR_USAGE, "--%s takes %s, not '%.100s'", option->name,
						   option->kind == SIZE      ? "a size like 64K"
						   : option->kind == THREADS ? "a number from 1 to 1024"
													 : "a number",
						   text);
}

static bool unknown_option(const char *word, struct err *err)
{
	char names[OPTION_COUNT][24];
	const char *list[OPTION_COUNT + 1] = { NULL };

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		strcpy(names[i], "--");
		strncat(names[i], option_table[i].name, sizeof names[i] - 3);
		list[i] = names[i];
	}
	return unknown(err, "unknown option", word, list);
}

/* The words of the command line that are left. */
struct words {
	char **next;
	bool only_operands;          /* behind "--" */
	unsigned used[OPTION_COUNT]; /* how often each option was given */
};

/* One option: "--name", "--name=ARG", "--name ARG", "-x", "-xARG", "-x ARG". */
static bool parse_option(struct options *options, struct words *words, struct err *err)
{
	const char *word = *words->next++, *argument = NULL;
	const struct option *option;

	if (word[1] == '-') {
		argument = strchr(word, '=');
		option = option_find(word + 2, argument ? (size_t)(argument - word - 2) : strlen(word + 2));
		argument = argument ? argument + 1 : NULL;
	} else {
		option = option_find_letter(word[1]);
		argument = word[2] ? word + 2 : NULL;
	}
	if (!option)
		return unknown_option(word, err);
	words->used[option - option_table]++;
	if (!option->argument && argument)
		return err_set(err, ERR_USAGE, "option '%.100s': --%s takes no argument", word,
					   option->name);
	if (option->argument && !argument)
		argument = *words->next ? *words->next++ : NULL;
	if (option->argument && !argument)
		return err_set(err, ERR_USAGE, "--%s needs an argument: %s", option->name,
					   option->argument);
	return set_option(options, option, argument, err);
}

/* `analyze rules WORD`: which of the commands that are called "rules …". */
static bool take_verb(struct options *options, const char *word, struct err *err)
{
	const char *names[COMMANDS + 1] = { NULL };
	size_t count = 0;

	for (size_t i = COMMAND_RULES + 1; i < COMMANDS; i++) {
		const char *verb = command_table[i].name + strlen("rules ");

		names[count++] = verb;
		if (strcmp(verb, word) == 0) {
			options->command = (enum command)i;
			return true;
		}
	}
	unknown(err, "`analyze rules` has no verb", word, names);
	return err->hint[0] ? false : err_hint(err, "`analyze rules --help` lists them");
}

/* A first word that is no command is the file of a report. */
static bool take_first(struct options *options, const char *word, struct err *err)
{
	const char *names[COMMANDS + 1] = { NULL };

	options->has_command = true;
	for (size_t i = 0; i <= COMMAND_RULES; i++) {
		names[i] = command_table[i].name;
		if (strcmp(command_table[i].name, word) == 0) {
			options->command = (enum command)i;
			return true;
		}
	}
	options->command = COMMAND_REPORT;
	*vec_add(&options->operands) = word;
	if (strpbrk(word, "/.") || access(word, F_OK) == 0)
		return true;
	unknown(err, "no command and no file:", word, names);
	return err->hint[0] ? false : err_hint(err, "`analyze --help` lists the commands");
}

/* An option of other commands was given. JSON has three names: which of them is this command's? */
static bool refuse_option(enum command command, const struct option *option, struct err *err)
{
	static const char *const json_names[] = { "json", "ndjson", "format" };

	err_set(err, ERR_USAGE, "`analyze %s` does not take --%s", command_table[command].name,
			option->name);
	if (option->kind != FORMAT && !strstr(option->name, "json"))
		return false;
	for (size_t i = 0; i < sizeof json_names / sizeof *json_names; i++) {
		const struct option *other = option_find(json_names[i], strlen(json_names[i]));

		if (other->commands & OPTION_BIT(command))
			return err_hint(err, "JSON is --%s%s here", other->name,
							other->kind == FORMAT ? " json" : "");
	}
	return false;
}

static bool check_options(const struct options *options, const struct words *words, struct err *err)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (words->used[i] && !(option_table[i].commands & OPTION_BIT(options->command)))
			return refuse_option(options->command, &option_table[i], err);
	return true;
}

static bool check_operands(const struct options *options, struct err *err)
{
	const char *name = command_table[options->command].name;

	if (!options->has_command)
		return err_set(err, ERR_USAGE, "no FILE was given");
	if (options->operands.count < command_table[options->command].least)
		return err_set(err, ERR_USAGE, "`analyze %s` needs: %s", name,
					   command_table[options->command].synopsis);
	if (options->operands.count > command_table[options->command].most)
		return err_set(err, ERR_USAGE, "`analyze %s` takes one %s; '%.100s' is one too many", name,
					   command_table[options->command].synopsis,
					   options->operands.items[command_table[options->command].most]);
	return true;
}

static bool needs_quotes(const char *word)
{
	return !*word || strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
								  "@%+=:,./_-") != strlen(word);
}

/* The command line so that a shell takes it back. */
static char *quote_words(char **words)
{
	struct strbuf line = { 0 };
	const char *base = *words ? strrchr(*words, '/') : NULL;

	strbuf_puts(&line, base ? base + 1 : *words ? *words : "analyze");
	for (char **word = *words ? words + 1 : words; *word; word++) {
		bool quotes = needs_quotes(*word);

		strbuf_puts(&line, quotes ? " '" : " ");
		for (const char *c = *word; *c; c++)
			if (*c == '\'')
				strbuf_puts(&line, "'\\''");
			else
				strbuf_putc(&line, *c);
		strbuf_puts(&line, quotes ? "'" : "");
	}
	return strbuf_take(&line);
}

bool options_parse(struct options *options, int argc, char **argv, struct err *err)
{
	struct words words = { .next = argv + (argc > 0) };

	*options = (struct options){ .command_line = quote_words(argv), .limit = OPTIONS_LIMIT };
	while (*words.next) {
		const char *word = *words.next;
		bool good = true;

		if (!words.only_operands && strcmp(word, "--") == 0) {
			words.only_operands = true;
			words.next++;
		} else if (!words.only_operands && word[0] == '-' && word[1]) {
			good = parse_option(options, &words, err);
		} else {
			words.next++;
			if (!options->has_command)
				good = take_first(options, word, err);
			else if (options->command == COMMAND_RULES)
				good = take_verb(options, word, err);
			else
				*vec_add(&options->operands) = word;
		}
		if (!good)
			return false;
	}
	if (options->help || options->version)
		return true;
	return check_operands(options, err) && check_options(options, &words, err);
}

void options_deinit(struct options *options)
{
	vec_deinit(&options->operands);
	vec_deinit(&options->rules);
	free((void *)(uintptr_t)options->command_line);
	*options = (struct options){ 0 };
}

/* analyze: says where the memory of a captured process is and what is in it. */
#include "analyze/commands/commands.h"
#include "analyze/output.h"
#include "base/text.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static enum exit_status (*const run[COMMANDS])(const struct options *, struct err *) = {
	[COMMAND_REPORT] = command_report,
	[COMMAND_CHUNKS] = command_chunks,
	[COMMAND_HITS] = command_hits,
	[COMMAND_SHOW] = command_show,
	[COMMAND_VERIFY] = command_verify,
	[COMMAND_RULES_LIST] = command_rules_list,
	[COMMAND_RULES_CHECK] = command_rules_check,
	[COMMAND_RULES_TEST] = command_rules_test,
	[COMMAND_RULES_SAMPLES] = command_rules_samples,
	[COMMAND_RULES_EXPLAIN] = command_rules_explain,
	[COMMAND_RULES_SUGGEST] = command_rules_suggest,
	[COMMAND_RULES_NEW] = command_rules_new,
};

/* What is wrong and what to do; names in it come from files and command lines. */
static void print_error(const struct err *err)
{
	struct strbuf text = { 0 };

	strbuf_puts(&text, "analyze: ");
	text_escape(span_string(err->what), &text);
	strbuf_putc(&text, '\n');
	if (err->hint[0]) {
		strbuf_puts(&text, "analyze: ");
		text_escape(span_string(err->hint), &text);
		strbuf_putc(&text, '\n');
	}
	fputs(strbuf_text(&text), stderr);
	strbuf_deinit(&text);
}

static enum exit_status print_help(const struct options *options, struct err *err)
{
	struct strbuf text = { 0 };
	enum exit_status status = EXIT_COMPLETE;

	if (options->version)
		strbuf_puts(&text, "analyze " DUMPCORE_VERSION "\n");
	else if (options->has_command)
		options_help_command(options->command, &text);
	else
		options_help(&text);
	if (!output_write(NULL, strbuf_span(&text), err))
		status = EXIT_FAILED;
	strbuf_deinit(&text);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err = { 0 };
	enum exit_status status;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN); /* a reader of stdout that went away is an error like others */
	if (!options_parse(&options, argc, argv, &err)) {
		status = EXIT_USAGE;
		if (!err.hint[0])
			err_hint(&err, "`analyze %s%s--help` says more",
					 options.has_command ? options_command_name(options.command) : "",
					 options.has_command ? " " : "");
	} else if (options.help || options.version) {
		status = print_help(&options, &err);
	} else {
		status = run[options.command](&options, &err);
	}
	if (err.kind == ERR_CLOSED)
		status = EXIT_COMPLETE; /* `| head` has what it wanted */
	else if (err.kind != ERR_NONE)
		print_error(&err);
	options_deinit(&options);
	return (int)status;
}

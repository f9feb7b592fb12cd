#include "analyze/options.h"

#include "analyze/command_table.h"
#include "analyze/option_table.h"

static void help_options(unsigned mask, struct strbuf *out)
{
	strbuf_puts(out, "Options\n");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		size_t start = out->size;

		if (!(option_table[i].commands & mask))
			continue;
		if (option_table[i].letter)
			strbuf_printf(out, "  -%c, --%s", option_table[i].letter, option_table[i].name);
		else
			strbuf_printf(out, "      --%s", option_table[i].name);
		if (option_table[i].argument)
			strbuf_printf(out, " %s", option_table[i].argument);
		strbuf_pad(out, ' ', out->size - start < 25 ? 25 - (out->size - start) : 1);
		strbuf_printf(out, "%s\n", option_table[i].help);
	}
}

void options_help(struct strbuf *out)
{
	strbuf_puts(out, "usage: analyze FILE\n       analyze COMMAND [OPTION]... ARGUMENT...\n\n"
					 "Says where the memory of a captured process is, what is in it, and whether "
					 "glibc keeps it.\n"
					 "FILE is an archive of dumpcore or any ELF core of Linux, plain or .zst.\n\n"
					 "Commands\n");
	for (size_t i = 0; i <= COMMAND_RULES; i++) {
		size_t start = out->size;

		strbuf_printf(out, "  %s %s", command_table[i].name, command_table[i].synopsis);
		strbuf_pad(out, ' ', out->size - start < 36 ? 36 - (out->size - start) : 1);
		strbuf_printf(out, "%s\n", command_table[i].summary);
	}
	strbuf_puts(out, "`analyze COMMAND --help` has the options and examples of one.\n\n");
	help_options(OPTION_BIT(COMMAND_REPORT), out);
	strbuf_puts(out, "\nRules are found in --rules, else $DUMPCORE_RULES, else the installed "
					 "folder,\nelse rules/ beside the build.\n"
					 "Exit status: 0 complete, 1 failed, 2 usage, 3 finished on incomplete "
					 "evidence.\n\n"
					 "Examples\n"
					 "  dumpcore -o app.core.zst $(pidof app) && analyze app.core.zst\n"
					 "  analyze report app.core.zst --format markdown -o ticket.md\n"
					 "  analyze chunks app.core.zst --state live --min-size 1M\n");
}

void options_help_command(enum command command, struct strbuf *out)
{
	strbuf_printf(out, "usage: analyze %s [OPTION]... %s\n\n", command_table[command].name,
				  command_table[command].synopsis);
	strbuf_printf(out, "Prints %s.\n\n", command_table[command].prints);
	help_options(OPTION_BIT(command), out);
	strbuf_printf(out, "\n%s", command_table[command].more);
}

#include "analyze/command_table.h"

#include <stdint.h>

const struct command_row command_table[COMMANDS] = {
	[COMMAND_REPORT] = { "report", "FILE", "where the memory is and what is in it (the default)",
						 "where the memory is and what is in it",
						 "Examples\n"
						 "  analyze app.core.zst\n"
						 "  analyze report app.core.zst --format markdown -o ticket.md\n"
						 "  analyze report app.core.zst --references\n"
						 "  analyze report app.core.zst --format json --rules my-rules/\n",
						 1, 1 },
	[COMMAND_CHUNKS] = { "chunks", "FILE", "a line for each chunk of malloc",
						 "a line for each chunk of malloc",
						 "States: in-use, mmapped, tcache, fastbin, binned, top, overhead, "
						 "unwalkable;\n"
						 "live stands for in-use,mmapped and free for tcache,fastbin,binned,top.\n"
						 "Without --state all but overhead and unwalkable are listed.\n\n"
						 "Examples\n"
						 "  analyze chunks app.core.zst --state live --min-size 1M\n"
						 "  analyze chunks app.core.zst --ndjson --rules none | jq -r .bytes\n",
						 1, 1 },
	[COMMAND_HITS] = { "hits", "FILE", "a line for each place where a rule found something",
					   "a line for each place where a rule found something",
					   "Hits are listed by address, all rules' and overlapping ones too. Keys are "
					   "redacted as in a report.\n\n"
					   "Examples\n"
					   "  analyze hits app.core.zst --rule web.http-message\n"
					   "  analyze hits app.core.zst --state free --ndjson --rules my-rules/\n",
					   1, 1 },
	[COMMAND_SHOW] = { "show", "FILE ADDRESS", "one chunk: what it is, who points to it",
					   "what a chunk is, what it points to, and who holds it",
					   "ADDRESS is any address of the chunk: the program's pointer, its header, or "
					   "inside.\n"
					   "No bytes of it are shown without --reveal.\n\n"
					   "Examples\n"
					   "  analyze show app.core.zst 0x5581e0a2c2a0\n"
					   "  analyze show app.core.zst 0x5581e0a2c2a0 --format json --rules none\n",
					   2, 2 },
	[COMMAND_VERIFY] = { "verify", "FILE", "checksums and completeness of an archive",
						 "checksums and completeness of an archive",
						 "Examples\n"
						 "  analyze verify app.core.zst\n",
						 1, 1 },
	[COMMAND_RULES] = { "rules", "VERB ...", "write rules for what is in memory",
						"what rule files hold and what is wrong with them",
						"Verbs, in the order in which a rule is written\n"
						"  suggest FILE             rules for what no rule explains yet, to be "
						"edited\n"
						"  new [ID]                 a rule file to start from, with comments\n"
						"  check [PATH]...          every error and warning, with "
						"file:line:column\n"
						"  test [PATH]...           each rule's own samples\n"
						"  samples [PATH]...        those samples, to be put elsewhere\n"
						"  explain FILE ADDRESS ID  why a rule matched in a chunk, or did not\n"
						"  list [PATH]...           the rules in force\n"
						"`analyze rules VERB --help` has the options and examples of one.\n\n"
						"Examples\n"
						"  analyze rules suggest app.core.zst >my.yml\n"
						"  analyze rules check my.yml && analyze rules test my.yml\n"
						"  analyze app.core.zst --rules my.yml\n",
						1, 1 },
	[COMMAND_RULES_LIST] = { "rules list", "[PATH]...", NULL, "the rules that are in force",
							 "Without PATH they are those a report would use.\n\n"
							 "Examples\n"
							 "  analyze rules list\n"
							 "  analyze rules list --find zip\n"
							 "  analyze rules list my-rules/ --json | jq -r '.[].id'\n",
							 0, SIZE_MAX },
	[COMMAND_RULES_CHECK] = { "rules check", "[PATH]...", NULL,
							  "every error and warning of rule files, with file:line:column",
							  "Beyond what a report does it runs each rule's tests, looks for slow "
							  "patterns and for\n"
							  "branches without a keyword. Without PATH: the rules a report would "
							  "use.\n"
							  "Exit status: 0 no error (there may be warnings), 1 errors, 2 "
							  "usage.\n\n"
							  "Examples\n"
							  "  analyze rules check my-rules/\n"
							  "  analyze rules check my.yml --json | jq '.messages[]'\n",
							  0, SIZE_MAX },
	[COMMAND_RULES_TEST] = { "rules test", "[PATH]...", NULL,
							 "how the samples of each rule fare, with and without the prefilter",
							 "Without PATH: the rules a report would use.\n"
							 "Exit status: 0 all passed, 1 a sample failed or a rule is bad, 2 "
							 "usage.\n\n"
							 "Examples\n"
							 "  analyze rules test my.yml\n"
							 "  analyze rules test my-rules/ --json | jq '.rules[] | "
							 "select(.failed > 0)'\n",
							 0, SIZE_MAX },
	[COMMAND_RULES_SAMPLES] = { "rules samples", "[PATH]...", NULL,
								"the samples of each rule, for tests in a process or another "
								"engine",
								"Without PATH: the rules a report would use. --json has their "
								"bytes, "
								"or the words of a structure.\n\n"
								"Examples\n"
								"  analyze rules samples my.yml\n"
								"  analyze rules samples --json | jq -r '.[].samples[].hex'\n",
								0, SIZE_MAX },
	[COMMAND_RULES_EXPLAIN] = { "rules explain", "FILE ADDRESS ID", NULL,
								"why a rule matched in a chunk, or which step dropped it",
								"ADDRESS is any address of the chunk, ID the rule's namespace.id.\n"
								"No bytes of the chunk are shown; values of structure words are.\n"
								"Exit status: 0 it has a hit there, 1 it has none or the command "
								"failed, 2 usage.\n\n"
								"Examples\n"
								"  analyze rules explain app.core.zst 0x5581e0a2c2a0 acme.order "
								"--rules my.yml\n"
								"  analyze rules explain app.core.zst 0x5581e0a2c2a0 "
								"web.http-message --json\n",
								3, 3 },
	[COMMAND_RULES_SUGGEST] = { "rules suggest", "FILE", NULL,
								"a rule file for chunks that no rule explains, to be edited",
								"Each rule stands for chunks of one size and shape, or with one "
								"beginning.\n"
								"It passes `rules check` and `rules test` as it is. Text that may "
								"be content, not format,\n"
								"is left out; comments say where.\n\n"
								"Examples\n"
								"  analyze rules suggest app.core.zst >my.yml\n"
								"  analyze rules suggest app.core.zst --rules my.yml --limit 5\n",
								1, 1 },
	[COMMAND_RULES_NEW] = { "rules new", "[ID]", NULL, "a rule file with comments to start from",
							"ID is id or namespace.id. What is printed passes `rules check` and "
							"`rules test`.\n\n"
							"Examples\n"
							"  analyze rules new acme.order >acme.yml\n",
							0, 1 },
};

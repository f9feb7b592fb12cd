#include "analyze/commands/commands.h"

#include "analyze/output.h"

#include <string.h>

/* %1$s is the namespace, %2$s the id. */
static const char skeleton[] =
	"# yaml-language-server: $schema=" RULES_SCHEMA "\n"
	"# Rules for analyze; dumpcore-rules(5) has every key.\n"
	"#\n"
	"#   analyze rules check FILE.yml      what is wrong, with file:line:column\n"
	"#   analyze rules test FILE.yml       the tests below\n"
	"#   analyze CORE --rules FILE.yml     what it finds\n"
	"#   analyze rules explain CORE ADDRESS %1$s.%2$s --rules FILE.yml    why, or why not\n"
	"format: 1\n"
	"namespace: %1$s          # the rule's full id is %1$s.%2$s\n"
	"rules:\n"
	"- id: %2$s\n"
	"  title: One line for the report\n"
	"  severity: low          # info, low, medium, high, critical: how bad many of them are\n"
	"  confidence: medium     # low, medium, high: how sure a hit is what the title says\n"
	"  description: What is found, and what it means.\n"
	"  remediation: What an engineer on call can do about it.\n"
	"  # references: [\"https://example.org/the-format\"]\n"
	"\n"
	"  # Literals of 3 bytes or more. Every match must hold one; bytes from 80 on are {hex: \"ca "
	"fe\"}.\n"
	"  keywords: [\"ORDER/1 \"]\n"
	"\n"
	"  # PCRE2 on bytes. (?x): blanks and comments do not count; (?s): . matches a line end too.\n"
	"  # A name in (?<...>) is a capture, to group hits by.\n"
	"  pattern: |\n"
	"    (?xs) ORDER/1\\x20            # what every message starts with\n"
	"    id=\\d{1,12} \\x20 kind=(?<kind> [a-z]{1,16} )\n"
	"\n"
	"  # Where to look. malloc overwrites the first 16 to 32 bytes of a chunk it frees, so\n"
	"  # anchor: chunk-start finds live content only.\n"
	"  scan: {anchor: any, states: [live, free], max_length: 4K}\n"
	"\n"
	"  # A check a pattern cannot do; analyze refuses an unknown name and lists near ones.\n"
	"  # validate: [json_value]\n"
	"  extent: match          # match, validator (with validate), chunk: the bytes a hit explains\n"
	"  priority: 500          # the higher one has the bytes where hits of several rules overlap\n"
	"\n"
	"  # A line of the report for each kind. What is not shown appears as \"hidden #1\".\n"
	"  aggregate: {by: kind, top: 20}\n"
	"  redact: {kind: show}   # names and types only, never payloads\n"
	"\n"
	"  # At least one that matches and one that does not.\n"
	"  tests:\n"
	"  - name: a message\n"
	"    text: \"ORDER/1 id=17 kind=refund total=100\"\n"
	"    expect: {kind: refund, bytes: 25}\n"
	"  - {name: another version, text: \"ORDER/2 id=17 kind=refund\", expect: none}\n"
	"  - {name: no kind, text: \"ORDER/1 id=17 \", expect: none}\n";

enum { LONGEST_NAME = 64 };

/* [a-z0-9][a-z0-9.-]{0,63}, as rule files have it. */
static bool is_name(const char *text, size_t length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	return length && length <= LONGEST_NAME && strchr(letters, text[0]) &&
		   strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") >= length;
}

enum exit_status command_rules_new(const struct options *options, struct err *err)
{
	const char *id = options->operands.count ? options->operands.items[0] : "acme.order";
	const char *dot = strrchr(id, '.');
	size_t length = dot ? (size_t)(dot - id) : strlen("my");
	char space[LONGEST_NAME + 1] = "my";
	struct strbuf text = { 0 };
	enum exit_status status;

	if (!is_name(dot ? dot + 1 : id, strlen(dot ? dot + 1 : id)) || (dot && !is_name(id, length))) {
		err_set(err, ERR_USAGE, "'%.100s' is no id: id or namespace.id, of a-z, 0-9 and '-'", id);
		return EXIT_USAGE;
	}
	if (dot) {
		memcpy(space, id, length);
		space[length] = '\0';
	}
	strbuf_printf(&text, skeleton, space, dot ? dot + 1 : id);
	status = output_write(NULL, strbuf_span(&text), err) ? EXIT_COMPLETE : EXIT_FAILED;
	strbuf_deinit(&text);
	return status;
}

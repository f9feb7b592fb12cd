#include "analyze/commands/commands.h"

#include "analyze/commands/setup.h"
#include "analyze/output.h"
#include "analyze/pipeline.h"
#include "analyze/report/build.h"
#include "analyze/report/json.h"
#include "analyze/report/markdown.h"
#include "analyze/report/text.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Block characters where the locale has them; colour on a terminal that does not object
 * (https://no-color.org). */
static struct text_style style_of(const struct options *options)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
	bool is_stdout = !options->output || strcmp(options->output, "-") == 0;

	return (struct text_style){
		.columns = is_stdout ? output_columns() : 0,
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.colour = is_stdout && isatty(STDOUT_FILENO) && !(no_colour && *no_colour) &&
				  !(terminal && strcmp(terminal, "dumb") == 0),
	};
}

static void render(const struct report *report, const struct options *options, struct strbuf *out)
{
	switch (options->format) {
	case FORMAT_TEXT:
		text_render(report, style_of(options), out);
		break;
	case FORMAT_JSON:
		json_render(report, out);
		break;
	case FORMAT_MARKDOWN:
		markdown_render(report, out);
		break;
	}
}

static void build(struct report *report, const struct pipeline *pipeline,
				  const struct options *options, struct progress *progress)
{
	build_report(report, &(struct build_input){
							 .tool_version = DUMPCORE_VERSION,
							 .command = options->command_line,
							 .path = options->operands.items[0],
							 .core = &pipeline->core,
							 .image = &pipeline->image,
							 .regions = &pipeline->regions,
							 .owners = &pipeline->owners,
							 .heap = &pipeline->heap,
							 .findings = &pipeline->findings,
							 .anomalies = &pipeline->anomalies,
							 .workers = setup_workers(options),
							 .rule_stats = options->rule_stats,
							 .references = options->references,
							 .progress = progress,
						 });
}

static enum exit_status print_report(const struct pipeline *pipeline, const struct options *options,
									 struct progress *progress, struct err *err)
{
	struct report report = { 0 };
	struct strbuf text = { 0 };
	enum exit_status status;

	build(&report, pipeline, options, progress);
	render(&report, options, &text);
	status = report.evidence.complete ? EXIT_COMPLETE : EXIT_INCOMPLETE;
	if (!output_write(options->output, strbuf_span(&text), err))
		status = EXIT_FAILED;
	strbuf_deinit(&text);
	report_deinit(&report);
	return status;
}

enum exit_status command_report(const struct options *options, struct err *err)
{
	if (!output_check(options->output, options->operands.items[0], err))
		return EXIT_USAGE;
	return setup_run(options, print_report, err);
}

#include "analyze/commands/commands.h"

#include "analyze/attribute/suggest.h"
#include "analyze/commands/setup.h"
#include "analyze/output.h"
#include "analyze/pipeline.h"

#include <unistd.h>

static enum exit_status suggest(const struct pipeline *pipeline, const struct options *options,
								struct progress *progress, struct err *err)
{
	struct redactor *redactor = redactor_create(err);
	enum exit_status status = EXIT_FAILED;
	struct strbuf out = { 0 };

	(void)progress;
	if (redactor) {
		suggest_write(
			&(struct suggest_input){
				.path = options->operands.items[0],
				.where = { &pipeline->heap.chunks, &pipeline->findings, &pipeline->image },
				.regions = &pipeline->regions,
				.redactor = redactor,
				.limit = options->limit,
				.reveal = options->reveal,
			},
			&out);
		if (output_write(NULL, strbuf_span(&out), err))
			status = EXIT_COMPLETE;
	}
	strbuf_deinit(&out);
	redactor_destroy(redactor);
	return status;
}

enum exit_status command_rules_suggest(const struct options *options, struct err *err)
{
	if (options->reveal && !isatty(STDOUT_FILENO)) {
		err_set(err, ERR_USAGE, "--reveal is for a terminal: it shows what the process held");
		err_hint(err, "without it what may be content is left out");
		return EXIT_USAGE;
	}
	return setup_run(options, suggest, err);
}

#include "analyze/commands/commands.h"

#include "analyze/attribute/names.h"
#include "analyze/attribute/show_chunk.h"
#include "analyze/commands/setup.h"
#include "analyze/output.h"
#include "analyze/pipeline.h"
#include "analyze/report/show_json.h"
#include "analyze/report/show_text.h"

#include <string.h>
#include <unistd.h>

static bool check(const struct options *options, vaddr *address, struct err *err)
{
	if (options->format == FORMAT_MARKDOWN) {
		err_set(err, ERR_USAGE, "`analyze show` does not make markdown");
		return err_hint(err, "its formats are text and json");
	}
	if (options->reveal && (options->format != FORMAT_TEXT || !isatty(STDOUT_FILENO))) {
		err_set(err, ERR_USAGE, "--reveal is for a terminal: it shows what the process held");
		return err_hint(err, "without it the kinds of bytes are counted");
	}
	return setup_address(options->operands.items[1], address, err);
}

static enum exit_status print(const struct show *show, const struct options *options,
							  struct err *err)
{
	enum exit_status status = show->complete ? EXIT_COMPLETE : EXIT_INCOMPLETE;
	struct strbuf text = { 0 };

	if (options->format == FORMAT_JSON)
		show_json_render(show, &text);
	else
		show_text_render(show, &text);
	if (!output_write(NULL, strbuf_span(&text), err))
		status = EXIT_FAILED;
	strbuf_deinit(&text);
	return status;
}

static enum exit_status show_one(const struct pipeline *pipeline, const struct options *options,
								 struct progress *progress, struct err *err)
{
	enum exit_status status = EXIT_FAILED;
	vaddr address = 0;
	struct show show = { .tool_version = DUMPCORE_VERSION };

	if (!setup_address(options->operands.items[1], &address, err))
		return EXIT_USAGE;
	show.command = names_safe(options->command_line, &show.pool);
	if (show_chunk_fill(&show, &(struct show_input){
								   .path = options->operands.items[0],
								   .core = &pipeline->core,
								   .image = &pipeline->image,
								   .regions = &pipeline->regions,
								   .heap = &pipeline->heap,
								   .findings = &pipeline->findings,
								   .address = address,
								   .limit = options->limit,
								   .reveal = options->reveal,
								   .workers = setup_workers(options),
								   .progress = progress,
							   }))
		status = print(&show, options, err);
	else
		err_set(err, ERR_NOT_FOUND, "nothing is mapped at 0x%" PRIvaddr " in %.200s", address,
				options->operands.items[0]);
	show_deinit(&show);
	return status;
}

enum exit_status command_show(const struct options *options, struct err *err)
{
	vaddr address;

	if (!check(options, &address, err))
		return EXIT_USAGE;
	return setup_run(options, show_one, err);
}

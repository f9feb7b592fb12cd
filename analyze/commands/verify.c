#include "analyze/commands/commands.h"

#include "analyze/attribute/evidence.h"
#include "analyze/attribute/names.h"
#include "analyze/commands/setup.h"
#include "analyze/output.h"
#include "base/size.h"

/* A line for each finding, then the verdict. */
static void describe(const struct core *core, const char *path, bool holds,
					 const core_findings *findings, struct strbuf *out)
{
	struct pool pool = { 0 };
	char size[SIZE_TEXT];

	for (size_t i = 0; i < findings->count; i++)
		strbuf_printf(out, "%s\n", names_safe(findings->items[i], &pool));
	if (core->has_outcome && !core->outcome.complete)
		strbuf_printf(out, "the capture is partial: %s\n", names_safe(core->outcome.reason, &pool));
	strbuf_printf(out, "%s: %s, %s\n", names_safe(path, &pool),
				  size_format(core->file.bytes.size, size),
				  !holds                        ? "DAMAGED"
				  : !evidence_is_complete(core) ? "whole as a file, but the capture is incomplete"
				  : core->writer == CORE_BY_DUMPCORE ? "whole and complete"
													 : "complete as far as it can tell");
	pool_deinit(&pool);
}

/* A file that lost its end is incomplete evidence; one whose bytes changed has failed. */
static enum exit_status verify(const struct core *core, const struct options *options,
							   struct progress *progress, struct err *err)
{
	struct pool pool = { 0 };
	struct strbuf text = { 0 };
	core_findings findings = { 0 };
	bool holds = core_verify(core, setup_workers(options), progress, &pool, &findings);
	enum exit_status status = EXIT_COMPLETE;

	if (!holds)
		status = core->truncated ? EXIT_INCOMPLETE : EXIT_FAILED;
	else if (!evidence_is_complete(core))
		status = EXIT_INCOMPLETE;
	describe(core, options->operands.items[0], holds, &findings, &text);
	if (!output_write(NULL, strbuf_span(&text), err))
		status = EXIT_FAILED;
	strbuf_deinit(&text);
	vec_deinit(&findings);
	pool_deinit(&pool);
	return status;
}

enum exit_status command_verify(const struct options *options, struct err *err)
{
	enum exit_status status = EXIT_FAILED;
	struct progress progress;
	struct core core = { 0 };

	setup_progress(&progress, options);
	if (core_open(&core, options->operands.items[0], setup_workers(options), &progress, err))
		status = verify(&core, options, &progress, err);
	core_close(&core);
	return status;
}

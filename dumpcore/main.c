/* dumpcore: captures chosen memory of a running process into an ELF core archive. */
#include "base/err.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "dumpcore/cleanup.h"
#include "dumpcore/interrupt.h"
#include "dumpcore/options.h"
#include "dumpcore/output.h"
#include "dumpcore/plan.h"
#include "dumpcore/priority.h"
#include "dumpcore/session.h"
#include "dumpcore/status.h"
#include "dumpcore/survey.h"
#include "dumpcore/target.h"
#include "dumpcore/watch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum exit_status { EXIT_COMPLETE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARTIAL = 3 };

/* One run of the program. */
struct run {
	struct options options;
	struct status status;
	struct strbuf command; /* the command line */
	struct target target;
};

static bool print(const struct strbuf *text, struct err *err)
{
	if (fwrite(strbuf_text(text), 1, text->size, stdout) == text->size && fflush(stdout) == 0)
		return true;
	return err_set(err, ERR_CLOSED, "cannot write to stdout");
}

/* The folder of the output's name. */
static void output_folder(const struct options *options, char *folder, size_t size)
{
	const char *path = options->output && strcmp(options->output, "-") != 0 ? options->output : "";
	const char *slash = strrchr(path, '/');

	snprintf(folder, size, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
}

/* By default a name ending in .zst, and stdout, mean zstd. */
static bool wants_zstd(const struct options *options, const char *path)
{
	size_t length = strlen(path);

	if (options->compress != COMPRESS_BY_NAME)
		return options->compress == COMPRESS_ZSTD;
	return strcmp(path, "-") == 0 || (length > 4 && strcmp(path + length - 4, ".zst") == 0);
}

static bool run_survey(struct run *run, struct err *err)
{
	struct survey survey = { .selection = run->options.select,
							 .consistency = run->options.consistency,
							 .reserve_disk = run->options.reserve_disk,
							 .most_pause_ns = run->options.most_pause_ns,
							 .spool_asked = run->options.spool != NULL };
	struct strbuf text = { 0 };
	char folder[PATH_MAX];
	bool printed;

	output_folder(&run->options, folder, sizeof folder);
	if (!run->options.output || wants_zstd(&run->options, run->options.output))
		survey.spool_folder = run->options.spool ? run->options.spool : folder;
	survey_make(&survey, &run->target, &run->options.choice, folder, strbuf_text(&run->command));
	(run->options.json ? survey_json : survey_text)(&survey, &text);
	printed = print(&text, err);
	strbuf_deinit(&text);
	return printed;
}

static void report_capture(const struct run *run, const struct session_result *result,
						   const char *path, int64_t started_ns)
{
	struct status_capture capture = {
		.path = path,
		.pid = run->options.pid,
		.comm = run->target.stat.comm,
		.consistency = result->consistency,
		.why = strbuf_text(&result->why),
		.complete = result->complete,
		.reason = strbuf_text(&result->reason),
		.memory_bytes = result->memory_bytes,
		.stored_bytes = result->stored_bytes,
		.pause_ns = result->pause_ns,
		.total_ns = progress_now_ns() - started_ns,
		.threads = run->target.threads,
	};

	if (result->unstopped)
		status_warning(&run->status,
					   "%zu threads were in an uninterruptible wait (state D) and did not stop; "
					   "the kernel may have written to their memory during the capture",
					   result->unstopped);
	if (strcmp(result->consistency, "live") == 0 && strcmp(run->options.consistency, "live") != 0)
		status_warning(&run->status, "the process was not stopped, memory may be torn: %s",
					   strbuf_text(&result->why));
	status_captured(&run->status, &capture);
}

static enum exit_status capture_to(struct run *run, const char *path, struct err *err)
{
	struct session_request request = { .consistency = run->options.consistency,
									   .choice = &run->options.choice,
									   .selection_text = run->options.select,
									   .command = strbuf_text(&run->command),
									   .spool = run->options.spool,
									   .reserve_disk = run->options.reserve_disk,
									   .most_pause_ns = run->options.most_pause_ns,
									   .compress = wants_zstd(&run->options, path),
									   .level = run->options.level };
	int64_t started_ns = progress_now_ns();
	enum exit_status exit_status = EXIT_FAILED;
	struct session_result result = { 0 };
	struct progress progress;
	struct output output;

	priority_lower_io();
	progress_init(&progress, !run->options.quiet && !run->options.json, run->options.progress);
	if (output_open(&output, path, err) &&
		session_run(&result, &request, &run->target, &output, &progress, err)) {
		report_capture(run, &result, path, started_ns);
		exit_status = result.complete ? EXIT_COMPLETE : EXIT_PARTIAL;
	}
	session_result_deinit(&result);
	output_close(&output);
	return exit_status;
}

static enum exit_status run_capture(struct run *run, struct err *err)
{
	struct strbuf name = { 0 };
	enum exit_status exit_status;

	if (run->options.dry_run)
		return run_survey(run, err) ? EXIT_COMPLETE : EXIT_FAILED;
	if (!run->options.output)
		output_default_name(run->target.stat.comm, run->options.pid, time(NULL), &name);
	exit_status =
		capture_to(run, run->options.output ? run->options.output : strbuf_text(&name), err);
	strbuf_deinit(&name);
	return exit_status;
}

static bool run_cleanup(struct run *run, struct err *err)
{
	cleanup_zombies zombies = { 0 };
	size_t reaped = 0;
	bool cleaned;

	cleanup_find(&run->target, &zombies);
	cleaned = !zombies.count || cleanup_reap(&run->target, &zombies, &reaped, err) ||
			  target_explain(&run->target, strbuf_text(&run->command), err);
	if (cleaned)
		status_cleaned(&run->status, run->options.pid, zombies.count, reaped);
	vec_deinit(&zombies);
	return cleaned;
}

static enum exit_status run_opened(struct run *run, struct err *err)
{
	if (run->options.command == COMMAND_SURVEY)
		return run_survey(run, err) ? EXIT_COMPLETE : EXIT_FAILED;
	if (run->options.command == COMMAND_CLEANUP)
		return run_cleanup(run, err) ? EXIT_COMPLETE : EXIT_FAILED;
	return run_capture(run, err);
}

/* One capture of a watch, of a process that may have been replaced meanwhile. */
static enum watch_capture capture_watched(void *context, const char *path, uint64_t started,
										  struct err *err)
{
	struct run *run = context;
	enum exit_status exit_status = EXIT_FAILED;

	if (target_open(&run->target, PROCFS_ROOT, run->options.pid, strbuf_text(&run->command), err)) {
		choice_learn(&run->options.choice, &run->target.mappings);
		if (run->target.stat.started == started)
			exit_status = capture_to(run, path, err);
		else
			err_set(err, ERR_GONE, "process %d has ended, another one has its id now",
					(int)run->options.pid);
	}
	target_close(&run->target);
	return exit_status == EXIT_COMPLETE  ? WATCH_COMPLETE
		   : exit_status == EXIT_PARTIAL ? WATCH_PARTIAL
										 : WATCH_FAILED;
}

static int64_t read_clock(void *context)
{
	(void)context;
	return progress_now_ns();
}

static int64_t read_calendar(void *context)
{
	(void)context;
	return time(NULL);
}

static bool wait_for_signal(void *context, int64_t ns)
{
	(void)context;
	return interrupt_wait(ns);
}

static enum exit_status run_watch(struct run *run, struct err *err)
{
	struct watch_hooks hooks = { run, capture_watched, read_clock, read_calendar, wait_for_signal };
	struct watch_request request = { .root = PROCFS_ROOT,
									 .pid = run->options.pid,
									 .folder = run->options.output ? run->options.output : ".",
									 .command = strbuf_text(&run->command),
									 .settings = &run->options.watch,
									 .status = &run->status,
									 .forced_line = run->options.progress };
	struct watch_result result;

	if (!watch_run(&request, &hooks, &result, err))
		return EXIT_FAILED;
	return result.partial ? EXIT_PARTIAL : EXIT_COMPLETE;
}

static enum exit_status run_target(struct run *run, struct err *err)
{
	enum exit_status exit_status = EXIT_FAILED;

	if (!plan_selection_parse(run->options.select, &run->options.choice.selection, err))
		return EXIT_USAGE;
	if (run->options.command == COMMAND_WATCH)
		return run_watch(run, err);
	if (target_open(&run->target, PROCFS_ROOT, run->options.pid, strbuf_text(&run->command), err)) {
		choice_learn(&run->options.choice, &run->target.mappings);
		exit_status = run_opened(run, err);
	}
	target_close(&run->target);
	return exit_status;
}

static enum exit_status run_command(struct run *run, struct err *err)
{
	struct strbuf text = { 0 };
	bool printed;

	if (run->options.command < COMMAND_HELP)
		return run_target(run, err);
	if (run->options.command == COMMAND_HELP)
		options_help(&text);
	else if (run->options.command == COMMAND_HELP_WATCH)
		options_help_watch(&text);
	else
		strbuf_puts(&text, "dumpcore " DUMPCORE_VERSION "\n");
	printed = print(&text, err);
	strbuf_deinit(&text);
	return printed ? EXIT_COMPLETE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	struct err err = { 0 };
	enum exit_status exit_status = EXIT_USAGE;
	bool parsed;

	interrupt_install();
	options_command_line(argc, argv, &run.command);
	parsed = options_parse(&run.options, argc, argv, &err);
	run.status = (struct status){ run.options.json, run.options.quiet };
	if (parsed)
		exit_status = run_command(&run, &err);
	if (err.kind) {
		status_error(&run.status, &err);
		if (err.kind == ERR_USAGE)
			exit_status = EXIT_USAGE;
	}
	strbuf_deinit(&run.command);
	options_deinit(&run.options);
	return exit_status;
}

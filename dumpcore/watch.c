#include "dumpcore/watch.h"

#include "base/cleanup.h"
#include "base/progress.h"
#include "dumpcore/access.h"
#include "dumpcore/gauge.h"
#include "dumpcore/output.h"
#include "dumpcore/watch_status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* A watch that is under way. */
struct watch {
	const struct watch_request *request;
	const struct watch_hooks *hooks;
	struct watch_result *result;
	struct procfs procfs;
	struct procfs_stat stat; /* of the beginning: a program keeps its name for its archives */
	struct gauge gauge;
	struct triggers triggers;
	struct progress progress;
	bool limit_missing; /* a limit of the control group went away, and that was said */
	unsigned failures;  /* in a row */
	bool over;
	struct err why; /* it is over before its count was reached */
};

static int64_t read_clock(const struct watch *watch)
{
	return watch->hooks->now_ns(watch->hooks->context);
}

/* A watch that finds out at the first capture that it may not capture would be in vain. */
static bool check_access(struct watch *watch, struct err *err)
{
	AUTO_CLOSE int memory = -1;
	struct access_facts facts;

	if (!access_read(&watch->procfs, &facts, err) || !access_check_kind(&facts, err))
		return false;
	memory = procfs_open_file(&watch->procfs, "mem", O_RDONLY);
	if (memory >= 0)
		return true;
	err_sys(err, errno, "cannot read the memory of process %d", (int)watch->request->pid);
	if (err->kind == ERR_PERMISSION)
		access_explain(&facts, watch->request->command, err);
	return false;
}

static bool check_folder(const char *folder, struct err *err)
{
	AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	err_sys(err, errno, "cannot write archives to the folder %s", folder);
	return err_hint(err, "a watch's -o names a folder that exists: mkdir -p FOLDER");
}

static bool begin(struct watch *watch, struct err *err)
{
	const struct trigger_limits *limits = &watch->request->settings->limits;
	const struct status *status = watch->request->status;

	triggers_init(&watch->triggers, limits);
	progress_init(&watch->progress, !status->quiet && !status->json, watch->request->forced_line);
	return procfs_open(&watch->procfs, watch->request->root, watch->request->pid, err) &&
		   check_access(watch, err) &&
		   procfs_read_stat(&watch->procfs, "stat", &watch->stat, err) &&
		   check_folder(watch->request->folder, err) &&
		   gauge_open(&watch->gauge, &watch->procfs, limits->thresholds[TRIGGER_CGROUP] != 0,
					  limits->thresholds[TRIGGER_PRESSURE] != 0, err);
}

/* A missing limit keeps --cgroup from firing: said once, until it is there again. */
static void watch_limit(struct watch *watch, const struct gauge_values *values)
{
	bool missing = watch->gauge.wants_cgroup && values->cgroup_share == GAUGE_UNKNOWN;

	if (missing && !watch->limit_missing) {
		progress_end(&watch->progress);
		status_warning(watch->request->status,
					   "the control group of process %d has no memory limit any more: --cgroup "
					   "cannot fire until it has one",
					   (int)watch->request->pid);
	}
	watch->limit_missing = missing;
}

/* Takes a reading; gives what fires. */
static enum trigger_kind look(struct watch *watch)
{
	struct gauge_values values;

	if (gauge_read(&watch->gauge, &values, &watch->why)) {
		watch_limit(watch, &values);
		return triggers_read(&watch->triggers, &values, read_clock(watch));
	}
	if (watch->why.kind == ERR_GONE)
		err_set(&watch->why, ERR_GONE, "process %d (%s) has ended", (int)watch->request->pid,
				watch->stat.comm);
	watch->over = true;
	return TRIGGER_KINDS;
}

/* Removes older archives. What cannot be removed does not keep the next one from being made. */
static void make_room(struct watch *watch, unsigned incoming, const char *spare)
{
	rotation_files removed = { 0 };
	struct err err = { 0 };

	if (!rotation_apply(&watch->request->settings->rotation, watch->request->folder,
						watch->stat.comm, incoming, spare, &removed, &err))
		status_warning(watch->request->status, "%s", err.what);
	for (size_t i = 0; i < removed.count; i++)
		watch_status_removed(watch->request->status, &removed.items[i]);
	rotation_files_deinit(&removed);
}

/* Appends FOLDER/COMM.PID.UTC.core.zst; gives where the name begins. */
static size_t put_path(const struct watch *watch, struct strbuf *path)
{
	struct strbuf name = { 0 };
	size_t start;

	output_default_name(watch->stat.comm, watch->request->pid,
						watch->hooks->seconds(watch->hooks->context), &name);
	strbuf_printf(path, "%s/", watch->request->folder);
	start = path->size;
	strbuf_puts(path, strbuf_text(&name) + strlen("./"));
	strbuf_deinit(&name);
	return start;
}

static void count_capture(struct watch *watch, enum watch_capture outcome, const struct err *err)
{
	struct watch_result *result = watch->result;

	watch->failures = outcome == WATCH_FAILED ? watch->failures + 1 : 0;
	result->complete += outcome == WATCH_COMPLETE;
	result->partial += outcome == WATCH_PARTIAL;
	watch->over = watch->failures >= WATCH_FAILURES ||
				  result->complete + result->partial >= watch->request->settings->count;
	if (outcome == WATCH_FAILED && !watch->over)
		status_error(watch->request->status, err);
}

static void capture(struct watch *watch, enum trigger_kind kind, struct err *err)
{
	const struct watch_hooks *hooks = watch->hooks;
	struct strbuf path = { 0 };
	enum watch_capture outcome;
	size_t name;

	*err = (struct err){ 0 };
	progress_end(&watch->progress);
	watch_status_triggered(watch->request->status, &watch->triggers, kind);
	make_room(watch, 1, NULL);
	name = put_path(watch, &path);
	outcome = hooks->capture(hooks->context, strbuf_text(&path), watch->stat.started, err);
	triggers_rest(&watch->triggers, outcome != WATCH_FAILED, read_clock(watch),
				  watch->request->settings->cooldown_ns);
	count_capture(watch, outcome, err);
	if (outcome != WATCH_FAILED)
		make_room(watch, 0, strbuf_text(&path) + name);
	strbuf_deinit(&path);
}

static void show_line(struct watch *watch)
{
	struct strbuf line = { 0 };

	watch_status_line(watch->stat.comm, watch->request->pid, &watch->triggers, read_clock(watch),
					  &line);
	progress_show(&watch->progress, strbuf_text(&line));
	strbuf_deinit(&line);
}

static void run(struct watch *watch, struct err *err)
{
	const struct watch_hooks *hooks = watch->hooks;
	enum trigger_kind kind = look(watch);

	if (!watch->over)
		watch_status_watching(watch->request->status, watch->request->pid, watch->stat.comm,
							  watch->request->settings, &watch->triggers);
	while (!watch->over) {
		if (kind != TRIGGER_KINDS)
			capture(watch, kind, err);
		if (watch->over)
			break;
		show_line(watch);
		watch->over = !hooks->wait(hooks->context, watch->request->settings->interval_ns);
		if (watch->over)
			err_set(&watch->why, ERR_SYSTEM, "a signal came");
		else
			kind = look(watch);
	}
	progress_end(&watch->progress);
}

/* What the end is worth. `err` has the last failure of a capture, where that ended the watch. */
static bool conclude(const struct watch *watch, struct err *err)
{
	const struct watch_result *result = watch->result;

	if (watch->failures >= WATCH_FAILURES) {
		err_prefix(err, "%d captures in a row failed, the last one", WATCH_FAILURES);
		return false;
	}
	if (result->complete + result->partial == 0)
		return err_set(err, watch->why.kind, "%s: the watch is over, and nothing was captured",
					   watch->why.what);
	*err = (struct err){ 0 };
	if (watch->why.kind)
		watch_status_ended(watch->request->status, watch->why.what, result);
	return true;
}

bool watch_run(const struct watch_request *request, const struct watch_hooks *hooks,
			   struct watch_result *result, struct err *err)
{
	struct watch watch = {
		.request = request, .hooks = hooks, .result = result, .procfs.folder = -1
	};
	bool done;

	*result = (struct watch_result){ 0 };
	done = begin(&watch, err);
	if (done) {
		run(&watch, err);
		done = conclude(&watch, err);
	}
	gauge_close(&watch.gauge);
	procfs_close(&watch.procfs);
	return done;
}

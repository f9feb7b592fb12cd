#include "dumpcore/session.h"

#include "dumpcore/forecast.h"
#include "dumpcore/outlook.h"
#include "dumpcore/snapshot.h"
#include "dumpcore/spool.h"

#include <limits.h>
#include <string.h>

/* Without --max-pause `auto` rather lets the target run, and marks what may be torn, than stops it
 * for longer than this. */
#define AUTO_MOST_NS INT64_C(1000000000)

/* A stop that is worth no second thought. */
#define PATIENCE_NS INT64_C(5000000)

struct session {
	const struct session_request *request;
	struct session_result *result;
	struct target *target;
	struct output *output;
	struct progress *progress;
	struct outlook outlook;
	char spool[PATH_MAX];
	bool is_auto;
};

/* --- the ways --- */

static int64_t most_pause(const struct session *session)
{
	if (session->request->most_pause_ns || !session->is_auto)
		return session->request->most_pause_ns;
	return AUTO_MOST_NS;
}

static void look(struct session *session)
{
	const struct session_request *request = session->request;
	struct outlook_request question = { .choice = request->choice,
										.may_read = true, /* else the attempt says why not */
										.spool_asked = request->spool != NULL,
										.most_pause_ns = most_pause(session) };
	struct forecast forecast;
	struct pages pages;
	bool asked = pages_open(&pages, &session->target->procfs, NULL);

	forecast_make(&forecast, session->target, request->choice, asked ? &pages : NULL);
	pages_close(&pages);
	question.selected_bytes = forecast.plan.memory_bytes;
	question.file_bytes = forecast.file_bytes;
	forecast_deinit(&forecast);
	spool_folder(request->spool, session->output, session->spool, sizeof session->spool);
	if (request->compress || session->output->is_stream)
		question.spool_folder = session->spool;
	outlook_make(&session->outlook, session->target, &question);
}

static bool refuse(const struct session *session, const struct outlook_way *way, struct err *err)
{
	const struct outlook_way *best = &session->outlook.ways[0];

	err_set(err, ERR_LIMIT, "--consistency %s: %s", way->method->name, way->why_not);
	if (best->usable)
		return err_hint(err, "--consistency %s can be had%s", best->method->name,
						best->method->stops ? "" : ": what changes meanwhile is marked as torn");
	return false;
}

/* What is better and was not taken, and why the way was taken all the same. */
static void explain(struct session *session, const struct outlook_way *way)
{
	struct strbuf *why = &session->result->why;
	bool failed = why->size > 0;

	if (failed)
		strbuf_puts(why, "; then ");
	if (!session->is_auto) {
		strbuf_puts(why, "asked for");
		return;
	}
	strbuf_printf(why, "%s", way->method->name);
	if (way->method->stops)
		strbuf_printf(why, ", forecast %.1f ms", (double)way->pause_ns / 1e6);
	for (size_t i = 0; i < session->outlook.count && !failed; i++) {
		const struct outlook_way *other = &session->outlook.ways[i];

		if (other != way && !other->usable && other->method->stops)
			strbuf_printf(why, "; not %s: %s", other->method->name, other->why_not);
		else if (other != way && other->method->stops)
			strbuf_printf(why, "; %s would take %.1f ms", other->method->name,
						  (double)other->pause_ns / 1e6);
	}
}

/* --- an attempt --- */

/* How long this way may stop the target. A pre-copy finds out how much is written before it stops
 * anything: where `auto` has another way, hardly longer than that one would. */
static int64_t patience(const struct session *session, const struct outlook_way *way)
{
	const struct outlook *outlook = &session->outlook;
	int64_t most = most_pause(session);

	for (const struct outlook_way *next = way + 1;
		 session->is_auto && way->method->rewrites && next < outlook->ways + outlook->count &&
		 next->usable;
		 next++)
		if (next->method->stops) {
			int64_t limit = 2 * next->pause_ns > PATIENCE_NS ? 2 * next->pause_ns : PATIENCE_NS;

			return limit < most ? limit : most;
		}
	return most;
}

/* Is there another way to be consistent behind this one? */
static bool has_other(const struct session *session, const struct outlook_way *way)
{
	const struct outlook *outlook = &session->outlook;

	for (const struct outlook_way *next = way + 1;
		 session->is_auto && next < outlook->ways + outlook->count; next++)
		if (next->usable && next->method->stops)
			return true;
	return false;
}

static bool take_way(struct session *session, const struct outlook_way *way,
					 struct snapshot *snapshot, struct err *err)
{
	const struct session_request *request = session->request;
	struct snapshot_request attempt = { .method = way->method,
										.choice = request->choice,
										.selection_text = request->selection_text,
										.command = request->command,
										.reserve_disk = request->reserve_disk,
										.compress = request->compress,
										.level = request->level,
										.most_pause_ns = patience(session, way),
										.spool = session->spool,
										.spool_asked = request->spool != NULL,
										.requested = request->consistency,
										.why = strbuf_text(&session->result->why),
										.spent_pause_ns = session->result->pause_ns,
										.may_give_up =
											session->is_auto && !session->output->is_stream,
										.other_stops = has_other(session, way) };

	return snapshot_run(snapshot, &attempt, session->target, session->output, session->progress,
						err);
}

static void conclude(struct session_result *result, const struct snapshot *snapshot)
{
	result->consistency = snapshot->consistency;
	result->complete = snapshot->outcome.complete;
	strbuf_puts(&result->reason, snapshot->outcome.reason);
	result->memory_bytes = snapshot->outcome.memory_bytes;
	result->stored_bytes = snapshot->stored_bytes;
	result->unstopped = snapshot->seize.unstopped;
}

/* Would another way help? Not where the target or the output is the trouble. */
static bool may_go_on(const struct session *session, const struct err *err)
{
	return session->is_auto && (err->kind == ERR_LIMIT || err->kind == ERR_PERMISSION ||
								err->kind == ERR_UNSUPPORTED || err->kind == ERR_SYSTEM);
}

static bool try_way(struct session *session, const struct outlook_way *way, bool *again,
					struct err *err)
{
	struct snapshot snapshot = snapshot_none();
	bool taken;

	explain(session, way);
	taken = take_way(session, way, &snapshot, err);
	session->result->pause_ns = snapshot.outcome.pause_ns;
	if (taken)
		conclude(session->result, &snapshot);
	snapshot_deinit(&snapshot);
	*again = !taken && may_go_on(session, err) && output_rewind(session->output);
	if (*again)
		strbuf_printf(&session->result->why, "; gave up: %s", err->what);
	return taken;
}

static bool try_all(struct session *session, struct err *err)
{
	bool again = true;

	for (size_t i = 0; i < session->outlook.count && again; i++) {
		struct err failure = { 0 };

		if (!session->outlook.ways[i].usable)
			continue;
		if (try_way(session, &session->outlook.ways[i], &again, &failure)) {
			*err = (struct err){ 0 };
			return true;
		}
		*err = failure;
	}
	return err->kind ? false : refuse(session, &session->outlook.ways[0], err);
}

static bool try_one(struct session *session, struct err *err)
{
	const struct outlook_way *way = outlook_find(&session->outlook, session->request->consistency);
	bool again;

	return way->usable ? try_way(session, way, &again, err) : refuse(session, way, err);
}

/* Another tracer leaves only the way that stops nothing, and that is for the user to choose. */
static bool is_traced_away(const struct session *session)
{
	const struct snapshot_method *method = snapshot_method(session->request->consistency);

	return session->target->access.tracer && (!method || method->stops);
}

bool session_run(struct session_result *result, const struct session_request *request,
				 struct target *target, struct output *output, struct progress *progress,
				 struct err *err)
{
	struct session session = { .request = request,
							   .result = result,
							   .target = target,
							   .output = output,
							   .progress = progress,
							   .is_auto = strcmp(request->consistency, SESSION_AUTO) == 0 };

	*result = (struct session_result){ 0 };
	if (is_traced_away(&session))
		return access_explain(&target->access, request->command, err);
	look(&session);
	return session.is_auto ? try_all(&session, err) : try_one(&session, err);
}

void session_result_deinit(struct session_result *result)
{
	strbuf_deinit(&result->why);
	strbuf_deinit(&result->reason);
}

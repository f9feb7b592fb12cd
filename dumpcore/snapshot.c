#include "dumpcore/snapshot.h"

#include "base/fault.h"
#include "base/size.h"
#include "base/workers.h"
#include "dumpcore/describe.h"
#include "dumpcore/forecast.h"
#include "dumpcore/interrupt.h"
#include "dumpcore/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { AUXV_LIMIT = 1 << 20 };

static const struct snapshot_method methods[] = {
	{ .name = "precopy",
	  .stops = true,
	  .injects = true,
	  .rewrites = true,
	  .reserve = snapshot_precopy_reserve,
	  .take = snapshot_precopy_take },
	{ .name = "fork",
	  .stops = true,
	  .injects = true,
	  .reserve = snapshot_fork_reserve,
	  .take = snapshot_fork_take },
	{ .name = "freeze", .stops = true, .hurries = true, .take = snapshot_freeze_take },
	{ .name = "live", .take = snapshot_live_take },
};

const struct snapshot_method *snapshot_method(const char *name)
{
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

const struct snapshot_method *snapshot_method_at(size_t index)
{
	return index < sizeof methods / sizeof *methods ? &methods[index] : NULL;
}

static bool is_rewritable(const struct snapshot *snapshot)
{
	return !snapshot->request.compress && !snapshot->output->is_stream;
}

/* A plain archive's size is known, a compressed one's is guessed. Gives what must stay free. */
static bool check_space(const struct snapshot *snapshot, uint64_t bytes, uint64_t *reserve,
						struct err *err)
{
	bool compress = snapshot->request.compress;
	struct disk_need need = { .bytes = compress ? bytes / 2 : bytes, .is_estimate = compress };
	struct disk disk;

	*reserve = 0;
	if (!output_disk(snapshot->output, &disk))
		return true;
	*reserve = need.reserve = disk_reserve(&disk, snapshot->request.reserve_disk);
	return disk_check(&disk, &need, snapshot->output->path, err);
}

static bool open_sink(struct snapshot *snapshot, uint64_t bytes, uint64_t reserve, struct err *err)
{
	bool spooled = snapshot->spool >= 0;
	struct sink_options options = { .fd = spooled ? snapshot->spool : snapshot->output->fd,
									.sparse = spooled || is_rewritable(snapshot),
									.compress = !spooled && snapshot->request.compress,
									.level = snapshot->request.level,
									.likely_bytes = bytes + bytes / 4,
									.memory_budget = SNAPSHOT_SINK_BYTES,
									.workers = workers_available(),
									.interrupted = interrupt_flag(),
									.reserve_bytes = reserve };

	snapshot->sink = sink_create(&options, err);
	return snapshot->sink != NULL;
}

/* A method that rewrites what it wrote needs a file to do it in. One in whose stop everything is
 * written only wishes for one: a slow reader, or the compression, would make the stop longer. */
static bool open_spool(struct snapshot *snapshot, uint64_t bytes, struct err *err)
{
	const struct snapshot_method *method = snapshot->request.method;
	const char *folder = snapshot->request.spool;

	if (is_rewritable(snapshot) || !(method->rewrites || method->hurries) || !folder)
		return true;
	if (method->hurries && !spool_check(folder, snapshot->request.spool_asked, bytes, NULL))
		return true;
	snapshot->spool = spool_open(folder, method->rewrites ? err : NULL);
	return snapshot->spool >= 0 || !method->rewrites;
}

static void note_time(struct snapshot *snapshot)
{
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(snapshot->captured_at, sizeof snapshot->captured_at, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static bool prepare_injection(struct snapshot *snapshot, struct err *err)
{
	inject_find_site(&snapshot->target->mappings, &snapshot->site);
	if (!snapshot->site.code) {
		err_set(err, ERR_UNSUPPORTED, "process %d: %s", (int)snapshot->target->procfs.pid,
				snapshot->site.why);
		return err_hint(err, "use --consistency freeze or live");
	}
	return target_check_filter(snapshot->target, &snapshot->through_seccomp, err);
}

static bool prepare(struct snapshot *snapshot, struct err *err)
{
	struct target *target = snapshot->target;
	struct forecast forecast;
	uint64_t reserve;
	bool ready;

	note_time(snapshot);
	if (!pages_open(&snapshot->pages, &target->procfs, err) ||
		!reader_open(&snapshot->reader, &target->procfs, err) ||
		!procfs_read(&target->procfs, "auxv", AUXV_LIMIT, &snapshot->auxv, err))
		return target_explain(target, snapshot->request.command, err);
	forecast_make(&forecast, target, snapshot->request.choice, &snapshot->pages);
	ready = check_space(snapshot, forecast.stored_bytes, &reserve, err) &&
			open_spool(snapshot, forecast.file_bytes, err) &&
			open_sink(snapshot, forecast.file_bytes, reserve, err);
	forecast_deinit(&forecast);
	if (!ready)
		return false;
	if (snapshot->request.method->stops)
		seize_init(&snapshot->seize, &target->procfs, target->threads);
	describe_reserve(snapshot);
	if (snapshot->request.method->reserve)
		snapshot->request.method->reserve(snapshot);
	return !snapshot->request.method->injects || prepare_injection(snapshot, err);
}

/* Bytes of the errors, and one line that says what they are. */
static const char *reason_of(const struct snapshot *snapshot, char *text, size_t size)
{
	const capture_gaps *errors = &snapshot->reader.errors;
	char bytes[SIZE_TEXT];
	uint64_t sum = 0;
	const char *cause = snapshot->outcome.torn_from
							? "the stop had lasted as long as it may (--max-pause), and the "
							  "process went on before they were read"
							: "the pages failed";

	for (size_t i = 0; i < errors->count; i++) {
		sum += range_bytes(errors->items[i].range);
		if (errors->items[i].reason == reader_went || errors->items[i].reason == kept_wiped)
			cause = errors->items[i].reason;
	}
	if (!sum && snapshot->outcome.torn_from) {
		snprintf(text, size,
				 "the stop had lasted as long as it may (--max-pause): memory from 0x%" PRIvaddr
				 " on was read while it ran",
				 snapshot->outcome.torn_from);
		return text;
	}
	if (!sum)
		return "";
	snprintf(text, size, "%s could not be read: %s", size_format(sum, bytes),
			 snapshot->broken ? snapshot->broken : cause);
	return text;
}

static void conclude(struct snapshot *snapshot, struct strbuf *json)
{
	char reason[256];

	snapshot->outcome.reason = reason_of(snapshot, reason, sizeof reason);
	snapshot->outcome.complete = !snapshot->outcome.reason[0];
	snapshot->outcome.memory_bytes = snapshot->reader.bytes;
	snapshot->outcome.errors = snapshot->reader.errors;
	capture_outcome_encode(&snapshot->outcome, json);
	snapshot->outcome.reason = pool_string(&snapshot->pool, snapshot->outcome.reason);
}

/* The output's name stands in its errors; a full disk gets a way out. */
static bool explain_output(const struct snapshot *snapshot, struct err *err)
{
	err_prefix(err, "%s", snapshot->output->is_stdout ? "stdout" : snapshot->output->path);
	if (err->kind == ERR_NO_SPACE && snapshot->output->is_stream)
		return err_hint(err, "what was written is no archive; compress it (--compress zstd), or "
							 "choose another place");
	if (err->kind == ERR_NO_SPACE)
		return err_hint(err, "the unfinished archive was removed; compress it (-o NAME.core.zst), "
							 "choose another disk, or send it away with -o -");
	if (err->kind == ERR_CLOSED)
		return err_hint(err, "the program that reads the archive ended: see its own message");
	return false;
}

/* Nothing of it has reached the output: a way that needs no spool may still be gone. */
static bool explain_spool(const struct snapshot *snapshot, struct err *err)
{
	err_set(err, ERR_LIMIT, "the spool in %s cannot be written: %s", snapshot->request.spool,
			strerror(err->sys));
	return err_hint(err, "name a folder with room: --spool DIR");
}

/* The spooled archive goes to the output, compressed where that is wanted. */
static bool send_spool(struct snapshot *snapshot, struct err *err)
{
	uint64_t bytes = sink_offset(snapshot->sink);
	int spool = snapshot->spool;

	sink_destroy(snapshot->sink);
	snapshot->spool = -1;
	if (open_sink(snapshot, bytes, 0, err)) {
		spool_send(spool, snapshot->sink, snapshot->progress);
		fault_point("snapshot.sent");
	}
	close(spool);
	return snapshot->sink && (sink_finish(snapshot->sink, err) || explain_output(snapshot, err));
}

static bool finish(struct snapshot *snapshot, struct err *err)
{
	struct strbuf json = { 0 };

	conclude(snapshot, &json);
	writer_trailer(&snapshot->writer, strbuf_span(&json), (struct span){ 0 });
	strbuf_deinit(&json);
	if (!sink_finish(snapshot->sink, err))
		return snapshot->spool >= 0 ? explain_spool(snapshot, err) : explain_output(snapshot, err);
	if (snapshot->spool >= 0 && !send_spool(snapshot, err))
		return false;
	snapshot->stored_bytes = sink_stored(snapshot->sink);
	fault_point("snapshot.written");
	return output_commit(snapshot->output, err);
}

/* The target ended before any of its memory was read. What is known of it is kept all the same: it
 * says what the memory was made of, and nobody can ask again. */
static bool keep_description(struct snapshot *snapshot, struct err *err)
{
	if (err->kind != ERR_GONE || sink_offset(snapshot->sink))
		return false;
	snapshot->broken = "the process ended before its memory was read";
	for (size_t i = 0; i < snapshot->target->mappings.count; i++)
		if (snapshot->target->mappings.items[i].resident_bytes)
			reader_add_error(&snapshot->reader, snapshot->target->mappings.items[i].range,
							 snapshot->broken);
	snapshot->reader.bytes = 0;
	*err = (struct err){ 0 };
	describe_nothing(snapshot);
	return true;
}

struct snapshot snapshot_none(void)
{
	return (struct snapshot){ .pages.fd = -1,
							  .reader = { .memory = -1, .other = -1 },
							  .replica.procfs.folder = -1,
							  .headroom.meminfo = -1,
							  .precopy.track.fd = -1,
							  .spool = -1 };
}

bool snapshot_run(struct snapshot *snapshot, const struct snapshot_request *request,
				  struct target *target, struct output *output, struct progress *progress,
				  struct err *err)
{
	*snapshot = snapshot_none();
	snapshot->request = *request;
	snapshot->target = target;
	snapshot->output = output;
	snapshot->progress = progress;
	snapshot->consistency = request->method->name;
	snapshot->outcome.pause_ns = request->spent_pause_ns;
	if (!prepare(snapshot, err))
		return false;
	fault_point("snapshot.prepared");
	if (!snapshot->request.method->take(snapshot, err) && !keep_description(snapshot, err))
		return target_explain(target, snapshot->request.command, err);
	return finish(snapshot, err);
}

void snapshot_deinit(struct snapshot *snapshot)
{
	seize_deinit(&snapshot->seize);
	snapshot_precopy_deinit(snapshot);
	guard_stop(&snapshot->guard);
	replica_deinit(&snapshot->replica);
	headroom_close(&snapshot->headroom);
	kept_deinit(&snapshot->kept);
	sink_destroy(snapshot->sink);
	if (snapshot->spool >= 0)
		close(snapshot->spool);
	reader_close(&snapshot->reader);
	pages_close(&snapshot->pages);
	page_map_deinit(&snapshot->map);
	plan_deinit(&snapshot->plan);
	vec_deinit(&snapshot->ranges);
	vec_deinit(&snapshot->now);
	vec_deinit(&snapshot->stacks);
	pool_deinit(&snapshot->pool);
	strbuf_deinit(&snapshot->maps);
	strbuf_deinit(&snapshot->auxv);
	strbuf_deinit(&snapshot->standard);
	strbuf_deinit(&snapshot->facts);
}

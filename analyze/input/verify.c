/* verify: core_verify of core.h: does the archive hold what its checksums say, and is it all there.
 */
#include "analyze/input/core.h"

#include "archive/format.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/workers.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <xxhash.h>

/* Differing blocks are listed up to here, then counted. */
enum { BLOCKS_LISTED = 100 };

struct checksums {
	uint64_t block_bytes, covered_bytes, blocks, outcome_sum;
	struct span sums;
};

struct verification {
	const struct core *core;
	struct pool *pool;
	core_findings *findings;
	bool holds;
};

/* Adds a line that speaks against the file. */
static void find(struct verification *verification, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void find(struct verification *verification, const char *format, ...)
{
	char line[640];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	*vec_add(verification->findings) = pool_string(verification->pool, line);
	verification->holds = false;
}

/* struct format_checksums of archive/format.h. */
static bool read_checksums(struct verification *verification, struct checksums *sums)
{
	const struct core *core = verification->core;
	struct cursor cursor = cursor_make(core->checksums, false);
	uint32_t version = cursor_u32(&cursor), algorithm = cursor_u32(&cursor);
	uint64_t blocks;

	sums->block_bytes = cursor_u64(&cursor);
	sums->covered_bytes = cursor_u64(&cursor);
	sums->blocks = cursor_u64(&cursor);
	sums->outcome_sum = cursor_u64(&cursor);
	if (!cursor_ok(&cursor) || !sums->block_bytes) {
		find(verification, "the checksum note is damaged");
		return false;
	}
	if (version != FORMAT_VERSION || algorithm != FORMAT_XXH3_64) {
		find(verification,
			 "the checksums are of version %u, algorithm %u: this program knows %d "
			 "and %d",
			 version, algorithm, FORMAT_VERSION, FORMAT_XXH3_64);
		return false;
	}
	blocks =
		sums->covered_bytes / sums->block_bytes + (sums->covered_bytes % sums->block_bytes != 0);
	if (blocks != sums->blocks || blocks > cursor_left(&cursor) / 8) {
		find(verification, "the checksum note has room for %zu sums where %" PRIu64 " are due",
			 cursor_left(&cursor) / 8, blocks);
		return false;
	}
	sums->sums = cursor_bytes(&cursor, (size_t)blocks * 8);
	return true;
}

struct check {
	struct span plain;
	const struct checksums *sums;
	bool *differs;
	struct progress *progress;
};

static uint64_t sum_at(const struct checksums *sums, size_t index)
{
	struct cursor cursor = cursor_make(sums->sums, false);

	cursor_skip(&cursor, index * 8);
	return cursor_u64(&cursor);
}

/* Bytes that block `index` must have: the last one may be shorter. */
static uint64_t block_size(const struct checksums *sums, size_t index)
{
	uint64_t start = index * sums->block_bytes;
	uint64_t left = sums->covered_bytes - start;

	return left < sums->block_bytes ? left : sums->block_bytes;
}

static void check_block(void *context, size_t index, unsigned worker)
{
	struct check *check = context;
	uint64_t size = block_size(check->sums, index);
	struct span block = span_part(check->plain, index * check->sums->block_bytes, size);

	(void)worker;
	check->differs[index] =
		block.size < size || XXH3_64bits(block.data, block.size) != sum_at(check->sums, index);
	progress_add(check->progress, block.size);
}

/* The target memory that the first of these file bytes belongs to, as text; "" where none does. */
static const char *memory_text(const struct core *core, uint64_t start, uint64_t end, char text[64])
{
	text[0] = '\0';
	for (size_t i = 0; i < core->segments.count; i++) {
		const struct core_segment *segment = &core->segments.items[i];
		uint64_t offset = (uint64_t)(segment->bytes.data - core->plain.data);
		uint64_t from = offset > start ? offset : start;

		if (!segment->bytes.size || offset >= end || offset + segment->bytes.size <= start)
			continue;
		snprintf(text, 64, " (memory from 0x%" PRIvaddr " on)", segment->start + (from - offset));
		break;
	}
	return text;
}

static void list_differences(struct verification *verification, const struct checksums *sums,
							 const bool *differs)
{
	uint64_t runs = 0, blocks = 0;

	for (size_t i = 0; i < sums->blocks; i++) {
		uint64_t start = i * sums->block_bytes, end;
		size_t first = i;
		char text[64];

		while (i < sums->blocks && differs[i])
			i++;
		if (i == first)
			continue;
		blocks += i - first;
		end = (i - 1) * sums->block_bytes + block_size(sums, i - 1);
		if (++runs <= BLOCKS_LISTED)
			find(verification, "file bytes %" PRIu64 " to %" PRIu64 "%s do not have their checksum",
				 start, end, memory_text(verification->core, start, end, text));
	}
	if (runs > BLOCKS_LISTED)
		find(verification, "%" PRIu64 " of %" PRIu64 " blocks do not have their checksum in all",
			 blocks, sums->blocks);
}

static void check_outcome(struct verification *verification, const struct checksums *sums)
{
	struct span note = verification->core->outcome_note;

	if (note.size && XXH3_64bits(note.data, note.size) != sums->outcome_sum)
		find(verification, "the capture's outcome note does not have its checksum");
}

static void check_blocks(struct verification *verification, unsigned workers,
						 struct progress *progress)
{
	struct checksums sums;
	AUTO_FREE bool *differs = NULL;
	struct check check = { verification->core->plain, &sums, NULL, progress };

	if (!verification->core->checksums.size) {
		find(verification, "the archive has no checksums: its trailer is missing or damaged");
		return;
	}
	if (!read_checksums(verification, &sums))
		return;
	check.differs = differs = mem_zeroed(sums.blocks + 1, sizeof *differs);
	progress_start(progress, "verifying", sums.covered_bytes);
	workers_run(workers ? workers : 1, sums.blocks, check_block, &check);
	progress_end(progress);
	list_differences(verification, &sums, differs);
	check_outcome(verification, &sums);
}

bool core_verify(const struct core *core, unsigned workers, struct progress *progress,
				 struct pool *pool, core_findings *findings)
{
	struct verification verification = { core, pool, findings, true };

	if (core->truncated)
		find(&verification, "the file is not complete: its end is missing");
	for (size_t i = 0; i < core->troubles.count; i++)
		find(&verification, "%s", core->troubles.items[i]);
	if (core->writer == CORE_BY_DUMPCORE) {
		check_blocks(&verification, workers, progress);
	} else {
		/* Nothing against the file, but nothing for it either: it has no way to tell. */
		*vec_add(findings) = "no archive of dumpcore: it has no checksums, so only its "
							 "completeness was looked at";
	}
	return verification.holds;
}

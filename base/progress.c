#include "base/progress.h"

#include "base/size.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_NS = 1000000000, REDRAW_NS = SECOND_NS / 5, BAR_COLUMNS = 24 };

int64_t progress_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

void progress_init(struct progress *progress, bool wanted, bool forced)
{
	*progress = (struct progress){ .enabled = wanted && (forced || isatty(STDERR_FILENO)) };
}

void progress_start(struct progress *progress, const char *label, uint64_t total_bytes)
{
	if (!progress->enabled)
		return;
	progress->label = label;
	progress->total = total_bytes;
	progress->started_ns = progress_now_ns();
	atomic_store(&progress->done, 0);
	atomic_store(&progress->next_draw_ns, progress->started_ns + SECOND_NS);
	atomic_store(&progress->drawn, false);
}

static void draw(struct progress *progress, uint64_t done, int64_t now)
{
	double seconds = (double)(now - progress->started_ns) / SECOND_NS;
	double rate = seconds > 0 ? (double)done / seconds : 0;
	char done_text[SIZE_TEXT], total_text[SIZE_TEXT], rate_text[SIZE_TEXT];
	char bar[BAR_COLUMNS + 1] = { 0 };
	unsigned filled;

	size_format(done, done_text);
	size_format((uint64_t)rate, rate_text);
	if (!progress->total) {
		fprintf(stderr, "\r\033[K%s  %s  %s/s", progress->label, done_text, rate_text);
		return;
	}
	filled = done < progress->total
				 ? (unsigned)(BAR_COLUMNS * (double)done / (double)progress->total)
				 : BAR_COLUMNS;
	for (unsigned i = 0; i < BAR_COLUMNS; i++)
		bar[i] = i < filled ? '#' : '.';
	fprintf(stderr, "\r\033[K%s [%s] %s of %s  %s/s  %.0f s left", progress->label, bar, done_text,
			size_format(progress->total, total_text), rate_text,
			rate > 0 && done < progress->total ? (double)(progress->total - done) / rate : 0);
}

void progress_add(struct progress *progress, uint64_t bytes)
{
	uint64_t done;
	int64_t now, due;

	if (!progress->enabled)
		return;
	done = atomic_fetch_add(&progress->done, bytes) + bytes;
	now = progress_now_ns();
	due = atomic_load(&progress->next_draw_ns);
	/* Only the thread that moves the due time forward draws. */
	if (now < due ||
		!atomic_compare_exchange_strong(&progress->next_draw_ns, &due, now + REDRAW_NS))
		return;
	atomic_store(&progress->drawn, true);
	draw(progress, done, now);
}

void progress_show(struct progress *progress, const char *text)
{
	if (!progress->enabled)
		return;
	atomic_store(&progress->drawn, true);
	fprintf(stderr, "\r\033[K%s", text);
}

void progress_end(struct progress *progress)
{
	if (progress->enabled && atomic_load(&progress->drawn))
		fputs("\r\033[K", stderr);
	atomic_store(&progress->drawn, false);
}

#include "dumpcore/window.h"

static struct window_low *low_at(struct window *window, size_t index)
{
	return &window->lows[(window->first + index) % WINDOW_ROOM];
}

static void drop_expired(struct window *window, int64_t now_ns)
{
	while (window->count && low_at(window, 0)->at_ns < now_ns - window->span_ns) {
		window->first = (window->first + 1) % WINDOW_ROOM;
		window->count--;
	}
}

uint64_t window_add(struct window *window, int64_t now_ns, uint64_t value)
{
	const struct window_low *last;

	drop_expired(window, now_ns);
	while (window->count && low_at(window, window->count - 1)->value >= value)
		window->count--;
	last = window->count ? low_at(window, window->count - 1) : NULL;
	if (!last || now_ns - last->at_ns > window->span_ns / WINDOW_STEPS)
		*low_at(window, window->count++) = (struct window_low){ now_ns, value };
	return value - low_at(window, 0)->value;
}

void window_clear(struct window *window)
{
	window->first = window->count = 0;
}

/* Metrics in Prometheus' text format (Prometheus documentation, "Exposition formats"): HELP and
 * TYPE of one metric, and its samples. */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

static const char *const types[] = { "counter", "gauge",   "histogram", "summary",
									 "untyped", "unknown", "info" };

static bool is_type(struct span word)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (span_equal(word, span_string(types[i])))
			return true;
	return false;
}

/* "# HELP" or "# TYPE", a name, and the rest of the line. */
static bool read_comment(struct cursor *cursor, const char *kind, struct span *name,
						 struct span *rest)
{
	struct span line;

	if (!text_run_line(cursor, &line) || !text_run_is_all(line) || !text_starts_with(line, kind))
		return false;
	*rest = span_part(line, span_string(kind).size, line.size);
	*name = text_word(*rest, rest);
	return name->size > 0;
}

/* A sample's name is the metric's, or goes on behind it: _bucket, _sum, _count, _total. */
static bool is_sample(struct span line, struct span metric)
{
	return text_run_is_all(line) && line.size > metric.size &&
		   span_equal(span_part(line, 0, metric.size), metric);
}

/* Both comments, and all samples that follow. Provides `metric`. */
bool validate_prometheus_metric(struct span bytes, struct match *match)
{
	enum { MAX_BYTES = 16 << 20 };
	struct cursor cursor = cursor_make(span_part(bytes, 0, MAX_BYTES), false);
	struct span metric, typed, rest;

	if (!read_comment(&cursor, "# HELP ", &metric, &rest) ||
		!read_comment(&cursor, "# TYPE ", &typed, &rest) || !span_equal(metric, typed) ||
		!is_type(rest))
		return false;
	do
		match_extend(match, cursor.at);
	while (text_run_line(&cursor, &rest) && is_sample(rest, metric));
	match_set(match, "metric", metric);
	return true;
}

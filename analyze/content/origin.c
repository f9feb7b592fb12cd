#include "analyze/content/origin.h"

#include "analyze/content/class_remains.h"
#include "analyze/validators/validators.h"

#include <string.h>

void origin_deinit(struct origin *origin)
{
	strbuf_deinit(&origin->origin);
	strbuf_deinit(&origin->class_name);
}

static void add_span(struct strbuf *out, struct span text)
{
	strbuf_add(out, text.data, text.size);
}

static void set_origin(struct origin *origin, struct match *match)
{
	match_set(match, "origin", strbuf_span(&origin->origin));
}

/* The title of the last manifest in the text; data NULL where there is none. */
static struct span jar_title(struct span text)
{
	static const char start[] = "Manifest-Version: 1.";
	struct span title = { 0 };

	for (size_t at = 0; at < text.size; at++) {
		const uint8_t *found = memmem(text.data + at, text.size - at, start, sizeof start - 1);
		struct match match = { 0 };
		const struct match_capture *capture;

		if (!found)
			break;
		at = (size_t)(found - text.data);
		if (!validate_jar_manifest(span_part(text, at, text.size), &match))
			continue;
		at += match.extent - 1;
		capture = match_find(&match, "title");
		title = span_make(capture ? capture->text.data : NULL, capture ? capture->text.size : 0);
	}
	return title;
}

bool origin_of_class(struct origin *origin, struct span text, struct match *match)
{
	struct class_remains remains;
	bool named = class_remains_find(text, &remains);
	struct span jar;

	origin->class_seen = remains.seen;
	if (!named)
		return false;
	strbuf_clear(&origin->class_name);
	if (remains.name.data) {
		add_span(&origin->class_name, remains.name);
	} else {
		add_span(&origin->class_name, remains.package);
		strbuf_puts(&origin->class_name, "/?");
	}
	match_set(match, "class", strbuf_span(&origin->class_name));
	if (!remains.package.size)
		remains.package = span_string("(default package)");
	match_set(match, "package", remains.package);
	jar = jar_title(span_part(text, 0, remains.start));
	strbuf_clear(&origin->origin);
	add_span(&origin->origin, remains.package);
	strbuf_puts(&origin->origin, jar.data ? ", jar " : ", unknown jar");
	add_span(&origin->origin, jar);
	set_origin(origin, match);
	return true;
}

void origin_of_rule(struct origin *origin, const char *id, struct span key, struct match *match)
{
	strbuf_clear(&origin->origin);
	strbuf_puts(&origin->origin, id);
	strbuf_puts(&origin->origin, key.size ? ": " : "");
	add_span(&origin->origin, key);
	set_origin(origin, match);
}

void origin_none(struct origin *origin, const char *why, struct match *match)
{
	strbuf_clear(&origin->origin);
	strbuf_puts(&origin->origin, why);
	set_origin(origin, match);
}

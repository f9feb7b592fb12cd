/* A suggested rule for chunks that begin with the same text. */
#include "analyze/attribute/suggest_rule.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum {
	LEAST_SHOWN = 4,   /* bytes: a keyword needs three */
	LEAST_MEMBERS = 8, /* fewer share a beginning by chance, or it is content */
	LONGEST_SHOWN = 32,
	BEHIND = 16, /* bytes of text that are described by their kind */
	SECRET_BEHIND = 16,
};

/* Would a report show these bytes as they are? */
static bool is_shown_whole(struct span text)
{
	struct strbuf shown = { 0 }, plain = { 0 };
	bool same;

	redact_show(text, &shown);
	text_escape(text, &plain);
	same = strcmp(strbuf_text(&shown), strbuf_text(&plain)) == 0;
	strbuf_deinit(&shown);
	strbuf_deinit(&plain);
	return same;
}

/* Does a member look like a secret, as far as the prefix and a little behind it? */
static bool looks_secret(const struct suggest_group *group, const struct redactor *redactor,
						 size_t prefix)
{
	for (size_t i = 0; i < group->heads; i++)
		if (redactor_is_secret(redactor, span_part(group->head[i], 0, prefix + SECRET_BEHIND)))
			return true;
	return false;
}

/* How much of the common beginning may be seen; 0: nothing. */
static size_t shown_prefix(const struct suggest_group *group, const struct suggest_style *style)
{
	const struct profile *profile = &group->profile;
	size_t common = profile_prefix(profile), length = common;

	if (length > LONGEST_SHOWN)
		length = LONGEST_SHOWN;
	if (style->reveal)
		return length;
	/* what is the same throughout is a value, not a format */
	if (common == profile->text || profile->chunks < LEAST_MEMBERS ||
		looks_secret(group, style->redactor, common))
		return 0;
	while (length && isdigit(profile->first[length - 1]))
		length--;
	while (length && !is_shown_whole(span_make(profile->first, length)))
		length--;
	return length < LEAST_SHOWN ? 0 : length;
}

/* The narrowest class that holds all bytes seen at a place, and one of its bytes. */
static const char *class_of(const struct profile *profile, size_t place, char *sample)
{
	bool lower = false, upper = false, digit = false, other = false;

	for (int byte = 0x20; byte < 0x7f; byte++) {
		if (!(profile->seen[place][byte / 8] >> byte % 8 & 1))
			continue;
		lower |= byte >= 'a' && byte <= 'z';
		upper |= byte >= 'A' && byte <= 'Z';
		digit |= byte >= '0' && byte <= '9';
		other |= !isalnum(byte);
	}
	*sample = digit && !other ? '0' : upper && !other && !lower ? 'A' : 'a';
	if (other)
		return "[\\x20-\\x7e]";
	if (digit)
		return lower && upper ? "[0-9A-Za-z]" : lower ? "[0-9a-z]" : upper ? "[0-9A-Z]" : "[0-9]";
	return lower && upper ? "[A-Za-z]" : lower ? "[a-z]" : "[A-Z]";
}

/* The kinds of the bytes [from, to) as a pattern; `sample` gets text that matches it. */
static void put_classes(const struct profile *profile, size_t from, size_t to, struct strbuf *out,
						struct strbuf *sample)
{
	while (from < to) {
		char byte, next;
		const char *class = class_of(profile, from, &byte);
		size_t end = from + 1;

		while (end < to && strcmp(class_of(profile, end, &next), class) == 0)
			end++;
		strbuf_puts(out, class);
		if (end - from > 1)
			strbuf_printf(out, "{%zu}", end - from);
		strbuf_pad(sample, byte, end - from);
		from = end;
	}
}

/* As a PCRE2 literal, with (?x) or without. */
static void put_literal(struct span text, struct strbuf *out)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == ' ')
			strbuf_puts(out, "\\x20");
		else if (isalnum(text.data[i]) || strchr("_/:;,\"'<>=-", text.data[i]))
			strbuf_putc(out, (char)text.data[i]);
		else
			strbuf_printf(out, "\\%c", text.data[i]);
	}
}

/* Printable ASCII in YAML's double quotes. */
static void put_quoted(struct span text, struct strbuf *out)
{
	strbuf_putc(out, '"');
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			strbuf_putc(out, '\\');
		strbuf_putc(out, (char)text.data[i]);
	}
	strbuf_putc(out, '"');
}

/* What was seen, and what is not shown of it. */
static void put_comment(const struct profile *profile, size_t prefix, struct strbuf *out)
{
	size_t common = profile_prefix(profile);

	if (prefix)
		strbuf_printf(out, "# All begin with the same %zu bytes of text.\n", common);
	else if (!common)
		strbuf_puts(out, "# All begin with text, but not with the same. It is not shown; the rule "
						 "goes by its kinds of bytes.\n");
	else
		strbuf_printf(out,
					  "# All begin with the same %zu bytes of text. They may be content, or look "
					  "like a secret, and\n"
					  "# are not shown; `analyze rules suggest FILE --reveal` does, on a terminal. "
					  "A keyword of them\n"
					  "# makes the rule precise: this one goes by the kinds of the first bytes.\n",
					  common);
}

static void put_tests(struct span sample, const struct profile *profile, size_t prefix,
					  struct strbuf *out)
{
	struct suggest_size size = suggest_size_of(profile);

	strbuf_puts(out, "  tests:\n  - {name: its beginning, text: ");
	put_quoted(sample, out);
	if (!prefix)
		strbuf_printf(out, ", size: %" PRIu64, size.sample);
	strbuf_puts(out, ", expect: match}\n");
	if (prefix)
		strbuf_puts(out, "  - {name: another beginning, text: \"another\", expect: none}\n");
	else
		strbuf_printf(out, "  - {name: no text, hex: \"00 01\", size: %" PRIu64 ", expect: none}\n",
					  size.sample);
}

/* Title, keyword and the literal start of the pattern; `sample` gets the same bytes. */
static void put_shown(struct span literal, struct strbuf *out, struct strbuf *sample)
{
	struct strbuf title = { 0 };

	strbuf_puts(&title, "Text that begins with ");
	strbuf_add(&title, literal.data, literal.size);
	put_quoted(strbuf_span(&title), out);
	strbuf_puts(out, "\n  severity: low\n  confidence: low\n  keywords: [");
	put_quoted(literal, out);
	strbuf_puts(out, "]\n  pattern: |\n    ");
	put_literal(literal, out);
	strbuf_add(sample, literal.data, literal.size);
	strbuf_deinit(&title);
}

static void put_scan(const struct profile *profile, size_t prefix, struct strbuf *out)
{
	if (prefix) {
		strbuf_puts(out, "  # anchor: any also finds it inside buffers and, with states: [live, "
						 "free], in freed chunks;\n"
						 "  # extent: match then explains what the pattern matches.\n"
						 "  scan: {anchor: chunk-start, states: [live]}\n");
	} else {
		strbuf_puts(out, "  scan: {anchor: chunk-start, states: [live], ");
		suggest_put_size(suggest_size_of(profile), out);
		strbuf_puts(out, "}\n");
	}
	strbuf_puts(out, "  extent: chunk\n  priority: 100\n");
}

bool suggest_text_rule(const struct suggest_group *group, const struct suggest_style *style,
					   size_t number, struct strbuf *out)
{
	const struct profile *profile = &group->profile;
	size_t prefix = shown_prefix(group, style);
	size_t end = prefix + BEHIND < profile->text ? prefix + BEHIND : profile->text;
	struct strbuf sample = { 0 };

	suggest_count(group, out);
	put_comment(profile, prefix, out);
	strbuf_printf(out, "- id: text-%zu\n  title: ", number);
	if (prefix)
		put_shown(span_make(profile->first, prefix), out, &sample);
	else
		strbuf_puts(out, "Text, its beginning not shown\n  severity: low\n  confidence: low\n"
						 "  pattern: |\n    ");
	put_classes(profile, prefix, end, out, &sample);
	strbuf_puts(out, "\n");
	put_scan(profile, prefix, out);
	put_tests(strbuf_span(&sample), profile, prefix, out);
	strbuf_deinit(&sample);
	return true;
}

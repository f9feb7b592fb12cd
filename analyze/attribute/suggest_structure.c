/* A suggested rule for chunks of one size whose first words are alike. */
#include "analyze/attribute/suggest_rule.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum {
	MOST_PARTS = 12,
	NARROW = 1 << 20, /* a wider range of numbers tells nothing */
	SMALL = 1 << 16,  /* a half of a word that is a number of its own */
};

/* A word of the structure. */
struct part {
	unsigned at;
	const char *type;           /* u32, u64, ptr */
	const char *to;             /* of ptr */
	bool null;                  /* of ptr */
	struct profile_range in;    /* of numbers, and of ptr to self */
	struct profile_range sizes; /* of ptr to chunk-start; max 0: any */
	bool telling;               /* more than a zero, or a range of small numbers */
};

struct parts {
	struct part items[MOST_PARTS];
	size_t count;
	size_t texts, hidden; /* words that hold text, or a constant that may be content */
};

static void add(struct parts *parts, struct part part)
{
	if (parts->count < MOST_PARTS)
		parts->items[parts->count++] = part;
}

static bool is_constant(struct profile_range range)
{
	return range.min == range.max;
}

static void add_pointer(struct parts *parts, unsigned at, const struct profile_word *word)
{
	uint64_t pointers = word->members - word->zeros;
	struct part part = { .at = at, .type = "ptr", .null = word->zeros, .telling = true };

	if (word->to_self == pointers) {
		part.to = "self";
		part.in = word->self;
	} else if (word->to_chunk == pointers) {
		uint64_t sample = (word->sizes.min + 15) / 16 * 16;

		part.to = "chunk-start";
		if (sample <= word->sizes.max && sample <= 1 << 20)
			part.sizes = word->sizes;
	} else {
		part.to = "mapped";
	}
	add(parts, part);
}

static void add_number(struct parts *parts, unsigned at, const char *type,
					   struct profile_range values, bool reveal)
{
	if (!reveal && (text_is_word(values.min) || text_is_word(values.max))) {
		parts->texts++;
		return;
	}
	if (values.max - values.min > NARROW)
		return;
	add(parts, (struct part){
				   .at = at,
				   .type = type,
				   .in = values,
				   .telling = values.max && (is_constant(values) || values.min),
			   });
}

/* What the word is in all members, if it is one thing. */
static void add_word(struct parts *parts, unsigned at, const struct profile_word *word,
					 const struct suggest_style *style)
{
	uint64_t pointers = word->to_self + word->to_chunk + word->to_mapped;
	const char *type = style->word == 8 ? "u64" : "u32";

	if (word->texts && !(style->reveal && is_constant(word->values)))
		parts->texts++;
	else if (word->zeros < word->members && pointers == word->members - word->zeros)
		add_pointer(parts, at, word);
	else if (word->values.max <= UINT32_MAX || (style->reveal && is_constant(word->values)))
		add_number(parts, at, type, word->values, style->reveal);
	else if (style->word == 8 && !pointers && (word->low.max < SMALL || word->high.max < SMALL)) {
		add_number(parts, at, "u32", word->low, style->reveal);
		add_number(parts, at + 4, "u32", word->high, style->reveal);
	} else if (is_constant(word->values)) {
		parts->hidden++;
	}
}

static struct parts find_parts(const struct profile *profile, const struct suggest_style *style)
{
	struct parts parts = { .count = 0 };

	for (unsigned i = 0; i < PROFILE_WORDS; i++)
		if (profile->words[i].members == profile->chunks)
			add_word(&parts, i * style->word, &profile->words[i], style);
	return parts;
}

static bool is_telling(const struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->items[i].telling)
			return true;
	return false;
}

static void put_number(uint64_t value, struct strbuf *out)
{
	strbuf_printf(out, value >= SMALL ? "0x%" PRIx64 : "%" PRIu64, value);
}

static void put_range(const char *key, struct profile_range range, struct strbuf *out)
{
	strbuf_printf(out, ", %s: ", key);
	put_number(range.min, out);
	if (!is_constant(range)) {
		strbuf_puts(out, "..");
		put_number(range.max, out);
	}
}

static bool is_pointer(const struct part *part)
{
	return part->to;
}

static void put_part(const struct part *part, struct strbuf *out)
{
	strbuf_printf(out, "  - {at: %u, type: %s", part->at, part->type);
	if (part->to)
		strbuf_printf(out, ", to: %s", part->to);
	if (!part->to || strcmp(part->to, "self") == 0)
		put_range("in", part->in, out);
	if (part->sizes.max)
		put_range("size", part->sizes, out);
	strbuf_puts(out, part->null ? ", null: true}\n" : "}\n");
}

/* A value that passes. */
static void put_value(const struct part *part, struct strbuf *out)
{
	if (!part->to)
		strbuf_printf(out, "%u: %" PRIu64, part->at, part->in.min);
	else if (strcmp(part->to, "chunk-start") == 0)
		strbuf_printf(out, "%u: \"chunk:%" PRIu64 "\"", part->at,
					  part->sizes.max ? (part->sizes.min + 15) / 16 * 16 : 64);
	else
		strbuf_printf(out, "%u: \"@%" PRIu64 "\"", part->at, part->in.min);
}

/* All words pass; but for `broken`. */
static void put_test(const char *name, const struct parts *parts, size_t broken, uint64_t size,
					 struct strbuf *out)
{
	strbuf_printf(out, "  - name: %s\n    size: %" PRIu64 "\n    words: {", name, size);
	for (size_t i = 0; i < parts->count; i++) {
		const struct part *part = &parts->items[i];

		strbuf_puts(out, i ? ", " : "");
		if (i != broken)
			put_value(part, out);
		else if (is_pointer(part))
			strbuf_printf(out, "%u: 1", part->at); /* leads nowhere */
		else
			strbuf_printf(out, "%u: %" PRIu64, part->at,
						  part->in.max < UINT32_MAX ? part->in.max + 1 : part->in.min - 1);
	}
	strbuf_printf(out, "}\n    expect: %s\n", broken == parts->count ? "match" : "none");
}

static size_t first_telling(const struct parts *parts)
{
	size_t i = 0;

	while (!parts->items[i].telling)
		i++;
	return i;
}

static void put_comment(const struct suggest_group *group, const struct parts *parts,
						const struct suggest_style *style, struct strbuf *out)
{
	struct pool pool = { 0 };

	suggest_count(group, out);
	strbuf_printf(out,
				  "# First words: %s. Numbers and sizes are what was seen, from the least to "
				  "the most.\n",
				  shape_text(group->candidate->shape, &pool));
	if (parts->texts || parts->hidden)
		strbuf_printf(out,
					  "# Left out, as they may be content: words with text %zu, other "
					  "constants %zu.\n",
					  parts->texts, parts->hidden);
	if ((parts->texts || parts->hidden) && !style->reveal)
		strbuf_puts(out,
					"# Those that are the same in all members --reveal shows, on a terminal.\n");
	pool_deinit(&pool);
}

bool suggest_structure_rule(const struct suggest_group *group, const struct suggest_style *style,
							size_t number, struct strbuf *out)
{
	struct parts parts = find_parts(&group->profile, style);
	struct suggest_size size = suggest_size_of(&group->profile);

	put_comment(group, &parts, style, out);
	if (!is_telling(&parts)) {
		strbuf_puts(out, "# They have nothing in common that a rule could tell them by.\n");
		return false;
	}
	strbuf_printf(out, "- id: structure-%zu\n  title: Structure in chunks of %" PRIu64 " bytes\n",
				  number, group->profile.sizes.min);
	strbuf_puts(out, "  severity: low\n  confidence: low\n  structure:\n");
	for (size_t i = 0; i < parts.count; i++)
		put_part(&parts.items[i], out);
	strbuf_puts(out, "  scan: {anchor: chunk-start, states: [live], ");
	suggest_put_size(size, out);
	strbuf_printf(out, ", when: {word: %u}}\n  extent: chunk\n  priority: 100\n  tests:\n",
				  style->word * 8);
	put_test("as seen", &parts, parts.count, size.sample, out);
	put_test("another value", &parts, first_telling(&parts), size.sample, out);
	return true;
}

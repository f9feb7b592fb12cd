#include "analyze/attribute/suggest.h"

#include "analyze/attribute/suggest_rule.h"
#include "base/mem.h"
#include "base/size.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

struct profiling {
	const struct suggest_input *input;
	struct candidates candidates;
	struct profile_tables tables;
	struct shape_reader reader;
	struct suggest_group *groups;
	size_t count;
};

/* Chunks whose first bytes are text, though not the same, are told by the kinds of these bytes. */
enum { PROFILE_BYTES = PROFILE_WORDS * 8, LEAST_TEXT = 8 };

static void add_member(void *context, const struct chunk *chunk, struct span bytes)
{
	struct profiling *profiling = context;

	for (size_t i = 0; i < profiling->count; i++) {
		struct suggest_group *group = &profiling->groups[i];

		if (!candidate_holds(&profiling->candidates, group->candidate, chunk, bytes,
							 &profiling->reader))
			continue;
		profile_add(&group->profile, &profiling->tables, chunk, bytes);
		if (group->heads < SUGGEST_HEADS)
			group->head[group->heads++] = span_part(bytes, 0, PROFILE_TEXT);
		return;
	}
}

static void find_groups(struct profiling *profiling)
{
	const struct suggest_input *input = profiling->input;

	candidates_find(&profiling->candidates, &input->where, input->regions);
	profiling->count = profiling->candidates.items.count;
	if (profiling->count > input->limit)
		profiling->count = input->limit;
	profiling->groups = mem_zeroed(profiling->count, sizeof *profiling->groups);
	for (size_t i = 0; i < profiling->count; i++)
		profiling->groups[i].candidate = &profiling->candidates.items.items[i];
	unattributed_each(&input->where, PROFILE_BYTES, add_member, profiling);
}

static void put_head(const struct profiling *profiling, struct strbuf *out)
{
	char chunks[COUNT_TEXT], bytes[SIZE_TEXT];

	strbuf_puts(out, "# yaml-language-server: $schema=" RULES_SCHEMA "\n"
					 "# Live chunks that no rule explains in ");
	text_escape(span_string(profiling->input->path), out);
	strbuf_printf(out, ": %s, %s.\n", count_of(profiling->candidates.chunks, "chunk", chunks),
				  size_format(profiling->candidates.bytes, bytes));
	strbuf_puts(out, "# Each rule below finds the chunks its comment is about. To be edited: ids, "
					 "titles, what the\n"
					 "# content means, how far a rule should reach. dumpcore-rules(5) has every "
					 "key; `analyze\n"
					 "# rules explain FILE ADDRESS suggested.ID --rules THIS` says why a chunk is "
					 "found or not.\n"
					 "format: 1\n"
					 "namespace: suggested\n");
}

size_t suggest_write(const struct suggest_input *input, struct strbuf *out)
{
	struct profiling profiling = {
		.input = input,
		.tables = { input->where.chunks, input->where.image, input->regions },
		.reader = shape_reader_make(input->regions, input->where.image->word),
	};
	struct suggest_style style = { input->redactor, input->where.image->word, input->reveal };
	struct strbuf rules = { 0 };
	size_t count = 0;

	find_groups(&profiling);
	put_head(&profiling, out);
	for (size_t i = 0; i < profiling.count; i++) {
		const struct suggest_group *group = &profiling.groups[i];
		bool is_text = group->candidate->is_text || group->profile.text >= LEAST_TEXT;
		bool made = is_text ? suggest_text_rule(group, &style, count + 1, &rules)
							: suggest_structure_rule(group, &style, count + 1, &rules);

		count += made;
	}
	strbuf_puts(out, count ? "rules:\n" : "rules: []\n");
	strbuf_add(out, rules.data, rules.size);
	if (profiling.candidates.items.count > profiling.count)
		strbuf_printf(out, "\n# %zu smaller groups are left out; --limit N shows more.\n",
					  profiling.candidates.items.count - profiling.count);
	strbuf_deinit(&rules);
	free(profiling.groups);
	candidates_deinit(&profiling.candidates);
	return count;
}

void suggest_count(const struct suggest_group *group, struct strbuf *out)
{
	const struct profile *profile = &group->profile;
	char chunks[COUNT_TEXT], bytes[SIZE_TEXT];

	strbuf_printf(out, "\n# %s, %s: of ", count_of(profile->chunks, "chunk", chunks),
				  size_format(profile->bytes, bytes));
	if (profile->sizes.min == profile->sizes.max)
		strbuf_printf(out, "%" PRIu64 " bytes%s", profile->sizes.min,
					  profile->mmapped ? ", some of them mmapped" : "");
	else
		strbuf_printf(out, "%" PRIu64 " to %" PRIu64 " bytes%s", profile->sizes.min,
					  profile->sizes.max, profile->mmapped ? ", some of them mmapped" : "");
	strbuf_puts(out, ".\n");
}

struct suggest_size suggest_size_of(const struct profile *profile)
{
	enum { STEP = 16, MOST = 1 << 20 };
	struct suggest_size size = {
		.low = profile->sizes.min / STEP * STEP,
		.high = (profile->sizes.max + STEP - 1) / STEP * STEP,
	};

	if (size.high > MOST)
		size.high = UINT64_MAX;
	if (size.low > MOST)
		size.low = MOST;
	size.sample = size.high == UINT64_MAX ? MOST : size.high;
	return size;
}

void suggest_put_size(struct suggest_size size, struct strbuf *out)
{
	strbuf_printf(out, "size: %" PRIu64, size.low);
	if (size.high == UINT64_MAX)
		strbuf_puts(out, "..");
	else if (size.high != size.low)
		strbuf_printf(out, "..%" PRIu64, size.high);
}

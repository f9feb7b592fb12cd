#include "analyze/rules/confirm.h"

#include "analyze/rules/byte_set.h"
#include "analyze/rules/confirm_code.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	JIT_STACK_START = 32 << 10,
	JIT_STACK_MAX = 1 << 20,
	GROUPS = 64, /* capture groups whose positions are kept */
};

struct confirm {
	pcre2_code *code;
	bool jit;
	uint32_t lookbehind;
	uint8_t first[32];
	size_t names;
	struct {
		char name[129]; /* PCRE2 allows 32 characters, 128 since 10.44 */
		uint32_t groups[8];
		size_t count;
	} name[MATCH_CAPTURES];
};

struct confirm_thread {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint32_t limit;
	unsigned strain; /* of the last match */
};

static bool problem_set(struct confirm_problem *problem, const char *code, size_t offset,
						const char *what)
{
	problem->code = code;
	problem->offset = offset;
	snprintf(problem->what, sizeof problem->what, "%s", what);
	return false;
}

pcre2_code *confirm_code(struct span pattern, uint32_t options, struct confirm_problem *problem)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	int error = PCRE2_ERROR_NOMEMORY;
	PCRE2_SIZE offset = 0;
	pcre2_code *code = NULL;
	PCRE2_UCHAR text[160] = "out of memory";

	if (context) {
		pcre2_set_newline(context, PCRE2_NEWLINE_LF);
		pcre2_set_bsr(context, PCRE2_BSR_ANYCRLF);
		pcre2_set_parens_nest_limit(context, 60);
		code = pcre2_compile(pattern.data ? pattern.data : (const uint8_t *)"", pattern.size,
							 options | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C,
							 &error, &offset, context);
		pcre2_compile_context_free(context);
	}
	if (!code) {
		pcre2_get_error_message(error, text, sizeof text);
		problem_set(problem, "R020", offset, (const char *)text);
	}
	return code;
}

static int has_callout(pcre2_callout_enumerate_block *block, void *data)
{
	*(size_t *)data = block->pattern_position;
	return 1;
}

/* PCRE2 tells where the item behind a callout starts. */
static size_t callout_start(struct span pattern, size_t behind)
{
	for (size_t at = behind < pattern.size ? behind : pattern.size; at-- > 0;)
		if (span_equal(span_part(pattern, at, 3), span_string("(?C")))
			return at;
	return behind;
}

static uint32_t info(const pcre2_code *code, uint32_t what)
{
	uint32_t value = 0;

	pcre2_pattern_info(code, what, &value);
	return value;
}

/* PCRE2 does not say whether the first code unit was caseless, so both cases are taken. */
static void find_first_bytes(const pcre2_code *code, uint8_t first[32])
{
	const uint8_t *bitmap = NULL;
	uint32_t type = info(code, PCRE2_INFO_FIRSTCODETYPE);
	uint32_t unit = info(code, PCRE2_INFO_FIRSTCODEUNIT);

	pcre2_pattern_info(code, PCRE2_INFO_FIRSTBITMAP, &bitmap);
	if (type == 1) {
		memset(first, 0, 32);
		byte_set_add(first, unit & 0xff);
		if ((unit | 0x20) >= 'a' && (unit | 0x20) <= 'z')
			byte_set_add(first, (unit ^ 0x20) & 0xff);
	} else if (bitmap) {
		memcpy(first, bitmap, 32);
	} else {
		memset(first, 0xff, 32);
	}
}

static void add_name(struct confirm *confirm, const char *name, uint32_t group)
{
	size_t i = 0;

	while (i < confirm->names && strcmp(confirm->name[i].name, name) != 0)
		i++;
	if (i == MATCH_CAPTURES || group >= GROUPS)
		return;
	if (i == confirm->names) {
		snprintf(confirm->name[i].name, sizeof confirm->name[i].name, "%s", name);
		confirm->names++;
	}
	if (confirm->name[i].count < 8)
		confirm->name[i].groups[confirm->name[i].count++] = group;
}

/* The name table is sorted by name; several groups may share one, (?J). */
static void find_names(struct confirm *confirm)
{
	uint32_t count = info(confirm->code, PCRE2_INFO_NAMECOUNT);
	uint32_t size = info(confirm->code, PCRE2_INFO_NAMEENTRYSIZE);
	const uint8_t *entry = NULL;

	pcre2_pattern_info(confirm->code, PCRE2_INFO_NAMETABLE, &entry);
	for (uint32_t i = 0; i < count; i++, entry += size)
		add_name(confirm, (const char *)entry + 2, (uint32_t)(entry[0] << 8 | entry[1]));
}

/* The facts PCRE2 knows only of the pattern as it stands, not of its anchored variant. */
static bool study(struct confirm *confirm, struct span pattern, struct confirm_problem *problem)
{
	pcre2_code *plain = confirm_code(pattern, 0, problem);
	size_t offset = 0;
	bool good = false;

	if (!plain)
		return false;
	if (pcre2_callout_enumerate(plain, has_callout, &offset) != 0)
		problem_set(problem, "R022", callout_start(pattern, offset), "callouts are not allowed");
	else if (info(plain, PCRE2_INFO_MATCHEMPTY))
		problem_set(problem, "R021", 0, "the pattern can match nothing at all");
	else if (info(plain, PCRE2_INFO_CAPTURECOUNT) >= GROUPS)
		problem_set(problem, "R023", 0, "more than 63 capture groups; use (?: … )");
	else
		good = true;
	find_first_bytes(plain, confirm->first);
	/* ^ looks at the byte before it, also inside a lookbehind, and is not counted */
	confirm->lookbehind = info(plain, PCRE2_INFO_MAXLOOKBEHIND) + 1;
	pcre2_code_free(plain);
	return good;
}

struct confirm *confirm_create(struct span pattern, struct confirm_problem *problem)
{
	struct confirm *confirm = mem_zeroed(1, sizeof *confirm);

	if (!study(confirm, pattern, problem) ||
		!(confirm->code = confirm_code(pattern, PCRE2_ANCHORED, problem))) {
		confirm_destroy(confirm);
		return NULL;
	}
	confirm->jit = pcre2_jit_compile(confirm->code, PCRE2_JIT_COMPLETE) == 0;
	find_names(confirm);
	return confirm;
}

void confirm_destroy(struct confirm *confirm)
{
	if (!confirm)
		return;
	pcre2_code_free(confirm->code);
	free(confirm);
}

size_t confirm_lookbehind(const struct confirm *confirm)
{
	return confirm->lookbehind;
}

bool confirm_has_jit(const struct confirm *confirm)
{
	return confirm->jit;
}

size_t confirm_captures(const struct confirm *confirm, const char *names[MATCH_CAPTURES])
{
	for (size_t i = 0; i < confirm->names; i++)
		names[i] = confirm->name[i].name;
	return confirm->names;
}

const uint8_t *confirm_first_bytes(const struct confirm *confirm)
{
	return confirm->first;
}

struct confirm_thread *confirm_thread_create(void)
{
	struct confirm_thread *thread = mem_zeroed(1, sizeof *thread);

	thread->data = pcre2_match_data_create(GROUPS, NULL);
	thread->context = pcre2_match_context_create(NULL);
	if (!thread->data || !thread->context) {
		confirm_thread_destroy(thread);
		return NULL;
	}
	/* no stack where JIT is not allowed: then none is needed */
	thread->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	if (thread->stack)
		pcre2_jit_stack_assign(thread->context, NULL, thread->stack);
	confirm_thread_limit(thread, CONFIRM_MATCH_LIMIT);
	return thread;
}

void confirm_thread_limit(struct confirm_thread *thread, uint32_t limit)
{
	thread->limit = limit;
}

unsigned confirm_strain(const struct confirm_thread *thread)
{
	return thread->strain;
}

void confirm_thread_destroy(struct confirm_thread *thread)
{
	if (!thread)
		return;
	pcre2_match_data_free(thread->data);
	pcre2_match_context_free(thread->context);
	pcre2_jit_stack_free(thread->stack);
	free(thread);
}

static void fill(const struct confirm *confirm, const PCRE2_SIZE *ovector, uint32_t pairs,
				 struct span subject, struct match *match)
{
	match->bytes = ovector[1] - ovector[0];
	match->extent = match->bytes;
	match->captures = confirm->names;
	match->built_size = 0;
	match->packed = MATCH_NOT_PACKED;
	match->work = 0;
	for (size_t i = 0; i < confirm->names; i++) {
		match->capture[i] = (struct match_capture){ .name = confirm->name[i].name };
		for (size_t j = 0; j < confirm->name[i].count; j++) {
			uint32_t group = confirm->name[i].groups[j];

			if (group < pairs && ovector[2 * group] != PCRE2_UNSET) {
				match->capture[i].text = span_part(subject, ovector[2 * group],
												   ovector[2 * group + 1] - ovector[2 * group]);
				break;
			}
		}
	}
}

static int match_within(const struct confirm *confirm, struct confirm_thread *thread,
						struct span subject, size_t at, uint32_t limit)
{
	pcre2_set_match_limit(thread->context, limit);
	return confirm->jit ? pcre2_jit_match(confirm->code, subject.data, subject.size, at, 0,
										  thread->data, thread->context)
						: pcre2_match(confirm->code, subject.data, subject.size, at, 0,
									  thread->data, thread->context);
}

/* PCRE2 does not say how far it was from its limit, so it gets a hundredth, a tenth and all of it,
 * until it comes to an end. Nearly all matches end within the first. */
static int match_anchored(const struct confirm *confirm, struct confirm_thread *thread,
						  struct span subject, size_t at)
{
	static const struct {
		uint32_t part;
		unsigned strain; /* where it was not enough */
	} steps[] = { { 100, 1 }, { 10, CONFIRM_STRAIN / 10 }, { 1, CONFIRM_STRAIN } };
	int result = PCRE2_ERROR_MATCHLIMIT;

	thread->strain = 0;
	for (size_t i = 0; i < sizeof steps / sizeof *steps && result == PCRE2_ERROR_MATCHLIMIT; i++) {
		result = match_within(confirm, thread, subject, at, thread->limit / steps[i].part);
		if (result == PCRE2_ERROR_MATCHLIMIT)
			thread->strain = steps[i].strain;
	}
	if (result < 0 && result != PCRE2_ERROR_NOMATCH)
		thread->strain = CONFIRM_STRAIN; /* another limit: the JIT stack's */
	return result;
}

enum confirm_result confirm_at(const struct confirm *confirm, struct confirm_thread *thread,
							   struct span subject, size_t at, struct match *match)
{
	const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(thread->data);
	int result = match_anchored(confirm, thread, subject, at);

	if (result == PCRE2_ERROR_NOMATCH)
		return CONFIRM_NO;
	if (result < 0)
		return CONFIRM_UNDECIDED;
	/* \K in a lookaround or a match of nothing would stall the caller */
	if (ovector[0] != at || ovector[1] <= at || ovector[1] > subject.size)
		return CONFIRM_NO;
	fill(confirm, ovector, (uint32_t)result, subject, match);
	return CONFIRM_YES;
}

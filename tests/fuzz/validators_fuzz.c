/* validators_fuzz: any bytes as what a pattern has matched, for every validator of the table.
 *
 * An input is "NAME:" or, where it does not start with a validator's name, a byte that chooses one
 * by its number; then a byte of how much the pattern has matched, one that puts its captures
 * somewhere, and the bytes. DUMPCORE_VALIDATOR=NAME takes that one for every input. The seeds are
 * the samples of the shipped rules. */
#include "tests/fuzz/fuzz.h"

#include "analyze/content/rule.h"
#include "analyze/content/rule_set.h"
#include "analyze/validators/validators.h"
#include "tests/support/promise.h"

#include <stdlib.h>
#include <string.h>

static size_t count_validators(void)
{
	size_t count = 0;

	while (validator_at(count))
		count++;
	return count;
}

/* Takes what chooses the validator off the input. */
static const struct validator *choose(struct span *input)
{
	const char *name = getenv("DUMPCORE_VALIDATOR");
	const struct validator *found = NULL;
	size_t taken = 1;

	for (size_t i = 0; validator_at(i); i++) {
		struct span own = span_string(validator_at(i)->name);

		if (span_equal(span_part(*input, 0, own.size), own) && input->size > own.size &&
			input->data[own.size] == ':') {
			found = validator_at(i);
			taken = own.size + 1;
		}
	}
	if (!found && input->size)
		found = validator_at(input->data[0] % count_validators());
	*input = span_part(*input, taken, input->size);
	return name && validator_find(name) ? validator_find(name) : found;
}

/* What PCRE2 could have found: a match at the start, captures inside it. */
static struct match make_match(const struct validator *validator, struct span bytes, uint8_t length,
							   uint8_t place)
{
	const char *const names[] = { validator->provides, "json", "title", "key", "length" };
	struct match match = { .bytes = length < bytes.size ? (size_t)length + !length : bytes.size };

	match.extent = match.bytes;
	for (size_t i = 0; place && i < sizeof names / sizeof *names; i++) {
		size_t at = place % match.bytes, size = match.bytes - at;

		if (names[i])
			match_set(&match, names[i], span_part(bytes, at, i ? size : size / 2));
	}
	return match;
}

static bool is_inside(struct span text, const void *start, size_t size)
{
	const uint8_t *from = start;

	return text.data >= from && text.data <= from + size &&
		   text.size <= size - (size_t)(text.data - from);
}

/* A word of the validator's own, "client", is a constant of the program; what was on a stack, or
 * was freed, is not. end(3) */
static bool is_constant(struct span text)
{
	extern const char __executable_start[], edata[];

	return is_inside(text, __executable_start, (size_t)(edata - __executable_start));
}

static void check(const struct match *match, struct span bytes, size_t matched)
{
	promise(match->bytes == matched, "what the pattern has matched is its own matter");
	promise(match->extent > 0 && match->extent <= bytes.size, "the extent is inside the bytes");
	promise(match->captures <= MATCH_CAPTURES && match->built_size <= sizeof match->built,
			"captures have room");
	for (size_t i = 0; i < match->captures; i++)
		promise(match->capture[i].name &&
					(!match->capture[i].text.data ||
					 is_inside(match->capture[i].text, bytes.data, bytes.size) ||
					 is_inside(match->capture[i].text, match->built, match->built_size) ||
					 is_constant(match->capture[i].text)),
				"a capture is of the bytes, built, or a constant");
	promise(!match->packed || match->packed_at < bytes.size, "a stream is inside the bytes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_make(data, size);
	const struct validator *validator = choose(&input);
	struct span bytes = span_part(input, 2, input.size);
	struct match match;
	size_t matched;

	if (!validator || input.size < 3)
		return 0;
	match = make_match(validator, bytes, input.data[0], input.data[1]);
	matched = match.bytes;
	if (validator->run(bytes, &match))
		check(&match, bytes, matched);
	return 0;
}

/* A sample from where the rule's pattern matches in it; its captures are where they were. */
static bool add_sample(const struct rule *rule, const struct validator *validator,
					   struct confirm_thread *thread, struct span sample, struct strbuf *out)
{
	struct match match;
	size_t at = 0, place = 0;

	while (at < sample.size && confirm_at(rule->confirm, thread, sample, at, &match) != CONFIRM_YES)
		at++;
	if (at == sample.size)
		return false;
	for (size_t i = 0; i < match.captures; i++)
		if (match.capture[i].text.data && match.capture[i].text.data > sample.data + at)
			place = (size_t)(match.capture[i].text.data - sample.data) - at;
	strbuf_printf(out, "%s:", validator->name);
	strbuf_putc(out, (char)(match.bytes < 255 ? match.bytes : 255));
	strbuf_putc(out, (char)(place < 255 ? place : 0));
	strbuf_add(out, sample.data + at, sample.size - at);
	return true;
}

/* The samples that match, rule by rule; each goes to each of its rule's validators. */
static bool find_sample(const struct rule_set *set, struct confirm_thread *thread, size_t index,
						struct strbuf *out)
{
	const char *only = getenv("DUMPCORE_VALIDATOR");

	for (size_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];

		for (size_t j = 0; j < rule->validator_count * rule->tests.count; j++) {
			const struct validator *validator = rule->validators[j % rule->validator_count];
			const struct rule_test *test = &rule->tests.items[j / rule->validator_count];

			if (!test->wants_match || (only && strcmp(only, validator->name) != 0))
				continue;
			if (index-- == 0) {
				if (!add_sample(rule, validator, thread, test->bytes, out))
					strbuf_printf(out, "%s:", validator->name);
				return true;
			}
		}
	}
	return false;
}

bool fuzz_seed(size_t index, struct strbuf *out)
{
	static const char *const paths[] = { "rules" }; /* from the repository's root */
	static struct rule_set *set;
	static struct confirm_thread *thread;
	rule_messages messages = { 0 };
	struct err err = { 0 };
	bool found;

	if (!set) {
		set = rule_set_create(paths, 1, &messages, &err);
		thread = confirm_thread_create();
	}
	found = set && thread && find_sample(set, thread, index, out);
	vec_deinit(&messages);
	if (!found) {
		rule_set_destroy(set);
		confirm_thread_destroy(thread);
		set = NULL;
		thread = NULL;
	}
	return found;
}

#include "tests/support/proof.h"

#include "analyze/validators/validators.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { MATCHED = 4, ROUNDS = 2000, FLIPS_MAX = 3 };

static unsigned digit_of(char c)
{
	assert_non_null(strchr("0123456789abcdef", c));
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

struct strbuf proof_hex(const char *hex)
{
	struct strbuf bytes = { 0 };

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		strbuf_putc(&bytes, (char)(digit_of(hex[0]) << 4 | digit_of(hex[1])));
		hex++;
	}
	return bytes;
}

size_t proof_run(const char *validator, struct span bytes, struct match *match)
{
	static uint8_t *copy;
	const struct validator *found = validator_find(validator);

	assert_non_null(found);
	free(copy);
	copy = mem_zeroed(bytes.size ? bytes.size : 1, 1);
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	*match = (struct match){ .bytes = bytes.size < MATCHED ? bytes.size : MATCHED };
	return found->run(span_make(copy, bytes.size), match) ? match->extent : 0;
}

size_t proof_run_hex(const char *validator, const char *hex, struct match *match)
{
	struct strbuf bytes = proof_hex(hex);
	size_t extent = proof_run(validator, strbuf_span(&bytes), match);

	strbuf_deinit(&bytes);
	return extent;
}

void proof_capture(const struct match *match, const char *name, const char *wanted)
{
	const struct match_capture *capture = match_find(match, name);

	assert_non_null(capture);
	if (!span_equal(capture->text, span_string(wanted)))
		fail_msg("%s is '%.*s', not '%s'", name, (int)capture->text.size,
				 (const char *)capture->text.data, wanted);
}

static size_t flip_each_bit(const char *validator, uint8_t *bytes, size_t size, size_t whole)
{
	struct match match;
	size_t passed = 0;

	for (size_t bit = 0; bit < size * 8; bit++) {
		size_t extent;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		extent = proof_run(validator, span_make(bytes, size), &match);
		assert_true(extent <= size);
		assert_true(!extent || match.packed_at <= size);
		passed += extent == whole;
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	return passed;
}

size_t proof_damage(const char *validator, struct span bytes)
{
	struct match match;
	size_t whole = proof_run(validator, bytes, &match), passed;
	uint8_t *copy = mem_zeroed(bytes.size, 1);

	assert_true(whole > 0 && whole <= bytes.size);
	for (size_t size = 0; size <= bytes.size; size++)
		assert_true(proof_run(validator, span_part(bytes, 0, size), &match) <= size);
	memcpy(copy, bytes.data, bytes.size);
	passed = flip_each_bit(validator, copy, bytes.size, whole);
	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		memcpy(copy, bytes.data, bytes.size);
		for (int flips = 1 + rand() % FLIPS_MAX; flips; flips--)
			copy[(size_t)rand() % bytes.size] ^= (uint8_t)(1 << rand() % 8);
		assert_true(proof_run(validator, span_make(copy, bytes.size), &match) <= bytes.size);
	}
	free(copy);
	return passed;
}

size_t proof_noise(const char *validator, struct span start, int rounds)
{
	enum { SIZE = 256 };
	size_t accepted = 0;
	uint8_t bytes[SIZE];
	struct match match;

	srand(10);
	while (rounds--) {
		for (size_t i = 0; i < SIZE; i++)
			bytes[i] = (uint8_t)(rand() >> 7);
		memcpy(bytes, start.data, start.size);
		accepted += proof_run(validator, span_make(bytes, SIZE), &match) > 0;
	}
	return accepted;
}

/* fuzz: what a fuzzed parser offers, to libFuzzer and to tests/fuzz/replay.c alike.
 *
 *     clang -fsanitize=fuzzer,address -I. … tests/fuzz/core_fuzz.c
 *
 * makes a fuzzer of it; build/fuzz/core_fuzz is the same with replay.c in the place of libFuzzer.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Feeds one input. Gives 0; whatever is wrong aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends valid input number `index` of the seed corpus; false where there is no such number. */
bool fuzz_seed(size_t index, struct strbuf *out);

#endif

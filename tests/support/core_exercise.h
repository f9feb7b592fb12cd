/* core_exercise: everything the reading side does with a file, for mutated and fuzzed ones. */
#ifndef TESTS_SUPPORT_CORE_EXERCISE_H
#define TESTS_SUPPORT_CORE_EXERCISE_H

#include "base/span.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens the bytes as a core, makes image and regions of it, reads every piece and every word at
 * their borders, verifies, closes. Checks what core.h, image.h and regions.h promise of any core:
 * order, no overlap, bytes inside the file. Gives whether the bytes were a core at all. */
bool core_exercise(struct span bytes);

/* Appends a valid file: one of several kinds of core, or a compressed one. False where there is no
 * such index. */
bool core_seed(size_t index, struct strbuf *out);

/* A repeatable sequence: changes *state and gives a number below `below`. */
uint64_t core_random(uint64_t *state, uint64_t below);

#endif

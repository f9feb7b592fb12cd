/* proof: runs a validator on bytes of a test. */
#ifndef TESTS_SUPPORT_PROOF_H
#define TESTS_SUPPORT_PROOF_H

#include "analyze/content/match.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* A string literal as bytes, NULs in it included. */
#define PROOF_BYTES(literal) span_make(literal, sizeof literal - 1)

/* Runs the validator on a copy of its own, so that a sanitizer sees a read beyond the bytes. The
 * pattern is taken to have matched the first byte. Gives the extent, 0 where it says no; captures
 * are valid until the next call. */
size_t proof_run(const char *validator, struct span bytes, struct match *match);

/* Has the match this capture with this text? */
bool proof_captured(const struct match *match, const char *name, const char *text);

/* Runs it on every shorter part of good bytes, and on `rounds` copies with one to three bits
 * flipped: the same ones every time. False where it has proven more bytes than there are. */
bool proof_survives(const char *validator, struct span good, int rounds);

/* Of `rounds` buffers of 256 random bytes that start with the same `start`, how many it accepts. */
size_t proof_accepts_noise(const char *validator, struct span start, int rounds);

#endif

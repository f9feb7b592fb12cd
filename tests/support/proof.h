/* proof: runs a validator in a test on bytes that are given in hex, whole, cut short and
 * damaged. */
#ifndef TESTS_SUPPORT_PROOF_H
#define TESTS_SUPPORT_PROOF_H

#include "analyze/validators/match.h"
#include "base/strbuf.h"

/* A string literal as bytes, NULs in it included. */
#define PROOF_BYTES(literal) span_make(literal, sizeof literal - 1)

/* Bytes by their hex digits, blanks between them as you like; the caller ends the buffer. */
struct strbuf proof_hex(const char *hex);

/* The extent the validator of that name proves for the bytes, of which the pattern matched the
 * first few; 0 where it says no. It works on a copy of exactly their size, so that a sanitizer
 * sees a read beyond it; captures in `match` are good until the next call. */
size_t proof_run(const char *validator, struct span bytes, struct match *match);

/* proof_run of hex digits. */
size_t proof_run_hex(const char *validator, const char *hex, struct match *match);

/* Asserts that the capture of that name is this text. */
void proof_capture(const struct match *match, const char *name, const char *wanted);

/* Cuts the bytes short at every length, flips each of their bits, and some at random: the
 * validator never proves more than there is. Gives how many of the single flips it still proves at
 * the full extent. */
size_t proof_damage(const char *validator, struct span bytes);

/* Of `rounds` buffers of 256 random bytes, the same ones every time, that all start with `start`:
 * how many it accepts. */
size_t proof_noise(const char *validator, struct span start, int rounds);

#endif

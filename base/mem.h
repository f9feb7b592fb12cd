/* mem: allocation that never returns NULL.
 *
 * Out of memory is the one trouble that is not handed upwards as a struct err: there is nothing a
 * caller could do, and the check at every call would never be tested. The process says so in one
 * line and ends with status 1. Hostile sizes never get this far: whoever reads a count from input
 * checks it against a stated maximum first. Nothing between a target's stop and its release
 * allocates, so this can never leave a target stopped (and the kernel resumes the target of a
 * tracer that ends). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed memory for count items; the caller frees it with free(). */
void *mem_zeroed(size_t count, size_t size);

/* realloc for count items of size bytes; new bytes are not zeroed. */
void *mem_resize(void *old, size_t count, size_t size);

/* A copy of the C string; the caller frees it. */
char *mem_string(const char *text);

#endif

/* registers: the general registers of a thread, by their names. */
#ifndef ANALYZE_INPUT_REGISTERS_H
#define ANALYZE_INPUT_REGISTERS_H

#include "analyze/input/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many there are: 0 where they were not captured. A capture of a process that was not stopped
 * knows pc and sp at most, of another moment than the memory. */
size_t registers_count(const struct core *core, const struct core_thread *thread);

/* Register `index`, below registers_count. */
uint64_t registers_get(const struct core *core, const struct core_thread *thread, size_t index);

/* "rax", "x0"; "" for an index the machine does not have. */
const char *registers_name(uint16_t machine, size_t index);

#endif

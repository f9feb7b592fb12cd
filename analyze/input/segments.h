/* segments: the PT_LOADs of a core as ranges of target memory with the bytes that are really there.
 * What the file does not hold, or holds only as zeros that nobody read, is a gap and has no bytes.
 */
#ifndef ANALYZE_INPUT_SEGMENTS_H
#define ANALYZE_INPUT_SEGMENTS_H

#include "analyze/input/core.h"
#include "analyze/input/elf_file.h"
#include "analyze/input/lost.h"

/* Fills core->segments from the headers, after the notes were taken. `lost` are ranges of the plain
 * file whose bytes are no evidence. Overlapping and impossible headers are
 * troubles, missing bytes are gaps and set core->truncated. */
void segments_take(struct core *core, const struct elf_file *elf, const lost_ranges *lost);

#endif

/* notes: the standard notes of a core, as the kernel (fs/binfmt_elf.c) and gdb's gcore write them.
 */
#ifndef ANALYZE_INPUT_NOTES_H
#define ANALYZE_INPUT_NOTES_H

#include "analyze/input/core.h"
#include "analyze/input/note.h"

/* What one note leaves for the next ones of the same core. Zero-initialised at the start. */
struct notes_state {
	uint32_t seen;      /* which kinds there were: a bit each */
	uint32_t tls_entry; /* of the last thread: the entry of NT_386_TLS that is its thread pointer */
};

/* Takes what a note tells: NT_PRSTATUS a thread, NT_PRPSINFO the process, NT_FILE the mapped files,
 * NT_AUXV page size, vdso and entry, NT_386_TLS and NT_ARM_TLS the last thread's thread pointer.
 * core->machine and core->word are set. Other notes are ignored, odd ones are troubles. */
void notes_take(struct core *core, struct notes_state *state, const struct note *note);

#endif

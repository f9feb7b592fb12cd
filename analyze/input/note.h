/* note: one ELF note after the other. Format: System V ABI, "Note Section"; the Linux kernel's
 * fs/binfmt_elf.c, writenote. */
#ifndef ANALYZE_INPUT_NOTE_H
#define ANALYZE_INPUT_NOTE_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct note {
	struct span owner; /* without its terminator */
	uint32_t type;
	struct span bytes; /* the description */
};

enum note_result {
	NOTE_READ,
	NOTE_END,     /* no more bytes, or zeros where a header should be: never written */
	NOTE_DAMAGED, /* a header that claims more bytes than there are */
};

/* Reads the next note. Name and description are padded to `alignment`: 4, or 8 where p_align of the
 * segment is 8. */
enum note_result note_next(struct cursor *cursor, unsigned alignment, struct note *note);

bool note_owner_is(const struct note *note, const char *owner);

#endif

/* notes: the standard notes of a core, in the layout of the kernel's fs/binfmt_elf.c. */
#ifndef DUMPCORE_NOTES_H
#define DUMPCORE_NOTES_H

#include "archive/proc_text.h"
#include "base/span.h"
#include "base/strbuf.h"
#include "base/vaddr.h"
#include "dumpcore/procfs.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Appends a whole note: header, owner, description, padding. */
void notes_put(struct strbuf *out, const char *owner, uint32_t type, const void *description,
			   size_t size);

/* A note whose description is filled in place. */
struct note_slot {
	void *bytes; /* zeroed room for the description; valid until the buffer grows */
	size_t head; /* offset of the note in the buffer */
	size_t at;   /* offset of the description */
};

/* Begins a note of up to `room` bytes; notes_close cuts it to what was filled, or takes it back
 * where that is 0. */
struct note_slot notes_open(struct strbuf *out, const char *owner, uint32_t type, size_t room);
void notes_close(struct strbuf *out, struct note_slot slot, size_t size);

/* NT_PRPSINFO. `cmdline` is /proc/PID/cmdline. */
void notes_put_process(struct strbuf *out, pid_t pid, uid_t uid, gid_t gid,
					   const struct procfs_stat *stat, struct span cmdline);

/* NT_FILE: every mapping of a file, offsets in pages as the kernel writes them. */
void notes_put_files(struct strbuf *out, const mappings *list, uint32_t page_size);

/* Bytes that notes_put_files needs at most. */
size_t notes_files_room(const mappings *list);

#endif

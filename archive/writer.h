/* writer: writes an archive in one pass (layout: archive/format.h). Every size is given before byte
 * 0; the calls then follow the order of the file:
 *
 *     writer_begin          headers
 *     writer_note …         the standard notes, exactly standard_bytes
 *     writer_note …         own notes, exactly own_bytes
 *     for each segment      writer_segment, then its bytes through the sink
 *     writer_trailer        outcome, late documents, checksums, filler
 *
 * A snapshot that is copied before it is known what there is to describe turns this around. Its
 * file can be rewritten (sink_rewrite), so the ELF header is filled in last:
 *
 *     writer_begin_memory   room for the ELF header
 *     for each segment      writer_segment, then its bytes; more bytes behind them at will
 *     writer_begin          with the final segments, which say where their bytes are: the other
 *                           headers, behind the memory, and the ELF header
 *     writer_note …         the notes, and writer_trailer as above
 *
 * Failures are the sink's and sticky; a call in the wrong order is a bug and asserts. Nothing here
 * allocates. */
#ifndef ARCHIVE_WRITER_H
#define ARCHIVE_WRITER_H

#include "archive/sink.h"
#include "base/span.h"
#include "base/vaddr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A PT_LOAD: whole pages. */
struct writer_segment {
	vaddr start;
	uint64_t bytes;
	uint32_t flags;  /* PF_R | PF_W | PF_X */
	uint64_t offset; /* in the file, a multiple of the page size; only where memory_first is set */
};

struct writer {
	/* Set by the caller before writer_begin. */
	struct sink *sink;
	uint16_t machine; /* EM_X86_64 */
	uint32_t page_size;
	const struct writer_segment *segments; /* ascending addresses; not owned */
	size_t segment_count;
	uint64_t standard_bytes; /* sum of writer_note_bytes of the standard notes */
	uint64_t own_bytes;      /* the same of the own notes */
	bool memory_first;       /* writer_begin_memory was called */

	/* Set by writer_begin. */
	uint64_t front_offset;   /* of the program headers */
	uint64_t memory_offset;  /* file offset of the first segment */
	uint64_t trailer_offset; /* = bytes covered by checksums */
	uint64_t trailer_bytes;
	uint64_t next_offset; /* of the next segment */
	size_t next_segment;
};

/* Bytes a note takes in the file: header, padded owner, padded description. */
uint64_t writer_note_bytes(const char *owner, uint64_t description_bytes);

/* Size of the whole plain file. */
uint64_t writer_file_bytes(const struct writer *writer);

/* Most bytes that the notes given to writer_trailer may take together. */
uint64_t writer_trailer_room(void);

/* Computes the layout (so the sizes above can be asked before anything is written). */
void writer_layout(struct writer *writer);

/* Begins with the memory: its first segment follows. */
void writer_begin_memory(struct writer *writer);

/* Lays out and writes the headers. */
void writer_begin(struct writer *writer);

/* A whole note. */
void writer_note(struct writer *writer, const char *owner, uint32_t type, struct span description);

/* A note whose description the caller writes in pieces: begin, writer_bytes …, end. */
void writer_note_begin(struct writer *writer, const char *owner, uint32_t type,
					   uint64_t description_bytes);
void writer_bytes(struct writer *writer, const void *bytes, size_t size);
void writer_note_end(struct writer *writer);

/* FORMAT_NOTE_DOCUMENT. */
void writer_document(struct writer *writer, const char *name, struct span text);
uint64_t writer_document_bytes(const char *name, uint64_t text_bytes);

/* Moves to the start of the next segment; its bytes follow through sink_room, sink_commit and
 * sink_hole, all `bytes` of them. */
void writer_segment(struct writer *writer);

/* The trailer, from the outcome's JSON and finished late notes (whole notes, may be empty), which
 * together fit writer_trailer_room. Segments that were not written become holes. */
void writer_trailer(struct writer *writer, struct span outcome, struct span late_notes);

#endif

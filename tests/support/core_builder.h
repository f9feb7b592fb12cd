/* core_builder: ELF cores made in a few lines, for every test that needs one.
 *
 *     struct core_builder builder;
 *     core_builder_init(&builder, EM_X86_64);
 *     core_builder_segment(&builder, 0x10000, bytes, sizeof bytes, PF_R | PF_W);
 *     core_builder_thread(&builder, 42, pc, sp, fs_base);
 *     assert_true(core_builder_open(&builder, &core, &err));
 *     …
 *     core_close(&core);
 *     core_builder_deinit(&builder);
 *
 * Without documents, pages, facts and outcome the core looks like the kernel's; any of them makes
 * it look like an archive of dumpcore. Everything given is copied. */
#ifndef TESTS_SUPPORT_CORE_BUILDER_H
#define TESTS_SUPPORT_CORE_BUILDER_H

#include "analyze/input/core.h"
#include "archive/capture.h"
#include "archive/page_map.h"
#include "base/strbuf.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core_builder_segment {
	vaddr start;
	uint64_t memory_bytes;
	uint8_t *bytes;
	size_t size;
	uint32_t flags;
	uint64_t file_offset; /* set when the core is built */
};

struct core_builder_file {
	struct range range;
	uint64_t offset;
	char *path;
};

struct core_builder {
	/* May be changed between init and build. */
	uint16_t machine;
	unsigned word;           /* 4 or 8: ELF class */
	uint16_t type;           /* ET_CORE */
	bool big_endian;         /* of the headers */
	bool extended;           /* write PN_XNUM and the count into section header 0 */
	bool checksums;          /* write FORMAT_NOTE_CHECKSUMS into the trailer; true */
	uint32_t file_page_size; /* unit of NT_FILE's offsets: 4096; gdb writes 1 */

	VEC(struct core_builder_segment) segments;
	VEC(struct core_builder_file) files;
	struct page_map page_map;
	uint64_t outcome_sum; /* of the outcome note, for the checksum note */
	struct strbuf standard_notes, own_notes, trailer_notes, auxv;
	uint64_t notes_offset, trailer_offset; /* file offsets, set when the core is built */
};

/* `machine` is EM_X86_64, EM_386 or EM_AARCH64; others get the word size 8. */
void core_builder_init(struct core_builder *builder, uint16_t machine);
void core_builder_deinit(struct core_builder *builder);

/* A PT_LOAD with all its bytes. Gives the builder's copy, which the caller may change until the
 * core is built; NULL bytes make a zeroed one. */
uint8_t *core_builder_segment(struct core_builder *builder, vaddr start, const void *bytes,
							  size_t size, uint32_t flags);

/* A PT_LOAD of which the writer left bytes out: p_filesz < p_memsz. */
void core_builder_segment_part(struct core_builder *builder, vaddr start, uint64_t memory_bytes,
							   const void *bytes, size_t size, uint32_t flags);

/* Standard notes. tp goes where the machine's PRSTATUS has a place for it (x86_64), else to
 * NT_ARM_TLS or NT_386_TLS; 0 leaves those notes out. */
void core_builder_thread(struct core_builder *builder, uint32_t tid, vaddr pc, vaddr sp, vaddr tp);
void core_builder_process(struct core_builder *builder, uint32_t pid, const char *comm,
						  const char *arguments);
void core_builder_file(struct core_builder *builder, struct range range, uint64_t offset,
					   const char *path);
void core_builder_auxv(struct core_builder *builder, uint64_t key, uint64_t value);

/* Any note among the standard ones, behind those added so far. */
void core_builder_note(struct core_builder *builder, const char *owner, uint32_t type,
					   const void *bytes, size_t size);

/* Own notes. Pages must come in ascending order. */
void core_builder_facts(struct core_builder *builder, const struct capture_facts *facts);
void core_builder_pages(struct core_builder *builder, struct range range, enum page_state state);
void core_builder_document(struct core_builder *builder, const char *name, const char *text);
void core_builder_own_note(struct core_builder *builder, uint32_t type, const void *bytes,
						   size_t size);

/* The trailer with its outcome and checksums. */
void core_builder_outcome(struct core_builder *builder, const struct capture_outcome *outcome);

/* Appends the whole file to out. May be called once. */
void core_builder_build(struct core_builder *builder, struct strbuf *out);

/* Builds and opens it with one worker. The caller ends with core_close in every case. */
bool core_builder_open(struct core_builder *builder, struct core *core, struct err *err);

/* Opens bytes as core_open would open a file of them. */
bool core_builder_open_bytes(struct span bytes, unsigned workers, struct core *core,
							 struct err *err);

/* Compresses into independent frames of frame_bytes plain bytes each with checksums, and a seek
 * table where `seekable`; frame_bytes 0 makes one frame without its size in the header, as
 * `zstd <FILE` does. */
void core_builder_compress(struct span plain, size_t frame_bytes, bool seekable,
						   struct strbuf *out);

#endif

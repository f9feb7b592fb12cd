/* elf_file: the headers of an ELF core, and a clear refusal of any other file.
 *
 * Format: System V ABI, "Object Files" and "Program Header"; extended numbering: elf(5), PN_XNUM.
 */
#ifndef ANALYZE_INPUT_ELF_FILE_H
#define ANALYZE_INPUT_ELF_FILE_H

#include "base/err.h"
#include "base/span.h"
#include "base/vec.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised is empty. */
struct elf_file {
	uint16_t machine;       /* EM_X86_64, EM_386 or EM_AARCH64, always little-endian */
	unsigned word;          /* 4 or 8 */
	uint64_t headers_meant; /* program headers the file says it has; more than are in it if cut */
	VEC(GElf_Phdr) headers; /* in file order; offsets and sizes are unchecked */
};

/* Reads the headers. Anything but a core of a machine this program reads is an error that says what
 * the file is and what to do; `path` is for its text. At most FORMAT_MAX_PROGRAM_HEADERS. The
 * caller ends with elf_file_deinit in every case. */
bool elf_file_read(struct elf_file *file, struct span bytes, const char *path, struct err *err);
void elf_file_deinit(struct elf_file *file);

#endif

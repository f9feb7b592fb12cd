/* format: the archive, as dumpcore writes it and analyze reads it. docs/archive-format.md says the
 * same in words; both change together.
 *
 * The archive is an ELF core (ET_CORE, System V ABI) written in one pass:
 *
 *     ELF header, program headers, section headers
 *     PT_NOTE  standard notes, owner "CORE" / "LINUX", in the order gdb's gcore writes them
 *     PT_NOTE  own notes, owner "DUMPCORE": capture, page map, documents
 *     PT_LOAD  one for each captured run of pages; p_filesz == p_memsz
 *     PT_NOTE  trailer, owner "DUMPCORE": outcome, checksums, filler; its size is fixed in advance
 *
 * Section headers exist so that `eu-readelf -n` shows the notes (one SHT_NOTE section over each
 * PT_NOTE) and to carry the program header count beyond 65,534 (PN_XNUM, in sh_info of section 0).
 * Where the file is compressed it is a sequence of independent zstd frames of FORMAT_FRAME_BYTES
 * plain bytes each with content checksums, closed by a seek table: a skippable frame as in zstd's
 * contrib/seekable_format/zstd_seekable_compression_format.md (version 0.1.1). */
#ifndef ARCHIVE_FORMAT_H
#define ARCHIVE_FORMAT_H

#include <stdint.h>

#define FORMAT_NOTE_OWNER "DUMPCORE"

enum { FORMAT_VERSION = 1 };

/* Note types. They start high because gdb takes any note of type 1 (NT_PRSTATUS), whatever its
 * owner, for a thread. */
enum format_note {
	/* UTF-8 JSON object: struct capture_facts of archive/capture.h. Written before the memory. */
	FORMAT_NOTE_CAPTURE = 0x44430001,
	/* struct format_page_map and its runs. */
	FORMAT_NOTE_PAGE_MAP = 0x44430002,
	/* A named document, verbatim: the name, a NUL, then the bytes. */
	FORMAT_NOTE_DOCUMENT = 0x44430003,
	/* UTF-8 JSON object: struct capture_outcome of archive/capture.h. In the trailer. */
	FORMAT_NOTE_OUTCOME = 0x44430004,
	/* struct format_checksums and its sums. In the trailer. */
	FORMAT_NOTE_CHECKSUMS = 0x44430005,
	/* Zeros that fill the trailer to its fixed size. Last note of the trailer. */
	FORMAT_NOTE_FILLER = 0x44430006,
};

/* What is known of a page at the time of the capture. */
enum page_state {
	PAGE_ABSENT = 0,     /* never touched or given back: costs nothing */
	PAGE_PRESENT = 1,    /* resident, counted in the RSS */
	PAGE_SWAPPED = 2,    /* on a swap device */
	PAGE_ZERO = 3,       /* mapped to the kernel's shared zero page: present, not in the RSS */
	PAGE_UNREADABLE = 4, /* present, but reading it failed */
	PAGE_TORN = 5,       /* present, read while the target could write it */
	PAGE_STATES
};

/* Page map: this header, then `runs` times struct format_page_run sorted by address, not
 * overlapping. Addresses in no run were not asked about: their residency is unknown.
 * All fields have the byte order of the ELF header. */
struct format_page_map {
	uint32_t version;   /* FORMAT_VERSION */
	uint32_t page_size; /* bytes */
	uint64_t runs;
};

struct format_page_run {
	uint64_t start;           /* address of the first page */
	uint64_t pages_and_state; /* pages << 8 | enum page_state */
};

/* Checksums of the plain (not compressed) file: XXH3-64 with seed 0 of each block of block_bytes
 * from offset 0 up to the start of the trailer; the last block may be shorter. Holes count as
 * zeros. This header, then `blocks` times uint64_t. */
struct format_checksums {
	uint32_t version;   /* FORMAT_VERSION */
	uint32_t algorithm; /* FORMAT_XXH3_64 */
	uint64_t block_bytes;
	uint64_t covered_bytes; /* = file offset of the trailer */
	uint64_t blocks;
	uint64_t outcome_sum; /* of the outcome note's description, which lies behind covered_bytes */
};

enum { FORMAT_XXH3_64 = 1 };

enum {
	FORMAT_BLOCK_BYTES = 1 << 20,     /* checksum block */
	FORMAT_FRAME_BYTES = 2 << 20,     /* plain bytes of a zstd frame */
	FORMAT_TRAILER_BYTES = 256 << 10, /* outcome and late documents; checksums come on top */
	FORMAT_HOLE_BYTES = 1 << 20,      /* a PT_LOAD is split where this much is not resident */
};

/* zstd seekable format 0.1.1: magic of the skippable frame and of its footer. */
#define FORMAT_ZSTD_SKIPPABLE UINT32_C(0x184D2A5E)
#define FORMAT_ZSTD_SEEKABLE UINT32_C(0x8F92EAB1)

/* Limits a reader enforces before it allocates. */
#define FORMAT_MAX_PROGRAM_HEADERS (UINT64_C(1) << 22)
#define FORMAT_MAX_NOTE_BYTES (UINT64_C(1) << 32)
#define FORMAT_MAX_PAGE_RUNS (UINT64_C(1) << 27)
#define FORMAT_MAX_THREADS (UINT64_C(1) << 20)

/* Names of documents a capture keeps. Per-thread documents are "task/TID/comm" and
 * "task/TID/status"; cgroup files are "cgroup/memory.current" and so on. */
#define FORMAT_DOCUMENT_SMAPS "smaps"
#define FORMAT_DOCUMENT_MAPS "maps"     /* read while the target is stopped, as the page map is */
#define FORMAT_DOCUMENT_STATUS "status" /* read while the target is stopped */
#define FORMAT_DOCUMENT_LIMITS "limits"
#define FORMAT_DOCUMENT_CMDLINE "cmdline"
#define FORMAT_DOCUMENT_CGROUP "cgroup"

#endif

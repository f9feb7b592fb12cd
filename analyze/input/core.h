/* core: an ELF core file opened for reading, whoever wrote it: our archive, plain or compressed,
 * gdb's gcore, the kernel, systemd-coredump.
 *
 * It says what is in the file and nothing more; what the bytes mean is for the stages above. */
#ifndef ANALYZE_INPUT_CORE_H
#define ANALYZE_INPUT_CORE_H

#include "archive/capture.h"
#include "archive/page_map.h"
#include "base/err.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/span.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* A PT_LOAD. `bytes` are those in the file: fewer than memory_bytes where the writer left some out
 * (p_filesz < p_memsz) or the file is cut short. */
struct core_segment {
	vaddr start;
	uint64_t memory_bytes;
	uint32_t flags; /* PF_R | PF_W | PF_X */
	struct span bytes;
};

/* A thread, from NT_PRSTATUS. The first one in the file is the one gdb takes as current. */
struct core_thread {
	uint32_t tid;
	vaddr pc;
	vaddr sp;
	vaddr tp;      /* thread pointer: fs_base (x86_64); 0 where the notes do not tell */
	char name[16]; /* from a captured document; "" where there is none */
	/* pr_reg of NT_PRSTATUS: words of the machine, little-endian (analyze/input/registers.h) */
	struct span registers;
};

/* A file mapping, from NT_FILE. */
struct core_file {
	struct range range;
	uint64_t offset;  /* bytes */
	const char *path; /* in the core's pool */
};

struct core_document {
	const char *name; /* in the core's pool */
	struct span text;
};

enum core_writer {
	CORE_BY_DUMPCORE,
	CORE_BY_OTHERS, /* gcore, kernel: no page map, no documents */
};

struct core {
	struct file_map file; /* the file as given */
	struct span plain;    /* the ELF bytes: file.bytes, or the decompressed copy */
	unsigned workers;     /* threads that let go of those in the end */
	bool compressed;
	enum core_writer writer;

	unsigned word;    /* 4 or 8 */
	uint16_t machine; /* EM_X86_64, EM_386, EM_AARCH64 */
	uint32_t page_size;

	VEC(struct core_segment) segments; /* by ascending address, not overlapping */
	VEC(struct core_thread) threads;
	VEC(struct core_file) files;
	VEC(struct core_document) documents;

	uint32_t pid; /* from NT_PRPSINFO; 0 where missing */
	char comm[17];
	char arguments[81];
	vaddr vdso;  /* from NT_AUXV: start of the vdso; 0 where missing */
	vaddr entry; /* from NT_AUXV: an address in the executable; 0 where missing */

	bool has_page_map;
	struct page_map page_map;
	bool has_facts;
	struct capture_facts facts;
	bool has_outcome; /* false for an archive that did not reach its trailer */
	struct capture_outcome outcome;
	/* Facts' and outcome's gaps, what a cut or damaged file lost, and what another writer left out;
	 * by address. No segment has bytes for what could not be read. */
	capture_gaps gaps;
	struct span checksums;    /* FORMAT_NOTE_CHECKSUMS, for core_verify; empty where missing */
	struct span outcome_note; /* the text that outcome was read from, for core_verify */

	bool truncated;             /* the file ends before the last segment or the trailer does */
	VEC(const char *) troubles; /* one line each: odd notes, bad frames, what was ignored */
	struct pool pool;
};

/* Opens and reads the file's structure. Compressed files are decompressed once, frames in parallel,
 * into an unlinked file in $TMPDIR (else /var/tmp, else /tmp). What is damaged costs what is
 * damaged: it goes to troubles, truncated and gaps; only a file that is no core at all, of a
 * machine this program cannot read, or empty, is an error. The caller ends with core_close in every
 * case. */
bool core_open(struct core *core, const char *path, unsigned workers, struct progress *progress,
			   struct err *err);
void core_close(struct core *core);

/* Did the process run while it was read, or while the last part of it was? */
bool core_is_torn(const struct core *core);

/* The document's text; an empty span where it was not captured. */
struct span core_document(const struct core *core, const char *name);

/* Verifies block checksums and completeness of a dumpcore archive. Appends one line a finding to
 * `findings` (pool strings); gives true where everything holds. */
typedef VEC(const char *) core_findings;
bool core_verify(const struct core *core, unsigned workers, struct progress *progress,
				 struct pool *pool, core_findings *findings);

#endif

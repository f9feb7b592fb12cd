#include "analyze/input/notes.h"

#include "analyze/input/trouble.h"
#include "archive/format.h"

#include <elf.h>
#include <string.h>

/* Where a machine's NT_PRSTATUS has what. struct elf_prstatus: include/linux/elfcore.h; registers:
 * struct user_regs_struct of arch/x86/include/asm/user_64.h and user_32.h, struct user_pt_regs of
 * arch/arm64/include/uapi/asm/ptrace.h. */
struct prstatus_layout {
	uint16_t machine;
	unsigned word;
	unsigned bytes;
	unsigned pid, pc, sp;
	unsigned tp;       /* 0: not in this note */
	unsigned selector; /* %gs, whose index selects the entry of NT_386_TLS; 0: none */
	unsigned registers, registers_bytes; /* pr_reg */
};

static const struct prstatus_layout prstatus_layouts[] = {
	{ EM_X86_64, 8, 336, 32, 112 + 16 * 8, 112 + 19 * 8, 112 + 21 * 8, 0, 112, 27 * 8 },
	{ EM_386, 4, 144, 24, 72 + 12 * 4, 72 + 15 * 4, 0, 72 + 10 * 4, 72, 17 * 4 },
	{ EM_AARCH64, 8, 392, 32, 112 + 32 * 8, 112 + 31 * 8, 0, 0, 112, 34 * 8 },
};

/* Where NT_PRPSINFO of a word size has what: struct elf_prpsinfo of include/linux/elfcore.h. */
struct prpsinfo_layout {
	unsigned word;
	unsigned bytes;
	unsigned pid, comm, arguments;
};

static const struct prpsinfo_layout prpsinfo_layouts[] = {
	{ 8, 136, 24, 40, 56 },
	{ 4, 124, 12, 28, 44 },
};

enum { COMM_BYTES = 16, ARGUMENTS_BYTES = 80 };

/* The integer of `size` bytes at the offset; 0 where it is not there. */
static uint64_t integer_at(struct span bytes, size_t offset, unsigned size)
{
	struct cursor cursor = cursor_make(bytes, false);

	cursor_skip(&cursor, offset);
	return cursor_word(&cursor, size);
}

static const struct prstatus_layout *find_prstatus(const struct core *core)
{
	for (size_t i = 0; i < sizeof prstatus_layouts / sizeof *prstatus_layouts; i++)
		if (prstatus_layouts[i].machine == core->machine && prstatus_layouts[i].word == core->word)
			return &prstatus_layouts[i];
	return NULL;
}

static void take_thread(struct core *core, struct notes_state *state, const struct note *note)
{
	const struct prstatus_layout *layout = find_prstatus(core);
	struct core_thread *thread;

	if (!layout || note->bytes.size < layout->bytes) {
		trouble_add(core, "a thread's NT_PRSTATUS of %zu bytes is too short and was ignored",
					note->bytes.size);
		return;
	}
	if (core->threads.count >= FORMAT_MAX_THREADS) {
		trouble_add(core, "more than %llu threads: the rest were ignored",
					(unsigned long long)FORMAT_MAX_THREADS);
		return;
	}
	thread = vec_add(&core->threads);
	thread->tid = (uint32_t)integer_at(note->bytes, layout->pid, 4);
	thread->pc = integer_at(note->bytes, layout->pc, layout->word);
	thread->sp = integer_at(note->bytes, layout->sp, layout->word);
	thread->registers = span_part(note->bytes, layout->registers, layout->registers_bytes);
	if (layout->tp)
		thread->tp = integer_at(note->bytes, layout->tp, layout->word);
	/* Until NT_386_TLS comes: the number of the entry that will hold the base. */
	if (layout->selector)
		state->tls_entry = (uint32_t)integer_at(note->bytes, layout->selector, 4) >> 3;
}

/* struct user_desc[3] of arch/x86/include/uapi/asm/ldt.h: entry number, base, limit, flags. */
static void take_i386_tls(struct core *core, struct notes_state *state, const struct note *note)
{
	struct cursor cursor = cursor_make(note->bytes, false);

	while (cursor_left(&cursor) >= 16) {
		uint32_t entry = cursor_u32(&cursor), base = cursor_u32(&cursor);

		cursor_skip(&cursor, 8);
		if (entry == state->tls_entry)
			core->threads.items[core->threads.count - 1].tp = base;
	}
}

static void take_arm_tls(struct core *core, struct notes_state *state, const struct note *note)
{
	(void)state;
	core->threads.items[core->threads.count - 1].tp = integer_at(note->bytes, 0, 8);
}

/* A field of fixed size that ends at its first NUL. */
static void take_text(struct span bytes, size_t offset, size_t size, char *to)
{
	struct span field = span_part(bytes, offset, size);
	size_t i;

	for (i = 0; i < field.size && field.data[i]; i++)
		to[i] = (char)field.data[i];
	to[i] = '\0';
}

static void take_process(struct core *core, struct notes_state *state, const struct note *note)
{
	(void)state;
	for (size_t i = 0; i < sizeof prpsinfo_layouts / sizeof *prpsinfo_layouts; i++) {
		const struct prpsinfo_layout *layout = &prpsinfo_layouts[i];

		if (layout->word != core->word)
			continue;
		if (note->bytes.size < layout->bytes) {
			trouble_add(core, "NT_PRPSINFO of %zu bytes is too short and was ignored",
						note->bytes.size);
			return;
		}
		core->pid = (uint32_t)integer_at(note->bytes, layout->pid, 4);
		take_text(note->bytes, layout->comm, COMM_BYTES, core->comm);
		take_text(note->bytes, layout->arguments, ARGUMENTS_BYTES, core->arguments);
	}
}

/* Keys: AT_… of elf.h; a key of 0 ends the vector. */
static void take_auxv(struct core *core, struct notes_state *state, const struct note *note)
{
	struct cursor cursor = cursor_make(note->bytes, false);

	(void)state;
	while (cursor_left(&cursor) >= 2 * core->word) {
		uint64_t key = cursor_word(&cursor, core->word);
		uint64_t value = cursor_word(&cursor, core->word);

		if (key == AT_NULL)
			break;
		if (key == AT_PAGESZ && value >= 4096 && value <= 1 << 20 && !(value & (value - 1)))
			core->page_size = (uint32_t)value;
		else if (key == AT_SYSINFO_EHDR)
			core->vdso = value;
		else if (key == AT_ENTRY)
			core->entry = value;
	}
}

/* fs/binfmt_elf.c, fill_files_note: count, unit of the offsets, count times start, end, offset,
 * then as many names. gdb's unit is 1. */
static void take_files(struct core *core, struct notes_state *state, const struct note *note)
{
	struct cursor cursor = cursor_make(note->bytes, false);
	uint64_t count = cursor_word(&cursor, core->word);
	uint64_t unit = cursor_word(&cursor, core->word);
	struct cursor names;

	(void)state;
	if (!cursor_ok(&cursor) || count > cursor_left(&cursor) / (3 * core->word + 1)) {
		trouble_add(core, "NT_FILE claims %llu files in %zu bytes and was ignored",
					(unsigned long long)count, note->bytes.size);
		return;
	}
	names = cursor;
	cursor_skip(&names, (size_t)count * 3 * core->word);
	for (uint64_t i = 0; i < count; i++) {
		struct core_file file = { 0 };
		struct span name = cursor_cstring(&names);

		file.range.start = cursor_word(&cursor, core->word);
		file.range.end = cursor_word(&cursor, core->word);
		file.offset = cursor_word(&cursor, core->word) * unit;
		if (!cursor_ok(&names)) {
			trouble_add(core, "NT_FILE has names for %llu of its %llu files only",
						(unsigned long long)i, (unsigned long long)count);
			return;
		}
		file.path = pool_span(&core->pool, name);
		if (file.range.start < file.range.end)
			*vec_add(&core->files) = file;
	}
}

struct note_row {
	const char *owner;
	uint32_t type;
	bool once;         /* a second one is ignored, with a trouble */
	bool needs_thread; /* it belongs to the thread before it */
	void (*take)(struct core *core, struct notes_state *state, const struct note *note);
};

static const struct note_row note_rows[] = {
	{ "CORE", NT_PRSTATUS, false, false, take_thread },
	{ "CORE", NT_PRPSINFO, true, false, take_process },
	{ "CORE", NT_AUXV, true, false, take_auxv },
	{ "CORE", NT_FILE, true, false, take_files },
	{ "LINUX", NT_386_TLS, false, true, take_i386_tls },
	{ "LINUX", NT_ARM_TLS, false, true, take_arm_tls },
};

_Static_assert(sizeof note_rows / sizeof *note_rows <= 32, "a bit for each row");

void notes_take(struct core *core, struct notes_state *state, const struct note *note)
{
	for (size_t i = 0; i < sizeof note_rows / sizeof *note_rows; i++) {
		const struct note_row *row = &note_rows[i];

		if (row->type != note->type || !note_owner_is(note, row->owner))
			continue;
		if (row->needs_thread && !core->threads.count)
			return;
		if (row->once && state->seen & 1u << i) {
			trouble_add(core, "a second note of type %u was ignored", note->type);
			return;
		}
		state->seen |= 1u << i;
		row->take(core, state, note);
	}
}

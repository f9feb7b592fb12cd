#include "tests/support/core_builder.h"

#include "archive/format.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

enum { PAGE = 4096, MAX_HEADERS = 1 << 20, TLS_ENTRY = 6 };

/* Offsets in NT_PRSTATUS: struct elf_prstatus of the kernel's include/linux/elfcore.h with each
 * machine's registers. */
struct prstatus_row {
	uint16_t machine;
	unsigned word, size, pid, pc, sp, tp, selector;
};

static const struct prstatus_row prstatus_rows[] = {
	{ EM_X86_64, 8, 336, 32, 240, 264, 280, 0 },
	{ EM_386, 4, 144, 24, 120, 132, 0, 112 },
	{ EM_AARCH64, 8, 392, 32, 368, 360, 0, 0 },
};

static const struct prstatus_row *find_row(uint16_t machine)
{
	for (size_t i = 0; i < sizeof prstatus_rows / sizeof *prstatus_rows; i++)
		if (prstatus_rows[i].machine == machine)
			return &prstatus_rows[i];
	return &prstatus_rows[0];
}

void core_builder_init(struct core_builder *builder, uint16_t machine)
{
	*builder = (struct core_builder){ .machine = machine,
									  .word = find_row(machine)->word,
									  .type = ET_CORE,
									  .checksums = true,
									  .file_page_size = PAGE };
	builder->page_map.page_size = PAGE;
}

void core_builder_deinit(struct core_builder *builder)
{
	for (size_t i = 0; i < builder->segments.count; i++)
		free(builder->segments.items[i].bytes);
	for (size_t i = 0; i < builder->files.count; i++)
		free(builder->files.items[i].path);
	vec_deinit(&builder->segments);
	vec_deinit(&builder->files);
	page_map_deinit(&builder->page_map);
	strbuf_deinit(&builder->standard_notes);
	strbuf_deinit(&builder->own_notes);
	strbuf_deinit(&builder->trailer_notes);
	strbuf_deinit(&builder->auxv);
}

/* An integer of `size` bytes in the builder's byte order. */
static void put(const struct core_builder *builder, struct strbuf *out, uint64_t value,
				unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned shift = 8 * (builder->big_endian ? size - 1 - i : i);

		strbuf_putc(out, (char)(value >> shift & 0xff));
	}
}

static void put_word(const struct core_builder *builder, struct strbuf *out, uint64_t value)
{
	put(builder, out, value, builder->word);
}

static void put_at(uint8_t *to, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static void pad_to(struct strbuf *out, size_t alignment)
{
	strbuf_pad(out, '\0', (alignment - out->size % alignment) % alignment);
}

static void put_note(const struct core_builder *builder, struct strbuf *out, const char *owner,
					 uint32_t type, struct span bytes)
{
	put(builder, out, strlen(owner) + 1, 4);
	put(builder, out, bytes.size, 4);
	put(builder, out, type, 4);
	strbuf_add(out, owner, strlen(owner) + 1);
	pad_to(out, 4);
	if (bytes.size)
		strbuf_add(out, bytes.data, bytes.size);
	pad_to(out, 4);
}

uint8_t *core_builder_segment(struct core_builder *builder, vaddr start, const void *bytes,
							  size_t size, uint32_t flags)
{
	core_builder_segment_part(builder, start, size, bytes, size, flags);
	return builder->segments.items[builder->segments.count - 1].bytes;
}

void core_builder_segment_part(struct core_builder *builder, vaddr start, uint64_t memory_bytes,
							   const void *bytes, size_t size, uint32_t flags)
{
	uint8_t *copy = mem_zeroed(size ? size : 1, 1);

	if (bytes && size)
		memcpy(copy, bytes, size);
	*vec_add(&builder->segments) =
		(struct core_builder_segment){ start, memory_bytes, copy, size, flags, 0 };
}

void core_builder_note(struct core_builder *builder, const char *owner, uint32_t type,
					   const void *bytes, size_t size)
{
	put_note(builder, &builder->standard_notes, owner, type, span_make(bytes, size));
}

/* Where the thread pointer is no register of PRSTATUS. i386: three of struct user_desc; the
 * selector in %gs tells which of them. */
static void add_tls_note(struct core_builder *builder, vaddr tp)
{
	uint8_t bytes[48] = { 0 };

	if (builder->machine == EM_AARCH64) {
		put_at(bytes, tp, 8);
		core_builder_note(builder, "LINUX", NT_ARM_TLS, bytes, 8);
	} else if (builder->machine == EM_386) {
		for (unsigned i = 0; i < 3; i++) {
			put_at(bytes + 16 * i, TLS_ENTRY - 1 + i, 4);
			put_at(bytes + 16 * i + 4, i == 1 ? tp : 0xbad, 4);
		}
		core_builder_note(builder, "LINUX", NT_386_TLS, bytes, sizeof bytes);
	}
}

void core_builder_thread(struct core_builder *builder, uint32_t tid, vaddr pc, vaddr sp, vaddr tp)
{
	const struct prstatus_row *row = find_row(builder->machine);
	uint8_t status[512] = { 0 };

	put_at(status + row->pid, tid, 4);
	put_at(status + row->pc, pc, row->word);
	put_at(status + row->sp, sp, row->word);
	if (row->tp)
		put_at(status + row->tp, tp, row->word);
	if (row->selector)
		put_at(status + row->selector, TLS_ENTRY << 3 | 3, 4);
	core_builder_note(builder, "CORE", NT_PRSTATUS, status, row->size);
	if (tp)
		add_tls_note(builder, tp);
}

void core_builder_process(struct core_builder *builder, uint32_t pid, const char *comm,
						  const char *arguments)
{
	size_t pid_at = builder->word == 8 ? 24 : 12, comm_at = builder->word == 8 ? 40 : 28;
	char info[136] = { 0 };

	put_at((uint8_t *)info + pid_at, pid, 4);
	snprintf(info + comm_at, 16, "%s", comm);
	snprintf(info + comm_at + 16, 80, "%s", arguments);
	core_builder_note(builder, "CORE", NT_PRPSINFO, info, builder->word == 8 ? 136 : 124);
}

void core_builder_file(struct core_builder *builder, struct range range, uint64_t offset,
					   const char *path)
{
	*vec_add(&builder->files) = (struct core_builder_file){ range, offset, mem_string(path) };
}

void core_builder_auxv(struct core_builder *builder, uint64_t key, uint64_t value)
{
	put_word(builder, &builder->auxv, key);
	put_word(builder, &builder->auxv, value);
}

void core_builder_own_note(struct core_builder *builder, uint32_t type, const void *bytes,
						   size_t size)
{
	put_note(builder, &builder->own_notes, FORMAT_NOTE_OWNER, type, span_make(bytes, size));
}

void core_builder_facts(struct core_builder *builder, const struct capture_facts *facts)
{
	struct strbuf json = { 0 };

	capture_facts_encode(facts, &json);
	core_builder_own_note(builder, FORMAT_NOTE_CAPTURE, json.data, json.size);
	strbuf_deinit(&json);
}

void core_builder_pages(struct core_builder *builder, struct range range, enum page_state state)
{
	page_map_append(&builder->page_map, range, state);
}

void core_builder_document(struct core_builder *builder, const char *name, const char *text)
{
	struct strbuf note = { 0 };

	strbuf_add(&note, name, strlen(name) + 1);
	strbuf_puts(&note, text);
	core_builder_own_note(builder, FORMAT_NOTE_DOCUMENT, note.data, note.size);
	strbuf_deinit(&note);
}

void core_builder_outcome(struct core_builder *builder, const struct capture_outcome *outcome)
{
	struct strbuf json = { 0 };

	capture_outcome_encode(outcome, &json);
	builder->outcome_sum = XXH3_64bits(json.data, json.size);
	put_note(builder, &builder->trailer_notes, FORMAT_NOTE_OWNER, FORMAT_NOTE_OUTCOME,
			 strbuf_span(&json));
	strbuf_deinit(&json);
}

static void add_file_note(struct core_builder *builder)
{
	struct strbuf note = { 0 };

	put_word(builder, &note, builder->files.count);
	put_word(builder, &note, builder->file_page_size);
	for (size_t i = 0; i < builder->files.count; i++) {
		put_word(builder, &note, builder->files.items[i].range.start);
		put_word(builder, &note, builder->files.items[i].range.end);
		put_word(builder, &note, builder->files.items[i].offset / builder->file_page_size);
	}
	for (size_t i = 0; i < builder->files.count; i++)
		strbuf_add(&note, builder->files.items[i].path, strlen(builder->files.items[i].path) + 1);
	core_builder_note(builder, "CORE", NT_FILE, note.data, note.size);
	strbuf_deinit(&note);
}

static void finish_notes(struct core_builder *builder)
{
	struct strbuf map = { 0 };

	if (builder->auxv.size)
		core_builder_note(builder, "CORE", NT_AUXV, builder->auxv.data, builder->auxv.size);
	if (builder->files.count)
		add_file_note(builder);
	if (builder->page_map.runs.count) {
		page_map_encode(&builder->page_map, &map);
		core_builder_own_note(builder, FORMAT_NOTE_PAGE_MAP, map.data, map.size);
	}
	strbuf_deinit(&map);
}

static void put_elf_header(const struct core_builder *builder, size_t headers, struct strbuf *out)
{
	unsigned header_bytes = builder->word == 8 ? 64 : 52;
	unsigned program_bytes = builder->word == 8 ? 56 : 32;
	unsigned section_bytes = builder->word == 8 ? 64 : 40;

	strbuf_add(out, ELFMAG, SELFMAG);
	strbuf_putc(out, builder->word == 8 ? ELFCLASS64 : ELFCLASS32);
	strbuf_putc(out, builder->big_endian ? ELFDATA2MSB : ELFDATA2LSB);
	strbuf_putc(out, EV_CURRENT);
	strbuf_pad(out, '\0', 9);
	put(builder, out, builder->type, 2);
	put(builder, out, builder->machine, 2);
	put(builder, out, EV_CURRENT, 4);
	put_word(builder, out, 0);
	put_word(builder, out, builder->extended ? header_bytes + section_bytes : header_bytes);
	put_word(builder, out, builder->extended ? header_bytes : 0);
	put(builder, out, 0, 4);
	put(builder, out, header_bytes, 2);
	put(builder, out, program_bytes, 2);
	put(builder, out, builder->extended ? PN_XNUM : headers, 2);
	put(builder, out, section_bytes, 2);
	put(builder, out, builder->extended ? 1 : 0, 2);
	put(builder, out, 0, 2);
	if (!builder->extended)
		return;
	put(builder, out, 0, 8);
	for (int i = 0; i < 4; i++)
		put_word(builder, out, 0);
	put(builder, out, 0, 4);
	put(builder, out, headers, 4);
	put_word(builder, out, 0);
	put_word(builder, out, 0);
}

static void put_program_header(const struct core_builder *builder, struct strbuf *out,
							   const Elf64_Phdr *header)
{
	put(builder, out, header->p_type, 4);
	if (builder->word == 8)
		put(builder, out, header->p_flags, 4);
	put_word(builder, out, header->p_offset);
	put_word(builder, out, header->p_vaddr);
	put_word(builder, out, 0);
	put_word(builder, out, header->p_filesz);
	put_word(builder, out, header->p_memsz);
	if (builder->word == 4)
		put(builder, out, header->p_flags, 4);
	put_word(builder, out, header->p_align);
}

/* Gives the file offset behind the notes. */
static uint64_t put_notes_header(const struct core_builder *builder, struct strbuf *out,
								 uint64_t offset, size_t size)
{
	Elf64_Phdr header = { .p_type = PT_NOTE, .p_offset = offset, .p_filesz = size, .p_align = 4 };

	put_program_header(builder, out, &header);
	return offset + size;
}

static uint64_t put_load_headers(struct core_builder *builder, struct strbuf *out, uint64_t offset)
{
	for (size_t i = 0; i < builder->segments.count; i++) {
		struct core_builder_segment *segment = &builder->segments.items[i];
		Elf64_Phdr header = { .p_type = PT_LOAD,
							  .p_flags = segment->flags,
							  .p_vaddr = segment->start,
							  .p_filesz = segment->size,
							  .p_memsz = segment->memory_bytes,
							  .p_align = PAGE };

		offset = (offset + PAGE - 1) / PAGE * PAGE;
		header.p_offset = segment->file_offset = offset;
		put_program_header(builder, out, &header);
		offset += segment->size;
	}
	return (offset + PAGE - 1) / PAGE * PAGE;
}

static size_t trailer_bytes(const struct core_builder *builder)
{
	size_t blocks = (builder->trailer_offset + FORMAT_BLOCK_BYTES - 1) / FORMAT_BLOCK_BYTES;
	size_t bytes = builder->trailer_notes.size;

	return builder->checksums ? bytes + 12 + 12 + sizeof(struct format_checksums) + 8 * blocks
							  : bytes;
}

static void put_trailer(struct core_builder *builder, struct strbuf *out)
{
	struct strbuf note = { 0 };
	size_t covered = out->size, blocks = (covered + FORMAT_BLOCK_BYTES - 1) / FORMAT_BLOCK_BYTES;

	strbuf_add(out, builder->trailer_notes.data, builder->trailer_notes.size);
	if (!builder->checksums)
		return;
	put(builder, &note, FORMAT_VERSION, 4);
	put(builder, &note, FORMAT_XXH3_64, 4);
	put(builder, &note, FORMAT_BLOCK_BYTES, 8);
	put(builder, &note, covered, 8);
	put(builder, &note, blocks, 8);
	put(builder, &note, builder->outcome_sum, 8);
	for (size_t at = 0; at < covered; at += FORMAT_BLOCK_BYTES) {
		struct span block = span_part(span_make(out->data, covered), at, FORMAT_BLOCK_BYTES);

		put(builder, &note, XXH3_64bits(block.data, block.size), 8);
	}
	put_note(builder, out, FORMAT_NOTE_OWNER, FORMAT_NOTE_CHECKSUMS, strbuf_span(&note));
	strbuf_deinit(&note);
}

void core_builder_build(struct core_builder *builder, struct strbuf *out)
{
	size_t own, trailer, headers;
	uint64_t offset;

	finish_notes(builder);
	own = builder->own_notes.size > 0;
	trailer = builder->trailer_notes.size > 0;
	headers = 1 + own + builder->segments.count + trailer;
	assert(headers < MAX_HEADERS && out->size == 0);
	put_elf_header(builder, headers, out);
	builder->notes_offset = out->size + headers * (builder->word == 8 ? 56 : 32);
	offset = put_notes_header(builder, out, builder->notes_offset, builder->standard_notes.size);
	if (own)
		offset = put_notes_header(builder, out, offset, builder->own_notes.size);
	builder->trailer_offset = put_load_headers(builder, out, offset);
	if (trailer)
		put_notes_header(builder, out, builder->trailer_offset, trailer_bytes(builder));
	strbuf_add(out, strbuf_text(&builder->standard_notes), builder->standard_notes.size);
	strbuf_add(out, strbuf_text(&builder->own_notes), builder->own_notes.size);
	for (size_t i = 0; i < builder->segments.count; i++) {
		pad_to(out, PAGE);
		strbuf_add(out, builder->segments.items[i].bytes, builder->segments.items[i].size);
	}
	pad_to(out, PAGE);
	if (trailer)
		put_trailer(builder, out);
}

bool core_builder_open_bytes(struct span bytes, unsigned workers, struct core *core,
							 struct err *err)
{
	AUTO_CLOSE int fd = memfd_create("core", MFD_CLOEXEC);
	struct progress silent = { 0 };
	char path[64];

	*core = (struct core){ .file.fd = -1 };
	if (fd < 0 || !file_write(fd, bytes.data, bytes.size))
		return err_set(err, ERR_SYSTEM, "cannot make a memory file");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return core_open(core, path, workers, &silent, err);
}

bool core_builder_open(struct core_builder *builder, struct core *core, struct err *err)
{
	struct strbuf file = { 0 };
	bool opened;

	core_builder_build(builder, &file);
	opened = core_builder_open_bytes(strbuf_span(&file), 1, core, err);
	strbuf_deinit(&file);
	return opened;
}

static size_t compress_frame(ZSTD_CCtx *context, struct span plain, struct strbuf *out)
{
	size_t bound = ZSTD_compressBound(plain.size);
	size_t size = ZSTD_compress2(context, strbuf_room(out, bound), bound, plain.data, plain.size);

	assert(!ZSTD_isError(size));
	out->size += size;
	return size;
}

void core_builder_compress(struct span plain, size_t frame_bytes, bool seekable, struct strbuf *out)
{
	const struct core_builder little = { .word = 4 };
	ZSTD_CCtx *context = ZSTD_createCCtx();
	struct strbuf table = { 0 };
	size_t frames = 0;

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, frame_bytes > 0);
	for (size_t at = 0; at < plain.size; frames++) {
		struct span part = span_part(plain, at, frame_bytes ? frame_bytes : plain.size);

		put(&little, &table, compress_frame(context, part, out), 4);
		put(&little, &table, part.size, 4);
		at += part.size;
	}
	ZSTD_freeCCtx(context);
	if (seekable) {
		put(&little, out, FORMAT_ZSTD_SKIPPABLE, 4);
		put(&little, out, table.size + 9, 4);
		strbuf_add(out, table.data, table.size);
		put(&little, out, frames, 4);
		put(&little, out, 0, 1);
		put(&little, out, FORMAT_ZSTD_SEEKABLE, 4);
	}
	strbuf_deinit(&table);
}

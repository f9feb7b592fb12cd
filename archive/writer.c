#include "archive/writer.h"

#include "archive/format.h"

#include <assert.h>
#include <elf.h>
#include <string.h>
#include <xxhash.h>

/* The writer runs on the machine it captures: headers are in host order and class. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST_DATA ELFDATA2LSB
#else
#define HOST_DATA ELFDATA2MSB
#endif

static const char section_names[] = "\0.shstrtab\0note.standard\0note.dumpcore\0note.trailer";

enum {
	NAME_STRTAB = 1,
	NAME_STANDARD = 11,
	NAME_OWN = 25,
	NAME_TRAILER = 39,
	SECTIONS = 5, /* null, three notes, names */
	NOTE_SEGMENTS = 3,
	NOTE_ALIGN = 4,
};

static uint64_t align(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

uint64_t writer_note_bytes(const char *owner, uint64_t description_bytes)
{
	return sizeof(Elf64_Nhdr) + align(strlen(owner) + 1, NOTE_ALIGN) +
		   align(description_bytes, NOTE_ALIGN);
}

uint64_t writer_document_bytes(const char *name, uint64_t text_bytes)
{
	return writer_note_bytes(FORMAT_NOTE_OWNER, strlen(name) + 1 + text_bytes);
}

static uint64_t section_offset(const struct writer *writer)
{
	return writer->front_offset + (writer->segment_count + NOTE_SEGMENTS) * sizeof(Elf64_Phdr);
}

static uint64_t names_offset(const struct writer *writer)
{
	return section_offset(writer) + SECTIONS * sizeof(Elf64_Shdr);
}

static uint64_t standard_offset(const struct writer *writer)
{
	return align(names_offset(writer) + sizeof section_names, NOTE_ALIGN);
}

static uint64_t checksum_bytes(uint64_t covered)
{
	uint64_t blocks = (covered + FORMAT_BLOCK_BYTES - 1) / FORMAT_BLOCK_BYTES;

	return sizeof(struct format_checksums) + blocks * sizeof(uint64_t);
}

uint64_t writer_trailer_room(void)
{
	/* What is left for the filler must hold its header. */
	return FORMAT_TRAILER_BYTES - writer_note_bytes(FORMAT_NOTE_OWNER, 0);
}

static uint64_t front_end(const struct writer *writer)
{
	return standard_offset(writer) + writer->standard_bytes + writer->own_bytes;
}

static uint64_t segment_bytes(const struct writer *writer)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < writer->segment_count; i++)
		bytes += writer->segments[i].bytes;
	return bytes;
}

void writer_layout(struct writer *writer)
{
	uint64_t end;

	writer->front_offset = writer->memory_first ? align(sink_offset(writer->sink), NOTE_ALIGN * 2)
												: sizeof(Elf64_Ehdr);
	end = align(front_end(writer), writer->page_size);
	writer->memory_offset = writer->memory_first ? writer->page_size : end;
	writer->trailer_offset = writer->memory_first ? end : end + segment_bytes(writer);
	end = writer->trailer_offset;
	writer->trailer_bytes =
		FORMAT_TRAILER_BYTES + writer_note_bytes(FORMAT_NOTE_OWNER, checksum_bytes(end));
	writer->next_offset = writer->memory_offset;
	writer->next_segment = 0;
}

uint64_t writer_file_bytes(const struct writer *writer)
{
	return writer->trailer_offset + writer->trailer_bytes;
}

void writer_bytes(struct writer *writer, const void *bytes, size_t size)
{
	sink_write(writer->sink, bytes, size);
}

static void put_padding(struct writer *writer, uint64_t to)
{
	static const char zeros[NOTE_ALIGN];
	uint64_t over = sink_offset(writer->sink) % to;

	if (over)
		writer_bytes(writer, zeros, (size_t)(to - over));
}

static void put_header(struct writer *writer)
{
	size_t count = writer->segment_count + NOTE_SEGMENTS;
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, HOST_DATA, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = writer->machine,
		.e_version = EV_CURRENT,
		.e_phoff = writer->front_offset,
		.e_shoff = section_offset(writer),
		.e_ehsize = sizeof header,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = count < PN_XNUM ? (uint16_t)count : PN_XNUM,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SECTIONS - 1,
	};

	if (writer->memory_first)
		sink_rewrite(writer->sink, 0, &header, sizeof header);
	else
		writer_bytes(writer, &header, sizeof header);
}

static void put_note_segment(struct writer *writer, uint64_t offset, uint64_t bytes)
{
	Elf64_Phdr header = {
		.p_type = PT_NOTE, .p_offset = offset, .p_filesz = bytes, .p_align = NOTE_ALIGN
	};

	writer_bytes(writer, &header, sizeof header);
}

static void put_program_headers(struct writer *writer)
{
	uint64_t offset = writer->memory_offset;

	put_note_segment(writer, standard_offset(writer), writer->standard_bytes);
	put_note_segment(writer, standard_offset(writer) + writer->standard_bytes, writer->own_bytes);
	for (size_t i = 0; i < writer->segment_count; i++) {
		const struct writer_segment *segment = &writer->segments[i];
		Elf64_Phdr header = {
			.p_type = PT_LOAD,
			.p_flags = segment->flags,
			.p_offset = writer->memory_first ? segment->offset : offset,
			.p_vaddr = segment->start,
			.p_filesz = segment->bytes,
			.p_memsz = segment->bytes,
			.p_align = writer->page_size,
		};

		writer_bytes(writer, &header, sizeof header);
		offset += segment->bytes;
	}
	put_note_segment(writer, writer->trailer_offset, writer->trailer_bytes);
}

static void put_section(struct writer *writer, uint32_t name, uint32_t type, uint64_t offset,
						uint64_t bytes)
{
	Elf64_Shdr header = { .sh_name = name,
						  .sh_type = type,
						  .sh_offset = offset,
						  .sh_size = bytes,
						  .sh_addralign = type == SHT_NOTE ? NOTE_ALIGN : 1 };

	writer_bytes(writer, &header, sizeof header);
}

/* Section 0 carries the number of program headers where e_phnum cannot (gABI, "Sections", PN_XNUM;
 * written by the kernel's fs/binfmt_elf.c, fill_extnum_info). */
static void put_sections(struct writer *writer)
{
	size_t count = writer->segment_count + NOTE_SEGMENTS;
	Elf64_Shdr null = { .sh_info = count < PN_XNUM ? 0 : (uint32_t)count };
	uint64_t standard = standard_offset(writer);

	writer_bytes(writer, &null, sizeof null);
	put_section(writer, NAME_STANDARD, SHT_NOTE, standard, writer->standard_bytes);
	put_section(writer, NAME_OWN, SHT_NOTE, standard + writer->standard_bytes, writer->own_bytes);
	put_section(writer, NAME_TRAILER, SHT_NOTE, writer->trailer_offset, writer->trailer_bytes);
	put_section(writer, NAME_STRTAB, SHT_STRTAB, names_offset(writer), sizeof section_names);
	writer_bytes(writer, section_names, sizeof section_names);
	put_padding(writer, NOTE_ALIGN);
}

static void skip_to(struct writer *writer, uint64_t offset)
{
	uint64_t at = sink_offset(writer->sink);

	assert(at <= offset);
	sink_hole(writer->sink, offset - at);
}

void writer_begin_memory(struct writer *writer)
{
	writer->memory_first = true;
	writer->memory_offset = writer->next_offset = writer->page_size;
	writer->next_segment = 0;
	sink_hole(writer->sink, writer->page_size);
}

void writer_begin(struct writer *writer)
{
	writer_layout(writer);
	put_header(writer);
	skip_to(writer, writer->front_offset);
	put_program_headers(writer);
	put_sections(writer);
	assert(!sink_ok(writer->sink) || sink_offset(writer->sink) == standard_offset(writer));
}

void writer_note_begin(struct writer *writer, const char *owner, uint32_t type,
					   uint64_t description_bytes)
{
	Elf64_Nhdr header = { .n_namesz = (uint32_t)strlen(owner) + 1,
						  .n_descsz = (uint32_t)description_bytes,
						  .n_type = type };

	assert(description_bytes < FORMAT_MAX_NOTE_BYTES);
	writer_bytes(writer, &header, sizeof header);
	writer_bytes(writer, owner, header.n_namesz);
	put_padding(writer, NOTE_ALIGN);
}

void writer_note_end(struct writer *writer)
{
	put_padding(writer, NOTE_ALIGN);
}

void writer_note(struct writer *writer, const char *owner, uint32_t type, struct span description)
{
	writer_note_begin(writer, owner, type, description.size);
	writer_bytes(writer, description.data, description.size);
	writer_note_end(writer);
}

void writer_document(struct writer *writer, const char *name, struct span text)
{
	uint64_t bytes = strlen(name) + 1 + text.size;

	writer_note_begin(writer, FORMAT_NOTE_OWNER, FORMAT_NOTE_DOCUMENT, bytes);
	writer_bytes(writer, name, strlen(name) + 1);
	writer_bytes(writer, text.data, text.size);
	writer_note_end(writer);
}

void writer_segment(struct writer *writer)
{
	assert(writer->next_segment < writer->segment_count);
	skip_to(writer, writer->next_offset);
	writer->next_offset += writer->segments[writer->next_segment++].bytes;
}

static void put_checksums(struct writer *writer, struct span outcome)
{
	struct format_checksums header = { .version = FORMAT_VERSION,
									   .algorithm = FORMAT_XXH3_64,
									   .block_bytes = FORMAT_BLOCK_BYTES,
									   .covered_bytes = writer->trailer_offset,
									   .outcome_sum = XXH3_64bits(outcome.data, outcome.size) };
	uint64_t bytes = checksum_bytes(writer->trailer_offset);
	size_t count;
	const uint64_t *sums = sink_sums(writer->sink, &count);

	header.blocks = count;
	writer_note_begin(writer, FORMAT_NOTE_OWNER, FORMAT_NOTE_CHECKSUMS, bytes);
	writer_bytes(writer, &header, sizeof header);
	writer_bytes(writer, sums, count * sizeof *sums);
	writer_note_end(writer);
}

void writer_trailer(struct writer *writer, struct span outcome, struct span late_notes)
{
	uint64_t used = writer_note_bytes(FORMAT_NOTE_OWNER, outcome.size) + late_notes.size;
	uint64_t filler = FORMAT_TRAILER_BYTES - used - writer_note_bytes(FORMAT_NOTE_OWNER, 0);

	assert(used <= writer_trailer_room());
	skip_to(writer, writer->trailer_offset);
	if (!sink_ok(writer->sink))
		return;
	put_checksums(writer, outcome);
	writer_note(writer, FORMAT_NOTE_OWNER, FORMAT_NOTE_OUTCOME, outcome);
	writer_bytes(writer, late_notes.data, late_notes.size);
	writer_note_begin(writer, FORMAT_NOTE_OWNER, FORMAT_NOTE_FILLER, filler);
	sink_hole(writer->sink, filler);
}

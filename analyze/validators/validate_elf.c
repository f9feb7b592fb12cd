/* ELF files (System V ABI, edition 4.1, chapters 4 and 5). */
#include "analyze/validators/validators.h"

#include <elf.h>

enum { MOST_HEADERS = 4096 };

/* What of the header is looked at; `wide` is ELFCLASS64. */
struct header {
	bool wide;
	unsigned type, machine, ehsize, phentsize, phnum, shentsize, shnum;
	uint64_t phoff, shoff;
};

static const struct {
	unsigned machine;
	const char *name;
} machines[] = {
	{ EM_386, "i386" },        { EM_X86_64, "x86-64" }, { EM_ARM, "arm" },
	{ EM_AARCH64, "aarch64" }, { EM_PPC64, "ppc64" },   { EM_S390, "s390" },
	{ EM_RISCV, "riscv" },     { EM_BPF, "bpf" },       { EM_MIPS, "mips" },
	{ EM_CUDA, "cuda" },       { EM_AMDGPU, "amdgpu" },
};

static const char *machine_name(unsigned machine)
{
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return NULL;
}

static const char *type_name(unsigned type)
{
	static const char *const names[] = {
		[ET_REL] = "relocatable", [ET_EXEC] = "executable", [ET_DYN] = "shared", [ET_CORE] = "core"
	};

	return type < sizeof names / sizeof *names ? names[type] : NULL;
}

static struct header read_header(struct cursor *cursor)
{
	unsigned word = cursor->span.data[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	struct header header = { .wide = word == 8 };

	cursor_skip(cursor, EI_NIDENT);
	header.type = cursor_u16(cursor);
	header.machine = cursor_u16(cursor);
	cursor_skip(cursor, 4 + word); /* version, entry */
	header.phoff = cursor_word(cursor, word);
	header.shoff = cursor_word(cursor, word);
	cursor_skip(cursor, 4); /* flags */
	header.ehsize = cursor_u16(cursor);
	header.phentsize = cursor_u16(cursor);
	header.phnum = cursor_u16(cursor);
	header.shentsize = cursor_u16(cursor);
	header.shnum = cursor_u16(cursor);
	cursor_skip(cursor, 2); /* index of the names' section */
	return header;
}

/* Entry sizes are those of the class where there are entries. */
static bool is_sane(const struct header *header)
{
	unsigned phentsize = header->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	unsigned shentsize = header->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);

	return header->ehsize == (header->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)) &&
		   (!header->phnum || header->phentsize == phentsize) &&
		   (!header->shnum || header->shentsize == shentsize) && (header->phnum || header->shnum) &&
		   type_name(header->type) && machine_name(header->machine);
}

/* Raises the extent to the end of a table or of a part of the file, where it is in the chunk. */
static void keep(struct span bytes, uint64_t at, uint64_t size, struct match *match)
{
	if (at <= bytes.size && size <= bytes.size - at)
		match_extend(match, at + size);
}

/* What the entries of a table describe: p_offset, p_filesz; sh_offset, sh_size. */
static void keep_segments(struct cursor cursor, const struct header *header, struct match *match)
{
	unsigned word = header->wide ? 8 : 4;

	cursor.at = header->phoff < cursor.span.size ? header->phoff : cursor.span.size;
	for (unsigned i = 0; i < header->phnum && i < MOST_HEADERS; i++) {
		struct cursor entry = cursor;
		uint64_t at, size;

		cursor_skip(&entry, word); /* type; flags of the wide class */
		at = cursor_word(&entry, word);
		cursor_skip(&entry, 2 * word); /* addresses */
		size = cursor_word(&entry, word);
		cursor_skip(&cursor, header->phentsize);
		if (!cursor_ok(&cursor) || !cursor_ok(&entry))
			return;
		keep(cursor.span, at, size, match);
	}
}

/* Proven are the header, its tables and the segments, as far as they are whole in the chunk. */
bool validate_elf_header(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	struct header header;

	if (bytes.size < EI_NIDENT)
		return false;
	cursor.big_endian = bytes.data[EI_DATA] == ELFDATA2MSB;
	header = read_header(&cursor);
	if (!cursor_ok(&cursor) || !is_sane(&header))
		return false;
	match_build(match, "kind", "%s %s", type_name(header.type), machine_name(header.machine));
	match_extend(match, cursor.at);
	keep(bytes, header.phoff, (uint64_t)header.phnum * header.phentsize, match);
	keep(bytes, header.shoff, (uint64_t)header.shnum * header.shentsize, match);
	keep_segments(cursor, &header, match);
	return true;
}

#include "analyze/input/elf_file.h"

#include "archive/format.h"

#include <string.h>

struct machine_row {
	uint16_t machine;
	const char *name;
	unsigned word; /* of cores that can be read; 0: none of this machine */
};

/* e_machine values: elf.h; the names are those of uname -m. */
static const struct machine_row machine_rows[] = {
	{ EM_X86_64, "x86_64", 8 }, { EM_386, "i386", 4 },        { EM_AARCH64, "aarch64", 8 },
	{ EM_ARM, "arm", 0 },       { EM_PPC, "ppc", 0 },         { EM_PPC64, "ppc64", 0 },
	{ EM_S390, "s390x", 0 },    { EM_RISCV, "riscv", 0 },     { EM_MIPS, "mips", 0 },
	{ EM_SPARC, "sparc", 0 },   { EM_SPARCV9, "sparc64", 0 }, { EM_IA_64, "ia64", 0 },
	{ EM_ALPHA, "alpha", 0 },   { EM_PARISC, "parisc", 0 },   { EM_68K, "m68k", 0 },
	{ 258, "loongarch", 0 }, /* EM_LOONGARCH, newer than some elf.h */
};

/* What a file starts with that is no ELF file, and what to do with it. */
struct magic_row {
	const char *bytes;
	size_t size;
	const char *what;
	const char *hint;
};

static const struct magic_row magic_rows[] = {
	{ "\x1f\x8b", 2, "compressed with gzip", "decompress it first: gzip -dc FILE >CORE" },
	{ "\xfd"
	  "7zXZ",
	  5, "compressed with xz", "decompress it first: xz -dc FILE >CORE" },
	{ "\x04\x22\x4d\x18", 4, "compressed with lz4", "decompress it first: lz4 -dc FILE >CORE" },
	{ "BZh", 3, "compressed with bzip2", "decompress it first: bzip2 -dc FILE >CORE" },
	{ "PK\3\4", 4, "a ZIP archive", "extract the core from it first" },
	{ "age-encryption.org/", 19, "encrypted with age", "decrypt it first: age -d -i KEY FILE" },
	{ "JAVA PROFILE", 12, "a Java heap dump (hprof)",
	  "it holds Java objects only; capture the process with dumpcore to see its native memory" },
	{ "MDMP", 4, "a minidump", "it holds stacks only; capture the process with dumpcore" },
	{ "KDUMP", 5, "a dump of a kernel", "this program reads cores of processes" },
};

static bool is_text(struct span bytes)
{
	struct span head = span_part(bytes, 0, 512);

	for (size_t i = 0; i < head.size; i++)
		if (head.data[i] < ' ' && !strchr("\t\n\r\f\033", head.data[i]))
			return false;
	return true;
}

/* Says what a file without the ELF magic is. Gives false. */
static bool refuse_other(struct span bytes, const char *path, struct err *err)
{
	const char *hint = "make one with `dumpcore PID` or gcore";

	for (size_t i = 0; i < sizeof magic_rows / sizeof *magic_rows; i++) {
		const struct magic_row *row = &magic_rows[i];

		if (bytes.size < row->size || memcmp(bytes.data, row->bytes, row->size) != 0)
			continue;
		err_set(err, ERR_FORMAT, "%s is %s, not an ELF core", path, row->what);
		return err_hint(err, "%s", row->hint);
	}
	err_set(err, ERR_FORMAT, "%s is %s, not an ELF core", path,
			is_text(bytes) ? "a text file" : "of no known format");
	return err_hint(err, "%s", hint);
}

static const char *type_name(uint16_t type)
{
	switch (type) {
	case ET_REL:
		return "an object file";
	case ET_EXEC:
		return "an executable";
	case ET_DYN:
		return "an executable or a shared library";
	default:
		return "of an unknown ELF type";
	}
}

static bool refuse_machine(const GElf_Ehdr *header, const char *path, struct err *err)
{
	const char *order = header->e_ident[EI_DATA] == ELFDATA2MSB ? "big-endian " : "";
	unsigned bits = header->e_ident[EI_CLASS] == ELFCLASS32 ? 32 : 64;

	for (size_t i = 0; i < sizeof machine_rows / sizeof *machine_rows; i++) {
		if (machine_rows[i].machine != header->e_machine)
			continue;
		err_set(err, ERR_UNSUPPORTED, "%s is a core of a %s%u-bit %s process", path, order, bits,
				machine_rows[i].name);
		return err_hint(err, "x86_64, i386 and little-endian aarch64 cores can be read");
	}
	err_set(err, ERR_UNSUPPORTED, "%s is a core of a %s%u-bit process of machine %u", path, order,
			bits, header->e_machine);
	return err_hint(err, "x86_64, i386 and little-endian aarch64 cores can be read");
}

/* Takes machine and word size where the file is a core that can be read. */
static bool check_header(struct elf_file *file, const GElf_Ehdr *header, const char *path,
						 struct err *err)
{
	unsigned word = header->e_ident[EI_CLASS] == ELFCLASS32 ? 4 : 8;

	if (header->e_type != ET_CORE) {
		err_set(err, ERR_FORMAT, "%s is %s, not a core", path, type_name(header->e_type));
		return err_hint(err, "run the program and capture it: dumpcore PID");
	}
	for (size_t i = 0; i < sizeof machine_rows / sizeof *machine_rows; i++) {
		const struct machine_row *row = &machine_rows[i];

		if (row->machine == header->e_machine && row->word == word &&
			header->e_ident[EI_DATA] == ELFDATA2LSB) {
			file->machine = row->machine;
			file->word = word;
			return true;
		}
	}
	return refuse_machine(header, path, err);
}

/* The count the file states: in e_phnum or, from PN_XNUM on, in sh_info of section 0. A file cut
 * before its section headers does not tell; then it is the most that is certain. */
static uint64_t headers_meant(Elf *elf, const GElf_Ehdr *header)
{
	GElf_Shdr section;
	Elf_Scn *first = header->e_phnum == PN_XNUM ? elf_getscn(elf, 0) : NULL;

	if (first && gelf_getshdr(first, &section))
		return section.sh_info;
	return header->e_phnum;
}

/* Nothing can be read without program headers. A pre-copy writes them last. */
static bool refuse_headers(Elf *elf, const GElf_Ehdr *header, const char *path, struct err *err)
{
	size_t bytes = 0;

	if (!elf_rawfile(elf, &bytes) || header->e_phoff < bytes) {
		err_set(err, ERR_FORMAT, "%s has no program headers that can be read", path);
		return err_hint(err, "the file is cut short or damaged: copy it again, compare its size");
	}
	err_set(
		err, ERR_FORMAT,
		"%s is cut short: what describes its memory begins at byte %llu, and %zu bytes are there",
		path, (unsigned long long)header->e_phoff, bytes);
	return err_hint(err, "copy it again, compare its size: without that part nothing can be said");
}

static bool take_headers(struct elf_file *file, Elf *elf, const GElf_Ehdr *header, const char *path,
						 struct err *err)
{
	size_t count = 0;
	GElf_Phdr program;

	file->headers_meant = headers_meant(elf, header);
	if (elf_getphdrnum(elf, &count) != 0 || count > file->headers_meant)
		count = 0;
	if (count > FORMAT_MAX_PROGRAM_HEADERS) {
		return err_set(err, ERR_LIMIT, "%s has %zu program headers, more than the %llu allowed",
					   path, count, (unsigned long long)FORMAT_MAX_PROGRAM_HEADERS);
	}
	for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &program); i++)
		*vec_add(&file->headers) = program;
	if (file->headers.count)
		return true;
	return refuse_headers(elf, header, path, err);
}

static bool read_elf(struct elf_file *file, Elf *elf, const char *path, struct err *err)
{
	GElf_Ehdr header;

	if (!elf || !gelf_getehdr(elf, &header)) {
		err_set(err, ERR_FORMAT, "%s has a damaged ELF header: %s", path, elf_errmsg(-1));
		return err_hint(err, "copy the file again, compare its size and checksum");
	}
	return check_header(file, &header, path, err) && take_headers(file, elf, &header, path, err);
}

static size_t header_bytes(struct span bytes)
{
	bool narrow = bytes.size > EI_CLASS && bytes.data[EI_CLASS] == ELFCLASS32;

	return narrow ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
}

bool elf_file_read(struct elf_file *file, struct span bytes, const char *path, struct err *err)
{
	Elf *elf;
	bool done;

	*file = (struct elf_file){ 0 };
	if (bytes.size < SELFMAG || memcmp(bytes.data, ELFMAG, SELFMAG) != 0)
		return refuse_other(bytes, path, err);
	if (bytes.size < header_bytes(bytes)) {
		err_set(err, ERR_FORMAT, "%s is cut short: its %zu bytes are less than an ELF header", path,
				bytes.size);
		return err_hint(err, "copy the file again, compare its size");
	}
	elf_version(EV_CURRENT);
	/* libelf takes the bytes without const but does not write to them: ELF_C_READ. */
	elf = elf_memory((char *)(uintptr_t)bytes.data, bytes.size);
	done = read_elf(file, elf, path, err);
	elf_end(elf);
	return done;
}

void elf_file_deinit(struct elf_file *file)
{
	vec_deinit(&file->headers);
}

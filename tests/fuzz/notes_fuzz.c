/* notes_fuzz: an archive whose notes are made of the input, so that the fuzzer gets behind the ELF
 * structure: records of a byte that chooses owner and type, two bytes of length, and the bytes. */
#include "tests/fuzz/fuzz.h"

#include "archive/format.h"
#include "tests/support/core_builder.h"
#include "tests/support/core_exercise.h"

#include <string.h>

enum { NOTES_MAX = 64 };

static const struct {
	const char *owner; /* NULL: ours */
	uint32_t type;
} kinds[] = {
	{ NULL, FORMAT_NOTE_CAPTURE },
	{ NULL, FORMAT_NOTE_PAGE_MAP },
	{ NULL, FORMAT_NOTE_DOCUMENT },
	{ NULL, FORMAT_NOTE_OUTCOME },
	{ NULL, FORMAT_NOTE_CHECKSUMS },
	{ NULL, FORMAT_NOTE_FILLER },
	{ "CORE", NT_PRSTATUS },
	{ "CORE", NT_PRPSINFO },
	{ "CORE", NT_AUXV },
	{ "CORE", 0x46494c45 /* FILE */ },
	{ "CORE", NT_SIGINFO },
	{ "LINUX", NT_386_TLS },
	{ "LINUX", NT_ARM_TLS },
	{ "LINUX", NT_X86_XSTATE },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const uint16_t machines[] = { EM_X86_64, EM_386, EM_AARCH64, EM_X86_64 };

static void add_notes(struct core_builder *builder, const uint8_t *data, size_t size)
{
	for (int i = 0; i < NOTES_MAX && size >= 3; i++) {
		size_t kind = data[0] % KINDS, bytes = (size_t)data[1] | (size_t)data[2] << 8;

		data += 3;
		size -= 3;
		bytes = bytes < size ? bytes : size;
		if (kinds[kind].owner)
			core_builder_note(builder, kinds[kind].owner, kinds[kind].type, data, bytes);
		else
			core_builder_own_note(builder, kinds[kind].type, data, bytes);
		data += bytes;
		size -= bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct core_builder builder;
	struct strbuf file = { 0 };

	if (!size)
		return 0;
	core_builder_init(&builder, machines[data[0] % 4]);
	core_builder_segment(&builder, 0x10000, NULL, 0x2000, PF_R | PF_W);
	add_notes(&builder, data + 1, size - 1);
	core_builder_build(&builder, &file);
	core_exercise(strbuf_span(&file));
	strbuf_deinit(&file);
	core_builder_deinit(&builder);
	return 0;
}

static void add_record(struct strbuf *out, uint8_t kind, const void *bytes, size_t size)
{
	uint8_t head[3] = { kind, (uint8_t)size, (uint8_t)(size >> 8) };

	strbuf_add(out, head, sizeof head);
	strbuf_add(out, bytes, size);
}

static void add_page_map(struct strbuf *out)
{
	struct page_map map = { .page_size = 4096 };
	struct strbuf text = { 0 };

	page_map_append(&map, (struct range){ 0x10000, 0x11000 }, PAGE_PRESENT);
	page_map_append(&map, (struct range){ 0x11000, 0x12000 }, PAGE_TORN);
	page_map_encode(&map, &text);
	add_record(out, 1, text.data, text.size);
	strbuf_deinit(&text);
	page_map_deinit(&map);
}

bool fuzz_seed(size_t index, struct strbuf *out)
{
	static const char facts[] =
		"{\"tool\":\"dumpcore 0.1.0\",\"consistency\":\"live\",\"captured_at\":"
		"\"2026-11-21T08:00:00Z\",\"pid\":100,\"page_size\":4096,\"gaps\":[{\"start\":"
		"\"0x20000\",\"end\":\"0x21000\",\"reason\":\"not selected\"}]}";
	static const char outcome[] = "{\"complete\":true,\"pause_ns\":1000,\"errors\":[{\"start\":"
								  "\"0x11000\",\"end\":\"0x12000\",\"reason\":\"EIO\"}]}";
	static const char smaps[] =
		"smaps\0"
		"10000-12000 rw-p 00000000 00:00 0 [heap]\nRss: 4 kB\nVmFlags: rd wr \n";
	static const char comm[] = "task/100/comm\0main\n";
	uint8_t thread[336] = { 0 }, auxv[32] = { 6, 0, 0, 0, 0, 0, 0, 0, 0, 16 };

	if (index > 3)
		return false;
	thread[32] = 100;
	strbuf_add(out, &(uint8_t){ (uint8_t)index }, 1);
	add_record(out, 6, thread, sizeof thread);
	add_record(out, 8, auxv, sizeof auxv);
	if (index == 3) {
		add_record(out, 0, facts, sizeof facts - 1);
		add_page_map(out);
		add_record(out, 2, smaps, sizeof smaps - 1);
		add_record(out, 2, comm, sizeof comm - 1);
		add_record(out, 3, outcome, sizeof outcome - 1);
	}
	return true;
}

/* streams_fuzz: any bytes as what a chunk holds: a compressed stream in each format, the state of
 * an inflater and its window, and a class file of which a part is left. */
#include "tests/fuzz/fuzz.h"

#include "analyze/content/class_remains.h"
#include "analyze/rules/contents.h"
#include "analyze/content/inflate.h"
#include "tests/support/class_file.h"
#include "tests/support/packed.h"
#include "tests/support/promise.h"

#include <stdlib.h>

enum { ROOM = 1 << 16, FORMATS = 3 };

static const enum match_packed formats[FORMATS] = { MATCH_GZIP, MATCH_ZLIB, MATCH_DEFLATE };

static bool holds(struct span bytes, struct span part)
{
	return part.data >= bytes.data && part.size <= bytes.size &&
		   (size_t)(part.data - bytes.data) <= bytes.size - part.size;
}

static void check_class(struct span bytes)
{
	struct class_remains remains;

	if (!class_remains_find(bytes, &remains))
		return;
	promise(holds(bytes, remains.package), "a package is one of the text's own bytes");
	promise(!remains.name.data || holds(bytes, remains.name), "so is a class's name");
	promise(remains.start <= bytes.size, "a class starts in the text");
}

static void check_stream(enum match_packed format, struct span bytes)
{
	static uint8_t out[ROOM];
	struct inflater *inflater = inflater_create();
	struct inflated once = inflate_stream(inflater, format, bytes, out, sizeof out), again;

	promise(once.read <= bytes.size && once.made <= sizeof out, "no more is read or made than is "
																"there");
	promise(once.end != INFLATE_FULL || once.made == sizeof out, "a full one has filled the room");
	check_class(span_make(out, once.made));
	again = inflate_stream(inflater, format, bytes, out, sizeof out);
	promise(again.read == once.read && again.made == once.made && again.end == once.end,
			"an inflater keeps nothing of the stream before");
	inflater_destroy(inflater);
}

/* The first bytes are the state, the rest the memory of the window. */
static void check_window(struct span bytes)
{
	struct span state = span_part(bytes, 0, INFLATE_WINDOW_STATE);
	struct span memory = span_part(bytes, state.size, INFLATE_WINDOW_BYTES);
	uint8_t *out = malloc(memory.size ? memory.size : 1);
	size_t made = inflate_window_arrange(state, memory, out);

	promise(made <= memory.size, "a window has no more than its memory");
	check_class(span_make(out, made));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_make(data, size);

	for (int i = 0; i < FORMATS; i++)
		check_stream(formats[i], bytes);
	check_window(bytes);
	check_class(bytes);
	return 0;
}

static void add_u32(struct strbuf *out, uint32_t value)
{
	strbuf_add(out, &value, sizeof value);
}

/* A class, packed in each format; as it is; in a window that wraps. */
bool fuzz_seed(size_t index, struct strbuf *out)
{
	struct strbuf class = { 0 };

	if (index > FORMATS + 1)
		return false;
	class_file_add(&class, "com/acme/app/Foo", "Foo.java", 6, 0x421, index % 2);
	if (index < FORMATS) {
		packed_add(out, formats[index], strbuf_span(&class));
	} else if (index == FORMATS) {
		strbuf_add(out, class.data, class.size);
	} else {
		strbuf_pad(out, '\0', 60);
		add_u32(out, (uint32_t) class.size);
		add_u32(out, (uint32_t) class.size);
		add_u32(out, 40);
		strbuf_add(out, class.data + class.size - 40, 40);
		strbuf_add(out, class.data, class.size - 40);
	}
	strbuf_deinit(&class);
	return true;
}

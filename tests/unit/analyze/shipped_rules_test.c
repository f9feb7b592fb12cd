#include "tests/unit/unit.h"

#include "analyze/rules/rule.h"
#include "analyze/content/scan.h"
#include "tests/support/class_file.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* for contexts whose allocations we place */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

/* The shipped rules against memory that the real zlib and zstd have filled: its allocations are
 * chunks of a sketch that stands at its own host address, so that pointers in it are right. */
struct scene {
	struct sketch sketch;
	struct rule_set *rules;
	rule_messages messages;
	struct regions regions; /* everything counts as mapped: zlib's tables are in a library */
	uint8_t packed[60000];
	size_t packed_size;
};

static void pack(struct scene *scene)
{
	enum { PLAIN = 120000 };
	uint8_t *plain = malloc(PLAIN);
	uLongf size = sizeof scene->packed;

	for (size_t i = 0; i < PLAIN; i++)
		plain[i] = (uint8_t)(i % 97 ? 'a' + rand() % 4 : rand());
	assert_int_equal(compress2(scene->packed, &size, plain, PLAIN, 6), Z_OK);
	scene->packed_size = size;
	free(plain);
}

static int setup(void **state)
{
	static struct scene scene;
	const char *paths[] = { "rules" };
	struct err err = { 0 };

	memset(&scene, 0, sizeof scene);
	sketch_init(&scene.sketch, 8 << 20);
	scene.sketch.start = (vaddr)(uintptr_t)scene.sketch.memory;
	scene.rules = rule_set_create(paths, 1, &scene.messages, &err);
	assert_non_null(scene.rules);
	vec_add(&scene.regions.items)->range = (struct range){ 0, UINT64_MAX };
	srand(4);
	pack(&scene);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	rule_set_destroy(scene->rules);
	vec_deinit(&scene->messages);
	vec_deinit(&scene->regions.items);
	sketch_deinit(&scene->sketch);
	return 0;
}

/* As malloc sizes a chunk: a header word, then up to the next multiple of 16. */
static voidpf allocate(voidpf opaque, uInt items, uInt size)
{
	return sketch_chunk(opaque, ((size_t)items * size + 8 + 15) / 16 * 16, CHUNK_IN_USE);
}

static void release(voidpf opaque, voidpf address)
{
	(void)opaque;
	(void)address;
}

/* A stream in the middle of its data: state and window are there. It is read in steps, so that the
 * window is used as a ring. */
static z_stream *open_stream(struct scene *scene, size_t output)
{
	enum { STEP = 7001 };
	z_stream *stream = (z_stream *)(void *)sketch_chunk(&scene->sketch, 128, CHUNK_IN_USE);
	uint8_t *out = malloc(output ? output : 1);

	stream->zalloc = allocate;
	stream->zfree = release;
	stream->opaque = &scene->sketch;
	assert_int_equal(inflateInit2(stream, 15 + 32), Z_OK);
	stream->next_in = scene->packed;
	stream->avail_in = (uInt)scene->packed_size;
	stream->next_out = out;
	for (size_t left = output; left; left -= left < STEP ? left : STEP) {
		stream->avail_out = (uInt)(left < STEP ? left : STEP);
		assert_int_equal(inflate(stream, Z_NO_FLUSH), Z_OK);
		assert_int_equal(stream->avail_out, 0);
	}
	free(out);
	return stream;
}

static struct findings scan(struct scene *scene)
{
	struct findings findings;
	struct err err = { 0 };

	sketch_seal(&scene->sketch);
	assert_true(content_scan(&findings, scene->rules, &scene->sketch.image, &scene->regions,
							 &scene->sketch.chunks, NULL, 2, NULL, &err));
	return findings;
}

struct sum {
	size_t hits, claims;
	uint64_t bytes;
};

static struct sum sum_of(const struct findings *findings, const char *id)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *hit = &findings->hits.items[i];

		if (strcmp(findings->rules.items[hit->rule].id, id) != 0)
			continue;
		sum.hits += !hit->claimed;
		sum.claims += hit->claimed;
		sum.bytes += hit->bytes;
	}
	return sum;
}

static void open_streams_are_found_whole(void **state)
{
	struct scene *scene = *state;
	struct findings findings;
	struct sum sum;

	for (int i = 0; i < 5; i++)
		open_stream(scene, 50000 + (size_t)i);
	open_stream(scene, 0); /* before its first output: no window yet */
	findings = scan(scene);
	sum = sum_of(&findings, "compression.zlib-inflate");
	assert_int_equal(sum.hits, 6);
	assert_int_equal(sum.claims, 6 + 5);
	assert_int_equal(sum.bytes, 6 * (128 + 7168) + 5 * 32784);
	assert_int_equal(sum_of(&findings, "compression.zlib-inflate-stale").hits, 0);
	findings_deinit(&findings);
}

/* What free() and malloc's lists do to a chunk: links over its first 32 bytes, the size at its end.
 */
static void spoil(uint8_t *payload, size_t bytes)
{
	memset(payload, 0xee, 32);
	memcpy(payload + bytes - 16, &(uint64_t){ bytes }, 8);
}

/* Turns the last chunks of the sketch, from chunk `first` on, into one free chunk. */
static void free_tail(struct sketch *sketch, size_t first)
{
	size_t offset = (size_t)(sketch->packed.items[first] >> 3) * 8;

	sketch->packed.items[first] = (uint32_t)(offset / 8) << 3 | CHUNK_BINNED;
	sketch->packed.count = first + 1;
	spoil(sketch->memory + offset + 16, sketch->used - offset);
}

static void ended_streams_are_found_in_free_chunks(void **state)
{
	struct scene *scene = *state;
	struct findings findings;
	struct sum sum;

	for (int i = 0; i < 4; i++) {
		size_t first = scene->sketch.packed.count;

		open_stream(scene, 60000);
		free_tail(&scene->sketch, first + (size_t)(i % 2)); /* with the z_stream, and without */
		sketch_chunk(&scene->sketch, 64, CHUNK_IN_USE);
	}
	findings = scan(scene);
	sum = sum_of(&findings, "compression.zlib-inflate-stale");
	assert_int_equal(sum.hits, 4);
	assert_int_equal(sum.claims, 4);
	assert_int_equal(sum.bytes, 4 * (7156 + 32768));
	assert_int_equal(sum_of(&findings, "compression.zlib-inflate").hits, 0);
	for (size_t i = 0; i < findings.hits.count; i++)
		assert_false(findings.hits.items[i].live);
	findings_deinit(&findings);
}

/* A stream in the middle of its data, with everything that deflateInit allocates. */
static z_stream *open_deflate(struct scene *scene, int window_bits, int memory_level)
{
	z_stream *stream = (z_stream *)(void *)sketch_chunk(&scene->sketch, 128, CHUNK_IN_USE);
	uint8_t out[64];

	stream->zalloc = allocate;
	stream->zfree = release;
	stream->opaque = &scene->sketch;
	assert_int_equal(deflateInit2(stream, 6, Z_DEFLATED, window_bits, memory_level, 0), Z_OK);
	stream->next_in = scene->packed;
	stream->avail_in = (uInt)scene->packed_size;
	stream->next_out = out;
	stream->avail_out = sizeof out;
	assert_int_equal(deflate(stream, Z_NO_FLUSH), Z_OK);
	return stream;
}

static void open_deflate_streams_are_found_whole(void **state)
{
	enum { STATE = 5968, WINDOW = 65552 };
	struct scene *scene = *state;
	struct findings findings;
	struct sum sum;

	for (int i = 0; i < 2; i++)
		open_deflate(scene, 15, 8);
	open_deflate(scene, -9, 1);
	findings = scan(scene);
	sum = sum_of(&findings, "compression.zlib-deflate");
	assert_int_equal(sum.hits, 3);
	assert_int_equal(sum.claims, 3 * 5);
	assert_in_range(sum.bytes, 2 * (128 + STATE + 4 * WINDOW),
					2 * (128 + STATE + 4 * WINDOW) + 16000);
	assert_int_equal(sum_of(&findings, "compression.zlib-deflate-stale").hits, 0);
	findings_deinit(&findings);
}

static void ended_deflate_streams_are_found_in_free_chunks(void **state)
{
	struct scene *scene = *state;
	struct findings findings;
	struct sum sum;

	for (int i = 0; i < 2; i++) {
		size_t first = scene->sketch.packed.count;

		open_deflate(scene, 15, 8);
		free_tail(&scene->sketch, first + 1);
		sketch_chunk(&scene->sketch, 64, CHUNK_IN_USE);
	}
	findings = scan(scene);
	sum = sum_of(&findings, "compression.zlib-deflate-stale");
	assert_int_equal(sum.hits, 2);
	assert_int_equal(sum.claims, 2 * 3);
	assert_int_equal(sum.bytes, 2 * (5948 + 3 * 65536));
	assert_int_equal(sum_of(&findings, "compression.zlib-deflate").hits, 0);
	findings_deinit(&findings);
}

static void *allocate_plain(void *opaque, size_t size)
{
	return sketch_chunk(opaque, (size + 8 + 15) / 16 * 16, CHUNK_IN_USE);
}

/* Both kinds of context in the middle of a stream, one of each not used yet. */
static void open_zstd_contexts_are_found_whole(void **state)
{
	struct scene *scene = *state;
	ZSTD_customMem memory = { allocate_plain, release, &scene->sketch };
	ZSTD_CCtx *packer = ZSTD_createCCtx_advanced(memory);
	ZSTD_DCtx *unpacker = ZSTD_createDCtx_advanced(memory);
	static char packed[200000], plain[1000];
	ZSTD_inBuffer in = { scene->packed, scene->packed_size, 0 };
	ZSTD_outBuffer out = { packed, sizeof packed, 0 }, again = { plain, sizeof plain, 0 };
	struct findings findings;
	size_t known;

	if (ZSTD_versionNumber() < 10504 || ZSTD_versionNumber() > 10507) {
		print_message("skipped: contexts of zstd %s are not known\n", ZSTD_versionString());
		skip();
	}
	ZSTD_createCCtx_advanced(memory);
	ZSTD_createDCtx_advanced(memory);
	ZSTD_CCtx_setParameter(packer, ZSTD_c_compressionLevel, 1);
	assert_int_equal(ZSTD_compressStream2(packer, &out, &in, ZSTD_e_flush), 0);
	in = (ZSTD_inBuffer){ packed, out.pos, 0 };
	assert_false(ZSTD_isError(ZSTD_decompressStream(unpacker, &again, &in)));
	findings = scan(scene);
	assert_int_equal(sum_of(&findings, "compression.zstd-decompress").hits, 1);
	assert_int_equal(sum_of(&findings, "compression.zstd-decompress").claims, 1);
	assert_in_range(sum_of(&findings, "compression.zstd-decompress").bytes,
					ZSTD_sizeof_DCtx(unpacker), ZSTD_sizeof_DCtx(unpacker) + 64);
	known = sum_of(&findings, "compression.zstd-compress").bytes +
			sum_of(&findings, "compression.zstd-compress-1.5.6").bytes +
			sum_of(&findings, "compression.zstd-compress-1.5.7").bytes;
	assert_in_range(known, ZSTD_sizeof_CCtx(packer), ZSTD_sizeof_CCtx(packer) + 64);
	findings_deinit(&findings);
}

/* Hits of the rule in the group of that key. */
static size_t hits_in(const struct findings *findings, const char *id, const char *key)
{
	size_t hits = 0;

	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *hit = &findings->hits.items[i];

		hits += !hit->claimed && hit->group != HIT_NO_GROUP &&
				strcmp(findings->rules.items[hit->rule].id, id) == 0 &&
				strcmp(findings->groups.items[hit->group].key, key) == 0;
	}
	return hits;
}

/* A stream whose output so far is `before` bytes of something else, then the text. */
static void open_stream_of(struct scene *scene, size_t before, struct span text)
{
	struct strbuf plain = { 0 };
	uLongf size = sizeof scene->packed;

	for (size_t i = 0; i < before; i++)
		strbuf_putc(&plain, (char)(128 + rand() % 64));
	strbuf_add(&plain, text.data, text.size);
	assert_int_equal(compress2(scene->packed, &size, (Bytef *)plain.data, plain.size, 6), Z_OK);
	scene->packed_size = size;
	open_stream(scene, plain.size - 1); /* all but a byte: the stream is not at its end */
	strbuf_deinit(&plain);
}

#define MANIFEST "Manifest-Version: 1.0\r\nAutomatic-Module-Name: com.acme.lib\r\n\r\n"

static void windows_are_grouped_by_what_is_in_them(void **state)
{
	static const size_t before[] = { 0, 100, 20000, 28000, 32768, 40000 };
	struct scene *scene = *state;
	struct findings findings;
	struct strbuf class = { 0 }, jar = { 0 };
	const char *id = "compression.zlib-inflate";

	class_file_add(&class, "com/acme/app/Foo", "Foo.java", 300, 0x21, true);
	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		open_stream_of(scene, before[i], strbuf_span(&class));
	strbuf_puts(&jar, MANIFEST);
	strbuf_add(&jar, class.data, class.size);
	open_stream_of(scene, 0, strbuf_span(&jar)); /* one stream, so one archive */
	open_stream_of(scene, 0, span_string(MANIFEST "."));
	open_stream_of(scene, 0, span_string("nothing that is known"));
	open_stream_of(scene, 0, span_part(strbuf_span(&class), 0, 400)); /* its name comes later */
	open_stream(scene, 0);
	findings = scan(scene);
	assert_int_equal(hits_in(&findings, id, "(class file, not named)"), 1);
	assert_int_equal(hits_in(&findings, id, "com/acme/app, unknown jar"), 6);
	assert_int_equal(hits_in(&findings, id, "com/acme/app, jar com.acme.lib"), 1);
	assert_int_equal(hits_in(&findings, id, "archives.jar-manifest: com.acme.lib"), 1);
	assert_int_equal(hits_in(&findings, id, "(unknown content)"), 1);
	assert_int_equal(hits_in(&findings, id, "(no window)"), 1);
	findings_deinit(&findings);
	strbuf_deinit(&class);
	strbuf_deinit(&jar);
}

/* The window was freed first, as a chunk of its own, whose start then held links; what stands
 * before it was freed and merged with it later. */
static void stale_windows_are_grouped_without_their_start(void **state)
{
	struct scene *scene = *state;
	struct sketch *sketch = &scene->sketch;
	struct findings findings;
	struct strbuf class = { 0 };

	class_file_add(&class, "com/acme/app/Foo", "Foo.java", 100, 0x421, true);
	for (int i = 0; i < 3; i++) {
		size_t first = sketch->packed.count;

		open_stream_of(scene, 0, strbuf_span(&class));
		memset(sketch->memory + (size_t)(sketch->packed.items[first + 2] >> 3) * 8 + 16, 0xee, 32);
		free_tail(sketch, first);
		sketch_chunk(sketch, 64, CHUNK_IN_USE);
	}
	findings = scan(scene);
	assert_int_equal(
		hits_in(&findings, "compression.zlib-inflate-stale", "com/acme/app, unknown jar"), 3);
	findings_deinit(&findings);
	strbuf_deinit(&class);
}

/* No rule takes random words or pointers for a stream. */
static void noise_is_no_stream(void **state)
{
	struct scene *scene = *state;
	struct findings findings;

	for (int i = 0; i < 60; i++) {
		uint8_t *payload = sketch_chunk(&scene->sketch, 7168, i % 2 ? CHUNK_IN_USE : CHUNK_BINNED);

		for (size_t at = 0; at < 7152; at += 8) {
			vaddr value = sketch_address(&scene->sketch, scene->sketch.memory) +
						  (uint64_t)(rand() % 400000) * (uint64_t)(rand() % 2);

			memcpy(payload + at, &value, 8);
		}
	}
	findings = scan(scene);
	assert_int_equal(findings.hits.count, 0);
	findings_deinit(&findings);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(open_streams_are_found_whole),
		TEST(ended_streams_are_found_in_free_chunks),
		TEST(open_deflate_streams_are_found_whole),
		TEST(ended_deflate_streams_are_found_in_free_chunks),
		TEST(open_zstd_contexts_are_found_whole),
		TEST(windows_are_grouped_by_what_is_in_them),
		TEST(stale_windows_are_grouped_without_their_start),
		TEST(noise_is_no_stream),
	};

	return cmocka_run_group_tests_name("shipped_rules", tests, NULL, NULL);
}

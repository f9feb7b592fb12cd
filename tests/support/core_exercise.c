#include "tests/support/core_exercise.h"

#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/owners.h"
#include "analyze/memory/regions.h"
#include "tests/support/core_builder.h"
#include "tests/support/promise.h"

#include <stdio.h>
#include <string.h>

static void check_segments(const struct core *core)
{
	vaddr end = 0;

	for (size_t i = 0; i < core->segments.count; i++) {
		const struct core_segment *segment = &core->segments.items[i];

		promise(segment->start >= end, "segments are sorted and do not overlap");
		promise(segment->bytes.size <= segment->memory_bytes, "a segment has its own bytes only");
		if (segment->bytes.size)
			promise(segment->bytes.data >= core->plain.data &&
						segment->bytes.data + segment->bytes.size <=
							core->plain.data + core->plain.size,
					"a segment's bytes are in the file");
		end = segment->start + segment->memory_bytes;
	}
	for (size_t i = 1; i < core->gaps.count; i++)
		promise(core->gaps.items[i - 1].range.start <= core->gaps.items[i].range.start,
				"gaps are sorted");
}

static void check_owners(const struct core *core, const struct regions *regions)
{
	struct image image;
	struct owners owners;
	vaddr end = 0;

	image_init(&image, core);
	owners_find(&owners, &image, regions, core);
	for (size_t i = 0; i < owners.claims.count; i++) {
		const struct owner_claim *claim = &owners.claims.items[i];

		promise(claim->range.start >= end && claim->range.start < claim->range.end,
				"claims are sorted and do not overlap");
		promise(claim->kind < OWNER_KINDS && owners_certainty(&owners, claim->kind) >= OWNER_LIKELY,
				"something speaks for an owner that has memory");
		end = claim->range.end;
	}
	owners_deinit(&owners);
	image_deinit(&image);
}

static void check_regions(const struct core *core)
{
	struct regions regions;
	vaddr end = 0;

	regions_init(&regions, core);
	for (size_t i = 0; i < regions.items.count; i++) {
		const struct region *region = &regions.items.items[i];

		promise(region->range.start >= end && region->range.start < region->range.end,
				"regions are sorted and do not overlap");
		promise(regions_find(&regions, region->range.start) == region, "a region is found");
		promise(region->path != NULL && region->kind < REGION_KINDS, "a region has path and kind");
		end = region->range.end;
	}
	for (size_t i = 0; i < core->segments.count; i++)
		promise(regions_find(&regions, core->segments.items[i].start) != NULL,
				"a segment is in a region");
	check_owners(core, &regions);
	regions_deinit(&regions);
}

/* Touches every byte; the sum only keeps the compiler from leaving that out. */
static void read_image(const struct core *core)
{
	struct image image;
	volatile uint64_t sink;
	uint64_t sum = 0, word;

	image_init(&image, core);
	for (size_t i = 0; i < image.pieces.count; i++) {
		const struct piece *piece = &image.pieces.items[i];

		for (uint64_t j = 0; j < range_bytes(piece->range); j++)
			sum += piece->data[j];
		for (vaddr at = piece->range.end - 9; at != piece->range.end + 9; at++)
			if (image_word(&image, at, &word))
				sum += word;
	}
	image_deinit(&image);
	sink = sum;
	(void)sink;
}

bool core_exercise(struct span bytes)
{
	struct progress silent = { 0 };
	core_findings findings = { 0 };
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct core core;
	bool opened = core_builder_open_bytes(bytes, 2, &core, &err);

	if (opened) {
		check_segments(&core);
		check_regions(&core);
		read_image(&core);
		core_verify(&core, 2, &silent, &pool, &findings);
	} else {
		promise(err.kind != ERR_NONE && *err.what, "a failure says why");
	}
	core_close(&core);
	vec_deinit(&findings);
	pool_deinit(&pool);
	return opened;
}

static const char seed_smaps[] =
	"555555554000-555555556000 r-xp 00000000 fe:01 42    /usr/bin/program\n"
	"Rss:                   8 kB\nSwap:                  0 kB\n"
	"555555556000-555555557000 rw-p 00002000 fe:01 42    /usr/bin/program\n"
	"Rss:                   4 kB\n"
	"555555557000-555555558000 rw-p 00000000 00:00 0 \n"
	"Rss:                   4 kB\n"
	"555555560000-555555570000 rw-p 00000000 00:00 0     [heap]\n"
	"Rss:                  64 kB\nVmFlags: rd wr mr mw me ac\n"
	"7ffff0000000-7ffff0002000 rw-p 00000000 00:00 0 \n"
	"Rss:                   8 kB\n";

static void add_memory(struct core_builder *builder, vaddr low)
{
	uint8_t *bytes = core_builder_segment(builder, low, NULL, 8192, PF_R | PF_W);

	for (size_t i = 0; i < 8192; i += 16)
		bytes[i] = (uint8_t)i;
	core_builder_segment(builder, low + 8192, NULL, 4096, PF_R | PF_W);
	core_builder_segment_part(builder, low + 0x10000, 8192, "text", 4, PF_R | PF_X);
	core_builder_thread(builder, 100, low + 0x10000, low + 4096, low + 8000);
	core_builder_thread(builder, 101, low + 0x10004, low + 128, 0);
	core_builder_process(builder, 100, "program", "program --option");
	core_builder_auxv(builder, AT_PAGESZ, 4096);
	core_builder_auxv(builder, AT_ENTRY, low + 0x10000);
	core_builder_file(builder, (struct range){ low + 0x10000, low + 0x12000 }, 0, "/bin/program");
}

static void build_foreign(uint16_t machine, struct strbuf *out)
{
	struct core_builder builder;

	core_builder_init(&builder, machine);
	builder.extended = machine == EM_AARCH64;
	add_memory(&builder, 0x55550000);
	core_builder_build(&builder, out);
	core_builder_deinit(&builder);
}

static void build_archive(struct strbuf *out)
{
	struct capture_facts facts = { .tool = "dumpcore 0.1.0",
								   .consistency = "freeze",
								   .captured_at = "2026-11-21T08:00:00Z",
								   .host = "host",
								   .kernel = "6.1",
								   .machine = "x86_64",
								   .comm = "program",
								   .exe = "/usr/bin/program",
								   .selection = "native",
								   .command = "dumpcore 100",
								   .pid = 100,
								   .page_size = 4096 };
	struct capture_outcome outcome = { .complete = true, .reason = "", .pause_ns = 1000000 };
	struct core_builder builder;

	*vec_add(&facts.gaps) =
		(struct capture_gap){ { 0x555555554000, 0x555555556000 }, "not selected" };
	*vec_add(&outcome.errors) =
		(struct capture_gap){ { 0x555555561000, 0x555555562000 }, "Input/output error" };
	core_builder_init(&builder, EM_X86_64);
	add_memory(&builder, 0x555555560000);
	core_builder_facts(&builder, &facts);
	core_builder_pages(&builder, (struct range){ 0x555555560000, 0x555555562000 }, PAGE_PRESENT);
	core_builder_pages(&builder, (struct range){ 0x555555562000, 0x555555563000 }, PAGE_UNREADABLE);
	core_builder_pages(&builder, (struct range){ 0x555555563000, 0x555555570000 }, PAGE_ABSENT);
	core_builder_document(&builder, FORMAT_DOCUMENT_SMAPS, seed_smaps);
	core_builder_document(&builder, "task/100/comm", "main\n");
	core_builder_document(&builder, "task/101/comm", "worker\n");
	core_builder_outcome(&builder, &outcome);
	core_builder_build(&builder, out);
	core_builder_deinit(&builder);
	vec_deinit(&facts.gaps);
	vec_deinit(&outcome.errors);
}

bool core_seed(size_t index, struct strbuf *out)
{
	struct strbuf plain = { 0 };

	switch (index) {
	case 0:
		build_foreign(EM_X86_64, out);
		return true;
	case 1:
		build_foreign(EM_386, out);
		return true;
	case 2:
		build_foreign(EM_AARCH64, out);
		return true;
	case 3:
		build_archive(out);
		return true;
	case 4:
	case 5:
	case 6:
		build_archive(&plain);
		core_builder_compress(strbuf_span(&plain), index == 6 ? 0 : 4096, index == 4, out);
		strbuf_deinit(&plain);
		return true;
	default:
		return false;
	}
}

uint64_t core_random(uint64_t *state, uint64_t below)
{
	/* splitmix64, Steele, Lea and Flood 2014 */
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return below ? (z ^ z >> 31) % below : 0;
}

#include "dumpcore/xstate_x86_64.h"

#include <cpuid.h>
#include <stdbool.h>
#include <string.h>

/* Intel SDM volume 1, 13.4 and 13.5; the places are those of gdbsupport/x86-xstate.h. */
struct place {
	unsigned block; /* bit in XCR0 */
	uint32_t offset;
	uint32_t size;
};

static const struct place places[] = {
	{ 2, 576, 256 },   /* AVX: upper halves of YMM */
	{ 3, 960, 64 },    /* MPX: BND */
	{ 4, 1024, 64 },   /* MPX: BNDCSR */
	{ 5, 1088, 64 },   /* AVX-512: opmask */
	{ 6, 1152, 512 },  /* AVX-512: upper halves of ZMM0-15 */
	{ 7, 1664, 1024 }, /* AVX-512: ZMM16-31 */
	{ 9, 2688, 8 },    /* PKRU */
};

enum {
	PLACES = sizeof places / sizeof *places,
	HEADER_END = 576,  /* legacy region and XSAVE header */
	XCR0_OFFSET = 464, /* software-reserved bytes: XCR0 (arch/x86/include/asm/user.h) */
};

void xstate_layout_read(struct xstate_layout *layout)
{
	memset(layout, 0, sizeof *layout);
	for (unsigned i = 2; i < XSTATE_BLOCKS; i++) {
		unsigned size, offset, c, d;

		if (!__get_cpuid_count(0xd, i, &size, &offset, &c, &d))
			return;
		layout->size[i] = size;
		layout->offset[i] = offset;
	}
}

static bool is_enabled(uint64_t xcr0, const struct place *place)
{
	return xcr0 >> place->block & 1;
}

/* A block that is not where it should be, and is not beyond the area either. */
static bool must_move(const struct xstate_layout *layout, uint64_t xcr0, size_t size)
{
	bool moves = false;

	for (size_t i = 0; i < PLACES; i++) {
		uint32_t offset = layout->offset[places[i].block];

		if (!is_enabled(xcr0, &places[i]))
			continue;
		if (layout->size[places[i].block] != places[i].size || offset < HEADER_END ||
			offset + places[i].size > size)
			return false; /* not as known: left as the kernel gave it */
		moves |= offset != places[i].offset;
	}
	return moves;
}

size_t xstate_arrange(const struct xstate_layout *layout, uint8_t *area, size_t size)
{
	uint8_t from[XSTATE_ARRANGED_BYTES];
	size_t arranged = HEADER_END;
	uint64_t xcr0;

	if (size < HEADER_END || size > sizeof from)
		return size;
	memcpy(&xcr0, area + XCR0_OFFSET, sizeof xcr0);
	if (!must_move(layout, xcr0, size))
		return size;
	memcpy(from, area, size);
	memset(area + HEADER_END, 0, XSTATE_ARRANGED_BYTES - HEADER_END);
	for (size_t i = 0; i < PLACES; i++)
		if (is_enabled(xcr0, &places[i])) {
			memcpy(area + places[i].offset, from + layout->offset[places[i].block], places[i].size);
			arranged = places[i].offset + places[i].size;
		}
	return arranged;
}

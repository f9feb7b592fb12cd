/* xstate: the XSAVE area of a thread in the layout that debuggers expect.
 *
 * The processor says where in the area each register block stands (CPUID leaf 0xD). Processors
 * without MPX, all of AMD's among them, leave no room for it, so their AVX-512 blocks stand lower
 * than Intel's. NT_X86_XSTATE does not carry the places: gdb before 14 takes Intel's always and
 * refuses a shorter note, later ones guess by size. */
#ifndef DUMPCORE_XSTATE_X86_64_H
#define DUMPCORE_XSTATE_X86_64_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the largest area xstate_arrange makes or changes. */
enum { XSTATE_ARRANGED_BYTES = 2696, XSTATE_BLOCKS = 10 };

/* Where a processor keeps each block: index is the bit in XCR0. */
struct xstate_layout {
	uint32_t offset[XSTATE_BLOCKS];
	uint32_t size[XSTATE_BLOCKS];
};

/* This processor's. */
void xstate_layout_read(struct xstate_layout *layout);

/* Moves the blocks of an area of `size` bytes, in a buffer of at least XSTATE_ARRANGED_BYTES, to
 * Intel's places. Gives the new size; an area that needs no change keeps its own. */
size_t xstate_arrange(const struct xstate_layout *layout, uint8_t *area, size_t size);

#endif

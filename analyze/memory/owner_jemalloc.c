#include "analyze/memory/owner_search.h"

/* jemalloc 5 keeps its own tables in blocks of whole huge pages, each mapped for itself
 * (include/jemalloc/internal/base.h and src/base.c, 5.0 to 5.3):
 *
 *     base_block_t { size_t size; base_block_t *next; edata_t edata; … }
 *
 * where edata tells of the block's unused end: its address plus its size is the block's end. In the
 * used part lie, among others, the descriptors of all extents, those in use and those kept
 * (edata.h; extent_t of extent_structs.h before 5.3): { e_bits, e_addr, e_size_esn, … }, at
 * multiples of 128 bytes (64 before 5.3). Descriptors are the only list of its memory that is
 * complete without symbols. */
enum {
	BLOCK_ALIGNMENT = 2 << 20, /* HUGEPAGE */
	HEADER_BYTES = 40,
	EXTENT_ALIGNMENT = 64,
	EXTENT_BYTES = 24,
	PAGE = 4096,
};

struct finding {
	struct owner_search *search;
	uint64_t blocks, extents;
	vaddr end; /* of the last block: blocks do not overlap */
};

static bool is_base_block(vaddr address, const uint8_t *bytes, uint64_t *size, uint64_t *used)
{
	uint64_t next = owner_u64(bytes + 8), free_start = owner_u64(bytes + 24);
	uint64_t free_bytes = owner_u64(bytes + 32);

	*size = owner_u64(bytes);
	*used = free_start - address;
	return *size && *size % BLOCK_ALIGNMENT == 0 && address + *size > address && next % PAGE == 0 &&
		   next != address && *used >= HEADER_BYTES && *used <= *size &&
		   free_bytes == *size - *used;
}

/* Addresses of no other table are page-aligned and followed by a size that fits the mapping. */
static void take_extent(struct finding *finding, const uint8_t *bytes)
{
	vaddr start = owner_u64(bytes + 8) & ~(vaddr)(PAGE - 1);
	uint64_t size = owner_u64(bytes + 16) & ~(uint64_t)(PAGE - 1);

	if (!start || !size || !owner_has_memory(finding->search, start, size))
		return;
	finding->extents++;
	owner_claim(finding->search, OWNER_JEMALLOC, (struct range){ start, start + size });
}

static void take_block(void *context, vaddr address, const uint8_t *bytes)
{
	struct finding *finding = context;
	uint64_t size, used;
	struct span span;

	if (address < finding->end || !is_base_block(address, bytes, &size, &used) ||
		!owner_has_memory(finding->search, address, size))
		return;
	finding->blocks++;
	finding->end = address + size;
	owner_claim(finding->search, OWNER_JEMALLOC, (struct range){ address, address + size });
	span = image_span(finding->search->image, address, used);
	for (size_t at = EXTENT_ALIGNMENT; at + EXTENT_BYTES <= span.size; at += EXTENT_ALIGNMENT)
		take_extent(finding, span.data + at);
}

void owner_find_jemalloc(struct owner_search *search)
{
	struct finding finding = { .search = search };

	owner_each_aligned(search, BLOCK_ALIGNMENT, HEADER_BYTES, take_block, &finding);
	if (finding.blocks)
		owner_seen(search, OWNER_JEMALLOC,
				   "%llu base blocks that describe themselves, and %llu extents described in them",
				   (unsigned long long)finding.blocks, (unsigned long long)finding.extents);
}

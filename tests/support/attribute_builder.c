#include "tests/support/attribute_builder.h"

#include "base/mem.h"

#include <elf.h>

enum { PAGE = 4096 };

void attribute_builder_init(struct attribute_builder *builder)
{
	*builder = (struct attribute_builder){ 0 };
	builder->core.writer = CORE_BY_DUMPCORE;
	builder->core.word = builder->image.word = 8;
	builder->core.machine = builder->image.machine = EM_X86_64;
	builder->core.page_size = builder->image.page_size = PAGE;
	builder->core.page_map.page_size = PAGE;
	builder->core.has_page_map = true;
	builder->regions.from_proc = true;
	builder->heap.found = true;
	builder->heap.generation = builder->heap.basis = "";
	builder->heap.chunks.header_bytes = 16;
}

void attribute_builder_deinit(struct attribute_builder *builder)
{
	page_map_deinit(&builder->core.page_map);
	vec_deinit(&builder->core.threads);
	vec_deinit(&builder->core.documents);
	vec_deinit(&builder->core.gaps);
	vec_deinit(&builder->core.troubles);
	vec_deinit(&builder->image.pieces);
	vec_deinit(&builder->regions.items);
	heap_deinit(&builder->heap);
	owners_deinit(&builder->owners);
}

struct region *attribute_builder_region(struct attribute_builder *builder, struct range range,
										enum region_kind kind, uint64_t resident)
{
	struct region *region = vec_add(&builder->regions.items);

	*region = (struct region){ .range = range,
							   .protection = MAPPING_READ | MAPPING_WRITE,
							   .kind = kind,
							   .path = "",
							   .has_counts = true,
							   .resident_bytes = resident };
	if (resident)
		page_map_append(&builder->core.page_map,
						(struct range){ range.start, range.start + resident }, PAGE_PRESENT);
	if (resident < range_bytes(range))
		page_map_append(&builder->core.page_map,
						(struct range){ range.start + resident, range.end }, PAGE_ABSENT);
	return region;
}

void attribute_builder_piece(struct attribute_builder *builder, struct range range,
							 const uint8_t *data)
{
	*vec_add(&builder->image.pieces) = (struct piece){ range, data, true };
}

static void count(struct attribute_builder *builder, struct chunk_sum *sum, vaddr address,
				  uint64_t bytes)
{
	sum->chunks++;
	sum->bytes += bytes;
	sum->resident_bytes +=
		page_map_resident(&builder->core.page_map, (struct range){ address, address + bytes });
}

struct heap_arena *attribute_builder_arena(struct attribute_builder *builder, vaddr start,
										   const struct chunk *chunks, size_t chunk_count)
{
	struct heap_arena *arena = vec_add(&builder->heap.arenas);
	int index = (int)builder->heap.arenas.count - 1;
	struct chunk_block *block;
	vaddr at = start;

	for (size_t i = 0; i < chunk_count; i++)
		at += chunks[i].bytes;
	block = chunk_table_add(&builder->heap.chunks, (struct range){ start, at }, index);
	block->packed = mem_zeroed(chunk_count, sizeof *block->packed);
	block->count = chunk_count;
	*vec_add(&builder->heap.blocks) = (struct heap_block){ .range = { start, at }, .arena = index };
	*arena = (struct heap_arena){
		.main = index == 0, .heaps = 1, .system_bytes = at - start, .block_bytes = at - start
	};
	at = start;
	for (size_t i = 0; i < chunk_count; i++) {
		block->packed[i] = (uint32_t)((at - start) / 8 << 3 | chunks[i].state);
		count(builder, &arena->states[chunks[i].state], at, chunks[i].bytes);
		at += chunks[i].bytes;
	}
	return arena;
}

static void add_mapping(struct attribute_builder *builder, vaddr address, uint64_t bytes,
						enum chunk_state state)
{
	struct range range = { address & -(vaddr)PAGE, address + bytes };
	struct chunk_block *block = chunk_table_add(&builder->heap.chunks, range, CHUNK_NO_ARENA);

	block->packed = mem_zeroed(2, sizeof *block->packed);
	if (address > range.start) {
		block->packed[block->count++] = CHUNK_OVERHEAD;
		count(builder, &builder->heap.mmapped_overhead, range.start, address - range.start);
	}
	block->packed[block->count++] = (uint32_t)(address - range.start) | state;
}

void attribute_builder_mmapped(struct attribute_builder *builder, vaddr address, uint64_t bytes)
{
	add_mapping(builder, address, bytes, CHUNK_MMAPPED);
	count(builder, &builder->heap.mmapped, address, bytes);
}

void attribute_builder_mmapped_cached(struct attribute_builder *builder, vaddr address,
									  uint64_t bytes)
{
	add_mapping(builder, address, bytes, CHUNK_TCACHE);
	count(builder, &builder->heap.mmapped_cached, address, bytes);
}

void attribute_builder_status(struct attribute_builder *builder, const char *text)
{
	*vec_add(&builder->core.documents) =
		(struct core_document){ FORMAT_DOCUMENT_STATUS, span_string(text) };
}

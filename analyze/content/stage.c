#include "analyze/content/stage.h"

void stage_init(struct stage *stage, const struct image *image)
{
	struct chunk_block *block;

	*stage = (struct stage){ .image = { image->word, image->machine, image->page_size, { 0 } } };
	stage->chunks.header_bytes = 2 * image->word;
	block = chunk_table_add(&stage->chunks, (struct range){ 0, 0 }, 0);
	block->packed = mem_zeroed(1, sizeof *block->packed);
	block->count = 1;
	vec_add(&stage->runs.items);
	vec_add(&stage->runs.units);
}

void stage_deinit(struct stage *stage)
{
	runs_deinit(&stage->runs);
	chunk_table_deinit(&stage->chunks);
}

const struct unit *stage_put(struct stage *stage, struct span bytes, enum chunk_state state)
{
	struct range payload = { STAGE_START, STAGE_START + bytes.size };
	struct chunk_block *block = &stage->chunks.blocks.items[0];

	block->range = (struct range){ payload.start - stage->chunks.header_bytes, payload.end };
	chunk_block_mark(block, 0, state);
	stage->runs.items.items[0] = (struct run){ payload, bytes.data, 0 };
	stage->runs.units.items[0] = (struct unit){ payload, 0, bytes.size };
	return &stage->runs.units.items[0];
}

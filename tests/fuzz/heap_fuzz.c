/* heap_fuzz: a sound heap with words changed and pages taken out as the input says, so that the
 * fuzzer gets deep into the walk. The first byte chooses the heap; records of 12 bytes follow:
 * what to do, two bytes and a byte that say where, and a value. */
#include "tests/fuzz/fuzz.h"

#include "base/mem.h"
#include "tests/support/promise.h"
#include "tests/support/sound_heap.h"

#include <stdio.h>
#include <string.h>

enum { RECORD_BYTES = 12, RECORDS_MAX = 64, PAGE = 4096, CHUNKS = 50 };

enum action { SET, ADD, FLIP, POINT, ZERO_PAGE, DROP_PAGE, DROP_REST, SPREAD, ACTIONS };

static struct sound_heap *heaps; /* built at the first input, healed after each */

static void build_heaps(void)
{
	heaps = mem_zeroed(sound_heap_rows(), sizeof *heaps);
	for (size_t i = 0; i < sound_heap_rows(); i++) {
		sound_heap_build(&heaps[i], i, CHUNKS);
		promise(sound_heap_examine(&heaps[i]), "the heap is sound");
	}
}

/* Places that matter: words of a malloc_state, of a chunk's header and links, of any memory. */
static vaddr choose_place(const struct sound_heap *heap, unsigned kind, unsigned at)
{
	const struct heap *truth = &heap->truth;
	const struct image *image = &heap->specimen.image;
	const struct chunk_block *block;
	unsigned word = image->word;

	switch (kind & 3) {
	case 0:
		return truth->arenas.items[(kind >> 2) % truth->arenas.count].address + at % 280 * word;
	case 1:
		block = &truth->chunks.blocks.items[(kind >> 2) % truth->chunks.blocks.count];
		return chunk_block_get(block, (at >> 2) % block->count).address + at % 4 * word;
	case 2:
		return truth->blocks.items[(kind >> 2) % truth->blocks.count].range.start + at % 64 * word;
	default:
		return image->pieces.items[(kind >> 2) % image->pieces.count].range.start + at * word;
	}
}

static void change(struct sound_heap *heap, const uint8_t record[RECORD_BYTES])
{
	struct specimen *specimen = &heap->specimen;
	unsigned word = specimen->image.word, at = record[1] | (unsigned)record[2] << 8;
	vaddr place, page;
	uint64_t value;

	if (!specimen->image.pieces.count)
		return;
	place = choose_place(heap, record[3], at);
	page = place & ~(vaddr)(PAGE - 1);
	memcpy(&value, record + 4, 8);
	switch (record[0] % ACTIONS) {
	case SET:
		specimen_set(specimen, place, value);
		break;
	case ADD:
		specimen_set(specimen, place, specimen_get(specimen, place) + (uint64_t)(int16_t)value);
		break;
	case FLIP:
		specimen_set(specimen, place, specimen_get(specimen, place) ^ UINT64_C(1) << value % 64);
		break;
	case POINT:
		specimen_set(specimen, place,
					 choose_place(heap, record[4], record[5] | (unsigned)record[6] << 8));
		break;
	case ZERO_PAGE:
		for (vaddr i = page; i < page + PAGE; i += word)
			specimen_set(specimen, i, 0);
		break;
	case DROP_PAGE:
		specimen_drop(specimen, (struct range){ page, page + PAGE });
		break;
	case DROP_REST:
		specimen_drop(specimen, (struct range){ place, UINT64_MAX });
		break;
	default: /* one value all over the place: 256 words */
		for (vaddr i = place; i < place + 256 * word; i += word)
			specimen_set(specimen, i, value + (record[4] & 1 ? i : 0));
	}
}

static void check(const struct sound_heap *heap)
{
	struct heap_walked walked;
	char text[HEAP_PROMISE_BYTES];
	const char *broken;

	heap_walked_init(&walked, heap);
	broken = heap_promise_broken(&walked.heap, text);
	promise(!broken, broken);
	snprintf(text, sizeof text,
			 "every byte is in one bucket: of %" PRIu64 " and resident %" PRIu64 " bytes %" PRIu64
			 " and %" PRIu64 " are",
			 heap->sums.virtual_bytes, heap->sums.resident_bytes, walked.sums.virtual_bytes,
			 walked.sums.resident_bytes);
	promise(walked.sums.virtual_bytes == heap->sums.virtual_bytes &&
				walked.sums.resident_bytes == heap->sums.resident_bytes,
			text);
	heap_walked_deinit(&walked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sound_heap *heap;

	if (!heaps)
		build_heaps();
	if (!size)
		return 0;
	heap = &heaps[data[0] % sound_heap_rows()];
	for (size_t at = 1, i = 0; at + RECORD_BYTES <= size && i < RECORDS_MAX;
		 at += RECORD_BYTES, i++)
		change(heap, data + at);
	check(heap);
	specimen_heal(&heap->specimen);
	return 0;
}

bool fuzz_seed(size_t index, struct strbuf *out)
{
	if (index >= 3) /* few: every one of the replay's mutations is a walk */
		return false;
	strbuf_add(out, &(uint8_t){ (uint8_t)index }, 1);
	for (unsigned i = 0; i < 3 * index; i++) {
		uint8_t record[RECORD_BYTES] = { (uint8_t)(index + i),
										 (uint8_t)(31 * i),
										 (uint8_t)index,
										 (uint8_t)(i * 5 + index),
										 0x41,
										 (uint8_t)i };

		strbuf_add(out, record, sizeof record);
	}
	return true;
}

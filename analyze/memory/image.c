#include "analyze/memory/image.h"

#include <elf.h>
#include <endian.h>
#include <string.h>

/* True where the segment goes on where the piece ends, in the target and in the file. */
static bool continues(const struct piece *piece, const struct core_segment *segment, bool writable)
{
	return piece->range.end == segment->start && piece->writable == writable &&
		   piece->data + range_bytes(piece->range) == segment->bytes.data;
}

void image_init(struct image *image, const struct core *core)
{
	*image = (struct image){ .word = core->word,
							 .machine = core->machine,
							 .page_size = core->page_size };
	for (size_t i = 0; i < core->segments.count; i++) {
		const struct core_segment *segment = &core->segments.items[i];
		size_t count = image->pieces.count;
		bool writable = segment->flags & PF_W;
		vaddr end = segment->start + segment->bytes.size;

		if (!segment->bytes.size)
			continue;
		if (count && continues(&image->pieces.items[count - 1], segment, writable))
			image->pieces.items[count - 1].range.end = end;
		else
			*vec_add(&image->pieces) =
				(struct piece){ { segment->start, end }, segment->bytes.data, writable };
	}
}

void image_deinit(struct image *image)
{
	vec_deinit(&image->pieces);
}

size_t image_find(const struct image *image, vaddr address)
{
	size_t low = 0, high = image->pieces.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (image->pieces.items[middle].range.end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct span image_span(const struct image *image, vaddr address, uint64_t size)
{
	size_t index = image_find(image, address);
	const struct piece *piece;
	uint64_t left;

	if (index == image->pieces.count)
		return span_make(NULL, 0);
	piece = &image->pieces.items[index];
	if (!range_holds(piece->range, address))
		return span_make(NULL, 0);
	left = piece->range.end - address;
	return span_make(piece->data + (address - piece->range.start), size < left ? size : left);
}

const uint8_t *image_at(const struct image *image, vaddr address, uint64_t size)
{
	struct span span = image_span(image, address, size);

	return span.size == size ? span.data : NULL;
}

uint64_t image_copy(const struct image *image, vaddr address, void *to, uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		struct span span = image_span(image, address + done, size - done);

		if (!span.size)
			break;
		memcpy((uint8_t *)to + done, span.data, span.size);
		done += span.size;
	}
	return done;
}

/* A little-endian integer of up to eight bytes. */
static bool read_integer(const struct image *image, vaddr address, unsigned size, uint64_t *value)
{
	uint64_t bytes = 0;

	if (image_copy(image, address, &bytes, size) != size)
		return false;
	*value = le64toh(bytes);
	return true;
}

bool image_word(const struct image *image, vaddr address, uint64_t *word)
{
	return read_integer(image, address, image->word, word);
}

bool image_u32(const struct image *image, vaddr address, uint32_t *value)
{
	uint64_t wide;

	if (!read_integer(image, address, sizeof *value, &wide))
		return false;
	*value = (uint32_t)wide;
	return true;
}

bool image_u16(const struct image *image, vaddr address, uint16_t *value)
{
	uint64_t wide;

	if (!read_integer(image, address, sizeof *value, &wide))
		return false;
	*value = (uint16_t)wide;
	return true;
}

bool image_has(const struct image *image, vaddr address, uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		uint64_t part = image_span(image, address + done, size - done).size;

		if (!part)
			return false;
		done += part;
	}
	return true;
}

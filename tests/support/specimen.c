#include "tests/support/specimen.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void specimen_init(struct specimen *specimen, const struct image *image,
				   const struct regions *regions, const struct core *core)
{
	*specimen = (struct specimen){ .image = *image, .regions = regions, .core = core };
	specimen->image.pieces.items = NULL;
	specimen->image.pieces.count = specimen->image.pieces.capacity = 0;
	for (size_t i = 0; i < image->pieces.count; i++) {
		struct piece piece = image->pieces.items[i];
		uint8_t *copy = mem_zeroed(range_bytes(piece.range) + 1, 1);

		memcpy(copy, piece.data, range_bytes(piece.range));
		piece.data = copy;
		*vec_add(&specimen->sound) = piece;
		*vec_add(&specimen->image.pieces) = piece;
	}
}

void specimen_deinit(struct specimen *specimen)
{
	for (size_t i = 0; i < specimen->sound.count; i++)
		free((void *)(uintptr_t)specimen->sound.items[i].data);
	vec_deinit(&specimen->sound);
	vec_deinit(&specimen->changes);
	vec_deinit(&specimen->image.pieces);
}

/* The word's bytes, which the specimen owns; NULL where one piece does not hold them. */
static uint8_t *word_at(const struct specimen *specimen, vaddr address)
{
	return (uint8_t *)(uintptr_t)image_at(&specimen->image, address, specimen->image.word);
}

uint64_t specimen_get(const struct specimen *specimen, vaddr address)
{
	const uint8_t *at = word_at(specimen, address);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, specimen->image.word);
	return value;
}

void specimen_set(struct specimen *specimen, vaddr address, uint64_t value)
{
	uint8_t *at = word_at(specimen, address);

	if (!at)
		return;
	*vec_add(&specimen->changes) = (struct specimen_change){ at, specimen_get(specimen, address) };
	memcpy(at, &value, specimen->image.word);
}

/* Adds the part of the piece in [start, end). */
static void add_part(struct image *image, const struct piece *piece, vaddr start, vaddr end)
{
	struct range part = range_overlap(piece->range, (struct range){ start, end });

	if (range_bytes(part))
		*vec_add(&image->pieces) =
			(struct piece){ part, piece->data + (part.start - piece->range.start),
							piece->writable };
}

void specimen_drop(struct specimen *specimen, struct range range)
{
	struct image old = specimen->image;

	specimen->image.pieces.items = NULL;
	specimen->image.pieces.count = specimen->image.pieces.capacity = 0;
	for (size_t i = 0; i < old.pieces.count; i++) {
		add_part(&specimen->image, &old.pieces.items[i], 0, range.start);
		add_part(&specimen->image, &old.pieces.items[i], range.end, UINT64_MAX);
	}
	vec_deinit(&old.pieces);
}

void specimen_heal(struct specimen *specimen)
{
	for (size_t i = specimen->changes.count; i-- > 0;)
		memcpy(specimen->changes.items[i].at, &specimen->changes.items[i].old,
			   specimen->image.word);
	specimen->changes.count = 0;
	specimen->image.pieces.count = 0;
	for (size_t i = 0; i < specimen->sound.count; i++)
		*vec_add(&specimen->image.pieces) = specimen->sound.items[i];
}

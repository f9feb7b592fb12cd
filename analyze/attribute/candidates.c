#include "analyze/attribute/candidates.h"

#include "analyze/attribute/shape.h"

enum { KEY_BITS = SHAPE_WORDS * SHAPE_BITS };

struct finding {
	struct candidates *out;
	struct shape_reader reader;
	struct tally tally;
};

/* The first bytes as a number where they are printable ASCII; 0: they are not. */
static uint64_t text_key(struct span bytes)
{
	uint64_t key = 0;

	if (bytes.size < CANDIDATE_PREFIX)
		return 0;
	for (size_t i = 0; i < CANDIDATE_PREFIX; i++) {
		if (bytes.data[i] < 0x20 || bytes.data[i] >= 0x7f)
			return 0;
		key = key << 8 | bytes.data[i];
	}
	return key;
}

static uint64_t shape_key(struct shape_reader *reader, const struct chunk *chunk, struct span bytes)
{
	return chunk->bytes << KEY_BITS | shape_of(reader, bytes.data, bytes.size);
}

static void count_text(void *context, const struct chunk *chunk, struct span bytes)
{
	struct finding *finding = context;
	uint64_t key = text_key(bytes);

	finding->out->chunks++;
	finding->out->bytes += chunk->bytes;
	if (key)
		tally_add(&finding->tally, key, chunk->bytes);
}

/* Is the prefix that of a group? */
static bool is_group(const struct candidates *candidates, uint64_t key)
{
	for (size_t i = 0; i < candidates->items.count; i++)
		if (candidates->items.items[i].is_text && candidates->items.items[i].key == key)
			return true;
	return false;
}

static void count_shape(void *context, const struct chunk *chunk, struct span bytes)
{
	struct finding *finding = context;
	uint64_t text = text_key(bytes);

	if (!bytes.size || (text && is_group(finding->out, text)))
		return;
	tally_add(&finding->tally, shape_key(&finding->reader, chunk, bytes), chunk->bytes);
}

/* Groups kept of each kind; a report shows fewer. */
enum { MOST_GROUPS = 256 };

static void take(struct finding *finding, bool is_text)
{
	size_t rows = tally_sort(&finding->tally), taken = 0;

	for (size_t i = 0; i < rows && taken < MOST_GROUPS; i++) {
		const struct tally_row *row = &finding->tally.slots[i];

		if (row->chunks < CANDIDATE_CHUNKS)
			continue;
		taken++;
		*vec_add(&finding->out->items) = (struct candidate){
			.is_text = is_text,
			.key = row->key,
			.size = is_text ? 0 : row->key >> KEY_BITS,
			.shape = is_text ? 0 : (uint32_t)(row->key & ((1u << KEY_BITS) - 1)),
			.chunks = row->chunks,
			.bytes = row->bytes,
		};
	}
	tally_deinit(&finding->tally);
}

static int compare(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	if (a->is_text != b->is_text)
		return a->is_text ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

void candidates_find(struct candidates *candidates, const struct unattributed *where,
					 const struct regions *regions)
{
	struct finding finding = {
		.out = candidates,
		.reader = shape_reader_make(regions, where->image->word),
	};
	uint64_t most = SHAPE_WORDS * (uint64_t)where->image->word;

	unattributed_each(where, most, count_text, &finding);
	take(&finding, true);
	unattributed_each(where, most, count_shape, &finding);
	take(&finding, false);
	vec_sort(&candidates->items, compare);
}

void candidates_deinit(struct candidates *candidates)
{
	vec_deinit(&candidates->items);
}

bool candidate_holds(const struct candidates *candidates, const struct candidate *candidate,
					 const struct chunk *chunk, struct span bytes, struct shape_reader *reader)
{
	struct span start = span_part(bytes, 0, SHAPE_WORDS * (size_t)reader->word);
	uint64_t text = text_key(start);

	if (candidate->is_text)
		return text == candidate->key;
	return start.size && chunk->bytes == candidate->size &&
		   shape_key(reader, chunk, start) == candidate->key &&
		   !(text && is_group(candidates, text));
}

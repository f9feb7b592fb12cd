#include "analyze/content/look.h"

#include "analyze/content/source_name.h"
#include "analyze/content/view.h"
#include "base/mem.h"

#include <stdlib.h>

/* The two texts: of the source, and of a stream in it. */
enum { OUTER, INNER, TEXTS };

struct look_worker {
	const struct unit_tables *heap;
	struct text_scan *scan;
	struct inflater *inflater;
	struct source_namer namer;
	struct text_facts facts[TEXTS];
	uint8_t *text[TEXTS];
};

void look_deinit(struct look *look)
{
	text_tally_deinit(&look->found);
	span_index_deinit(&look->name);
}

struct look_worker *look_worker_create(const struct unit_tables *heap, const bool *applies,
									   struct err *err)
{
	struct look_worker *worker = mem_zeroed(1, sizeof *worker);

	worker->heap = heap;
	worker->namer.rules = heap->rules;
	for (int i = 0; i < TEXTS; i++)
		worker->text[i] = mem_zeroed(LOOK_OUTPUT, 1);
	worker->scan = text_scan_create(heap, applies, err);
	if (worker->scan) {
		worker->inflater = inflater_create();
		if (worker->inflater)
			return worker;
		err_set(err, ERR_SYSTEM, "zlib cannot allocate what a thread needs to inflate");
	}
	look_worker_destroy(worker);
	return NULL;
}

void look_worker_destroy(struct look_worker *worker)
{
	if (!worker)
		return;
	text_scan_destroy(worker->scan);
	inflater_destroy(worker->inflater);
	source_namer_deinit(&worker->namer);
	for (int i = 0; i < TEXTS; i++) {
		text_facts_deinit(&worker->facts[i]);
		free(worker->text[i]);
	}
	free(worker);
}

/* The run that holds the address, or NULL. */
static const struct run *find_run(const struct runs *runs, vaddr at)
{
	size_t low = 0, high = runs->items.count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (runs->items.items[middle].range.end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < runs->items.count && range_holds(runs->items.items[low].range, at)
			   ? &runs->items.items[low]
			   : NULL;
}

/* What may be read of the chunk that holds the address, from there on; *state is the chunk's. */
static struct span bytes_at(const struct unit_tables *heap, vaddr at, enum chunk_state *state)
{
	const struct run *run = find_run(heap->runs, at);
	struct view_source views;
	struct view view;

	if (!run)
		return (struct span){ 0 };
	views = (struct view_source){
		.run = run,
		.block = &heap->tables.chunks->blocks.items[run->block],
		.header_bytes = heap->tables.chunks->header_bytes,
		.word = heap->tables.image->word,
	};
	view = view_make(&views, chunk_block_find(views.block, at));
	*state = view.chunk.state;
	if (!range_holds(view.readable, at))
		return (struct span){ 0 };
	return run_span(run, at, view.readable.end);
}

static struct inflated arrange(const struct look_worker *worker, const struct source *source,
							   struct span memory, struct look *look)
{
	const struct content_kind *kind = source->content;
	enum chunk_state ignored;
	struct span structure =
		span_part(bytes_at(worker->heap, source->structure, &ignored), 0, kind->structure_bytes);
	struct inflated inflated = { .end = INFLATE_WHOLE };

	inflated.made =
		kind->arrange(structure, span_part(memory, 0, kind->most_bytes), worker->text[OUTER]);
	look->streams++;
	look->ends[inflated.end]++;
	look->made += inflated.made;
	return inflated;
}

static struct inflated inflate_into(struct look_worker *worker, int text, enum match_packed format,
									struct span packed, struct look *look)
{
	struct inflated inflated =
		inflate_stream(worker->inflater, format, span_part(packed, 0, LOOK_INPUT),
					   worker->text[text], LOOK_OUTPUT);

	look->streams++;
	look->ends[inflated.end]++;
	look->read += inflated.read;
	look->made += inflated.made;
	return inflated;
}

static bool scan_text(struct look_worker *worker, int text, size_t size, enum chunk_state state,
					  struct look *look)
{
	struct text_facts *facts = &worker->facts[text];

	facts->any = false;
	facts->streams.count = 0;
	facts->work = 0;
	if (size && !text_scan_run(worker->scan, span_make(worker->text[text], size), state,
							   &look->found, facts))
		return false;
	look->proving += facts->work;
	return true;
}

static bool look_deeper(struct look_worker *worker, struct span outer, enum chunk_state state,
						struct look *look)
{
	const struct text_facts *facts = &worker->facts[OUTER];
	size_t covered = 0; /* up to here the text is a stream that was looked into */
	bool good = true;

	for (size_t i = 0; good && i < facts->streams.count; i++) {
		const struct text_stream *stream = &facts->streams.items[i];
		struct inflated inflated;

		if (stream->at < covered)
			continue;
		if (look_cost(look) > LOOK_COST) {
			look->left++;
			continue;
		}
		inflated = inflate_into(worker, INNER, stream->format,
								span_part(outer, stream->at, outer.size), look);
		covered = stream->at + (inflated.end == INFLATE_WHOLE ? inflated.read : 1);
		good = scan_text(worker, INNER, inflated.made, state, look);
		look->too_deep += worker->facts[INNER].streams.count;
	}
	return good;
}

bool look_into(struct look_worker *worker, const struct source *source, struct look *look)
{
	enum chunk_state state = CHUNK_IN_USE;
	struct span memory = bytes_at(worker->heap, source->at, &state);
	struct inflated outer = source->content
								? arrange(worker, source, memory, look)
								: inflate_into(worker, OUTER, source->format, memory, look);
	struct span text = span_make(worker->text[OUTER], outer.made);

	look->covers = outer.end == INFLATE_WHOLE ? outer.read : 0;
	if (!scan_text(worker, OUTER, text.size, state, look))
		return false;
	if (source->content)
		source_name(&worker->namer, source, text, &worker->facts[OUTER], &look->name);
	return look_deeper(worker, text, state, look);
}

#include "analyze/rules/prefilter.h"

#include "base/mem.h"
#include "base/pool.h"

#include <hs.h>
#include <stdlib.h>
#include <string.h>

/* What libhs is given of a literal: a short piece that does not start with a NUL. It takes such a
 * literal for an empty one (hyperscan#388), reads on to a NUL behind every literal (#205), and
 * fails on some long ones (#303, #353). The rest is compared where the piece was found. */
enum { CORE_BYTES = 8 };

/* libhs (vectorscan 5.4.9 with AVX-512 VBMI, two to six literals) overlooks literals in the last
 * block of a text that is not a whole one, and reads a byte behind it (vectorscan#322). So it gets
 * a text without its last block, and what ends in the last two once more, with room behind. */
enum {
	BLOCK_BYTES = 64,
	TAIL_BYTES = 2 * BLOCK_BYTES,
	TAIL_ROOM = CORE_BYTES + TAIL_BYTES + BLOCK_BYTES
};

struct core {
	char text[CORE_BYTES + 1];
	size_t size;
};

struct literal {
	struct span bytes;
	uint32_t skipped; /* bytes before its core */
	uint32_t next;    /* + 1: the next literal with the same core; 0: none */
};

struct prefilter {
	hs_database_t *database; /* NULL: no literals */
	struct literal *literals;
	struct core *cores;
	uint32_t *first; /* per core: its first literal */
	size_t count, core_count, longest;
	struct pool pool;
};

struct prefilter_thread {
	hs_scratch_t *scratch;
	uint8_t tail[TAIL_ROOM]; /* the end of a text, and zeros */
};

static bool refuse(struct err *err, const char *what)
{
	err_set(err, ERR_UNSUPPORTED, "libhs cannot compile the rules' keywords: %s", what);
	return err_hint(err,
					"it needs a CPU with SSSE3 (x86) or NEON; run with --rules none elsewhere");
}

static bool compile(struct prefilter *prefilter, struct err *err)
{
	size_t count = prefilter->core_count;
	const char **texts = mem_zeroed(count, sizeof *texts);
	size_t *lengths = mem_zeroed(count, sizeof *lengths);
	unsigned *flags = mem_zeroed(count, sizeof *flags);
	unsigned *ids = mem_zeroed(count, sizeof *ids);
	hs_compile_error_t *problem = NULL;
	hs_error_t result;

	for (size_t i = 0; i < count; i++) {
		texts[i] = prefilter->cores[i].text;
		lengths[i] = prefilter->cores[i].size;
		ids[i] = (unsigned)i;
	}
	result = hs_compile_lit_multi(texts, flags, ids, lengths, (unsigned)count, HS_MODE_BLOCK, NULL,
								  &prefilter->database, &problem);
	if (result != HS_SUCCESS)
		refuse(err, problem && problem->message ? problem->message : "unknown reason");
	hs_free_compile_error(problem);
	free(texts);
	free(lengths);
	free(flags);
	free(ids);
	return result == HS_SUCCESS;
}

static size_t leading_zeros(struct span bytes)
{
	size_t count = 0;

	while (count < bytes.size && !bytes.data[count])
		count++;
	return count;
}

/* The number of the core, a new one where it was not seen yet. */
static uint32_t add_core(struct prefilter *prefilter, struct span bytes)
{
	struct core core = { .size = bytes.size };

	memcpy(core.text, bytes.data, bytes.size);
	for (uint32_t i = 0; i < prefilter->core_count; i++)
		if (prefilter->cores[i].size == core.size &&
			memcmp(prefilter->cores[i].text, core.text, core.size) == 0)
			return i;
	prefilter->cores[prefilter->core_count] = core;
	return (uint32_t)prefilter->core_count++;
}

static bool add_literal(struct prefilter *prefilter, size_t index, struct span bytes,
						struct err *err)
{
	size_t zeros = leading_zeros(bytes);
	uint32_t core;

	if (zeros == bytes.size || bytes.size > PREFILTER_MAX_LITERAL)
		return err_set(err, ERR_LIMIT, "keyword %zu is empty, too long or all zeros", index);
	core = add_core(prefilter, span_part(bytes, zeros, CORE_BYTES));
	prefilter->literals[index] = (struct literal){
		.bytes = { (uint8_t *)pool_span(&prefilter->pool, bytes), bytes.size },
		.skipped = (uint32_t)zeros,
		.next = prefilter->first[core],
	};
	prefilter->first[core] = (uint32_t)index + 1;
	if (bytes.size > prefilter->longest)
		prefilter->longest = bytes.size;
	return true;
}

/* No literal yet, but room for so many. */
static struct prefilter *make(size_t count)
{
	struct prefilter *prefilter = mem_zeroed(1, sizeof *prefilter);

	prefilter->literals = mem_zeroed(count, sizeof *prefilter->literals);
	prefilter->cores = mem_zeroed(count, sizeof *prefilter->cores);
	prefilter->first = mem_zeroed(count, sizeof *prefilter->first);
	prefilter->count = count;
	return prefilter;
}

/* Compiles what was added; NULL and an error where that is no good. */
static struct prefilter *finish(struct prefilter *prefilter, bool good, struct err *err)
{
	if (good && prefilter->core_count)
		good = hs_valid_platform() == HS_SUCCESS ? compile(prefilter, err)
												 : refuse(err, "this CPU is not supported");
	if (good)
		return prefilter;
	prefilter_destroy(prefilter);
	return NULL;
}

struct prefilter *prefilter_create(const struct span *literals, size_t count, struct err *err)
{
	struct prefilter *prefilter = make(count);
	bool good = true;

	for (size_t i = 0; good && i < count; i++)
		good = add_literal(prefilter, i, literals[i], err);
	return finish(prefilter, good, err);
}

struct prefilter *prefilter_without(const struct prefilter *prefilter, const bool *left_out,
									struct err *err)
{
	struct prefilter *less = make(prefilter->count);
	bool good = true;

	for (size_t i = 0; good && i < less->count; i++)
		good = left_out[i] || add_literal(less, i, prefilter->literals[i].bytes, err);
	return finish(less, good, err);
}

void prefilter_destroy(struct prefilter *prefilter)
{
	if (!prefilter)
		return;
	hs_free_database(prefilter->database);
	free(prefilter->literals);
	free(prefilter->cores);
	free(prefilter->first);
	pool_deinit(&prefilter->pool);
	free(prefilter);
}

size_t prefilter_longest(const struct prefilter *prefilter)
{
	return prefilter->longest;
}

struct prefilter_thread *prefilter_thread_create(const struct prefilter *prefilter, struct err *err)
{
	struct prefilter_thread *thread = mem_zeroed(1, sizeof *thread);

	if (prefilter->database &&
		hs_alloc_scratch(prefilter->database, &thread->scratch) != HS_SUCCESS) {
		err_set(err, ERR_SYSTEM, "libhs cannot allocate its scratch space");
		prefilter_thread_destroy(thread);
		return NULL;
	}
	return thread;
}

void prefilter_thread_destroy(struct prefilter_thread *thread)
{
	if (!thread)
		return;
	hs_free_scratch(thread->scratch);
	free(thread);
}

struct collector {
	const struct prefilter *prefilter;
	struct span text;
	size_t offset;     /* of what libhs sees in the text */
	size_t from, upto; /* cores that end in (from, upto] are taken */
	prefilter_hits *hits;
};

static bool comes_before(struct prefilter_hit a, struct prefilter_hit b)
{
	return a.at < b.at || (a.at == b.at && a.literal < b.literal);
}

/* libhs reports by end offset; starts are out of order only where literals of different lengths
 * meet, so sorting by insertion moves a hit a place or two. */
static void insert(prefilter_hits *hits, struct prefilter_hit hit)
{
	size_t at = hits->count;

	*vec_add(hits) = hit;
	for (; at > 0 && comes_before(hit, hits->items[at - 1]); at--)
		hits->items[at] = hits->items[at - 1];
	hits->items[at] = hit;
}

/* Is the rest of the literal there too? Most have no more than their core. */
static bool has_rest(const struct collector *collector, const struct literal *literal, size_t core)
{
	return (!literal->skipped && literal->bytes.size <= CORE_BYTES) ||
		   (core >= literal->skipped &&
			span_equal(span_part(collector->text, core - literal->skipped, literal->bytes.size),
					   literal->bytes));
}

static int collect(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
				   void *context)
{
	const struct collector *collector = context;
	const struct prefilter *prefilter = collector->prefilter;
	size_t end = collector->offset + (size_t)to, core = end - prefilter->cores[id].size;

	(void)from;
	(void)flags;
	if (end <= collector->from || end > collector->upto)
		return 0;
	for (uint32_t i = prefilter->first[id]; i; i = prefilter->literals[i - 1].next) {
		const struct literal *literal = &prefilter->literals[i - 1];

		if (has_rest(collector, literal, core))
			insert(collector->hits,
				   (struct prefilter_hit){ (uint32_t)(core - literal->skipped), i - 1 });
	}
	return 0;
}

static bool scan(const struct prefilter *prefilter, struct prefilter_thread *thread,
				 struct span seen, struct collector *collector)
{
	return !seen.size || hs_scan(prefilter->database, (const char *)seen.data, (unsigned)seen.size,
								 0, thread->scratch, collect, collector) == HS_SUCCESS;
}

/* What ends in the last blocks of the text. */
static bool scan_tail(const struct prefilter *prefilter, struct prefilter_thread *thread,
					  struct collector *collector)
{
	struct span text = collector->text;
	size_t size = text.size < CORE_BYTES + TAIL_BYTES ? text.size : CORE_BYTES + TAIL_BYTES;

	memcpy(thread->tail, text.data + text.size - size, size);
	memset(thread->tail + size, 0, sizeof thread->tail - size);
	collector->offset = text.size - size;
	collector->from = collector->upto;
	collector->upto = text.size;
	return scan(prefilter, thread, span_make(thread->tail, sizeof thread->tail), collector);
}

bool prefilter_scan(const struct prefilter *prefilter, struct prefilter_thread *thread,
					struct span text, prefilter_hits *hits)
{
	struct collector collector = { .prefilter = prefilter, .text = text, .hits = hits };
	size_t whole = text.size > BLOCK_BYTES ? text.size - BLOCK_BYTES : 0;

	hits->count = 0;
	if (!prefilter->database || !text.size)
		return true;
	collector.upto = text.size > TAIL_BYTES ? text.size - TAIL_BYTES : 0;
	return (!collector.upto || scan(prefilter, thread, span_part(text, 0, whole), &collector)) &&
		   scan_tail(prefilter, thread, &collector);
}

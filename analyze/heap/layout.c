#include "analyze/heap/layout.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* C and C16 of the two word sizes are one generation: class LAYOUT_C. */
static const struct layout_state states[] = {
	/* class      name  W  A  fastbins@shift  bins  next system bytes tail */
	{ LAYOUT_A0, "A0", 8, 16, 10, 8, 4, 104, 2152, 2160, 2176, 0 },
	{ LAYOUT_A1, "A1", 8, 16, 10, 8, 4, 104, 2152, 2168, 2184, 0 },
	{ LAYOUT_B, "B", 8, 16, 10, 8, 4, 104, 2152, 2176, 2192, 0 },
	{ LAYOUT_C, "C", 8, 16, 10, 16, 4, 112, 2160, 2184, 2200, 0 },
	{ LAYOUT_D, "D", 8, 16, 0, 0, 4, 24, 2072, 2096, 2112, 16 },
	{ LAYOUT_A0, "A0", 4, 8, 10, 8, 3, 56, 1088, 1092, 1100, 0 },
	{ LAYOUT_A1, "A1", 4, 8, 10, 8, 3, 56, 1088, 1096, 1104, 0 },
	{ LAYOUT_B, "B", 4, 8, 10, 8, 3, 56, 1088, 1100, 1108, 0 },
	{ LAYOUT_B16, "B16", 4, 16, 11, 8, 3, 60, 1092, 1104, 1112, 0 },
	{ LAYOUT_C8, "C8", 4, 8, 10, 12, 3, 60, 1092, 1104, 1112, 0 },
	{ LAYOUT_C, "C16", 4, 16, 11, 12, 3, 64, 1096, 1108, 1116, 0 },
	{ LAYOUT_D, "D", 4, 16, 0, 0, 3, 16, 1048, 1060, 1068, 8 },
};

static const struct layout_heap_info heap_infos[] = {
	{ 8, 0x20, 0, false }, { 8, 0x30, 32, true }, { 4, 0x10, 0, false },
	{ 4, 0x18, 16, true }, { 4, 0x18, 0, false },
};

static const struct layout_tcache tcaches[] = {
	{ LAYOUT_COUNTS_8, 8, 64, 1, 64, 576 },   { LAYOUT_COUNTS_16, 8, 64, 2, 128, 640 },
	{ LAYOUT_SLOTS, 8, 76, 2, 152, 760 },     { LAYOUT_COUNTS_8, 4, 64, 1, 64, 320 },
	{ LAYOUT_COUNTS_16, 4, 64, 2, 128, 384 }, { LAYOUT_SLOTS, 4, 76, 2, 152, 456 },
};

enum params_shape {
	PARAMS_14 = 1,
	PARAMS_14_PER_THREAD = 2,
	PARAMS_15 = 4,
	PARAMS_24 = 8,
	PARAMS_26 = 16,
	PARAMS_35 = 32,
	PARAMS_43 = 64,
	PARAMS_44 = 128,
};

static const struct layout_params params_rows[] = {
	/* shape             W n_mmaps mmapped sbrk tcache_count bytes thp_page */
	{ PARAMS_14, 8, 24, 48, 72, 0, 80, 0 },
	{ PARAMS_14_PER_THREAD, 8, 40, 64, 88, 0, 96, 0 },
	{ PARAMS_15, 8, 40, 56, 80, 0, 88, 0 },
	{ PARAMS_24, 8, 40, 56, 72, 0, 80, 0 },
	{ PARAMS_26, 8, 40, 56, 72, 96, 112, 0 },
	{ PARAMS_35, 8, 60, 80, 96, 120, 136, 40 },
	{ PARAMS_43 | PARAMS_44, 8, 68, 88, 104, 128, 144, 48 },
	{ PARAMS_44, 8, 68, 88, 104, 128, 136, 48 },
	{ PARAMS_14, 4, 12, 32, 44, 0, 48, 0 },
	{ PARAMS_14_PER_THREAD, 4, 20, 40, 52, 0, 56, 0 },
	{ PARAMS_15, 4, 20, 36, 48, 0, 52, 0 },
	{ PARAMS_24, 4, 20, 36, 44, 0, 48, 0 },
	{ PARAMS_26, 4, 20, 36, 44, 56, 64, 0 },
	{ PARAMS_35, 4, 32, 48, 56, 68, 80, 20 },
	{ PARAMS_43 | PARAMS_44, 4, 36, 52, 60, 72, 80, 24 },
	{ PARAMS_44, 4, 36, 52, 60, 72, 76, 24 },
};

/* Which releases have what. A set of several bits: a stable branch has ported the later form back.
 * heap_info: bit 0 the old one, bit 1 the one of 2.35. */
struct release {
	unsigned first, last; /* minor numbers of 2.x */
	unsigned classes, heap_infos, counts, links, keys, params;
};

static const struct release releases[] = {
	{ 6, 14, LAYOUT_A0 | LAYOUT_A1, 1, 1, 1, 1, PARAMS_14 | PARAMS_14_PER_THREAD },
	{ 15, 21, LAYOUT_A1, 1, 1, 1, 1, PARAMS_15 },
	{ 22, 22, LAYOUT_A1 | LAYOUT_B, 1, 1, 1, 1, PARAMS_15 },
	{ 23, 23, LAYOUT_B | LAYOUT_B16, 1, 1, 1, 1, PARAMS_15 },
	{ 24, 25, LAYOUT_B | LAYOUT_B16, 1, 1, 1, 1, PARAMS_24 },
	{ 26, 26, LAYOUT_B | LAYOUT_B16 | LAYOUT_C8 | LAYOUT_C, 1, 3, 1, 1, PARAMS_26 },
	{ 27, 27, LAYOUT_C8 | LAYOUT_C, 1, 3, 1, 3, PARAMS_26 },
	{ 28, 28, LAYOUT_C8 | LAYOUT_C, 1, 7, 1, 3, PARAMS_26 },
	{ 29, 29, LAYOUT_C8 | LAYOUT_C, 1, 7, 1, 2, PARAMS_26 },
	{ 30, 31, LAYOUT_C8 | LAYOUT_C, 1, 5, 1, 2, PARAMS_26 },
	{ 32, 33, LAYOUT_C8 | LAYOUT_C, 1, 5, 2, 2, PARAMS_26 },
	{ 34, 34, LAYOUT_C8 | LAYOUT_C, 1, 5, 2, 4, PARAMS_26 },
	/* 2.35-2.37 built without tunables keep the older shape of malloc_par. */
	{ 35, 37, LAYOUT_C8 | LAYOUT_C, 2, 5, 2, 4, PARAMS_26 | PARAMS_35 },
	{ 38, 41, LAYOUT_C8 | LAYOUT_C, 2, 5, 2, 4, PARAMS_35 },
	{ 42, 42, LAYOUT_C8 | LAYOUT_C, 2, 9, 2, 4, PARAMS_35 },
	{ 43, 43, LAYOUT_D, 2, 9, 2, 4, PARAMS_43 },
	{ 44, 44, LAYOUT_D, 2, 9, 2, 4, PARAMS_44 },
};

size_t layout_states(const struct layout_state **rows)
{
	*rows = states;
	return COUNT(states);
}

size_t layout_heap_infos(const struct layout_heap_info **rows)
{
	*rows = heap_infos;
	return COUNT(heap_infos);
}

size_t layout_tcaches(const struct layout_tcache **rows)
{
	*rows = tcaches;
	return COUNT(tcaches);
}

size_t layout_params(const struct layout_params **rows)
{
	*rows = params_rows;
	return COUNT(params_rows);
}

const uint64_t *layout_heap_maxima(unsigned word)
{
	static const uint64_t wide[] = { 64 << 20, 8 << 20, UINT64_C(4) << 30, 0 };
	static const uint64_t narrow[] = { 1 << 20, 8 << 20, 0 };

	return word == 8 ? wide : narrow;
}

void layout_choose(struct layout *layout, const struct layout_state *row, uint32_t page_size)
{
	*layout = (struct layout){
		.word = row->word,
		.header = 2U * row->word,
		.alignment = row->alignment,
		.min_bytes = 4U * row->word,
		.page_size = page_size,
		.state = row,
		.heap_max = layout_heap_maxima(row->word)[0],
	};
}

/* Whether the release fits all that is known. */
static bool release_fits(const struct release *release, const struct layout *layout)
{
	if (!(release->classes & layout->state->class))
		return false;
	if (layout->heap_info && !(release->heap_infos & (layout->heap_info->recent ? 2U : 1U)))
		return false;
	if (layout->tcache && !(release->counts & layout->tcache->counts))
		return false;
	if (layout->params && !(release->params & layout->params->shape))
		return false;
	if (layout->links && !(release->links & layout->links))
		return false;
	return !layout->key || (release->keys & layout->key);
}

unsigned layout_params_shapes(const struct layout *layout)
{
	unsigned shapes = 0;

	for (size_t i = 0; i < COUNT(releases); i++)
		if (release_fits(&releases[i], layout))
			shapes |= releases[i].params;
	return shapes;
}

void layout_generation(const struct layout *layout, char text[LAYOUT_NAME_BYTES])
{
	unsigned first = 0, last = 0;

	for (size_t i = 0; layout->state && i < COUNT(releases); i++)
		if (release_fits(&releases[i], layout)) {
			first = first ? first : releases[i].first;
			last = releases[i].last;
		}
	if (!first)
		snprintf(text, LAYOUT_NAME_BYTES, "glibc");
	else if (first == last)
		snprintf(text, LAYOUT_NAME_BYTES, "glibc 2.%u", first);
	else
		snprintf(text, LAYOUT_NAME_BYTES, "glibc 2.%u-2.%u", first, last);
}

static const char *links_text(const struct layout *layout)
{
	switch (layout->links) {
	case LAYOUT_LINKS_PLAIN:
		return "plain links";
	case LAYOUT_LINKS_SAFE:
		return "mangled links";
	}
	return "links not seen";
}

const char *layout_basis(const struct layout *layout, struct pool *pool)
{
	return pool_printf(
		pool, "bins at +%u and system_mem at +%u of malloc_state (class %s), %s, %s, %s%s",
		layout->state->bins_at, layout->state->system_mem_at, layout->state->name,
		layout->heap_info ? pool_printf(pool, "heap_info of %u bytes", layout->heap_info->bytes)
						  : "one arena",
		layout->tcache ? pool_printf(pool, "tcache struct of %u bytes", layout->tcache->bytes)
					   : "no tcache",
		links_text(layout),
		layout->key == LAYOUT_KEY_OWNER    ? ", keys point to the tcache"
		: layout->key == LAYOUT_KEY_RANDOM ? ", one random key"
										   : "");
}

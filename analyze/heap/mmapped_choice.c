#include "analyze/heap/mmapped_choice.h"

#include "base/vec.h"

#include <string.h>

enum {
	EXCESS_MAX = 8,      /* of more than so many only the smallest are tried */
	STEPS_MAX = 1 << 22, /* mappings left out, all choices together */
};

bool mmapped_bytes_agree(const struct layout *layout, uint64_t mmapped_mem, uint64_t bytes)
{
	uint64_t excess = mmapped_mem - bytes;

	return excess == 0 || (layout->state->mapped_tail && excess < layout->page_size &&
						   excess % (2 * layout->word) == 0);
}

/* A mapping and where it stands in the caller's list. */
struct candidate {
	uint64_t bytes;
	size_t index;
};

struct choice {
	const struct layout *layout;
	uint64_t mmapped_mem;
	VEC(struct candidate) all; /* by size */
	size_t open[EXCESS_MAX];   /* what is left out for now, by place in `all` */
	size_t depth;
	size_t found[EXCESS_MAX]; /* the first solution */
	unsigned solutions;
	unsigned steps;
};

static int compare_sizes(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* Leaves out `left` more from place `from` on, in every way; `bytes` are those of all that is in.
 * At most EXCESS_MAX deep. */
static void leave_out(struct choice *choice, size_t from, size_t left, uint64_t bytes)
{
	/* Since 2.43 malloc can count up to a page more than there is. */
	uint64_t page = choice->layout->page_size;
	uint64_t least = choice->mmapped_mem > page ? choice->mmapped_mem - page : 0;

	if (!left && mmapped_bytes_agree(choice->layout, choice->mmapped_mem, bytes) &&
		choice->solutions++ == 0)
		memcpy(choice->found, choice->open, sizeof choice->found);
	for (size_t i = from; left && i + left <= choice->all.count; i++) {
		uint64_t size = choice->all.items[i].bytes;

		/* Sizes ascend: where too little would stay, less would with the next ones. */
		if (bytes < size || bytes - size < least || choice->solutions > 1 ||
			choice->steps++ >= STEPS_MAX)
			return;
		choice->open[choice->depth++] = i;
		leave_out(choice, i + 1, left - 1, bytes - size);
		choice->depth--;
	}
}

/* The smallest ones, if they are right: no other choice leaves as many bytes. */
static bool choose_smallest(const struct choice *choice, size_t excess, uint64_t bytes, bool *drop)
{
	const struct candidate *all = choice->all.items;

	for (size_t i = 0; i < excess; i++)
		bytes -= all[i].bytes;
	if ((excess < choice->all.count && all[excess].bytes == all[excess - 1].bytes) ||
		!mmapped_bytes_agree(choice->layout, choice->mmapped_mem, bytes))
		return false;
	for (size_t i = 0; i < excess; i++)
		drop[all[i].index] = true;
	return true;
}

static bool choose_any(struct choice *choice, size_t excess, uint64_t bytes, bool *drop)
{
	leave_out(choice, 0, excess, bytes);
	if (choice->solutions != 1 || choice->steps >= STEPS_MAX)
		return false;
	for (size_t i = 0; i < excess; i++)
		drop[choice->all.items[choice->found[i]].index] = true;
	return true;
}

/* Can free have left the mapping where it was? */
static bool may_have_stayed(struct range mapping, uint64_t huge_page)
{
	return mapping.start % huge_page == 0 && mapping.end % huge_page != 0;
}

/* With a huge page: of what can have stayed there; without (0): of all. */
static bool choose_among(const struct layout *layout, const struct params *params,
						 const struct range *ranges, size_t count, uint64_t huge_page, bool *drop)
{
	struct choice choice = { .layout = layout, .mmapped_mem = params->mmapped_mem };
	size_t excess = count - params->n_mmaps;
	uint64_t bytes = 0;
	bool chosen;

	for (size_t i = 0; i < count; i++) {
		uint64_t size = range_bytes(ranges[i]);

		bytes += size;
		if (!huge_page || may_have_stayed(ranges[i], huge_page))
			*vec_add(&choice.all) = (struct candidate){ size, i };
	}
	vec_sort(&choice.all, compare_sizes);
	chosen = excess <= choice.all.count &&
			 (choose_smallest(&choice, excess, bytes, drop) ||
			  (excess <= EXCESS_MAX && choose_any(&choice, excess, bytes, drop)));
	vec_deinit(&choice.all);
	return chosen;
}

bool mmapped_choose(const struct layout *layout, const struct params *params,
					const struct range *ranges, size_t count, bool *drop)
{
	if (!params->n_mmaps || count <= params->n_mmaps)
		return false;
	return (params->huge_page &&
			choose_among(layout, params, ranges, count, params->huge_page, drop)) ||
		   choose_among(layout, params, ranges, count, 0, drop);
}

#include "dumpcore/choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char outside_reason[] = "not selected: outside --range";
static const char name_reason[] = "not selected: --name";
static const char resident_reason[] = "not selected: below --min-resident";

void choice_deinit(struct choice *choice)
{
	if (choice->by_name)
		regfree(&choice->expression);
	choice->by_name = false;
	vec_deinit(&choice->ranges);
	vec_deinit(&choice->known);
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

static void join_ranges(struct choice *choice)
{
	size_t count = 0;

	vec_sort(&choice->ranges, compare_ranges);
	for (size_t i = 0; i < choice->ranges.count; i++) {
		const struct range range = choice->ranges.items[i];
		struct range *last = count ? &choice->ranges.items[count - 1] : NULL;

		if (!last || range.start > last->end)
			choice->ranges.items[count++] = range;
		else if (range.end > last->end)
			last->end = range.end;
	}
	choice->ranges.count = count;
}

/* Hexadecimal digits up to the character `stop`. */
static bool take_address(const char **text, char stop, vaddr *address)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = *text;
	size_t length;

	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		at += 2;
	length = strspn(at, digits);
	if (!length || length > 16 || at[length] != stop)
		return false;
	*address = strtoull(at, NULL, 16);
	*text = at + length + (stop != '\0');
	return true;
}

bool choice_add_range(struct choice *choice, const char *text, uint32_t page_size, struct err *err)
{
	const uint64_t inside = page_size - 1;
	const char *at = text;
	struct range range;

	if (!take_address(&at, '-', &range.start) || !take_address(&at, '\0', &range.end) ||
		range.start >= range.end) {
		err_set(err, ERR_USAGE, "--range: '%s' is no range of addresses", text);
		return err_hint(err, "give it as /proc/PID/maps does: --range 7f12a0000000-7f12a4000000");
	}
	range.start &= ~inside;
	range.end = range.end > UINT64_MAX - inside ? ~inside : (range.end + inside) & ~inside;
	*vec_add(&choice->ranges) = range;
	join_ranges(choice);
	return true;
}

bool choice_set_name(struct choice *choice, const char *expression, struct err *err)
{
	char text[256];
	int problem;

	if (choice->by_name)
		return err_set(err, ERR_USAGE, "--name was given already; join both: 'ONE|OTHER'");
	problem = regcomp(&choice->expression, expression, REG_EXTENDED | REG_NOSUB);
	choice->by_name = !problem;
	if (!problem)
		return true;
	regerror(problem, &choice->expression, text, sizeof text);
	err_set(err, ERR_USAGE, "--name: '%s' is no regular expression: %s", expression, text);
	return err_hint(err, "POSIX extended syntax (regex(7)); brackets are '\\[heap\\]'");
}

/* --- names --- */

static int compare_names(const void *left, const void *right)
{
	const struct choice_name *a = left, *b = right;

	return strcmp(a->path, b->path);
}

static void learn(struct choice *choice, const char *path)
{
	const struct choice_name *last =
		choice->known.count ? &choice->known.items[choice->known.count - 1] : NULL;

	if (!last || strcmp(last->path, path) != 0)
		*vec_add(&choice->known) = (struct choice_name){ .path = path };
}

void choice_learn(struct choice *choice, const mappings *list)
{
	size_t count = 0;

	choice->known.count = 0;
	if (!choice->by_name)
		return;
	/* These may come after the list was made. */
	learn(choice, "");
	learn(choice, "[heap]");
	for (size_t i = 0; i < list->count; i++)
		learn(choice, list->items[i].path);
	vec_sort(&choice->known, compare_names);
	for (size_t i = 0; i < choice->known.count; i++) {
		struct choice_name *name = &choice->known.items[i];

		if (count && strcmp(choice->known.items[count - 1].path, name->path) == 0)
			continue;
		name->kept = regexec(&choice->expression, name->path, 0, NULL, 0) == 0;
		choice->known.items[count++] = *name;
	}
	choice->known.count = count;
}

static bool keeps_name(const struct choice *choice, const char *path)
{
	const struct choice_name wanted = { .path = path }, *found = NULL;

	if (choice->known.count)
		found = bsearch(&wanted, choice->known.items, choice->known.count, sizeof wanted,
						compare_names);
	return !found || found->kept;
}

/* --- the plan --- */

static bool is_anchor(enum plan_kind kind)
{
	return kind == PLAN_DATA || kind == PLAN_MODULE || kind == PLAN_VDSO;
}

/* Why the item is narrowed away; NULL where it is not. */
static const char *refuse(const struct choice *choice, const struct plan_item *item)
{
	if (is_anchor(item->kind) || item->kind == PLAN_DEVICE)
		return NULL;
	if (choice->by_name && !keeps_name(choice, item->path))
		return name_reason;
	return item->kind != PLAN_STACK && item->resident_bytes < choice->least_resident
			   ? resident_reason
			   : NULL;
}

static bool is_inside(const struct choice *choice, struct range range)
{
	for (size_t i = 0; i < choice->ranges.count; i++)
		if (range_bytes(range_overlap(choice->ranges.items[i], range)))
			return true;
	return false;
}

static void narrow(const struct choice *choice, struct plan_item *item)
{
	const char *refused = refuse(choice, item);

	if (choice->ranges.count && is_inside(choice, item->range)) {
		item->selected = item->kind != PLAN_DEVICE;
		item->first_page = false;
	} else if (choice->ranges.count) {
		item->selected = item->selected && is_anchor(item->kind);
		item->left_out = outside_reason;
	}
	if (!item->selected || !refused)
		return;
	item->selected = false;
	item->left_out = refused;
}

static void split_at(struct plan *plan, vaddr at)
{
	size_t index = plan_find(plan, at);

	if (index < plan->items.count && at > plan->items.items[index].range.start)
		plan_split(plan, index, at);
}

size_t choice_splits(const struct choice *choice)
{
	return 2 * choice->ranges.count;
}

void choice_apply(const struct choice *choice, struct plan *plan)
{
	plan->read_swapped = choice->read_swapped;
	for (size_t i = 0; i < choice->ranges.count; i++) {
		split_at(plan, choice->ranges.items[i].start);
		split_at(plan, choice->ranges.items[i].end);
	}
	for (size_t i = 0; i < plan->items.count; i++)
		narrow(choice, &plan->items.items[i]);
}

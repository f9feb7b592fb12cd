#include "analyze/memory/region_kinds.h"

#include <elf.h>
#include <string.h>

/* Regions [first, last] of one mapped file. */
struct group {
	size_t first, last;
};

/* Enough for the program headers of any module, where they are captured. */
enum { HEAD_BYTES = 4096, PROGRAM_HEADERS_MAX = 64 };

static const struct region *region_at(const struct regions *regions, size_t index)
{
	return &regions->items.items[index];
}

/* Whether the region goes on with the mapped file: at its offset 0 another mapping of it begins
 * (each dlmopen namespace has a libc of its own, often side by side). */
static bool is_same_file(const struct region *region, const struct region *last)
{
	return region->file_offset && strcmp(region->path, last->path) == 0;
}

/* True where region `index` goes on with the file of the group, or is an anonymous part in the
 * midst of it (text that was copied to huge pages, a damaged range). */
static bool continues(const struct regions *regions, const struct group *group, size_t index)
{
	const struct region *last = region_at(regions, group->last);
	const struct region *region = region_at(regions, index);

	if (is_same_file(region, last))
		return true;
	return !*region->path && index + 1 < regions->items.count && index == group->last + 1 &&
		   region->range.start == last->range.end &&
		   region_at(regions, index + 1)->range.start == region->range.end &&
		   is_same_file(region_at(regions, index + 1), last);
}

static struct group take_group(const struct regions *regions, size_t first)
{
	struct group group = { first, first };

	for (size_t i = first + 1; i < regions->items.count; i++) {
		if (!continues(regions, &group, i))
			break;
		if (*region_at(regions, i)->path)
			group.last = i;
	}
	return group;
}

static struct span first_page(const struct regions *regions, const struct group *group,
							  const struct image *image)
{
	const struct region *first = region_at(regions, group->first);

	if (first->file_offset != 0)
		return span_make(NULL, 0);
	return image_span(image, first->range.start, HEAD_BYTES);
}

static bool has_magic(struct span head)
{
	return head.size >= SELFMAG && memcmp(head.data, ELFMAG, SELFMAG) == 0;
}

static bool is_shared_object_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strstr(slash ? slash : path, ".so");

	return dot && (dot[3] == '\0' || dot[3] == '.');
}

static bool is_module(const struct regions *regions, const struct core *core,
					  const struct group *group, struct span head)
{
	for (size_t i = group->first; i <= group->last; i++)
		if (region_at(regions, i)->protection & MAPPING_EXECUTE ||
			(core->entry && range_holds(region_at(regions, i)->range, core->entry)))
			return true;
	return has_magic(head) || is_shared_object_name(region_at(regions, group->first)->path);
}

/* The fields of a program header that tell where a module ends. */
struct load {
	uint32_t type;
	uint64_t offset, address, bytes;
};

/* System V ABI, "Program Header": the order of the fields differs with the class. */
static struct load read_load(struct cursor *cursor, unsigned word)
{
	struct load load = { .type = cursor_u32(cursor) };

	if (word == 8)
		cursor_skip(cursor, 4);
	load.offset = cursor_word(cursor, word);
	load.address = cursor_word(cursor, word);
	cursor_skip(cursor, 2 * word);
	load.bytes = cursor_word(cursor, word);
	cursor_skip(cursor, 8); /* align, or flags and align */
	return load;
}

/* Where the module whose file starts at `base` ends in memory, its .bss included. False where the
 * head does not hold its program headers. */
static bool module_end(struct span head, unsigned word, vaddr base, vaddr *end)
{
	struct cursor cursor = cursor_make(head, false);
	uint64_t table, first = UINT64_MAX, last = 0;
	unsigned count;

	cursor_skip(&cursor, EI_NIDENT + 8 + word);
	table = cursor_word(&cursor, word);
	cursor_skip(&cursor, word + 4 + 4);
	count = cursor_u16(&cursor);
	if (!has_magic(head) || !cursor_ok(&cursor) || count > PROGRAM_HEADERS_MAX)
		return false;
	cursor = cursor_make(head, false);
	cursor_skip(&cursor, table);
	for (unsigned i = 0; i < count; i++) {
		struct load load = read_load(&cursor, word);

		if (load.type != PT_LOAD)
			continue;
		if (load.offset < HEAD_BYTES && load.address < first)
			first = load.address;
		if (load.address + load.bytes > last)
			last = load.address + load.bytes;
	}
	if (!cursor_ok(&cursor) || first == UINT64_MAX || last < first)
		return false;
	*end = base + (last - (first & ~(uint64_t)(HEAD_BYTES - 1)));
	return true;
}

/* .bss: the anonymous data directly behind the module's last mapping, as far as the program headers
 * say; all of it where they were not captured. */
static void claim_bss(const struct regions *regions, const struct core *core,
					  const struct group *group, struct span head, region_claims *claims)
{
	const struct region *last = region_at(regions, group->last);
	const struct region *bss = last + 1;
	vaddr start = last->range.end, end;

	if (group->last + 1 == regions->items.count || bss->range.start != start ||
		bss->kind != REGION_ANONYMOUS || *bss->path || !(bss->protection & MAPPING_WRITE) ||
		bss->protection & (MAPPING_SHARED | MAPPING_EXECUTE))
		return;
	end = bss->range.end;
	if (module_end(head, core->word, region_at(regions, group->first)->range.start, &end))
		end = (end + core->page_size - 1) / core->page_size * core->page_size;
	if (end > bss->range.end)
		end = bss->range.end;
	if (end > start)
		*vec_add(claims) = (struct region_claim){ { start, end }, REGION_MODULE, 0 };
}

void region_modules_decide(struct regions *regions, const struct core *core,
						   const struct image *image, region_claims *claims)
{
	for (size_t i = 0; i < regions->items.count; i++) {
		struct group group;
		struct span head;

		if (region_at(regions, i)->kind != REGION_FILE)
			continue;
		group = take_group(regions, i);
		head = first_page(regions, &group, image);
		if (is_module(regions, core, &group, head)) {
			for (size_t j = group.first; j <= group.last; j++)
				regions->items.items[j].kind = REGION_MODULE;
			claim_bss(regions, core, &group, head, claims);
		}
		i = group.last;
	}
}

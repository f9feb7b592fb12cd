#include "analyze/memory/region_kinds.h"

#include <string.h>

/* How the kernel names what is no plain file: fs/proc/task_mmu.c, show_map_vma; names set with
 * PR_SET_VMA_ANON_NAME stand in "[anon:…]". The first row that fits counts. */
struct path_row {
	const char *prefix;
	enum region_kind kind;
};

static const struct path_row path_rows[] = {
	{ "[heap]", REGION_BRK },
	{ "[stack", REGION_STACK },
	{ "[vdso]", REGION_KERNEL },
	{ "[vvar", REGION_KERNEL },
	{ "[vsyscall]", REGION_KERNEL },
	{ "[uprobes]", REGION_KERNEL },
	{ "[sigpage]", REGION_KERNEL },
	{ "[vectors]", REGION_KERNEL },
	{ "[anon_shmem:", REGION_SHARED },
	{ "[anon: glibc: pthread stack", REGION_STACK }, /* glibc 2.39+ with mem.decorate_maps */
	{ "[", REGION_ANONYMOUS },
	{ "/memfd:java_heap", REGION_JAVA_HEAP }, /* ZGC maps its heap several times */
	{ "/memfd:", REGION_SHARED },
	{ "/dev/shm/", REGION_SHARED },
	{ "/dev/zero", REGION_SHARED },
	{ "/SYSV", REGION_SHARED },
	{ "/anon_hugepage", REGION_ANONYMOUS },
	{ "/", REGION_FILE },
	{ "", REGION_ANONYMOUS },
};

/* HotSpot's placement where oops are compressed: the Java heap ends below 32 GiB, the class space
 * follows (src/hotspot/share/memory/metaspace.cpp, oops/compressedOops.cpp). */
#define JAVA_HEAP_END UINT64_C(0x800000000)
#define JVM_CLASS_SPACE_END UINT64_C(0x900000000)

/* The kernel's half of the address space: the vsyscall page has no name in a foreign core. */
#define KERNEL_HALF UINT64_C(0xffff800000000000)

/* arch_randomize_brk puts the brk area at most so far behind the executable. */
#define BRK_DISTANCE_MAX (UINT64_C(1) << 30)

static enum region_kind kind_of_path(const struct region *region)
{
	for (size_t i = 0; i < sizeof path_rows / sizeof *path_rows; i++) {
		const struct path_row *row = &path_rows[i];

		if (strncmp(region->path, row->prefix, strlen(row->prefix)) != 0)
			continue;
		if (row->kind == REGION_ANONYMOUS && region->protection & MAPPING_SHARED)
			return REGION_SHARED;
		return row->kind;
	}
	return REGION_FILE;
}

static void decide_by_path(struct regions *regions, const struct core *core)
{
	for (size_t i = 0; i < regions->items.count; i++) {
		struct region *region = &regions->items.items[i];

		region->kind = kind_of_path(region);
		if (region->kind != REGION_ANONYMOUS || *region->path)
			continue;
		if (core->vdso && region->range.start == core->vdso) {
			region->kind = REGION_KERNEL;
			region->path = "[vdso]";
		} else if (core->word == 8 && region->range.start >= KERNEL_HALF) {
			region->kind = REGION_KERNEL;
			region->path = "[vsyscall]";
		}
	}
}

/* The kernel maps its read-only data directly below the vdso; a foreign core has no name for it. */
static void decide_vvar(struct regions *regions, const struct core *core)
{
	const struct region *vdso = core->vdso ? regions_find(regions, core->vdso) : NULL;

	if (!vdso || vdso->kind != REGION_KERNEL)
		return;
	for (size_t i = (size_t)(vdso - regions->items.items); i-- > 0;) {
		struct region *region = &regions->items.items[i];

		if (region->range.end != region[1].range.start || region->kind != REGION_ANONYMOUS ||
			*region->path || region->protection != MAPPING_READ)
			return;
		region->kind = REGION_KERNEL;
		region->path = "[vvar]";
	}
}

static int compare_claims(const void *left, const void *right)
{
	const struct region_claim *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

typedef VEC(struct region) region_list;

static void add_part(region_list *list, const struct region *whole, struct range range)
{
	struct region *part;

	if (range.end <= range.start)
		return;
	part = vec_add(list);
	*part = *whole;
	part->range = range;
	if (range_bytes(range) < range_bytes(whole->range))
		part->has_counts = false;
}

/* Splits the region at the claims from *next on that lie in it. */
static void split_region(const struct region *whole, const region_claims *claims, size_t *next,
						 region_list *list)
{
	vaddr at = whole->range.start;

	for (; *next < claims->count; ++*next) {
		const struct region_claim *claim = &claims->items[*next];
		struct range part = range_overlap(claim->range, (struct range){ at, whole->range.end });

		if (claim->range.start >= whole->range.end)
			break;
		if (part.end <= part.start)
			continue;
		add_part(list, whole, (struct range){ at, part.start });
		add_part(list, whole, part);
		list->items[list->count - 1].kind = claim->kind;
		list->items[list->count - 1].tid = claim->tid;
		at = part.end;
	}
	add_part(list, whole, (struct range){ at, whole->range.end });
}

/* A claim lies in one region and claims do not meet, whatever made them. */
static void apply_claims(struct regions *regions, region_claims *claims)
{
	region_list list = { 0 };
	size_t next = 0;

	vec_sort(claims, compare_claims);
	for (size_t i = 0; i < regions->items.count; i++)
		split_region(&regions->items.items[i], claims, &next, &list);
	free(regions->items.items);
	memcpy(&regions->items, &list, sizeof list);
}

static bool is_plain_data(const struct region *region)
{
	return region->kind == REGION_ANONYMOUS && region->protection & MAPPING_WRITE &&
		   !(region->protection & MAPPING_SHARED);
}

/* Without smaps nothing is named [heap]: it is the first anonymous data behind the executable, with
 * no other module between. */
static void decide_brk(struct regions *regions, const struct core *core)
{
	const struct region *executable = core->entry ? regions_find(regions, core->entry) : NULL;
	vaddr end;

	if (regions->from_proc || !executable || executable->kind != REGION_MODULE)
		return;
	end = executable->range.end;
	for (struct region *region = &regions->items.items[executable - regions->items.items];
		 region < regions->items.items + regions->items.count; region++) {
		bool same = strcmp(region->path, executable->path) == 0;

		if (region->kind == REGION_MODULE && (same || region->range.start == end)) {
			end = region->range.end;
			continue;
		}
		if (is_plain_data(region) && region->range.start - end <= BRK_DISTANCE_MAX)
			region->kind = REGION_BRK;
		return;
	}
}

static bool is_libjvm(const struct region *region)
{
	const char *slash = strrchr(region->path, '/');

	return region->kind == REGION_MODULE && slash && strcmp(slash, "/libjvm.so") == 0;
}

static void decide_jvm(struct regions *regions)
{
	for (size_t i = 0; i < regions->items.count; i++)
		regions->is_java |= is_libjvm(&regions->items.items[i]);
	for (size_t i = 0; regions->is_java && i < regions->items.count; i++) {
		struct region *region = &regions->items.items[i];

		if (region->kind != REGION_ANONYMOUS)
			continue;
		if (region->protection & MAPPING_EXECUTE)
			region->kind = REGION_JVM_CODE;
		else if (region->range.end <= JAVA_HEAP_END)
			region->kind = REGION_JAVA_HEAP;
		else if (region->range.start >= JAVA_HEAP_END && region->range.end <= JVM_CLASS_SPACE_END)
			region->kind = REGION_JVM_CLASS_SPACE;
	}
}

void region_kinds_decide(struct regions *regions, const struct core *core)
{
	region_claims claims = { 0 };
	struct image image;

	decide_by_path(regions, core);
	decide_vvar(regions, core);
	image_init(&image, core);
	region_modules_decide(regions, core, &image, &claims);
	image_deinit(&image);
	region_stacks_decide(regions, core, &claims);
	if (claims.count)
		apply_claims(regions, &claims);
	vec_deinit(&claims);
	decide_brk(regions, core);
	if (core->word == 8)
		decide_jvm(regions);
}

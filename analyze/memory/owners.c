#include "analyze/memory/owners.h"

#include "analyze/memory/owner_search.h"

#include <string.h>

static const struct owner_traits traits[OWNER_KINDS] = {
	[OWNER_JEMALLOC] = { "jemalloc", "jemalloc", true,
						 "malloc_stats_print() tells what it holds and keeps; call stacks: "
						 "MALLOC_CONF=prof:true and jeprof. dirty_decay_ms and muzzy_decay_ms say "
						 "when freed pages go back.",
						 false },
	[OWNER_TCMALLOC] = { "tcmalloc", "tcmalloc", true,
						 "MallocExtension's GetStats() tells what it holds and keeps, "
						 "ReleaseFreeMemory() gives freed pages back; call stacks: HEAPPROFILE "
						 "with "
						 "libtcmalloc.so and pprof.",
						 false },
	[OWNER_MIMALLOC] = { "mimalloc", "mimalloc", true,
						 "mi_stats_print() or MIMALLOC_SHOW_STATS=1 tells what it holds and keeps; "
						 "mi_collect(true) gives freed pages back.",
						 false },
	[OWNER_CPYTHON] = { "cpython", "CPython objects (pymalloc)", false,
						"sys._debugmallocstats() tells how full the arenas are; tracemalloc shows "
						"which lines of the program allocate.",
						false },
	[OWNER_V8] = { "v8", "V8 JavaScript heap", false,
				   "v8.getHeapStatistics() and a heap snapshot (v8.writeHeapSnapshot()) tell what "
				   "is in it; --max-old-space-size limits it.",
				   false },
	[OWNER_GO] = { "go", "Go heap and runtime", false,
				   "runtime.ReadMemStats and a heap profile (pprof) tell what is in it; GOMEMLIMIT "
				   "and GOGC limit it.",
				   false },
	[OWNER_JVM_METASPACE] = { "jvm-metaspace", "JVM metaspace", false,
							  "jcmd PID VM.metaspace tells which class loaders hold it; "
							  "-XX:MaxMetaspaceSize limits it.",
							  false },
	[OWNER_JVM_GC] = { "jvm-gc", "JVM garbage collector's tables", false,
					   "They grow with -Xmx; jcmd PID VM.native_memory lists them under GC.",
					   true },
};

/* Files whose mapping speaks for an owner; where `versioned`, a version and ".so" may follow.
 */
static const struct {
	const char *file;
	bool versioned;
	enum owner_kind kind;
} modules[] = {
	{ "libjemalloc.so", true, OWNER_JEMALLOC },
	{ "libtcmalloc.so", true, OWNER_TCMALLOC },
	{ "libtcmalloc_minimal.so", true, OWNER_TCMALLOC },
	{ "libtcmalloc_debug.so", true, OWNER_TCMALLOC },
	{ "libtcmalloc_minimal_debug.so", true, OWNER_TCMALLOC },
	{ "libtcmalloc_and_profiler.so", true, OWNER_TCMALLOC },
	{ "libmimalloc.so", true, OWNER_MIMALLOC },
	{ "libmimalloc-secure.so", true, OWNER_MIMALLOC },
	{ "python", true, OWNER_CPYTHON },
	{ "libpython", true, OWNER_CPYTHON }, /* libpython3.11.so.1.0 */
	{ "node", false, OWNER_V8 },
	{ "nodejs", false, OWNER_V8 },
	{ "libnode.so", true, OWNER_V8 },
	{ "libv8.so", true, OWNER_V8 },
	{ "chrome", false, OWNER_V8 },
	{ "electron", false, OWNER_V8 },
	{ "libjvm.so", false, OWNER_JVM_METASPACE },
	{ "libjvm.so", false, OWNER_JVM_GC },
};

/* Names that owners give to their mappings by PR_SET_VMA_ANON_NAME, without "[anon:" and blanks. */
static const struct {
	const char *prefix;
	enum owner_kind kind;
} names[] = {
	{ "jemalloc", OWNER_JEMALLOC }, /* --enable-pageid, src/pages.c: jemalloc_pg[_overcommit] */
	{ "tcmalloc_region_", OWNER_TCMALLOC }, /* google/tcmalloc, internal/system_allocator.h */
	{ "mimalloc", OWNER_MIMALLOC },         /* of 2025 on, src/prim/unix/prim.c: unix_mmap_prim */
	{ "cpython:", OWNER_CPYTHON }, /* -X dev, Include/internal/pycore_mmap.h: cpython:pymalloc */
	{ "v8", OWNER_V8 },            /* Chromium's PartitionAlloc, PageTagToName: V8's pages */
	{ "Go: ", OWNER_GO },          /* decoratemappings=1, runtime/set_vma_name_linux.go */
};

const struct owner_traits *owner_traits(enum owner_kind kind)
{
	return &traits[kind];
}

const char *owner_certainty_name(enum owner_certainty certainty)
{
	static const char *const certainties[] = { "absent", "hint", "likely", "certain" };

	return certainties[certainty];
}

enum owner_certainty owners_certainty(const struct owners *owners, enum owner_kind kind)
{
	const struct owner_finding *finding = &owners->findings[kind];

	if (finding->structure && !traits[kind].is_guess)
		return finding->module || finding->name ? OWNER_CERTAIN : OWNER_LIKELY;
	if (finding->name || finding->structure)
		return OWNER_LIKELY;
	return finding->module ? OWNER_HINT : OWNER_ABSENT;
}

static bool is_version(const char *text)
{
	return text[strspn(text, "0123456789.-so")] == '\0';
}

static void find_module(struct owners *owners, const char *path)
{
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
		size_t length = strlen(modules[i].file);

		if (strncmp(file, modules[i].file, length) == 0 &&
			(modules[i].versioned ? is_version(file + length) : file[length] == '\0'))
			owners->findings[modules[i].kind].module = path;
	}
}

static void find_name(struct owner_search *search, const struct region *region)
{
	const char *name = region->path + strlen("[anon:");

	name += strspn(name, " ");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strncmp(name, names[i].prefix, strlen(names[i].prefix)) != 0)
			continue;
		search->owners->findings[names[i].kind].name = region->path;
		if (owner_is_memory(region))
			owner_claim(search, names[i].kind, region->range);
	}
}

static void find_by_path(struct owner_search *search)
{
	for (size_t i = 0; i < search->regions->items.count; i++) {
		const struct region *region = &search->regions->items.items[i];

		if (region->kind == REGION_MODULE)
			find_module(search->owners, region->path);
		else if (strncmp(region->path, "[anon:", 6) == 0)
			find_name(search, region);
	}
}

static void (*const recognisers[])(struct owner_search *) = {
	owner_find_jemalloc, owner_find_mimalloc, owner_find_tcmalloc, owner_find_cpython,
	owner_find_v8,       owner_find_go,       owner_find_jvm,
};

static int compare_claims(const void *left, const void *right)
{
	const struct owner_claim *a = left, *b = right;

	if (a->range.start != b->range.start)
		return a->range.start < b->range.start ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

/* Sorts; cuts what overlaps; joins neighbours of one owner. */
static void normalise(owner_claims *claims)
{
	size_t kept = 0;

	vec_sort(claims, compare_claims);
	for (size_t i = 0; i < claims->count; i++) {
		struct owner_claim claim = claims->items[i];
		struct owner_claim *last = kept ? &claims->items[kept - 1] : NULL;

		if (last && claim.range.start < last->range.end)
			claim.range.start = last->range.end;
		if (claim.range.end <= claim.range.start)
			continue;
		if (last && last->kind == claim.kind && last->range.end == claim.range.start)
			last->range.end = claim.range.end;
		else
			claims->items[kept++] = claim;
	}
	claims->count = kept;
}

void owners_find(struct owners *owners, const struct image *image, const struct regions *regions,
				 const struct core *core)
{
	struct owner_search search = {
		.image = image, .regions = regions, .core = core, .owners = owners
	};

	*owners = (struct owners){ 0 };
	if (image->word != 8)
		return;
	owner_search_init(&search);
	find_by_path(&search);
	for (size_t i = 0; i < sizeof recognisers / sizeof *recognisers; i++)
		recognisers[i](&search);
	owner_search_deinit(&search);
	normalise(&owners->claims);
}

void owners_deinit(struct owners *owners)
{
	vec_deinit(&owners->claims);
	pool_deinit(&owners->pool);
}

size_t owners_claim_at(const struct owners *owners, vaddr address)
{
	return range_search(owners->claims.items, owners->claims.count, sizeof *owners->claims.items,
						address);
}

#include "tests/support/report_builder.h"

#include "analyze/attribute/diagnosis.h"
#include "analyze/attribute/verdict.h"
#include "tests/support/report_content.h"

#include <string.h>

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

static void bucket(struct report *report, const char *id, const char *title, uint64_t virtual,
				   uint64_t resident)
{
	*vec_add(&report->memory.buckets) = (struct report_bucket){ id, title, virtual, resident };
}

static void thread(struct report *report, struct report_arena *arena, const char *name,
				   unsigned number)
{
	uint32_t tid = 4711 + (uint32_t)arena->threads.count + arena->index * 100;

	*vec_add(&arena->threads) =
		(struct report_thread){ tid,
								number ? pool_printf(&report->pool, "%s%u", name, number) : name };
}

static struct report_sum sum(uint64_t chunks, uint64_t bytes, uint64_t resident)
{
	return (struct report_sum){ chunks, bytes, resident };
}

static void add_sum(struct report_sum *to, struct report_sum from)
{
	to->chunks += from.chunks;
	to->bytes += from.bytes;
	to->resident_bytes += from.resident_bytes;
}

static void add_totals(struct report_heap *heap)
{
	for (size_t i = 0; i < heap->arenas.count; i++) {
		const struct report_arena *arena = &heap->arenas.items[i];

		heap->totals.heaps += arena->heaps;
		heap->totals.system_bytes += arena->system_bytes;
		add_sum(&heap->totals.in_use, arena->in_use);
		add_sum(&heap->totals.tcache, arena->tcache);
		add_sum(&heap->totals.fastbin, arena->fastbin);
		add_sum(&heap->totals.binned, arena->binned);
		add_sum(&heap->totals.top, arena->top);
		heap->totals.heap_bytes += arena->heap_bytes;
		add_sum(&heap->totals.overhead, arena->overhead);
		add_sum(&heap->totals.unwalkable, arena->unwalkable);
		heap->totals.free_resident_bytes += arena->free_resident_bytes;
		heap->totals.free_gone_bytes += arena->free_gone_bytes;
		heap->totals.trimmable_bytes += arena->trimmable_bytes;
		heap->totals.pinned_free_bytes += arena->pinned_free_bytes;
		heap->totals.pinned.cache_bytes += arena->pinned.cache_bytes;
		heap->totals.pinned.small_bytes += arena->pinned.small_bytes;
		heap->totals.pinned.edge_bytes += arena->pinned.edge_bytes;
		heap->totals.pinned.top_bytes += arena->pinned.top_bytes;
		heap->totals.pinned.live_chunks += arena->pinned.live_chunks;
		heap->totals.pinned.live_bytes += arena->pinned.live_bytes;
	}
}

static struct report_arena *arena(struct report *report, vaddr address, uint64_t system)
{
	struct report_arena *arena = vec_add(&report->heap.arenas);
	uint64_t unit = system / 100;

	arena->index = (unsigned)report->heap.arenas.count - 1;
	arena->main = arena->index == 0;
	arena->address = address;
	arena->heaps = arena->main ? 1 : (unsigned)(system / MIB(64) + 1);
	arena->system_bytes = system;
	arena->in_use = sum(unit / 700, unit * 52, unit * 50);
	arena->tcache = sum(unit / 9000, unit, unit);
	arena->fastbin = sum(unit / 90000, unit / 10, unit / 10);
	arena->binned = sum(unit / 8000, unit * 42, unit * 31);
	arena->top = sum(1, unit * 4, unit);
	arena->overhead = sum(arena->heaps + 1, system - unit * 99 - unit / 10, unit / 2);
	arena->heap_bytes = system;
	arena->free_resident_bytes = unit * 33 + unit / 10;
	arena->free_gone_bytes = unit * 14;
	arena->trimmable_bytes = unit * 26;
	arena->pinned_free_bytes = unit * 7 + unit / 10;
	arena->pinned.cache_bytes = unit;
	arena->pinned.small_bytes = unit * 3 + unit / 10;
	arena->pinned.edge_bytes = unit * 2;
	arena->pinned.top_bytes = unit;
	arena->pinned.live_chunks = unit / 1100;
	arena->pinned.live_bytes = unit * 11;
	return arena;
}

static struct report_pin *pin(struct report *report, vaddr heap, unsigned arena, const char *kind,
							  uint64_t held, uint64_t live_chunks, uint64_t live_bytes)
{
	struct report_pin *pin = vec_add(&report->heap.pins);

	*pin = (struct report_pin){ .heap = { heap, heap + MIB(64) },
								.arena = arena,
								.kind = kind,
								.held_bytes = held,
								.held_resident_bytes = held - held / 8,
								.trimmable_bytes = held - held / 4,
								.live_chunks = live_chunks,
								.live_bytes = live_bytes };
	return pin;
}

static void add_pins(struct report *report)
{
	struct report_pin *row = pin(report, 0x7f3a10000000, 3, "older", MIB(60), 12, KIB(48));

	*vec_add(&row->groups) =
		(struct report_pin_group){ "compression.zlib-inflate", "in-use", 0, 10, KIB(40) };
	*vec_add(&row->groups) = (struct report_pin_group){ NULL, "in-use", 4096, 2, KIB(8) };
	*vec_add(&row->last) =
		(struct report_pin_chunk){ 0x7f3a13fff010, 4096, "in-use", "compression.zlib-inflate" };
	row = pin(report, 0x7f3a18000000, 4, "newest", MIB(31), 1, 48);
	row->cached_chunks = 7;
	row->cached_bytes = 7 * 1040;
	*vec_add(&row->groups) = (struct report_pin_group){ NULL, "tcache", 1040, 7, 7 * 1040 };
	*vec_add(&row->groups) = (struct report_pin_group){ NULL, "in-use", 48, 1, 48 };
	*vec_add(&row->last) = (struct report_pin_chunk){ 0x7f3a19000010, 48, "in-use", NULL };
	*vec_add(&row->last) = (struct report_pin_chunk){ 0x7f3a18f00010, 1040, "tcache", NULL };
	row = pin(report, 0x555555575000, 0, "brk", MIB(20), 3, 9000);
	*vec_add(&row->groups) = (struct report_pin_group){ NULL, "in-use", 3000, 3, 9000 };
}

static void size_class(struct report *report, uint64_t size, const char *state, uint64_t chunks)
{
	*vec_add(&report->heap.size_classes) =
		(struct report_size_class){ size, state, chunks, size * chunks };
}

static void anomaly(struct report *report, vaddr address, const char *what)
{
	*vec_add(&report->anomalies) = (struct report_anomaly){ address, what };
}

static void missing(struct report *report, const char *sentence)
{
	*vec_add(&report->evidence.missing) = sentence;
}

static void close_account(struct report *report)
{
	uint64_t all = 0;

	for (size_t i = 0; i < report->memory.buckets.count; i++) {
		report->memory.virtual_bytes += report->memory.buckets.items[i].virtual_bytes;
		all += report->memory.buckets.items[i].resident_bytes;
	}
	report->memory.residual_bytes = (int64_t)(report->memory.resident_bytes - all);
}

static void java_evidence(struct report *report)
{
	report->tool_version = "0.1.0";
	report->command = "analyze report java.4711.core.zst --rules rules";
	report->evidence = (struct report_evidence){
		.file = "java.4711.20261121T080000Z.core.zst",
		.bytes = MIB(2310),
		.complete = true,
		.writer = "dumpcore",
		.consistency = "freeze",
		.has_pause = true,
		.pause_ms = 613.25,
		.captured_at = "2026-11-21T08:00:00Z",
		.host = "shop-7",
		.kernel = "6.18.0",
		.comm = "java",
		.exe = "/usr/lib/jvm/java-17/bin/java",
		.pid = 4711,
		.glibc_generation = "glibc 2.35-2.41",
		.glibc_basis = "malloc_state of class C in 18 arenas, heap_info of 2.35 and later",
		.has_residency = true,
	};
	*vec_add(&report->evidence.gaps) =
		(struct report_gap){ { 0x700000000, 0x7c0000000 }, "not selected: Java heap" };
	missing(report,
			"Not in the file: 3.00 GiB, 1.20 GiB resident, in 1 range (not selected: Java heap).");
	missing(report, "The arena of 3 of 87 threads: they never allocated, or it is not known.");
}

static void java_memory(struct report *report)
{
	bucket(report, "java.heap", "Java heap", MIB(3072), MIB(1126));
	bucket(report, "jvm.class_space", "JVM class space", MIB(1024), MIB(14));
	bucket(report, "jvm.code", "JVM code cache", MIB(240), MIB(61));
	bucket(report, "module", "programs and libraries", MIB(96), MIB(41));
	bucket(report, "file", "other mapped files", MIB(12), MIB(9));
	bucket(report, "shared", "shared memory", KIB(32), KIB(32));
	bucket(report, "kernel", "vdso and vvar", KIB(24), 0);
	bucket(report, "stack", "thread stacks", MIB(87), MIB(12));
	bucket(report, "heap.in_use", "malloc, in use", MIB(1240), MIB(1195));
	bucket(report, "heap.tcache", "freed, in thread caches", MIB(24), MIB(24));
	bucket(report, "heap.fastbin", "freed, in fastbins", MIB(2), MIB(2));
	bucket(report, "heap.binned", "freed, in bins", MIB(1002), MIB(739));
	bucket(report, "heap.top", "freed, ends of arenas", MIB(95), MIB(24));
	bucket(report, "heap.overhead", "malloc's bookkeeping", MIB(21), MIB(21));
	bucket(report, "heap.mmapped", "malloc, in use, mmapped", MIB(410), MIB(388));
	bucket(report, "anonymous.unknown", "other anonymous: unknown", MIB(300), MIB(241));
	bucket(report, "anonymous.reserved", "reserved without access", MIB(4100), 0);
	bucket(report, "unwalkable", "malloc, not walkable", 0, 0);
	bucket(report, "not_captured", "resident, not captured", 0, 0);
	report->memory.has_resident = true;
	report->memory.resident_bytes = MIB(3897) + KIB(320);
	close_account(report);
}

static void stack(struct report *report, uint32_t tid, const char *name, uint64_t resident)
{
	*vec_add(&report->memory.stacks) = (struct report_stack){ tid, name, MIB(1), resident };
}

static void java_owners(struct report *report)
{
	*vec_add(&report->memory.owners) = (struct report_owner){
		.id = "jvm-gc",
		.title = "JVM garbage collector's tables",
		.certainty = "likely",
		.module = "libjvm.so",
		.basis = "Seen: 3 mappings whose size is a 512th or a 64th of the Java heap's; "
				 "/opt/jdk/lib/server/libjvm.so is mapped.",
		.advice = "They grow with -Xmx; jcmd PID VM.native_memory lists them under GC.",
		.regions = 3,
		.virtual_bytes = MIB(66),
		.resident_bytes = MIB(66),
	};
	*vec_add(&report->memory.owners) = (struct report_owner){
		.id = "jemalloc",
		.title = "jemalloc",
		.certainty = "hint",
		.is_malloc = true,
		.module = "libjemalloc.so.2",
		.basis = "Seen: none of its structures; /usr/lib/libjemalloc.so.2 is mapped.",
		.advice = "malloc_stats_print() tells what it holds and keeps.",
	};
	for (uint32_t i = 0; i < 8; i++)
		stack(report, 4801 + i, i < 7 ? "http-nio-8080-e" : "", KIB(200) - i * KIB(20));
}

static void java_heap(struct report *report)
{
	java_owners(report);
	static const char *const pools[] = { "http-nio-8080-e", "kafka-consumer-", "scheduler-" };

	report->heap.found = report->heap.has_threads = true;
	thread(report, arena(report, 0x7f00deadbc80, MIB(310)), "java", 0);
	for (unsigned i = 1; i < 18; i++) {
		struct report_arena *each = arena(report, 0x7f0000000030 + i * MIB(64), MIB(190 - i * 7));

		for (unsigned n = 1; n <= 1 + i % 6; n++)
			thread(report, each, pools[(i + n) % 3], n + i * 10);
	}
	thread(report, &report->heap.arenas.items[3], "C2 CompilerThre", 0);
	thread(report, &report->heap.arenas.items[3], "GC Thread#", 3);
	thread(report, &report->heap.arenas.items[3], "GC Thread#", 4);
	add_totals(&report->heap);
	add_pins(report);
	report->heap.mmapped = sum(312, MIB(410), MIB(388));
	size_class(report, 32784, "in-use", 15020);
	size_class(report, 32784, "binned", 9120);
	size_class(report, 7168, "in-use", 15020);
	size_class(report, 16781312, "mmapped", 6);
	size_class(report, 1040, "in-use", 61000);
	size_class(report, 48, "in-use", 903112);
}

/* The Java heap was left out, and it holds most of what seems to be held by nothing. */
static void java_references(struct report *report)
{
	struct report_references *references = &report->references;

	references->asked = references->upper_bound = true;
	references->anchored = (struct report_count){ 60577, 14260000 };
	references->interior = (struct report_count){ 1812, 1541000 };
	references->unreachable = (struct report_count){ 335, 11950000 };
	references->heads = (struct report_count){ 58, 4840 };
	*vec_add(&references->roots) = (struct report_root){
		"module", "data of programs and libraries", 702464, 2826, { 60400, 14250000 }
	};
	*vec_add(&references->roots) =
		(struct report_root){ "stack", "stacks of threads", 139264, 821, { 177, 10000 } };
	*vec_add(&references->sizes) = (struct report_size_class){ 65552, "in-use", 177, 11602704 };
	*vec_add(&references->sizes) = (struct report_size_class){ 2101248, "mmapped", 1, 2101248 };
	*vec_add(&references->rules) =
		(struct report_unreachable_rule){ "compression.zlib-inflate", { 177, 11602704 } };
	*vec_add(&references->rules) = (struct report_unreachable_rule){ "", { 158, 347296 } };
	*vec_add(&references->largest) =
		(struct report_unreachable_chunk){ 0x7fa64c38a9c0, 65552, "in-use",
										   "compression.zlib-inflate", false };
	*vec_add(&references->largest) =
		(struct report_unreachable_chunk){ 0x561fe5d5e7e0, 96, "in-use", "", true };
	*vec_add(&references->missing) =
		"12.2 MiB of the Java heap are not in the file: chunks may be held from there.";
}

void report_builder_java(struct report *report)
{
	*report = (struct report){ 0 };
	java_evidence(report);
	java_memory(report);
	java_heap(report);
	report_content_java(report);
	java_references(report);
	diagnosis_fill(report, &(struct diagnosis_facts){ .is_java = true, .threads = 87 });
	verdict_fill(report);
}

void report_builder_foreign(struct report *report)
{
	*report = (struct report){ .tool_version = "0.1.0", .command = "analyze core.42" };
	report->evidence = (struct report_evidence){
		.file = "core.42",
		.bytes = MIB(235),
		.complete = true,
		.writer = "other",
		.consistency = "unknown",
		.captured_at = "",
		.host = "",
		.kernel = "",
		.comm = "server",
		.exe = "",
		.pid = 42,
		.glibc_generation = "glibc 2.26-2.34",
		.glibc_basis = "",
	};
	*vec_add(&report->evidence.unknown) =
		(struct report_unknown){ "resident bytes", "the core has no page map",
								 "resident and gone show ?" };
	missing(report,
			"Resident bytes: not known, the core has no page map: resident and gone show ?.");
	bucket(report, "module", "programs and libraries", MIB(7), 0);
	bucket(report, "stack", "thread stacks", MIB(40), 0);
	bucket(report, "heap.in_use", "malloc, in use", MIB(104), 0);
	bucket(report, "heap.binned", "freed, in bins", MIB(84), 0);
	report->heap.found = report->heap.has_threads = true;
	thread(report, arena(report, 0x7ffff7fa5c60, MIB(120)), "server", 0);
	thread(report, arena(report, 0x7ffff0000020, MIB(80)), "", 0);
	report->heap.arenas.items[1].locked = true;
	for (size_t i = 0; i < 2; i++) {
		struct report_arena *arena = &report->heap.arenas.items[i];

		arena->in_use.resident_bytes = arena->overhead.resident_bytes = 0;
		arena->free_resident_bytes = arena->free_gone_bytes = 0;
		arena->trimmable_bytes = arena->pinned_free_bytes = 0;
		arena->pinned = (struct report_pinned){ 0 };
	}
	add_totals(&report->heap);
	size_class(report, 4112, "in-use", 25000);
	close_account(report);
	report->memory.residual_bytes = 0;
	diagnosis_fill(report, &(struct diagnosis_facts){ .threads = 2 });
	verdict_fill(report);
}

void report_builder_damaged(struct report *report)
{
	*report = (struct report){ .tool_version = "0.1.0", .command = "analyze cut.core" };
	report->evidence = (struct report_evidence){
		.file = "cut.core",
		.bytes = MIB(31),
		.complete = false,
		.writer = "dumpcore",
		.consistency = "live",
		.captured_at = "2026-11-21T08:00:00Z",
		.host = "edge-1",
		.kernel = "6.1.0",
		.comm = "node",
		.exe = "/usr/bin/node",
		.pid = 99,
		.glibc_generation = "",
		.glibc_basis = "",
		.has_residency = true,
	};
	missing(report, "The file is cut short or damaged: what it lost is missing below.");
	missing(report, "Chunks: no glibc heap was recognised.");
	bucket(report, "module", "programs and libraries", MIB(60), MIB(31));
	bucket(report, "anonymous.unknown", "other anonymous: unknown", MIB(700), MIB(80));
	bucket(report, "not_captured", "resident, not captured", MIB(12), MIB(12));
	report->memory.has_resident = true;
	report->memory.resident_bytes = MIB(122);
	report->memory.swapped_bytes = MIB(20);
	close_account(report);
	*vec_add(&report->suspects) =
		(struct report_suspect){ "region", "0x7f0000000000-0x7f0004000000",
								 "anonymous memory that is no glibc heap", MIB(64) };
	for (unsigned i = 0; i < 7; i++)
		anomaly(
			report, 0x7f0000001000 + i * 4096,
			"the size word is 0x3ffff1, which passes the end of the heap at 0x7f0000021000; the "
			"walk goes on at the next chunk that is certain");
	report->anomalies_dropped = 12;
	diagnosis_fill(report, &(struct diagnosis_facts){ .threads = 11, .is_torn = true });
	verdict_fill(report);
}

#define LONG_50 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx"

const char report_builder_poison[] =
	"a|b`c*_<script>\x1b[31m\r\n\x07\x9b\xc2\x9b\xff\xe2\x80\xae\\x1b[0m|" LONG_50 LONG_50 LONG_50
		LONG_50 LONG_50 LONG_50;

/* The texts of evidence, arenas, rules and so on, replaced one by one. */
void report_builder_hostile(struct report *report)
{
	const char *poison = report_builder_poison;
	struct report_evidence *evidence;

	report_builder_java(report);
	evidence = &report->evidence;
	evidence->file = evidence->consistency = evidence->captured_at = evidence->host = poison;
	evidence->kernel = evidence->comm = evidence->exe = evidence->glibc_basis = poison;
	evidence->glibc_generation = evidence->missing.items[0] = poison;
	evidence->gaps.items[0].reason = report->command = report->verdict = poison;
	report->heap.arenas.items[0].threads.items[0].name = poison;
	report->content.rules.items[0].title = report->content.rules.items[0].remediation = poison;
	report->content.rules.items[0].groups.items[0].key = poison;
	report_content_stats(&report->content, poison);
	report->content.rules.items[2].packed.inside.items[0].id = poison;
	report->content.rules.items[2].packed.inside.items[0].title = poison;
	report->content.rules.items[2].packed.inside.items[0].groups.items[0].key = poison;
	report->content.clusters.items[0].prefix = poison;
	report->heap.pins.items[0].groups.items[0].rule = poison;
	report->heap.pins.items[0].last.items[0].rule = poison;
	report->memory.buckets.items[0].title = poison;
	report->memory.stacks.items[0].name = poison;
	report->memory.stacks.items[0].resident_bytes = MIB(40); /* enough to be listed */
	report->diagnosis.items[0].evidence.items[0] = poison;
	report->diagnosis.items[0].title = report->diagnosis.items[0].advice = poison;
	report->diagnosis.items[0].first_step = poison;
	*vec_add(&report->suspects) = (struct report_suspect){ "rule", poison, poison, 1 };
	report->references.missing.items[0] = report->references.roots.items[0].title = poison;
	report->references.rules.items[0].id = report->references.largest.items[0].rule = poison;
	anomaly(report, 1, poison);
}

#include "tests/support/report_content.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

static struct report_rule *rule(struct report *report, const char *id, const char *title,
								struct report_hits live, struct report_hits stale)
{
	struct report_rule *rule = vec_add(&report->content.rules);

	rule->id = id;
	rule->title = title;
	rule->severity = "high";
	rule->confidence = "high";
	rule->remediation = "Call Inflater.end(), or close the GZIPInputStream.";
	rule->live = live;
	rule->stale = stale;
	return rule;
}

static void group(struct report_rule *rule, const char *key, uint64_t hits, uint64_t live,
				  uint64_t stale)
{
	*vec_add(&rule->groups) = (struct report_group){ key, hits, live + stale, live };
}

static struct report_inside *inside(struct report_rule *rule, const char *id, uint64_t streams,
									uint64_t hits, uint64_t bytes)
{
	struct report_inside *inside = vec_add(&rule->packed.inside);

	*inside = (struct report_inside){
		.id = id,
		.title = "A rule that hit inside",
		.streams = streams,
		.hits = hits,
		.live_hits = hits / 2,
		.bytes = bytes,
	};
	return inside;
}

static void inside_key(struct report_inside *inside, const char *key, uint64_t hits)
{
	*vec_add(&inside->groups) = (struct report_inside_group){ key, hits, hits / 2 };
}

/* Streams of gzip: most are whole, some are not, and the budget did not do for all. */
static void java_streams(struct report *report)
{
	struct report_rule *gzip = rule(report, "compression.gzip", "gzip stream",
									(struct report_hits){ 4100, 4100, MIB(200) },
									(struct report_hits){ 12, 12, KIB(600) });
	struct report_inside *json;

	gzip->remediation = "Look at what is inside, and at queues without back pressure.";
	gzip->has_packed = true;
	gzip->packed = (struct report_packed){
		.streams = 4010,
		.live_streams = 4000,
		.nested = 30,
		.packed_bytes = MIB(190),
		.inflated_bytes = MIB(834),
		.broken = 1,
		.cut_short = 20,
		.too_long = 2,
		.over_budget = 102,
		.too_deep = 1,
	};
	json = inside(gzip, "text.json-document", 3900, 12000, MIB(600));
	inside_key(json, "id,type", 11000);
	inside_key(json, "id,name", 990);
	inside_key(json, "a", 6);
	inside_key(json, "b", 4);
	inside_key(inside(gzip, "web.http-message", 3000, 3000, MIB(3)), "HTTP/1.1 200", 3000);
	report->content.look_budget = MIB(1024);
	report->content.look_spent = MIB(1024) + KIB(300);
}

static void cluster(struct report *report, uint64_t size, const char *prefix, const char *kind,
					uint64_t chunks)
{
	*vec_add(&report->content.clusters) =
		(struct report_cluster){ size, prefix, kind, chunks, size * chunks };
}

/* More rules than a report has room for: the critical one is shown all the same. */
static void java_small_rules(struct report *report)
{
	static const char *const ids[] = { "web.http-message", "wire.kafka-batch", "web.json-text",
									   "text.log-line",    "text.url",         "jvm.service-file" };
	struct report_rule *small =
		rule(report, "crypto.openssl-certificate", "Certificate",
			 (struct report_hits){ 166, 166, KIB(118) }, (struct report_hits){ 0, 0, 0 });

	small->severity = "low";
	group(small, "hidden #5", 60, KIB(60), 0);
	group(small, "hidden #54", 2, KIB(2), 0);
	group(small, "hidden #13", 1, KIB(1), 0);
	small->more_groups = 101;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		uint64_t hits = 80 - i * 10;

		small = rule(report, ids[i], "A small one", (struct report_hits){ hits, hits, hits * 400 },
					 (struct report_hits){ i, i, i * 40 });
		small->severity = "info";
	}
	small = rule(report, "archives.jimage", "Java run-time image", (struct report_hits){ 1, 1, 28 },
				 (struct report_hits){ 0, 0, 0 });
	small->severity = "low";
	small = rule(report, "crypto.private-key-pem", "Private key in PEM text",
				 (struct report_hits){ 0, 0, 0 }, (struct report_hits){ 1, 1, 1704 });
	small->severity = "critical";
}

void report_content_java(struct report *report)
{
	struct report_rule *rules;

	report->content.rules_applied = 116;
	rules = rule(report, "compression.zlib-inflate", "Open zlib inflate stream",
				 (struct report_hits){ 15020, 45060, MIB(573) },
				 (struct report_hits){ 9120, 9120, MIB(285) });
	group(rules, "com/acme/shop/catalog, unknown jar", 15011, MIB(572), MIB(281));
	group(rules, "(class file, not named)", 9, KIB(344), MIB(4));
	rules =
		rule(report, "jvm.class-file", "Java class file",
			 (struct report_hits){ 5210, 5210, MIB(31) }, (struct report_hits){ 880, 879, MIB(4) });
	rules->severity = "medium";
	rules->remediation = "Look for class loaders that are made again and again.";
	group(rules, "com/acme/shop/catalog", 3100, MIB(18), MIB(2));
	group(rules, "com/acme/shop/basket", 1200, MIB(7), MIB(1));
	group(rules, "org/springframework/boot/loader/jar", 700, MIB(4), KIB(512));
	group(rules, "com/fasterxml/jackson/databind/deser/std/a/very/long/package/name", 200, MIB(1),
		  KIB(512));
	group(rules, "io/netty/buffer", 8, KIB(80), 0);
	group(rules, "org/apache/kafka", 2, KIB(20), 0);
	rules->undecided = 300;
	rules->unsearched_bytes = MIB(96);
	rules->slow = true;
	rules->ended_by = "match-limit";
	*vec_add(&report->evidence.missing) =
		"Rule jvm.class-file was too slow and was given up: 300 places are neither match nor no "
		"match, and 96.0 MiB were not searched for it. `analyze rules check` may tell why (R060).";
	java_streams(report);
	java_small_rules(report);
	report->content.unattributed_chunks = 1021334;
	report->content.unattributed_bytes = MIB(1046);
	cluster(report, 16781312, "0 0 0 0", "zeros", 6);
	cluster(report, 1040, "ptr ptr int text", "pointers", 61000);
	cluster(report, 48, "ptr int 0 ptr", "pointers", 903112);
}

void report_content_stats(struct report_content *content, const char *name)
{
	content->has_stats = true;
	content->rules.items[1].stats = (struct report_rule_stats){
		.cpu_ns = 1812345678,
		.keywords = 91000,
		.confirms = 90000,
		.matched = 6200,
		.refused = 110,
		.hits = 6090,
		.inside_hits = 40,
		.work = 123456789,
		.undecided = 300,
		.unsearched_bytes = MIB(96),
		.slow = true,
	};
	*vec_add(&content->quiet) = (struct report_rule){
		.id = name,
		.title = name,
		.severity = "low",
		.confidence = "low",
		.remediation = name,
		.stats = { .cpu_ns = 2000000, .keywords = 4, .confirms = 3, .matched = 2, .refused = 2 },
	};
}

#!/usr/bin/env python3
"""What rules cost: patterns that run away, what --rule-stats tells, any number of threads."""

import json
import os
import sys

from harness import ANALYZE, FAILED, ROOT, RULES, TARGETS, Session, run

sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
import json_schema  # noqa: E402

# The target's text has these words over and over. No pattern matches, and each tries nearly for
# ever; what `rules check` refuses is loaded all the same by --rules.
RUNAWAYS = {
    "count-in-count": r"customer=(?:[ -~]{1,100}){1,3}[\x01\x02]",
    "repeat-in-repeat": r"status=(?:[ -~]+)+[\x01\x02]",
    "three-dots": r"note=.*.*.*[\x01\x02]",
    "same-twice": r"item=(?:[ -~]|[a-z])+[\x01\x02]",
    "everywhere": r"(?:[a-z]{1,100}){1,3}[\x01\x02]",
}
# Each of these words stands once in sixty bytes.
DENSE = ("customer=", "status=", "item=", "note=", "4711", "shipped", "chair", "none;")
NEARLY = r"(?:[ -~]{1,90}){1,3}"  # ends right before the match limit
ENDLESS = (r"(?:[ -~]{1,100}){1,3}", r"(?:[ -~]+)+", r".*.*.*", r"(?:[ -~]|[a-z])+")
HONEST = {"customer": r"customer=(?<number>\d{1,20})", "text": r"[\x20-\x7e]{16,}"}


def rule_file(session, namespace, patterns, words=None):
    """Rules by name; `words` has their keywords, else it is what stands before an equals sign."""
    path = session.path(f"{namespace}.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"format: 1\nnamespace: {namespace}\nrules:\n")
        for name, pattern in patterns.items():
            word = words[name] if words else pattern[:pattern.find("=") + 1]
            search = f"keywords: ['{word}']" if word else "slow: true"
            sample = word + ("1" if namespace == "honest" else "") + "some more letters\\x01"
            file.write(f"- id: {name}\n  title: T\n  {search}\n  pattern: '{pattern}'\n"
                       f"  tests:\n  - {{name: a, text: \"{sample}\", expect: match}}\n"
                       "  - {name: b, text: '', expect: none}\n")
    return path


def by_id(report):
    return {rule["id"]: rule for rule in report["content"]["rules"]}


def same_for_any_threads(session, name, command):
    """The JSON of the command with one thread; with two and eight it must be the same but for that number."""
    one = run(*command, "--threads", "1")
    for threads in ("2", "8"):
        again = run(*command, "--threads", threads)
        session.ok(again.out.replace(f"--threads {threads}", "--threads 1") == one.out,
                   f"{name}: {threads} threads report the same, to the byte", again)
    return one


def stats_on_demand(session):
    target = session.start(os.path.join(TARGETS, "bench_target"), "4", "2", "0")
    core = session.must_capture(target.pid, "stats.core")
    plain, report = session.must_report(core), session.must_report(core, "--rule-stats")
    schema = json_schema.load(os.path.join(ROOT, "docs", "report.schema.json"))
    problems = list(json_schema.check(schema, report))
    session.ok(not problems, "with stats: valid against the schema", "\n".join(problems[:5]))
    rules = report["content"]["rules"]
    session.equal(len(rules), report["content"]["rules_applied"], "every rule has a row")
    for rule in rules:
        stats = rule.pop("stats")
        session.ok(stats["hits"] + stats["inside_hits"] <= stats["matched"] - stats["refused"] <= stats["confirms"],
                   f"{rule['id']}: its numbers fit each other", stats)
    session.ok(any(rule["undecided"] for rule in rules) or plain["content"]["rules"] == [
        rule for rule in rules if rule["live"]["hits"] + rule["stale"]["hits"]],
               "without, the rest is the same", plain["content"]["rules"])
    text = run(ANALYZE, core, "--rules", RULES, "--rule-stats")
    session.ok("WHAT THE RULES COST" in text.out, "as text", text)


def patterns_that_run_away(session):
    """They cost what is theirs: the report ends, names them, and has all of the others' hits."""
    target = session.start(os.path.join(TARGETS, "bench_target"), "24", "2", "0")
    core = session.must_capture(target.pid, "text.core", "--compress", "none")
    away, honest = rule_file(session, "away", RUNAWAYS), rule_file(session, "honest", HONEST)
    result = run(ANALYZE, "rules", "check", away)
    session.equal((result.status, (result.out + result.err).count("error[R060]")),
                  (FAILED, len(RUNAWAYS)), "rules check refuses each of them")
    command = [ANALYZE, core, "--format", "json", "--rules", honest]
    alone = by_id(json.loads(run(*command).out))
    command += ["--rules", away]
    both = same_for_any_threads(session, "given up", command)
    rules = by_id(json.loads(both.out))
    for name in RUNAWAYS:
        row = rules[f"away.{name}"]
        session.ok(row["slow"] and row["undecided"] + row["unsearched_bytes"] > 0,
                   f"{name}: slow, with something left over", row)
    for name in HONEST:
        row = rules[f"honest.{name}"]
        session.ok(row == alone[f"honest.{name}"] and row["live"]["hits"] and not row["slow"],
                   f"{name}: complete beside them", row)
    text = run(ANALYZE, core, "--rules", honest, "--rules", away)
    words = " ".join(text.out.split())
    session.ok(all(f"Rule away.{name} was too slow" in words for name in RUNAWAYS),
               "the text names each of them", text)
    not_begun = rules["away.everywhere"]
    heap = json.loads(both.out)["heap"]["totals"]["system_bytes"]
    session.ok(heap // 2 < not_begun["unsearched_bytes"] <= heap and not not_begun["undecided"],
               "the one without keywords: nothing was searched for it", (heap, not_begun))
    chunk = run(ANALYZE, "chunks", core).out.split("\n")[1].split()[0]
    explained = run(ANALYZE, "rules", "explain", core, chunk, "away.everywhere", "--rules", away)
    session.ok(" of this chunk for the rule, as its pattern runs away" in explained.out,
               "explain says so", explained)
    same_for_any_threads(session, "every shipped rule", [ANALYZE, core, "--format", "json", "--rules", RULES])


BOMBS = r"""
import ctypes, gzip, io, os, sys, time, zipfile, zlib

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]


def put(data):
    address = libc.malloc(len(data))
    ctypes.memmove(address, data, len(data))


def entry(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", data)
    return file.getvalue()


zeros = bytes(1 << 20)
bombs = [gzip.compress(zeros), entry(zeros), gzip.compress(gzip.compress(zeros) * 900), zlib.compress(zeros)]
for i in range(96):
    put((bombs[i % 4] * (65000 // len(bombs[i % 4]) + 1))[:65000])
body = gzip.compress(b"".join(b'{"order": %d, "state": "open"},\n' % (i * 7919 % 9973) for i in range(800)))
for i in range(2000):
    put(body)
print("READY", flush=True)
time.sleep(3600)
"""


def bombs_end_where_they_are(session):
    """Streams packed a thousandfold: the same report for any number of threads, and the heap's bodies beside them."""
    target = session.start_python(BOMBS)
    core = session.must_capture(target.pid, "bombs.core", "--compress", "none")
    one = same_for_any_threads(session, "bombs", [ANALYZE, core, "--format", "json", "--rules", RULES])
    gzip = by_id(json.loads(one.out))["compression.gzip"]
    session.ok(gzip["slow"] and gzip["undecided"] > 0, "gzip is given up where bombs are", gzip)
    session.equal(gzip["ended_by"], "work", "by what it had to inflate")
    session.ok(gzip["live"]["hits"] > 1500, "bodies elsewhere are proven", gzip)
    words = " ".join(run(ANALYZE, core, "--rules", RULES).out.split())
    session.ok("Rule compression.gzip was given up in parts of the heap" in words, "the text tells it", words)


def keywords_everywhere(session):
    """What is behind the last strike is not searched: it is told in bytes, and costs no count."""
    target = session.start(os.path.join(TARGETS, "bench_target"), "96", "2", "0")
    core = session.must_capture(target.pid, "dense.core", "--compress", "none")
    words = {f"r{number}": word for number, word in enumerate(DENSE)}
    patterns = {name: word + ENDLESS[number % len(ENDLESS)] + r"[\x01\x02]"
                for number, (name, word) in enumerate(words.items())}
    words["near"], patterns["near"] = "status=", "status=" + NEARLY + r"[\x01\x02]"
    away = rule_file(session, "away", patterns, words)
    honest = rule_file(session, "honest", {"customer": HONEST["customer"]})
    command = [ANALYZE, core, "--format", "json", "--rules", honest]
    alone = by_id(json.loads(run(*command, "--rule-stats").out))
    command += ["--rules", away]
    report = json.loads(run(*command, "--rule-stats").out)
    rules, heap = by_id(report), report["heap"]["totals"]["system_bytes"]
    everywhere = alone["honest.customer"]["stats"]["keywords"]
    for name in words:
        row = rules[f"away.{name}"]
        stats = row["stats"]
        session.ok(row["slow"] and heap // 4 < row["unsearched_bytes"] < heap,
                   f"{name}: a part of the heap was not searched for it", (heap, row))
        session.ok(stats["confirms"] < (3000 if name == "near" else 300) and 0 < stats["keywords"] < everywhere * 3 // 4,
                   f"{name}: its keywords there are not counted", (everywhere, row))
    row, other = rules["honest.customer"], alone["honest.customer"]
    session.ok(row["live"] == other["live"] and row["stale"] == other["stale"] and
               row["stats"]["keywords"] == everywhere and not row["slow"],
               "a rule that shares a keyword with one of them: complete", (row, other))
    same_for_any_threads(session, "dense keywords", command)


def main():
    session = Session()
    session.test(stats_on_demand)
    session.test(patterns_that_run_away)
    session.test(bombs_end_where_they_are)
    session.test(keywords_everywhere)
    session.finish()


if __name__ == "__main__":
    main()

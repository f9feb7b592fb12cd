#!/usr/bin/env python3
"""A target that knows who holds each of its chunks against `--references` and `show`: from an archive
and from gcore exactly the chunks it holds are anchored. What was not captured is said."""

import json
import os
import pty
import sys

import glibcs
from harness import (ANALYZE, COMPLETE, FAILED, PARTIAL, ROOT, TARGETS, USAGE, Session, run)

sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
import json_schema  # noqa: E402

LIBRARY = os.path.join(TARGETS, "reference_library.so")
SCHEMA = os.path.join(ROOT, "docs", "report.schema.json")
HEADS = 10  # of the lost chunks: all but the cycle and the leaves of the tree
WORD = 8


class Truth:
    """The target's log."""

    def __init__(self, path):
        with open(path, encoding="ascii") as text:
            self.rows = [line.split() for line in text]

    def addresses(self, fate):
        return sorted(row[1] for row in self.rows if row[2] == fate)

    def all_of(self, name):
        return [row[1] for row in self.rows if row[0] == name]

    def one(self, name):
        return self.all_of(name)[0]


def start_target(session):
    log = session.path("log")
    target = session.start(os.path.join(TARGETS, "reference_target"), log, LIBRARY)
    return target, Truth(log)


def chunks(session, core, *options):
    result = run(ANALYZE, "chunks", core, "--rules", "none", "--ndjson", *options)
    session.ok(result.status in (COMPLETE, PARTIAL), f"analyze chunks {' '.join(options)}", result)
    return [json.loads(line) for line in result.out.splitlines()]


def show(core, address, *options):
    result = run(ANALYZE, "show", core, address, "--rules", "none", "--format", "json", *options)
    if result.status not in (COMPLETE, PARTIAL):
        raise RuntimeError(result.describe())
    return json.loads(result.out)


def gcore(session, pid):
    result = run("gcore", "-o", session.path("gcore"), pid)
    path = session.path(f"gcore.{pid}")
    if not os.path.exists(path):
        raise RuntimeError(result.describe())
    return path


# --- who is reached ---


def check_reach(session, name, core, truth):
    lost = [row["address"] for row in chunks(session, core, "--reach", "unreachable")]
    session.equal(sorted(lost), truth.addresses("unreachable"),
                  f"{name}: unreachable are exactly the chunks that nothing holds")
    reach = {row["address"]: row["reach"] for row in chunks(session, core, "--references")}
    for fate, wanted in (("anchored", "anchored"), ("unreachable", "unreachable"), ("freed", None)):
        got = {address: reach.get(address, "?") for address in truth.addresses(fate)}
        wrong = {address: value for address, value in got.items() if value != wanted}
        session.ok(not wrong and got, f"{name}: all {len(got)} {fate} chunks are", wrong)
    held = [row for row in chunks(session, core, "--reach", "anchored", "--state", "live")]
    session.equal(len(held) + len(lost), len(chunks(session, core, "--state", "live")),
                  f"{name}: every live chunk is anchored or unreachable")


def check_report(session, name, core, truth):
    report = session.must_report(core, "--references")
    references = report["references"]
    with open(SCHEMA, encoding="utf-8") as text:
        session.equal(list(json_schema.check(json.load(text), report)), [],
                      f"{name}: the report follows its schema")
    heap = report["heap"]
    live = heap["totals"]["in_use"]["chunks"] + heap["mmapped"]["chunks"]
    lost = len(truth.addresses("unreachable"))
    session.equal(references["unreachable"]["chunks"], lost, f"{name}: the report counts them")
    session.equal(references["anchored"]["chunks"] + lost, live, f"{name}: sums close")
    session.equal(references["heads"]["chunks"], HEADS, f"{name}: heads")
    session.ok(references["interior"]["chunks"] >= 2, f"{name}: interior", references["interior"])
    for rows in ("sizes", "rules"):
        session.equal(sum(row["chunks"] for row in references[rows]), lost, f"{name}: {rows} add up")
    anchors = {row["id"]: row["anchored"]["chunks"] for row in references["roots"]}
    session.equal(sum(anchors.values()), references["anchored"]["chunks"], f"{name}: roots add up")
    session.equal(anchors["register"], 1, f"{name}: one chunk is held by a register alone")
    session.equal((references["upper_bound"], references["missing"]), (False, []),
                  f"{name}: nothing that may hold chunks is missing")
    session.equal(session.must_report(core)["references"], None, f"{name}: only on demand")
    text = run(ANALYZE, core, "--references", "--rules", "none")
    session.ok("WHO HOLDS" in text.out and f"{lost} live chunks are unreachable" in text.out,
               f"{name}: the text says so", text)
    one, two = (run(ANALYZE, "report", core, "--references", "--rules", "none", "--format", "json",
                    "-t", threads).out.split('"verdict"', 1)[1] for threads in ("1", "7"))
    session.equal(one, two, f"{name}: the same for any number of workers")


# --- one chunk ---

# What holds each: kind of the place, text in its name, text in its module's path.
HOLDERS = {
    "global": ("module", "reference_target .data/.bss+0x", "/reference_target"),
    "library": ("module", "reference_library.so .data/.bss+0x", "/reference_library.so"),
    "stack": ("stack", "stack of on-stack (", ""),
    "register": ("register", "r12 of in-register (", ""),
    "tls-main": ("anonymous", "TLS of reference_targe (", ""),
    "tls-thread": ("stack", "(or its TLS: tp-0x", ""),
    "secondary": ("module", "reference_target .data/.bss+0x", ""),
    "by-mmap": ("anonymous", "+0x", ""),
}


def check_holders(session, name, core, truth):
    for chunk, (kind, text, module) in HOLDERS.items():
        if name == "gcore" and "of " in text:
            text = text.split("of ")[0] + "of thread "  # it has no names of threads
        shown = show(core, truth.one(chunk))["chunk"]
        places = [item["place"] for item in shown["incoming"]["items"]]
        good = places and all(place["kind"] == kind and text in place["name"] and
                              (place["module"] or "").endswith(module) for place in places)
        session.ok(good, f"{name}: {chunk} is held by {kind} {text}...", places)
        session.equal((shown["reach"], shown["chain"]["links"][0]["kind"], shown["chain"]["length"]),
                      ("anchored", kind, 1), f"{name}: and anchored there")


def check_chain(session, name, core, truth):
    chain = truth.all_of("chain")
    shown = show(core, chain[-1], "--limit", "2000")["chunk"]
    links = [link["chunk"] for link in shown["chain"]["links"]]
    session.equal(links, [None] + chain[:-1], f"{name}: the anchor of the last one is the chain")
    session.equal((shown["incoming"]["total"], shown["incoming"]["items"][0]["place"]["chunk"]),
                  (1, chain[-2]), f"{name}: the one before it points to it")
    shown = show(core, chain[500], "--limit", "4")["chunk"]
    session.equal((len(shown["chain"]["links"]), shown["chain"]["more"], shown["chain"]["length"]),
                  (4, 497, 501), f"{name}: a long chain is cut in its midst")
    session.equal([item["place"]["chunk"] for item in shown["outgoing"]["items"]], [chain[501]],
                  f"{name}: it points to the next one")


def check_lost(session, name, core, truth):
    tree, leaves = truth.one("lost-tree"), truth.all_of("lost-leaf")
    shown = show(core, tree)["chunk"]
    session.equal([(item["offset"], item["place"]["chunk"], item["place"]["offset"])
                   for item in shown["outgoing"]["items"]],
                  [(WORD * i, leaf, 0) for i, leaf in enumerate(leaves)], f"{name}: the tree's leaves")
    session.equal((shown["reach"], shown["incoming"]["total"], shown["chain"]),
                  ("unreachable", 0, None), f"{name}: nothing holds the tree")
    limited = show(core, tree, "--limit", "3")["chunk"]["outgoing"]
    session.equal((len(limited["items"]), limited["total"], limited["more"]), (3, 10, 7),
                  f"{name}: --limit")
    shown = show(core, leaves[3])["chunk"]
    session.equal([item["place"]["chunk"] for item in shown["incoming"]["items"]], [tree],
                  f"{name}: the tree holds a leaf")
    session.equal(shown["reach"], "unreachable", f"{name}: and the leaf is unreachable")
    shown = show(core, truth.one("by-binned"))["chunk"]
    session.equal((shown["reach"], shown["incoming"]["total"], shown["stale_pointers"]),
                  ("unreachable", 0, 1), f"{name}: a pointer in a freed chunk is no reference")
    for end in ("-2", "8", "30"):  # of the header, and inside
        address = hex(int(tree, 16) + (int(end) * WORD if end == "-2" else int(end)))
        session.equal(show(core, address)["chunk"]["address"], tree, f"{name}: found by {end}")


def check_others(session, name, core, truth):
    shown = show(core, truth.one("tcache"))["chunk"]
    session.equal((shown["state"], shown["reach"], shown["chain"]), ("tcache", None, None),
                  f"{name}: a cached chunk")
    shown = show(core, truth.one("inside"))["chunk"]
    session.equal(shown["incoming"]["items"][0]["offset"], 123, f"{name}: an interior pointer")
    slot = show(core, truth.one("global"))["chunk"]["incoming"]["items"][0]["place"]["address"]
    place = show(core, slot)
    session.ok(place["chunk"] is None and "reference_target" in place["place"]["name"],
               f"{name}: an address of a module", place)
    result = run(ANALYZE, "show", core, "0x10", "--rules", "none")
    session.ok(result.status == FAILED and "nothing is mapped at 0x10" in result.err,
               f"{name}: an address of nothing", result)
    result = run(ANALYZE, "show", core, truth.one("chain"), "--rules", "none")
    session.ok(result.status == COMPLETE and "POINTED TO BY (1)" in result.out and "BYTES" not in
               result.out, f"{name}: as text", result)


# --- what is missing ---


def what_is_missing(session):
    target, truth = start_target(session)
    register = truth.one("register")
    for name, options, words in (
            ("live", ["--consistency", "live"], ["registers of 4 of 4 threads", "ran while it was read"]),
            ("no stacks", ["--select", "heap,anon,data"], ["stack"]),
            ("no data", ["--select", "heap,anon,stacks"], ["data of programs and libraries"])):
        core = session.path(name.replace(" ", "-") + ".core")
        path, result = session.capture(target.pid, os.path.basename(core), *options)
        references = session.must_report(path, "--references")["references"]
        if references is None:
            session.skip(f"{name}: what is missing", "no heap is found without libc's data")
            continue
        session.ok(references["upper_bound"], f"{name}: unreachable is an upper bound", result)
        for word in words:
            session.ok(any(word in line for line in references["missing"]), f"{name}: says '{word}'",
                       references["missing"])
        if name == "no data":
            continue  # what is walked without main_arena is another test's
        lost = {row["address"] for row in chunks(session, path, "--reach", "unreachable")}
        session.ok(lost >= set(truth.addresses("unreachable")) - {truth.one("dead-stack")},
                   f"{name}: what nothing holds is still unreachable", lost)
        if name == "live":
            session.ok(register in lost, f"{name}: what only a register held is", sorted(lost))


# --- 32 bits ---


def of_32_bits(session):
    """Words of 32 bits: numbers are taken for pointers more often, so that what is held is anchored, and
    most of what is not is unreachable. Cores of gcore, as dumpcore captures 64-bit programs only."""
    glibcs.fetch()
    program, library = session.path("target-i386"), session.path("library-i386.so")
    glibcs.link("i386", os.path.join(ROOT, "tests", "targets", "reference_target.c"), program,
                ("libpthread.so.0", "libdl.so.2"))
    glibcs.link_shared("i386", os.path.join(ROOT, "tests", "targets", "shared", "reference_library.c"), library)
    words = glibcs.command("2.41", "i386", program)
    log = session.path("log-i386")
    target = session.start(*words, log, library)
    truth, core = Truth(log), gcore(session, target.pid)
    rows = chunks(session, core, "--references")
    reach = {row["address"]: row["reach"] for row in rows}
    wrong = {address for address in truth.addresses("anchored") if reach.get(address) != "anchored"}
    session.ok(not wrong and truth.addresses("anchored"), "i386: what is held is anchored", wrong)
    lost = {row["address"] for row in rows if row["reach"] == "unreachable"}
    held = set(truth.addresses("unreachable"))
    session.ok(len(lost & held) >= len(held) * 3 / 4, "i386: most of what nothing holds is unreachable",
               f"{len(lost & held)} of {len(held)}")
    session.ok(not lost - held, "i386: and nothing else", lost - held)
    references = session.must_report(core, "--references")["references"]
    session.equal(references["anchored"]["chunks"] + references["unreachable"]["chunks"],
                  len([row for row in rows if row["reach"]]), "i386: sums close")
    text = run(ANALYZE, core, "--references", "--rules", "none").out
    session.ok("Words have 32 bits" in text, "i386: the report says that they are weak evidence", text)


# --- content ---


def read_terminal(command):
    """Runs it with a terminal as stdout; gives (status, text)."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    text = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode("utf-8", "replace")


def content(session):
    secret = "correct-horse-battery-staple"
    target = session.start_python(f"""
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
address = libc.malloc(3000)
ctypes.memset(address, 0, 3000)
ctypes.memmove(address, b"{secret}", {len(secret)})
print("READY", hex(address), flush=True)
import time
time.sleep(600)
""")
    address = target.said[-1].split()[1]
    core = session.must_capture(target.pid, "content.core")
    for form in ("text", "json"):
        result = run(ANALYZE, "show", core, address, "--format", form)
        session.ok(result.status == COMPLETE and secret not in result.out and secret not in result.err,
                   f"{form}: no content", result)
    counted = show(core, address)["chunk"]["content"]
    session.equal((counted["text_bytes"], counted["zero_bytes"]), (len(secret), 3000 - len(secret)),
                  "bytes are counted by kind")
    result = run(ANALYZE, "show", core, address, "--reveal")
    session.ok(result.status == USAGE and secret not in result.out, "--reveal needs a terminal", result)
    command = [ANALYZE, "show", core, address, "--rules", "none"]
    status, text = read_terminal(command + ["--reveal"])
    session.ok(status == COMPLETE and secret[:16] in text, "--reveal on a terminal", text)
    status, text = read_terminal(command)
    session.ok(status == COMPLETE and secret[:16] not in text, "a terminal alone reveals nothing", text)


def references(session):
    target, truth = start_target(session)
    for name, core in (("archive", session.must_capture(target.pid, "archive.core.zst")),
                       ("gcore", gcore(session, target.pid))):
        for check in (check_reach, check_report, check_holders, check_chain, check_lost, check_others):
            check(session, name, core, truth)


def main():
    session = Session()
    for part in (references, of_32_bits, what_is_missing, content):
        session.test(part)
    session.finish()


if __name__ == "__main__":
    main()

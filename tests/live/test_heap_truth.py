#!/usr/bin/env python3
"""The self-logging target against the report: arenas as malloc_info prints them, every live pointer
live, no freed one live, and the RSS accounted for. The same from a compressed stream and from gcore."""

import json
import os
import subprocess
import sys

from half_way import TRIES, Ended, Growing
from harness import (ANALYZE, COMPLETE, DUMPCORE, ROOT, TARGETS, Session, Skip, buckets, kernel_version, run,
                     status_field)
from methods import PRECOPY_KERNEL
from process import ask

ORACLE = os.path.join(ROOT, "tests", "live", "heap_oracle.py")

# seed, threads, operations
RUNS = [(1, 1, 2000), (2, 4, 20000), (3, 16, 40000)]

# How malloc was told to behave: threads, operations, environment, lists that are then not there.
SETTINGS = {
    "64 threads": (64, 4000, {}, []),
    "one arena": (8, 5000, {"MALLOC_ARENA_MAX": "1"}, []),
    "perturbed": (8, 5000, {"MALLOC_PERTURB_": "165"}, []),
    "no tcache": (8, 5000, {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}, ["tcache"]),
    "no mappings": (4, 5000, {"GLIBC_TUNABLES": "glibc.malloc.mmap_max=0"}, []),
    "larger fastbins": (4, 5000, {"GLIBC_TUNABLES": "glibc.malloc.mxfast=160"}, []),
    "huge pages": (4, 5000, {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, []),
}

# Holds something to copy; for each line, maps chunks of which little more than the headers is touched.
LATE_CHUNKS, LATE_BYTES = 4, 2 << 20
LATE = f"""
import ctypes, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
held = [bytes([1 + number % 255]) * (1 << 20) for number in range(256)]
print("READY", flush=True)
for line in sys.stdin:
    held += [libc.malloc({LATE_BYTES}) for _ in range({LATE_CHUNKS})]
    print("MAPPED", flush=True)
"""


def analyze_core(session, name, core):
    """Lists the chunks of the core, and reports on it, into files beside it; gives the report, or None."""
    for path, command in ((core + ".ndjson", ["chunks", core, "--ndjson", "--rules", "none"]),
                          (core + ".json", ["report", core, "--format", "json", "--rules", "none"])):
        result = run(ANALYZE, *command)
        if not session.equal(result.status, COMPLETE, f"{name}: analyze {command[0]} is complete"):
            session.note(result.describe())
            return None
        with open(path, "wb") as file:
            file.write(result.stdout)
    return json.loads(result.stdout)


def check_log(session, name, log, core, without=()):
    """Compares the target's log with what analyze_core wrote."""
    verdict = run(sys.executable, ORACLE, log, core + ".ndjson", core + ".json", *without)
    for line in verdict.out.splitlines():
        session.note(f"{name}: {line}")
    session.equal(verdict.status, 0, f"{name}: the target's own log agrees")


def ask_oracle(session, name, log, core, without=()):
    """Compares the target's log with chunks and report of the core; gives the report, or None."""
    report = analyze_core(session, name, core)
    if report is not None:
        check_log(session, name, log, core, without)
    return report


def check_rss(session, name, report, rss):
    """The process is idle, so VmRSS before the stop is VmRSS at the stop."""
    session.check_accounting(report, name)
    session.check_heap_closes(report, name)
    got = report["memory"]["resident_bytes"]
    session.ok(abs(got - rss) <= rss * 0.005 + 65536, f"{name}: the RSS is the kernel's VmRSS",
               f"report {got}, /proc {rss}")
    session.equal(report["anomalies"], [], f"{name}: no anomaly")
    session.ok(buckets(report)["heap.in_use"]["resident_bytes"] > 0, f"{name}: heap.in_use is there")


def stream_capture(path, pid):
    """dumpcore -o - | zstd -d > path"""
    with open(path, "wb") as out:
        dump = subprocess.Popen([DUMPCORE, "-q", "-o", "-", "--compress", "zstd", str(pid)],
                                stdout=subprocess.PIPE)
        unpack = subprocess.Popen(["zstd", "-d", "-q", "-c"], stdin=dump.stdout, stdout=out)
        dump.stdout.close()
        return dump.wait(), unpack.wait()


def has_fastbins(log):
    with open(log, encoding="ascii") as text:
        totals = text.read().rsplit("</heap>", 1)[-1]
    return '<total type="fast" count="0"' not in totals


def start_target(session, log, *arguments, env=None):
    """Whether fastbins stay filled depends on which thread comes last (a large free empties them), so
    the target is started again until they are. A libc without fastbins gives up in the end."""
    for _ in range(20):
        target = session.start(os.path.join(TARGETS, "malloc_target"), *arguments, log, env=env)
        if has_fastbins(log):
            break
        target.stdin.close()
        target.wait()
    return target


def heap_truth(session, seed, threads, operations):
    name = f"{threads} threads"
    log = session.path(f"log-{seed}")
    target = start_target(session, log, seed, threads, operations)
    rss = int(status_field(target.pid, "VmRSS")) * 1024

    frozen = session.must_capture(target.pid, f"frozen-{seed}.core.zst")
    ask_oracle(session, f"{name}, frozen", log, frozen)
    check_rss(session, f"{name}, frozen", session.must_report(frozen), rss)

    plain = session.must_capture(target.pid, f"plain-{seed}.core", "--compress", "none")
    ask_oracle(session, f"{name}, plain", log, plain)

    stream = session.path(f"stream-{seed}.core")
    session.equal(stream_capture(stream, target.pid), (0, 0), f"{name}: dumpcore -o - | zstd -d")
    ask_oracle(session, f"{name}, streamed", log, stream)

    result = run("gcore", "-o", session.path(f"gcore-{seed}"), target.pid)
    gcore = session.path(f"gcore-{seed}.{target.pid}")
    if session.ok(os.path.exists(gcore), f"{name}: gcore wrote a core", result):
        ask_oracle(session, f"{name}, gcore", log, gcore)


def heap_settings(session, name, threads, operations, env, without):
    log = session.path("log")
    target = start_target(session, log, 7, threads, operations, env=env)
    core = session.must_capture(target.pid, f"{threads}.core.zst")
    report = ask_oracle(session, name, log, core, without)
    if report is not None:
        session.equal(report["anomalies"], [], f"{name}: no anomaly")
        session.check_heap_closes(report, name)
    os.remove(core)


def two_libcs(session):
    """Each namespace of dlmopen has a malloc of its own; what both count is there."""
    target = session.start(os.path.join(TARGETS, "namespace_target"))
    report = session.must_report(session.must_capture(target.pid, "namespaces.core.zst"))
    heap = report["heap"]
    session.equal([arena["kind"] for arena in heap["arenas"]], ["main", "main"], "two libcs: two main arenas")
    session.equal(sorted(arena["in_use"]["chunks"] >= 1990 for arena in heap["arenas"]), [False, True],
                  "two libcs: blocks of both")
    session.equal(heap["mmapped"]["chunks"], 3, "two libcs: mmapped chunks of both")
    session.equal(heap["totals"]["unwalkable_bytes"], 0, "two libcs: all is walked")
    session.equal(report["anomalies"], [], "two libcs: no anomaly")
    session.check_accounting(report, "two libcs")


def capture_while_mapping(session, name):
    """A pre-copy of a target that maps chunks while its memory is copied; None where the copy was over before."""
    target = session.start_python(LATE)
    folder = session.path(name)
    path = os.path.join(folder, "late.core")
    os.makedirs(folder)
    capture = Growing(session, folder, "-q", "-z", "none", "-c", "precopy", "--max-pause", "1h", "-o", path, target.pid)
    try:
        capture.wait()
    except Ended as error:
        session.note(f"over before: {error}")
        return None
    mapped, over = ask(target, "map"), capture.process.poll() is not None
    status, error = capture.end()
    target.kill()
    if (mapped, status) != ("MAPPED", COMPLETE):
        raise RuntimeError(f"{mapped}, exit status {status}: {error}")
    return None if over else path


def mapped_while_captured(session):
    """Chunks that malloc mapped behind smaps are in no mapping that smaps has, and mostly not in RAM."""
    name = "mapped while captured"
    if kernel_version() < PRECOPY_KERNEL:
        raise Skip(f"precopy on Linux {os.uname().release}")
    taken = (capture_while_mapping(session, f"late-{number}") for number in range(TRIES))
    path = next((path for path in taken if path), None)
    if not path:
        raise Skip(f"{TRIES} captures were faster than the target")
    report = session.must_report(path, rules="none")
    late = [row for row in report["heap"]["size_classes"]
            if row["state"] == "mmapped" and LATE_BYTES <= row["size"] < LATE_BYTES + 65536]
    session.equal(sum(row["chunks"] for row in late), LATE_CHUNKS, f"{name}: all of them are found")
    session.equal(report["anomalies"], [], f"{name}: no anomaly")
    session.check_accounting(report, name)


def main():
    session = Session()
    for row in RUNS:
        session.test(heap_truth, *row)
    for name, row in SETTINGS.items():
        session.test(heap_settings, name, *row)
    session.test(two_libcs)
    session.test(mapped_while_captured)
    session.finish()


if __name__ == "__main__":
    main()

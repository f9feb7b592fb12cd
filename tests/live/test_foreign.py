#!/usr/bin/env python3
"""Cores of other writers say the same of the heap as dumpcore's archive of the same process, and of what
they do not carry the report says for lack of what it is unknown: gcore's, the kernel's under several
coredump_filters, those compressed as systemd-coredump does, and some that lack registers, too."""

import json
import os
import resource
import signal
import struct
import subprocess
import sys

from core_file import PT_NOTE, CoreFile
from harness import ANALYZE, COMPLETE, FAILED, ROOT, TARGETS, Session, Skip, find_program, run

sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
import json_schema  # noqa: E402

CORE_PATTERN = "/proc/sys/kernel/core_pattern"
SCHEMA = os.path.join(ROOT, "docs", "report.schema.json")
STATES = ("in_use", "tcache", "fastbin", "binned", "top", "overhead", "unwalkable")
NT_PRSTATUS, NT_PRPSINFO, NT_FILE = 1, 3, 0x46494C45
UNKNOWN_NOTE = 0x7F000001

FOREIGN = ["resident bytes", "names of mappings", "names of threads", "the capture"]
WITHOUT_THREADS = ["resident bytes", "names of mappings", "threads", "the capture"]
WITHOUT_NOTES = ["resident bytes", "names of mappings", "modules", "threads", "the capture", "the process"]


def start_target(session):
    target = session.start(os.path.join(TARGETS, "malloc_target"), "11", "4", "30000", session.path("log"),
                           cwd=session.folder,
                           preexec=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))
    return target


def kernel_core(session, target, coredump_filter):
    """Ends the target; gives the path of the core that the kernel writes."""
    with open(CORE_PATTERN, encoding="ascii") as text:
        pattern = text.read().strip()
    if "|" in pattern or "/" in pattern or "%" in pattern:
        raise Skip(f"{CORE_PATTERN} is {pattern!r}: cores of the kernel go elsewhere")
    with open(f"/proc/{target.pid}/coredump_filter", "w", encoding="ascii") as setting:
        setting.write(hex(coredump_filter))
    target.send_signal(signal.SIGABRT)
    target.wait()
    for name in (pattern, f"{pattern}.{target.pid}"):
        if os.path.exists(session.path(name)):
            os.rename(session.path(name), session.path(f"kernel-{coredump_filter:x}.core"))
            return session.path(f"kernel-{coredump_filter:x}.core")
    raise Skip("the kernel wrote no core here")


def without_notes(session, path, types, name):
    """A copy of the core whose notes of these types are of a type that nobody knows."""
    with CoreFile(path) as core:
        data = bytearray(core.data)
        notes = [segment for segment in core.segments if segment.type == PT_NOTE]
    for segment in notes:
        at = segment.offset
        while at + 12 <= segment.offset + segment.size:
            owner, size, kind = struct.unpack_from("<III", data, at)
            if kind in types:
                struct.pack_into("<I", data, at + 8, UNKNOWN_NOTE)
            at += 12 + (owner + 3) // 4 * 4 + (size + 3) // 4 * 4
    out = session.path(name)
    with open(out, "wb") as file:
        file.write(data)
    return out


# --- what is compared ---


def heap_numbers(report):
    """Everything the heap stage counted, but what needs a page map or threads."""
    heap = report["heap"]
    rows = {}
    for arena in heap["arenas"]:
        rows[arena["address"]] = {
            **{key: arena[key] for key in ("index", "kind", "heaps", "system_bytes", "heap_bytes", "foreign_bytes")},
            **{state: (arena[state]["chunks"], arena[state]["bytes"]) for state in STATES}}
    for name in ("mmapped", "mmapped_cached", "mmapped_overhead"):
        rows[name] = heap[name]["chunks"], heap[name]["bytes"]
    rows["size_classes"] = heap["size_classes"]
    rows["pins"] = sorted((pin["start"], pin["held_bytes"], pin["live"]["chunks"]) for pin in heap["pins"])
    return rows


def chunk_list(path):
    return run(ANALYZE, "chunks", path, "--ndjson", "--rules", "none", "-q").stdout


def members(value, path=""):
    if isinstance(value, dict):
        for key, member in value.items():
            yield from members(member, f"{path}.{key}")
    elif isinstance(value, list):
        for member in value:
            yield from members(member, f"{path}[]")
    else:
        yield path, value


def needs_page_map(path):
    leaf = path.rsplit(".", 1)[-1]
    return ("resident" in leaf and leaf != "has_residency" or ".pinned." in path or
            leaf in ("free_gone_bytes", "trimmable_bytes", "pinned_free_bytes", "swapped_bytes",
                     "hugetlb_bytes", "residual_bytes"))


def check_unknown(session, name, path, report, wanted):
    session.equal([row["what"] for row in report["evidence"]["unknown"]], wanted,
                  f"{name}: exactly that is unknown")
    session.equal(list(json_schema.check(json_schema.load(SCHEMA), report)), [], f"{name}: valid")
    known = sorted({place for place, value in members(report) if needs_page_map(place) and value is not None})
    if "resident bytes" in wanted:
        session.equal(known, [], f"{name}: no resident size is a number")
    else:
        nulls = sorted({place for place, value in members(report) if needs_page_map(place) and value is None})
        session.equal(nulls, [], f"{name}: every resident size is a number")
    threads = [arena["threads"] for arena in report["heap"]["arenas"]]
    if "threads" in wanted:
        session.equal(set(map(str, threads)), {"None"}, f"{name}: threads of arenas are unknown")
    else:
        session.equal(sum(map(len, threads)), 4, f"{name}: each thread has its arena")
    for form in ("text", "markdown"):
        shown = run(ANALYZE, "report", path, "--format", form, "--rules", "none", "-q")
        flat = "".join(shown.out.replace("\\", "").split())
        lacks = ["".join(row["lacks"].split()) for row in report["evidence"]["unknown"]]
        session.ok(shown.status == COMPLETE and all(line in flat for line in lacks),
                   f"{name}: {form} says for lack of what", shown.out[-1500:])
        resident = "malloc_trim(0) would give back" in shown.out
        session.equal(resident, "resident bytes" not in wanted, f"{name}: {form} promises only what is known")


def same_heap(session, name, path, first, wanted):
    """The core's heap is that of the archive `first`, a (path, report)."""
    report, result = session.report(path)
    session.equal(result.status, COMPLETE, f"{name}: exit status")
    session.equal(report["anomalies"], [], f"{name}: no anomaly")
    session.equal(heap_numbers(report), heap_numbers(first[1]), f"{name}: the heap's numbers are the same")
    session.ok(chunk_list(path) == chunk_list(first[0]), f"{name}: and every chunk")
    session.check_heap_closes(report, name)
    check_unknown(session, name, path, report, wanted)


def capture(session, target, name):
    path = session.must_capture(target.pid, name)
    report = session.must_report(path)
    session.ok(report["heap"]["totals"]["tcache"]["chunks"] > 20 and report["heap"]["mmapped"]["chunks"] > 2,
               f"{name}: the heap has something of everything", report["heap"]["totals"])
    check_unknown(session, name, path, report, [])
    return path, report


def gcore(session):
    if not find_program("gcore"):
        raise Skip("there is no gcore (gdb)")
    target = start_target(session)
    first = capture(session, target, "before-gcore.core.zst")
    run("gcore", "-o", session.path("gcore"), target.pid)
    path = session.path(f"gcore.{target.pid}")
    same_heap(session, "gcore", path, first, FOREIGN)
    same_heap(session, "gcore without registers", without_notes(session, path, {NT_PRSTATUS}, "bare.core"),
              first, WITHOUT_THREADS)


def compress(session, core, program, name, *options):
    """Through a pipe, as systemd-coredump does: no size in the header, one frame."""
    if not find_program(program):
        raise Skip(f"there is no {program}")
    out = session.path(name)
    with open(core, "rb") as source, open(out, "wb") as sink:
        subprocess.run([find_program(program), "-q", "-c", *options], stdin=source, stdout=sink, check=True)
    return out


def packed(session, core, first):
    same_heap(session, "zstd of a stream", compress(session, core, "zstd", "stream.zst"), first, FOREIGN)
    run("zstd", "-q", core, "-o", session.path("file.zst"))
    same_heap(session, "zstd of a file", session.path("file.zst"), first, FOREIGN)


def told_what_to_do(session, core, program, first):
    """Formats that are not read: the message has the command, and the command works."""
    path = compress(session, core, program, f"core.{program}")
    refused = run(ANALYZE, path, "--rules", "none")
    session.ok(refused.status == FAILED and f"compressed with {program}" in refused.err and
               f"{program} -dc FILE >CORE" in refused.err, f"{program}: says what to do", refused)
    unpacked = session.path(f"{program}.core")
    with open(unpacked, "wb") as sink:
        subprocess.run([find_program(program), "-dc", path], stdout=sink, check=True)
    session.ok(chunk_list(unpacked) == chunk_list(first[0]), f"{program}: doing so works")


def kernel(session):
    target = start_target(session)
    first = capture(session, target, "before-kernel.core.zst")
    core = kernel_core(session, target, 0x33)
    same_heap(session, "kernel", core, first, FOREIGN)
    same_heap(session, "kernel without registers",
              without_notes(session, core, {NT_PRSTATUS}, "bare.core"), first, WITHOUT_THREADS)
    same_heap(session, "kernel without notes",
              without_notes(session, core, {NT_PRSTATUS, NT_PRPSINFO, NT_FILE}, "notes.core"), first,
              WITHOUT_NOTES)
    session.test(packed, core, first)
    for program in ("lz4", "xz", "gzip"):
        session.test(told_what_to_do, core, program, first)


def filtered(session, coredump_filter):
    """1: private anonymous memory alone; 0x7f: everything, files as well."""
    target = start_target(session)
    first = capture(session, target, f"before-{coredump_filter:x}.core.zst")
    core = kernel_core(session, target, coredump_filter)
    same_heap(session, f"coredump_filter {coredump_filter:#x}", core, first, FOREIGN)


def filtered_away(session):
    """Shared memory alone: nothing may be claimed of the heap, and the verdict says why."""
    target = start_target(session)
    core = kernel_core(session, target, 2)
    report, result = session.report(core)
    session.equal(result.status, COMPLETE, "coredump_filter 2: exit status")
    session.equal(report["heap"]["found"], False, "coredump_filter 2: no heap is found")
    session.ok("heap-not-found" in [row["id"] for row in report["diagnosis"]] and
               "is not in the file" in report["verdict"], "coredump_filter 2: and none is denied",
               report["verdict"] + json.dumps(report["diagnosis"]))


def main():
    session = Session()
    session.test(gcore)
    session.test(kernel)
    for coredump_filter in (1, 0x7F):
        session.test(filtered, coredump_filter)
    session.test(filtered_away)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What a capture takes: each option that narrows it is held against a process whose every page says
which one it is. What was left out must not be in the file, and must be in the report with its reason."""

import json
import os
import re

import kernel_setting
from harness import ANALYZE, DUMPCORE, FAILED, PARTIAL, TARGETS, USAGE, Session, Skip, run, status_field

TARGET = os.path.join(TARGETS, "choice_target")
PAGE = 4096


class Region:
    def __init__(self, line):
        name, start, end = line.split()
        self.name, self.start, self.end = name, int(start, 16), int(end, 16)

    def pages(self, first=0, end=None, every=1):
        """The numbers of its pages."""
        return set(range(first, end or (self.end - self.start) // PAGE, every))


def start(session):
    """Gives (target, {name: Region})."""
    target = session.start(TARGET)
    regions = [Region(line) for line in target.said if line != "READY"]
    return target, {region.name: region for region in regions}


def captured(path, name):
    """Numbers of the pages of a region that are in a plain archive."""
    with open(path, "rb") as file:
        return {int(number) for number in re.findall(f"<{name}:(\\d{{6}})>".encode(), file.read())}


def reasons(report, region):
    """Reasons of the gaps that touch a region."""
    return {gap["reason"] for gap in report["evidence"]["gaps"]
            if int(gap["start"], 16) < region.end and int(gap["end"], 16) > region.start}


def capture(session, target, name, *options):
    """A plain capture; gives (path, report) and checks that the account closes."""
    path = session.must_capture(target.pid, f"{name}.core", "--compress", "none", *options)
    report = session.must_report(path)
    session.check_accounting(report, name)
    return path, report


def ranges(session):
    target, regions = start(session)
    dense, shared = regions["dense"], regions["shared"]
    path, report = capture(
        session, target, "range", "--range", f"{dense.start + 100 * PAGE + 5:x}-{dense.start + 200 * PAGE:x}",
        "--range", f"{shared.start:#x}-{shared.start + 10 * PAGE:#x}")
    session.equal(captured(path, "dense"), dense.pages(100, 200), "--range: the pages inside, no other")
    session.equal(captured(path, "shared"), shared.pages(0, 10), "--range: whatever the kind")
    for name in ("sparse", "tiny", "cold", "heap"):
        session.equal(captured(path, name), set(), f"--range: nothing of {name}")
    session.equal(reasons(report, dense), {"not selected: outside --range"}, "--range: the reason")
    session.ok(any(segment for segment in report["evidence"]["gaps"]
                   if int(segment["start"], 16) == dense.start + 200 * PAGE),
               "--range: a gap starts where the range ends")


def names(session):
    target, regions = start(session)
    path, report = capture(session, target, "name", "--name", r"^\[heap\]$")
    session.ok(captured(path, "heap"), "--name: what matches is there")
    for name in ("dense", "sparse", "tiny", "cold", "shared"):
        session.equal(captured(path, name), set(), f"--name: nothing of {name}")
    session.equal(reasons(report, regions["dense"]), {"not selected: --name"}, "--name: the reason")
    session.equal(reasons(report, regions["shared"]), {"not selected: shared memory"},
                  "--name: what was not selected anyway has its own reason")
    session.ok(report["heap"]["arenas"], "--name: the heap is analysed, its arena is in a module's data")
    path, _ = capture(session, target, "unnamed", "--name", "^$")
    session.equal(captured(path, "dense"), regions["dense"].pages(), "--name '^$': what has no name")
    session.equal(captured(path, "heap"), set(), "--name '^$': not the heap")
    result = run(DUMPCORE, "--name", "[heap", target.pid)
    session.ok(result.status == USAGE and "[heap" in result.err, "--name: a bad expression", result)


def min_resident(session):
    target, regions = start(session)
    path, report = capture(session, target, "min-resident", "--min-resident", "64K")
    session.equal(captured(path, "tiny"), set(), "--min-resident: nothing of tiny")
    session.equal(reasons(report, regions["tiny"]), {"not selected: below --min-resident"},
                  "--min-resident: the reason")
    session.equal(captured(path, "sparse"), regions["sparse"].pages(every=64),
                  "--min-resident: what has enough is there")
    with open(f"/proc/{target.pid}/maps", encoding="utf-8") as text:
        stack = next(line for line in text if "[stack]" in line)
    session.equal(reasons(report, Region(f"stack {stack.split()[0].replace('-', ' ')}")), set(),
                  "--min-resident: the stack stays")


def methods(session):
    """Each way to be consistent takes the same, as far as it can."""
    target, regions = start(session)
    dense = regions["dense"]
    parts = ["--range", f"{dense.start + 100 * PAGE:x}-{dense.start + 200 * PAGE:x}"]
    limit = memory_bytes(target) - (2 << 20)
    for method in ("freeze", "fork", "precopy", "live"):
        options = ["--consistency", method]
        path, result = session.capture(target.pid, f"{method}.core", "--compress", "none", *options, *parts)
        if result.status == FAILED:
            session.skip(f"{method} with --range", result.err.splitlines()[0])
            continue
        session.equal(captured(path, "dense"), dense.pages(100, 200), f"{method}: --range")
        session.equal(captured(path, "cold"), set(), f"{method}: --range, nothing else")
        report = session.must_report(path)
        session.check_accounting(report, f"{method}, --range")
        path, result = session.capture(target.pid, f"{method}-size.core", "--compress", "none", *options,
                                       "--max-size", limit)
        if method == "precopy":
            session.ok(result.status == FAILED and "--max-size" in result.err,
                       "precopy: refuses --max-size", result)
            continue
        session.equal(captured(path, "sparse"), set(), f"{method}: --max-size")
        session.ok(captured(path, "heap"), f"{method}: --max-size, the heap stays")


def memory_bytes(target, *options):
    """Bytes of memory that a capture says it read."""
    result = run(DUMPCORE, "--json", "-o", "/dev/null", *options, target.pid)
    events = [json.loads(line) for line in result.err.splitlines()]
    return next(event["memory_bytes"] for event in events if event["event"] == "captured")


def max_size(session):
    target, regions = start(session)
    limit = memory_bytes(target) - (2 << 20)
    read = memory_bytes(target, "--max-size", limit)
    session.ok(0 <= limit - read < PAGE, "--max-size: what was read is within a page of it", str(read))
    path, report = capture(session, target, "max-size", "--max-size", limit)
    session.ok(captured(path, "heap"), "--max-size: the heap stays")
    session.ok(report["heap"]["arenas"], "--max-size: and is analysed")
    session.equal(captured(path, "sparse"), set(), "--max-size: what is used least goes first")
    session.equal(reasons(report, regions["sparse"]), {"dropped: --max-size"}, "--max-size: the reason")
    whole = [name for name in ("dense", "cold") if captured(path, name) == regions[name].pages()]
    session.equal(len(whole), 1, "--max-size: one of two equals is whole")
    other = regions["cold" if whole == ["dense"] else "dense"]
    part = captured(path, other.name)
    session.ok(part and part == other.pages(0, len(part)) != other.pages(),
               "--max-size: the other one is cut", str(len(part)))
    session.equal(reasons(report, other), {"dropped: --max-size"}, "--max-size: and says so")


def swap_on(session):
    """A swap file for the length of the test, unless the machine has swap."""
    session.stack.enter_context(kernel_setting.swap_file(session.path("swap")))


def swapped(target, region):
    """Bytes of a region that are on swap."""
    with open(f"/proc/{target.pid}/smaps", encoding="utf-8") as text:
        part = text.read().partition(f"\n{region.start:08x}-")[2]
    return int(re.search(r"^Swap: +(\d+) kB", part, re.MULTILINE).group(1)) << 10


def page_out(target, region):
    """Has the target page a region out."""
    target.stdin.write(f"{region.name}\n".encode())
    target.stdin.flush()
    target.stdout.readline()
    if swapped(target, region) < region.end - region.start:
        raise Skip("the kernel did not page the memory out")


def swap(session):
    swap_on(session)
    target, regions = start(session)
    cold = regions["cold"]
    page_out(target, cold)
    path, report = capture(session, target, "swap-skip")
    session.equal(captured(path, "cold"), set(), "--swap skip: nothing of what is on swap")
    session.ok(swapped(target, cold) >= cold.end - cold.start, "--swap skip: it stays on swap")
    session.equal(reasons(report, cold), {"swapped out"}, "--swap skip: the reason")
    path, report = capture(session, target, "swap-read", "--swap", "read")
    session.equal(captured(path, "cold"), cold.pages(), "--swap read: what was on swap is there")
    session.equal(reasons(report, cold), set(), "--swap read: and no gap")
    session.ok(report["memory"]["swapped_bytes"] >= cold.end - cold.start,
               "--swap read: the report counts it as swapped", report["memory"]["swapped_bytes"])
    session.equal(captured(path, "dense"), regions["dense"].pages(), "--swap read: the rest too")


def prediction(session):
    target, regions = start(session)
    dense = regions["dense"]
    for options in ([], ["--select", "all"], ["--max-size", "5M"], ["--name", "heap"],
                    ["--min-resident", "1M"], ["--range", f"{dense.start:x}-{dense.start + 40 * PAGE:x}"]):
        name = f"survey {' '.join(options)}"
        survey = json.loads(run(DUMPCORE, "survey", "--json", *options, target.pid).out)
        path = session.must_capture(target.pid, "predicted.core", "--compress", "none", *options)
        told, read = survey["total"]["captured_bytes"], memory_bytes(target, *options)
        session.ok(abs(told - read) <= 64 << 10,  # the target touches a page now and then
                   f"{name}: predicts the bytes that are read", f"{told}, {read}")
        size, room = os.path.getsize(path), 20 << 10  # of registers and text
        session.ok(abs(survey["archive"]["file_bytes"] - size) < room,
                   f"{name}: and the size of the archive", f"{survey['archive']}, {size}")
        os.unlink(path)
    state = {key: status_field(target.pid, key) for key in ("VmRSS", "VmPTE", "TracerPid")}
    text = run(DUMPCORE, "survey", target.pid).out
    session.equal({key: status_field(target.pid, key) for key in state}, state,
                  "survey: the process is as before")
    session.ok(all(len(line) <= 80 for line in text.splitlines()[1:]), "survey: fits 80 columns", text)


def swap_methods(session):
    swap_on(session)
    target, regions = start(session)
    cold = regions["cold"]
    options = ["--compress", "none", "--swap", "read", "--consistency"]
    _, result = session.capture(target.pid, "swap-precopy.core", *options, "precopy")
    session.ok(result.status == FAILED and ("--swap" in result.err or "does not tell" in result.err),
               "precopy: refuses --swap read", result)
    page_out(target, cold)
    path, result = session.capture(target.pid, "swap-fork.core", *options, "fork")
    if result.status == FAILED:
        raise Skip(result.err.splitlines()[0])
    session.equal(captured(path, "cold"), cold.pages(), "fork: --swap read")
    session.check_accounting(session.must_report(path), "fork, --swap read")


NOISE = """
import os
noise = os.urandom(60 << 20)
print("READY")
input()
"""


def reserve_disk(session):
    """Memory that does not compress, and a disk on which half of it fits: what the estimate lets pass."""
    folder = session.path("small")
    os.mkdir(folder)
    if os.geteuid() != 0 or run("mount", "-t", "tmpfs", "-o", "size=44m", "none", folder).status != 0:
        raise Skip("a small file system cannot be mounted here")
    session.stack.callback(run, "umount", folder)
    target = session.start_python(NOISE)

    for name in ("plain.core", "packed.core.zst"):
        path, result = session.capture(target.pid, f"small/{name}", "--reserve-disk", "43M")
        session.ok(result.status == FAILED and "stay free" in result.err,
                   f"--reserve-disk: {name} is refused at the start", result)
        session.ok("estimate" in result.err or name == "plain.core",
                   "--reserve-disk: an estimate is called one", result)
        session.equal(os.listdir(folder), [], f"--reserve-disk: nothing is left of {name}")

    path, result = session.capture(target.pid, "small/partial.core.zst", "--reserve-disk", "4M")
    session.ok(result.status == PARTIAL and "--reserve-disk" in result.err,
               "--reserve-disk: the capture ends as a partial archive", result)
    space = os.statvfs(folder)
    session.ok(space.f_bavail * space.f_frsize >= 4 << 20, "--reserve-disk: and left that much free",
               str(space))
    report, result = session.report(path)
    session.ok(report and result.status == PARTIAL and not report["evidence"]["complete"],
               "--reserve-disk: which is analysed as incomplete", result)
    session.ok(any("--reserve-disk" in line for line in report["evidence"]["missing"]),
               "--reserve-disk: the report has the reason", report["evidence"]["missing"])
    result = run(ANALYZE, "verify", path)
    findings = [line for line in result.out.splitlines()[:-1] if "the capture is partial" not in line]
    session.ok(not findings and not result.crashed(), "--reserve-disk: its checksums hold", result)
    os.unlink(path)


def main():
    session = Session()
    for test in (ranges, names, min_resident, max_size, methods, swap, swap_methods, reserve_disk, prediction):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

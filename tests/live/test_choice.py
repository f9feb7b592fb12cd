#!/usr/bin/env python3
"""What a capture takes: each option that narrows it is held against a process whose every page says
which one it is. What was left out must not be in the file, and must be in the report with its reason."""

import os
import re

from harness import DUMPCORE, TARGETS, USAGE, Session, run

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


def main():
    session = Session()
    for test in (ranges, names, min_resident):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

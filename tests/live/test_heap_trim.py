#!/usr/bin/env python3
"""What the report calls trimmable is what malloc_trim(0) then gives back, by the kernel's own count, and
what it calls pinned is what is free and resident afterwards: four shapes of freed memory, each before a
first trim and before a second one, when most of it is gone; then where malloc is set up otherwise, where
somebody else moves the break, and where it cannot move."""

import glob
import os

from harness import ROOT, TARGETS, USAGE, Session, run

SHAPES = ["fragmented", "burst", "arenas", "large"]
TROUBLES = ["sbrk-inside", "sbrk-behind", "blocked"]
THP = "/sys/kernel/mm/transparent_hugepage/enabled"
LIBCS = os.path.join(ROOT, "build", "packages", "glibc")
TRIM_TARGET = os.path.join(TARGETS, "trim_target")
NOISE = 65536  # a page or two of code and stack come in while malloc_trim runs


def resident(pid):
    """Anonymous memory: the kernel may take pages of files back at any time. Exact, by walking the
    page tables; VmRSS lags by up to 63 pages a thread."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
        return next(int(line.split()[1]) * 1024 for line in text if line.startswith("Anonymous:"))


def trim(target):
    target.stdin.write(b"\n")
    target.stdin.flush()
    if target.stdout.readline() != b"TRIMMED\n":
        raise RuntimeError("trim_target ended")
    return resident(target.pid)


def near(left, right):
    return abs(left - right) <= max(left, right) * 0.005 + NOISE


def capture(session, target, name):
    """Gives malloc's totals, and what is resident then: khugepaged may make whole pages of half trimmed
    ones before they are trimmed again, and what it adds no capture has seen."""
    core = session.must_capture(target.pid, f"{name}.core.zst".replace(" ", "-"))
    there = resident(target.pid)
    report = session.must_report(core, rules="none")
    session.equal(report["anomalies"], [], f"{name}: no anomaly")
    session.check_heap_closes(report, name)
    return report["heap"]["totals"], there


def trim_parity(session, name, *words, env=None, libc=()):
    target = session.start(*libc, TRIM_TARGET, *words, env=env)
    before, there = capture(session, target, f"{name}, first trim")
    session.ok(before["trimmable_bytes"] > 1 << 20, f"{name}: there is something to trim", before)
    for step in ("first", "second"):
        promised, pinned = before["trimmable_bytes"], before["pinned_free_bytes"]
        dropped = there - trim(target)
        after, there = capture(session, target, f"{name}, after the {step} trim")
        found = after["free_resident_bytes"]
        session.note(f"{name}, {step} trim: promised {promised}, RSS drop {dropped}; pinned {pinned}, "
                     f"then free and resident {found}")
        session.ok(near(promised, dropped), f"{name}, {step} trim: trimmable_bytes is the drop",
                   f"promised {promised}, dropped {dropped}")
        session.ok(near(pinned, found), f"{name}, {step} trim: pinned_free_bytes is what stays",
                   f"pinned {pinned}, free and resident afterwards {found}")
        before = after
    return before


def foreign_break(session, shape, trouble):
    totals = trim_parity(session, f"{shape} {trouble}", shape, trouble)
    if trouble == "sbrk-inside":
        session.ok(totals["foreign_bytes"] >= 290000, f"{shape} {trouble}: the other's memory is not malloc's",
                   totals["foreign_bytes"])


def huge_pages(session, shape):
    """glibc 2.35 and later then asks for huge pages and moves the break by whole ones."""
    with open(THP, encoding="ascii") as text:
        setting = text.read()
    if "[never]" in setting:
        session.skip(f"{shape} with huge pages", f"{THP}: {setting.strip()}")
        return
    trim_parity(session, f"{shape} with huge pages", shape,
                env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})


def other_libcs(session):
    """Those that were unpacked for the other heap tests; the target runs where it finds what it was
    linked against."""
    found = sorted(glob.glob(os.path.join(LIBCS, "*", "x86_64", "ld-linux-x86-64.so.2")))
    if not found:
        session.skip("other glibcs", f"there is none in {LIBCS}")
    for loader in found:
        folder = os.path.dirname(loader)
        name = f"glibc {os.path.basename(os.path.dirname(folder))}"
        libc = (loader, "--library-path", folder)
        tried = run(*libc, TRIM_TARGET)
        if tried.status != USAGE:
            session.skip(name, f"trim_target does not run there: {tried.err.strip()[:200]}")
            continue
        for shape in SHAPES:
            trim_parity(session, f"{name}, {shape}", shape, libc=libc)
        trim_parity(session, f"{name}, huge pages", "large", libc=libc,
                    env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})
        trim_parity(session, f"{name}, blocked", "fragmented", "blocked", libc=libc)


def main():
    session = Session()
    for shape in SHAPES:
        session.test(trim_parity, shape, shape)
    session.test(lambda s: trim_parity(s, "arenas in one", "arenas", env={"MALLOC_ARENA_MAX": "1"}))
    for shape in ("fragmented", "burst", "large"):
        session.test(huge_pages, shape)
    for shape in ("fragmented", "burst"):
        for trouble in TROUBLES:
            session.test(foreign_break, shape, trouble)
    session.test(other_libcs)
    session.finish()


if __name__ == "__main__":
    main()

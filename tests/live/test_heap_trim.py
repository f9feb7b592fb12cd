#!/usr/bin/env python3
"""What the report calls trimmable is what malloc_trim(0) then gives back, by the kernel's own count:
four shapes of freed memory, each before a first trim and before a second one, when most of it is gone."""

import os

from harness import TARGETS, Session

SHAPES = ["fragmented", "burst", "arenas", "large"]


def resident(pid):
    """Exact, by walking the page tables; VmRSS lags by up to 63 pages a thread."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
        return next(int(line.split()[1]) * 1024 for line in text if line.startswith("Rss:"))


def trim(target):
    before = resident(target.pid)
    target.stdin.write(b"\n")
    target.stdin.flush()
    if target.stdout.readline() != b"TRIMMED\n":
        raise RuntimeError("trim_target ended")
    return before - resident(target.pid)


def trim_parity(session, shape):
    target = session.start(os.path.join(TARGETS, "trim_target"), shape)
    for step in ("first", "second"):
        core = session.must_capture(target.pid, f"{shape}-{step}.core.zst")
        report = session.must_report(core)
        promised = report["heap"]["totals"]["trimmable_bytes"]
        dropped = trim(target)
        name = f"{shape}, {step} trim"
        session.note(f"{name}: promised {promised}, RSS drop {dropped}")
        session.equal(report["anomalies"], [], f"{name}: no anomaly")
        # A page or two of code and stack come in while malloc_trim runs.
        session.ok(abs(promised - dropped) <= max(dropped, promised) * 0.005 + 65536,
                   f"{name}: trimmable_bytes is the drop", f"promised {promised}, dropped {dropped}")
        if step == "first":
            session.ok(promised > 1 << 20, f"{name}: there is something to trim", promised)
        free = report["heap"]["totals"]["free_resident_bytes"]
        session.ok(promised <= free, f"{name}: no more than is free and resident",
                   f"{promised} of {free}")


def main():
    session = Session()
    for shape in SHAPES:
        session.test(trim_parity, shape)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Real captures that are damaged, cut or torn: nothing crashes, no arena appears that is not there,
every byte stays in one bucket, and what was lost is told.

DUMPCORE_LONG=1 damages each capture ten thousand times and cuts it often.
"""

import os
import random

from harness import ANALYZE, COMPLETE, FAILED, PARTIAL, SANITIZED, SOME_RULES, TARGETS, Session, run

BUILD = os.environ.get("DUMPCORE_BUILD", os.path.join(os.path.dirname(ANALYZE)))
DAMAGE_TEST = os.path.join(BUILD, "tests", "analyze", "damage_test")
LONG = bool(os.environ.get("DUMPCORE_LONG"))
CUTS = 200 if LONG else 8 if SANITIZED else 25
TORN = 30 if LONG else 3 if SANITIZED else 6


def addresses(report):
    return {arena["address"] for arena in (report["heap"] or {}).get("arenas", [])}


def is_closed(report):
    """Every byte of the process is in one bucket, and with the residual the resident ones are the RSS."""
    memory = report["memory"]
    total = sum(bucket["resident_bytes"] for bucket in memory["buckets"])
    good = total + memory["residual_bytes"] == memory["resident_bytes"]
    return good and sum(b["virtual_bytes"] for b in memory["buckets"]) == memory["virtual_bytes"]


def lost(report):
    return sum(arena["unwalkable_bytes"] for arena in (report["heap"] or {}).get("arenas", []))


def damaged(session):
    """The seeds of damage_test, on the heaps of a captured process."""
    target = session.start(os.path.join(TARGETS, "malloc_target"), 3, 3, 1500, session.path("log"))
    core = session.must_capture(target.pid, "damaged.core", "--compress", "none")
    result = run(DAMAGE_TEST, core, env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "tap"})
    for line in result.out.splitlines():
        if line.startswith("# "):
            session.note(line[2:])
    session.equal(result.status, 0, "damage to a captured heap costs what is damaged")


def check_cut(session, whole, path, name):
    """True where the file is refused by name, or its report says nothing that is not so."""
    report, result = session.report(path, rules=SOME_RULES)
    if result.status == FAILED and not result.crashed() and os.path.basename(path) in result.err:
        return True
    good = result.status == PARTIAL and report is not None and not report["evidence"]["complete"]
    good = good and addresses(report) <= addresses(whole) and is_closed(report)
    return good or session.ok(False, f"{name}: is read as far as it goes", result)


def cut(session, compress):
    target = session.start(os.path.join(TARGETS, "malloc_target"), 5, 3, 1500, session.path("log"))
    # Headers first: of a file that was made by pre-copy nothing can be read without its end.
    core = session.must_capture(target.pid, f"{compress}.core", "--compress", compress, "--consistency", "fork")
    whole = session.must_report(core, rules=SOME_RULES)
    with open(core, "rb") as file:
        data = file.read()
    generator, good, path = random.Random(11), 0, session.path(f"cut-{compress}.core")
    for _ in range(CUTS):
        size = generator.randrange(len(data) // 50, len(data))
        with open(path, "wb") as file:
            file.write(data[:size])
        good += check_cut(session, whole, path, f"{compress}, cut at {size}")
    session.equal(good, CUTS, f"{compress}: cut at {CUTS} places of {len(data)} bytes")


def check_torn(session, report, result, arenas, number):
    name = f"torn capture {number}"
    session.ok(result.status in (COMPLETE, PARTIAL) and report is not None, f"{name} is analysed", result)
    if report is None:
        return
    session.equal(report["evidence"]["consistency"], "live", f"{name} says that it is one")
    session.equal(addresses(report), arenas, f"{name} has the arenas that are there")
    session.ok(is_closed(report), f"{name} closes")
    unwalkable, system = lost(report), report["heap"]["totals"]["system_bytes"]
    told = [row["what"] for row in report["anomalies"] if "cannot be walked" in row["what"]]
    session.ok(not unwalkable or told, f"{name}: what cannot be walked is told")
    lists = [row["what"] for row in report["anomalies"] if "bin lists" in row["what"]]
    session.ok(all("the process ran while it was captured" in what for what in lists),
               f"{name}: lists that disagree are put down to that", "\n".join(lists))
    session.note(f"{name}: {unwalkable} of {system} bytes cannot be walked, {len(report['anomalies'])} "
                 f"anomalies, {len(lists)} of them about lists")


def torn(session):
    target = session.start(os.path.join(TARGETS, "churn_target"), 4)
    arenas = addresses(session.must_report(session.must_capture(target.pid, "still.core", "--consistency", "freeze")))
    session.ok(len(arenas) > 1, "the target has several arenas")
    for number in range(TORN):
        path, result = session.capture(target.pid, "torn.core", "--consistency", "live")
        session.ok(not result.crashed() and os.path.exists(path), f"live capture {number}", result)
        report, result = session.report(path, rules=SOME_RULES)
        check_torn(session, report, result, arenas, number)
        os.remove(path)


def main():
    session = Session()
    session.test(damaged)
    session.test(cut, "none")
    session.test(cut, "zstd")
    session.test(torn)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The chunks that the report says keep a heap are those that do: once the program frees them, the heap
is gone, by as many bytes as the report said they held."""

import os

from harness import TARGETS, Session

HEAP_BYTES = 64 << 20


def holder(report, address):
    """The row of the heap that the address lies in, or None."""
    rows = [row for row in report["heap"]["pins"] if int(row["start"], 16) <= address < int(row["end"], 16)]
    return rows[0] if rows else None


def check_row(session, row, address, kind):
    name = f"{kind} heap at {row['start']}"
    session.ok(any(int(chunk["address"], 16) == address and chunk["state"] == "in-use" for chunk in row["last"]),
               f"{name}: the block that is left is among its pins", row)
    session.equal(row["live"]["chunks"], 1, f"{name}: nothing else in use keeps it")
    session.ok(any(group["size"] == 4016 and group["chunks"] == 1 for group in row["groups"]),
               f"{name}: grouped by its size", row["groups"])
    session.ok(row["held_resident_bytes"] > row["held_bytes"] * 0.98, f"{name}: held bytes are resident", row)


def pins(session):
    target = session.start(os.path.join(TARGETS, "pin_target"))
    kept = [int(line.split()[1], 16) for line in target.said if line.startswith("PIN")]
    before = session.must_report(session.must_capture(target.pid, "before.core.zst"))
    session.equal(before["anomalies"], [], "no anomaly")
    session.check_heap_closes(before, "before")
    main, secondary = before["heap"]["arenas"]
    session.ok(secondary["heaps"] >= 3, "the thread's arena has heaps", secondary["heaps"])
    session.equal(len(kept), secondary["heaps"] + 1, "a block is left in each heap")
    rows = {address: holder(before, address) for address in kept}
    if not session.ok(all(rows.values()), "each heap is listed with what keeps it", before["heap"]["pins"]):
        return
    later = 0
    for address, row in rows.items():
        check_row(session, row, address, row["kind"])
        if row["kind"] != "brk" and int(secondary["address"], 16) // HEAP_BYTES != int(row["start"], 16) // HEAP_BYTES:
            later += 1
            session.equal(row["cached"]["chunks"], 0, f"heap at {row['start']}: no cache keeps it")
    session.equal(later, secondary["heaps"] - 1, "heaps that do not hold the malloc_state")
    session.equal([row["kind"] for row in rows.values()].count("newest"), 1, "one is the newest of its arena")

    target.stdin.write(b"\n")
    target.stdin.flush()
    if target.stdout.readline() != b"FREED\n":
        raise RuntimeError("pin_target ended")
    after = session.must_report(session.must_capture(target.pid, "after.core.zst"))
    session.check_heap_closes(after, "after")
    session.equal(after["heap"]["arenas"][1]["heaps"], 1, "without them the later heaps are gone")
    held = {kind: sum(row["held_bytes"] for row in rows.values() if (row["kind"] == "brk") == (kind == "brk"))
            for kind in ("brk", "secondary")}
    for kind, arena, now in (("brk", main, after["heap"]["arenas"][0]),
                             ("secondary", secondary, after["heap"]["arenas"][1])):
        fell = arena["heap_bytes"] - now["heap_bytes"]
        session.note(f"{kind}: pins held {held[kind]} bytes, the arena has {fell} less without them")
        # What was free at the end goes as well: top, and that of the first heap, kept by the later ones
        # alone. top_pad (128 KiB) stays; what no chunk had is less than a page a heap.
        free = arena["binned"]["bytes"] + arena["fastbin"]["bytes"] + arena["top"]["bytes"]
        session.ok(held[kind] - (256 << 10) <= fell <= free + (64 << 10),
                   f"{kind}: what they held is gone", f"held {held[kind]}, free {free}, fell by {fell}")
    session.equal([row for row in after["heap"]["pins"] if row["kind"] != "brk"], [],
                  "and no heap of the thread is listed")


def main():
    session = Session()
    session.test(pins)
    session.finish()


if __name__ == "__main__":
    main()

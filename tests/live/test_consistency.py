#!/usr/bin/env python3
"""A consistent capture shows one instant: counters that rise in pairs, and pages that hold the count
at which each was written, under full and under moderate write load.

DUMPCORE_LONG=1 captures two hundred times with each method instead of a few times.
"""

import os
import struct

import methods
from core_file import TORN, CoreFile
from harness import SANITIZED, TARGETS, Session, Skip

TARGET = os.path.join(TARGETS, "pair_target")
THREADS, MEGABYTES = 4, 24
LONG = bool(os.environ.get("DUMPCORE_LONG"))
TIMES = 200 if LONG else 3 if SANITIZED else 10
ALLOWED = TIMES // 200  # of the captures, with a consistent method

PAGE = 4096
MAGIC = b"dumpcore-pairs-1"
BLOCK = struct.Struct("<16sQQQ")


class Pair:
    """What one thread's memory said: its counters, and how many pages contradict them."""

    def __init__(self, a, b, stale, newer):
        self.a, self.b, self.stale, self.newer = a, b, stale, newer

    @property
    def skew(self):
        return self.a - self.b

    @property
    def torn(self):
        return self.skew not in (0, 1) or self.stale > 0 or self.newer > 0


def read_block(page, thread, role):
    magic, number, letter, count = BLOCK.unpack_from(page)
    if (magic, number, letter) != (MAGIC, thread, ord(role)):
        raise ValueError(f"thread {thread}: no block {role}: {page[:BLOCK.size]!r}")
    return count


def judge_memory(memory, thread):
    """The memory of one thread, from the page of a to the page of b, against the target's rule."""
    a, b = read_block(memory, thread, "a"), read_block(memory[-PAGE:], thread, "b")
    pages, stale, newer = len(memory) // PAGE - 2, 0, 0
    for index in range(pages):
        found = struct.unpack_from("<Q", memory, (1 + index) * PAGE)[0]
        wanted = b - (b - index) % pages  # the last n up to b that fell on this page
        if found == a == b + 1 and a % pages == index:
            continue  # between the two stores
        stale += found < wanted
        newer += found > wanted
    return Pair(a, b, stale, newer)


def judge_capture(core, places):
    pairs = []
    for thread, (first, last) in enumerate(places):
        memory = core.read(first, last - first + PAGE)
        if memory is None:
            raise ValueError(f"thread {thread}: its memory is not in the core")
        pairs.append(judge_memory(memory, thread))
    return pairs


def fabricate(pages, a, b, changes=()):
    """One thread's memory as it stands after count b; `changes` are (page index, count)."""
    memory = bytearray((pages + 2) * PAGE)
    BLOCK.pack_into(memory, 0, MAGIC, 0, ord("a"), a)
    BLOCK.pack_into(memory, (pages + 1) * PAGE, MAGIC, 0, ord("b"), b)
    counts = {index: b - (b - index) % pages for index in range(pages)}
    counts.update(changes)
    for index, count in counts.items():
        struct.pack_into("<Q", memory, (1 + index) * PAGE, count)
    return bytes(memory)


def judges_fabricated_memory(session):
    """The judge itself, before it is relied on."""
    for name, memory, torn in (
            ("equal counters", fabricate(10, 57, 57), False),
            ("between the stores, page not yet written", fabricate(10, 58, 57), False),
            ("between the stores, page written", fabricate(10, 58, 57, [(8, 58)]), False),
            ("skew 2", fabricate(10, 59, 57), True),
            ("b before a", fabricate(10, 57, 58), True),
            ("one stale page", fabricate(10, 57, 57, [(3, 43)]), True),
            ("one page too new", fabricate(10, 57, 57, [(8, 58)]), True)):
        session.equal(judge_memory(memory, 0).torn, torn, f"the judge, {name}: torn is {torn}")


def start(session, load):
    target = session.start(TARGET, THREADS, MEGABYTES, load)
    places = [line.split()[2:] for line in target.said if line.startswith("pair ")]
    return target, [(int(a, 16), int(b, 16)) for a, b in places]


def describe(pair):
    return f"a {pair.a} b {pair.b}: {pair.stale} pages stale, {pair.newer} too new"


def capture_pairs(session, pid, method, load, places):
    """One capture; gives (how it was done, the pairs), or (None, why) where it was refused."""
    try:
        taken = methods.must_capture(session, pid, method, writes=load == "write")
    except Skip as reason:
        return None, reason
    with CoreFile(taken.path) as core:
        pairs = judge_capture(core, places)
    taken.remove()
    return taken.done, pairs


def consistent_method(session, method, load):
    name = f"{method}, {load}"
    target, places = start(session, load)
    torn, counts, done, reason = [], [], set(), ""
    for number in range(TIMES):
        way, pairs = capture_pairs(session, target.pid, method, load, places)
        if way is None:
            reason = pairs
            continue
        done.add(way)
        torn += [f"capture {number}: {describe(pair)}" for pair in pairs if pair.torn]
        counts.append(pairs[0].b)
    if not counts:
        session.skip(f"{name}: captures show one instant each", reason)
        return
    session.ok(len(torn) <= ALLOWED, f"{name}: captures show one instant each", "\n".join(torn[:20]))
    # On a busy machine they may stand still between two captures, not between all of them.
    session.ok(counts == sorted(counts) and (counts[0] < counts[-1] or len(counts) == 1),
               f"{name}: the counters rose between the captures", str(counts))
    session.note(f"{name}: {len(counts)} of {TIMES} captured, as {', '.join(sorted(done))}; {len(torn)} "
                 f"torn of {len(counts) * THREADS} threads' memory")


def live_says_so(session, method):
    target, places = start(session, "write")
    taken = methods.must_capture(session, target.pid, method)
    with CoreFile(taken.path) as core:
        pairs = judge_capture(core, places)
        marked = core.pages_in_state(TORN)
    session.equal(taken.done, "live", f"{method}: the archive says live")
    session.ok(marked * PAGE >= THREADS * MEGABYTES << 20, f"{method}: the page map marks what may be torn",
               f"{marked} pages")
    for thread, pair in enumerate(pairs):
        session.note(f"{method}: thread {thread}: skew {pair.skew}, {describe(pair)}")


def still_memory(session, method):
    """Without write load too, counters only: pages that nobody writes are there all the same."""
    target, places = start(session, "still")
    taken = methods.must_capture(session, target.pid, method)
    with CoreFile(taken.path) as core:
        for thread, (first, last) in enumerate(places):
            a = read_block(core.read(first, BLOCK.size), thread, "a")
            b = read_block(core.read(last, BLOCK.size), thread, "b")
            session.ok(a - b in (0, 1), f"{method}, no load: thread {thread}", f"a {a} b {b}")
            held = core.read(first + PAGE, last - first - PAGE) or b""
            counts = sorted(struct.unpack_from("<Q", held, at)[0] for at in range(0, len(held), PAGE))
            session.equal(counts, list(range(1, MEGABYTES * 256 - 1)),
                          f"{method}, no load: thread {thread}'s pages")


def main():
    session = Session()
    session.test(judges_fabricated_memory)
    for method in methods.consistent():
        session.test(consistent_method, method, "write")
        session.test(consistent_method, method, "calm")
        session.test(still_memory, method)
    for method in methods.existing(methods.TORN):
        session.test(live_says_so, method)
    session.finish()


if __name__ == "__main__":
    main()

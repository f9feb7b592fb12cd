#!/usr/bin/env python3
"""Memory that the target drops and maps anew while it is copied: a consistent archive holds what was
there at one instant, and nothing of what was there before. Blocks are of a whole page table, with and
without huge pages: kernels differ in what they tell of such holes.

And memory that was mapped after the target was looked at, at addresses that were free then or not,
advised as V8 advises its heap: it is there when the target stops, and so it is in the archive."""

import os
import re
import struct

import methods
import process
from core_file import PRESENT, CoreFile
from harness import EMULATED, SANITIZED, TARGETS, Session, Skip

TARGET = os.path.join(TARGETS, "drop_target")
FRESH_TARGET = os.path.join(TARGETS, "fresh_target")
FRESH_BLOCKS, FRESH_PAGES, FRESH_NAP = 16, 32, 20
BLOCKS, PAGE, BLOCK = 24, 4096, 2 << 20
PAGES = BLOCK // PAGE
WORD = struct.Struct("<Q")
ENTRY = struct.Struct("<QQQ")
NAPS = (2000, 200, 20)  # microseconds between two steps
TIMES = 3 if SANITIZED or EMULATED else 8


def expected(number, what):
    """What the pages of a block begin with: {number: pages}."""
    return {0: (0, 0), 1: (0, 0), 2: (number, number), 3: (number, 0)}[what]


def first_words(core, address):
    """What each page of a block begins with. One that is not in the archive was not there: zeros."""
    return [core.read(address + at, WORD.size) or bytes(WORD.size) for at in range(0, BLOCK, PAGE)]


def judge_block(words, number, what):
    """How many pages begin with another number than the block's entry says."""
    first, second = map(WORD.pack, expected(number, what))
    half = PAGES // 2
    return sum(word != first for word in words[:half]) + sum(word != second for word in words[half:])


def judge_capture(core, start, table):
    """[what is wrong with a block], how many blocks were judged, and the last step."""
    wrong, judged, last = [], 0, 0
    entries = core.read(table, BLOCKS * ENTRY.size)
    for index in range(BLOCKS):
        begun, ended, what = ENTRY.unpack_from(entries, index * ENTRY.size)
        last = max(last, begun)
        if begun != ended:
            continue
        judged += 1
        bad = judge_block(first_words(core, start + index * BLOCK), ended, what)
        if bad:
            wrong.append(f"block {index}, step {ended} of kind {what}: {bad} pages are of another time")
    if BLOCKS - judged > 1:
        wrong.append(f"{BLOCKS - judged} steps are half done at one time")
    return wrong, judged, last


def judges_fabricated_blocks(session):
    """The judge itself, before it is relied on."""
    written, zeros = [WORD.pack(9)] * PAGES, [WORD.pack(0)] * PAGES
    half = written[:PAGES // 2] + zeros[PAGES // 2:]
    for name, words, number, what, bad in (("zeros", zeros, 9, 0, 0), ("written", written, 9, 2, 0),
                                           ("half", half, 9, 3, 0),
                                           ("dropped, but still there", written, 10, 1, PAGES),
                                           ("written, but still zeros", zeros, 9, 2, PAGES),
                                           ("an older step", written, 10, 2, PAGES)):
        session.equal(judge_block(words, number, what), bad, f"the judge: {name}")


def capture_often(session, name, target, method, judge):
    """Captures the target TIMES times, while it goes on, and sums what `judge` says of each core: what is
    wrong, blocks judged, the last step, blocks that smaps did not know. Gives the sums without the step,
    the ways of the captures, and why the last that was skipped was."""
    wrong, judged, unknown, ways, steps, reason = [], 0, 0, set(), [], ""
    for number in range(TIMES):
        try:
            taken = methods.must_capture(session, target.pid, method, writes=True)
        except Skip as skip:
            reason = skip
            continue
        ways.add(taken.done)
        with CoreFile(taken.path) as core:
            found, blocks, step, new = judge(core)
        wrong += [f"capture {number}: {text}" for text in found]
        judged += blocks
        unknown += new
        steps.append(step)
        taken.remove()
    if steps:  # on a busy machine it may stand still between two captures, not between all of them
        session.ok(steps == sorted(steps) and (steps[0] < steps[-1] or len(steps) == 1),
                   f"{name}: it went on between the captures", str(steps))
    return wrong, judged, unknown, ways, reason


def dropped(session, method, nap):
    name = f"{method}, {nap} us between two steps"
    target = session.start(TARGET, BLOCKS, nap)
    start, table = (int(line.split()[1], 16) for line in target.said[:2])
    wrong, judged, _, ways, reason = capture_often(session, name, target, method, lambda core: (
        *judge_capture(core, start, table), 0))
    if not judged:
        session.skip(f"{name}: nothing is of another time", reason)
        return
    session.ok(not wrong, f"{name}: nothing is of another time", "\n".join(wrong[:20]))
    session.equal(process.ask(target, "ping"), "PONG", f"{name}: it answers")
    session.note(f"{name}: {judged} blocks judged, captured as {', '.join(sorted(ways))}")


def pages_present(core, start, end):
    """How many of these pages the page map says are there, and not torn."""
    return sum(max(0, min(first + pages * PAGE, end) - max(first, start)) // PAGE
               for first, pages, state in core.page_map() if state == PRESENT)


def judge_fresh_block(core, address, number):
    """What is wrong with a block that was mapped anew; empty where nothing is."""
    words = [core.read(address + at * PAGE, WORD.size) for at in range(FRESH_PAGES)]
    missing = sum(word is None for word in words)
    other = sum(word is not None and word != WORD.pack(number) for word in words)
    unlisted = FRESH_PAGES - pages_present(core, address, address + FRESH_PAGES * PAGE)
    if not missing and not other and not unlisted:
        return ""
    return (f"step {number} at {address:#x}: {missing} pages are not in the archive, {other} are of another "
            f"time, {unlisted} are not present in the page map")


def looks_clean(smaps, address):
    """A file's mapping at this address of which nothing was written yet when smaps was read: it counts as
    the file's own, which a gap says; what is written until the stop is not captured."""
    found = re.search(rb"^%x-.*? /[^\n]*\n(?:[A-Z][^\n]*\n)*?Anonymous: +(\d+) kB" % address, smaps, re.MULTILINE)
    return found is not None and found.group(1) == b"0"


def judge_fresh(core, table):
    """[what is wrong with a block], how many blocks were judged, the last step, and how many of the blocks
    smaps did not know."""
    wrong, judged, last, unknown = [], 0, 0, 0
    smaps = core.document("smaps")
    entries = core.read(table, FRESH_BLOCKS * ENTRY.size)
    for index in range(FRESH_BLOCKS):
        begun, ended, address = ENTRY.unpack_from(entries, index * ENTRY.size)
        last = max(last, begun)
        if begun != ended or looks_clean(smaps, address):
            continue
        judged += 1
        unknown += b"%x-" % address not in smaps
        wrong += filter(None, [judge_fresh_block(core, address, ended)])
    if FRESH_BLOCKS - judged > 2:  # one at the stop, one when smaps was read
        wrong.append(f"{FRESH_BLOCKS - judged} steps are half done at one time")
    return wrong, judged, last, unknown


def mapped_anew(session, method, kind, where):
    name = f"{method}, {kind} memory mapped anew, {where}"
    target = session.start(FRESH_TARGET, kind, where, FRESH_NAP)
    table = int(target.said[0].split()[1], 16)
    wrong, judged, unknown, ways, reason = capture_often(session, name, target, method,
                                                         lambda core: judge_fresh(core, table))
    if not judged:
        session.skip(f"{name}: it is in the archive", reason)
        return
    if where == "fresh":
        session.ok(unknown, f"{name}: blocks were mapped after smaps was read")
    session.ok(not wrong, f"{name}: it is in the archive", "\n".join(wrong[:20]))
    session.equal(process.ask(target, "ping"), "PONG", f"{name}: it answers")
    session.equal(process.children(target.pid), set(), f"{name}: no child is left")
    session.note(f"{name}: {judged} blocks judged, {unknown} new, captured as {', '.join(sorted(ways))}")


def main():
    session = Session()
    session.test(judges_fabricated_blocks)
    for method in methods.consistent():
        for nap in NAPS:
            session.test(dropped, method, nap)
        for kind in ("plain", "file", "dontfork", "wipeonfork"):
            for where in ("fresh", "again"):
                session.test(mapped_anew, method, kind, where)
    session.finish()


if __name__ == "__main__":
    main()

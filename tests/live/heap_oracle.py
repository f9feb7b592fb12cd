#!/usr/bin/env python3
"""Compares what analyze says of a capture of malloc_target with what the target knows.

usage: heap_oracle.py LOG CHUNKS.ndjson REPORT.json [STATE...]

STATE: a kind of list that the target was told to do without ("tcache"); "threads" where the core does
not have what tells a thread's arena: then none may be in a wrong one.

Prints a line a figure and exits 0 where all of them agree, 1 where one does not, 2 where a file is
not what it should be. LOG is described in tests/targets/malloc_target.c. Standard library only.
"""

import bisect
import json
import re
import sys
import xml.etree.ElementTree

LIVE = ("in-use", "mmapped")
FREE = ("tcache", "fastbin", "binned", "top")
# Blocks in use that are not in the log: what libc keeps for itself, per thread (its dtv) and in all.
INTERNAL_PER_THREAD, INTERNAL = 2, 12
# Chunks of tcache_perthread_struct: malloc's own, never in use by the program.
TCACHE_STRUCTS_64, TCACHE_STRUCTS_32 = (0x250, 0x290, 0x300, 0x310), (0x150, 0x190, 0x1D0, 0x1E0)


class Log:
    def __init__(self, path):
        self.libc, self.threads, self.live, self.freed, self.info = "other", {}, {}, [], None
        with open(path, encoding="ascii") as lines:
            for line in lines:
                self.take(line.split(), lines)

    def take(self, words, lines):
        if words[0] == "libc":
            self.libc = words[1]
        elif words[0] == "thread":
            self.threads[int(words[1])] = int(words[2], 16)
        elif words[0] == "live":
            self.live[int(words[1], 16)] = int(words[2])
        elif words[0] == "freed":
            self.freed.append(int(words[1], 16))
        elif words[0] == "malloc_info":
            text = "".join(iter(lambda: next(lines), "end\n"))
            self.info = xml.etree.ElementTree.fromstring(text)
        else:
            raise ValueError(f"unknown line {words[0]!r}")

    def version(self):
        match = re.match(r"2\.(\d+)", self.libc)
        return int(match.group(1)) if match else None


class Chunks:
    """Rows (user address, chunk bytes, state, arena) by address."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as lines:
            rows = (json.loads(line) for line in lines)
            self.rows = sorted((int(row["address"], 16), row["bytes"], row["state"], row.get("arena"))
                               for row in rows)
        self.starts = [row[0] for row in self.rows]
        self.word = 8 if self.starts and self.starts[-1] >> 32 else 4

    def holding(self, address):
        """The chunk whose user area holds the address. Behind its two header words it goes on to the
        next chunk's second one; that of a mmapped chunk ends with the mapping, and another block may
        have been mapped right there."""
        at = bisect.bisect_right(self.starts, address) - 1
        if at < 0:
            return None
        user, size, state, _ = self.rows[at]
        header = (2 if state == "mmapped" else 1) * self.word
        return self.rows[at] if address < user + size - header else None


class Verdict:
    def __init__(self):
        self.failed = 0

    def say(self, good, text, examples=()):
        self.failed += not good
        print(("ok   " if good else "FAIL ") + text)
        for example in list(examples)[:5]:
            print("     " + example)


def totals(heap):
    """{'fast': (count, size), 'rest': …, 'current': bytes} of a <heap> element or of the root."""
    found = {row.get("type"): (int(row.get("count")), int(row.get("size")))
             for row in heap.findall("total")}
    found["current"] = next(int(row.get("size")) for row in heap.findall("system")
                            if row.get("type") == "current")
    return found


def rest_row(arena, with_top):
    """The count and size of malloc_info's "rest": its sizes are raw words, one more a binned chunk."""
    count, size = arena["binned"]["chunks"], arena["binned"]["bytes"] + arena["binned"]["chunks"]
    if with_top:
        count, size = count + arena["top"]["chunks"], size + arena["top"]["bytes"]
    return count, size


def check_arena(verdict, log, index, heap, arena):
    want = totals(heap)
    got = {"fast": (arena["fastbin"]["chunks"], arena["fastbin"]["bytes"])}
    rest = [rest_row(arena, True)]
    if (log.version() or 99) < 31:  # some branches before 2.31 count top, the releases do not
        rest.append(rest_row(arena, False))
    wrong = []
    if want.get("fast", (0, 0)) != got["fast"]:
        wrong.append(f"fast: malloc_info {want['fast']}, report {got['fast']}")
    # Up to 2.18 malloc_info sums an uninitialised slot into this row.
    if (log.version() or 99) > 18 and want["rest"] not in rest:
        wrong.append(f"rest: malloc_info {want['rest']}, report {rest}")
    if want["current"] != arena["system_bytes"]:
        wrong.append(f"system: malloc_info {want['current']}, report {arena['system_bytes']}")
    parts = sum(arena[key]["bytes"] for key in ("in_use", "tcache", "fastbin", "binned", "top"))
    parts += arena["overhead_bytes"] + arena["unwalkable_bytes"]
    # brk memory may begin at any byte (2.31 keeps GLIBC_TUNABLES before it); chunks begin at words.
    rest = arena["system_bytes"] - parts
    if not 0 <= rest < (8 if arena["kind"] == "main" else 1):
        wrong.append(f"its chunks sum to {parts} of {arena['system_bytes']} bytes")
    if arena["unwalkable_bytes"]:
        wrong.append(f"{arena['unwalkable_bytes']} bytes unwalkable")
    if wrong:
        verdict.say(False, f"arena {index} differs", wrong)
    return not wrong


def check_arenas(verdict, log, report):
    heaps, arenas = log.info.findall("heap"), report["heap"]["arenas"]
    verdict.say(len(heaps) == len(arenas), f"arenas: malloc_info {len(heaps)}, report {len(arenas)}")
    agree = sum(check_arena(verdict, log, index, heap, arena)
                for index, (heap, arena) in enumerate(zip(heaps, arenas)))
    verdict.say(agree == len(heaps), f"parity: {agree} of {len(heaps)} arenas equal malloc_info")
    subheaps = [int(row.get("size")) for row in log.info.findall("heap/aspace")
                if row.get("type") == "subheaps"]
    if subheaps:
        got = [arena["heaps"] for arena in arenas if arena["kind"] == "secondary"]
        want = subheaps[len(subheaps) - len(got):]
        verdict.say(want == got, f"heaps of secondary arenas: {sum(got)} in {len(got)} arenas")


def check_mmapped(verdict, log, report):
    """malloc counts those in a tcache too. The chunks are at most the mappings; what memalign skipped before a chunk is in no chunk."""
    want, used, cached = totals(log.info).get("mmap"), report["heap"]["mmapped"], report["heap"]["mmapped_cached"]
    if want is None:
        return
    chunks, size = used["chunks"] + cached["chunks"], used["bytes"] + cached["bytes"]
    verdict.say(want[0] == chunks and 0 <= want[1] - size <= 65536 * want[0],
                f"mmapped: malloc_info {want[0]} of {want[1]} bytes, report {chunks} of {size} bytes"
                + (f", {cached['chunks']} of them in tcaches" if cached["chunks"] else ""))


def check_threads(verdict, log, report, without):
    """Arenas by address; the main arena's is not known to the target (0)."""
    seen, wrong, unknown = {}, [], 0
    for arena in report["heap"]["arenas"]:
        for thread in arena["threads"] or []:
            seen[thread["tid"]] = 0 if arena["kind"] == "main" else int(arena["address"], 16)
    for tid, address in log.threads.items():
        if tid not in seen and "threads" in without:
            unknown += 1
        elif seen.get(tid) != address:
            wrong.append(f"thread {tid}: target {address:#x}, report {seen.get(tid)}")
    right = len(log.threads) - len(wrong) - unknown
    text = f"threads: {right} of {len(log.threads)} in their arena"
    verdict.say(not wrong, text + (f", {unknown} not known" if unknown else ""), wrong)


def check_recall(verdict, log, chunks):
    by_address = {row[0]: row for row in chunks.rows}
    wrong = []
    for address, size in log.live.items():
        row = by_address.get(address)
        if row is None or row[2] not in LIVE:
            wrong.append(f"live {address:#x} ({size} bytes) is {row or chunks.holding(address)}")
        elif row[1] < size + 4:
            wrong.append(f"live {address:#x}: {size} bytes requested, chunk of {row[1]}")
    found = len(log.live) - len(wrong)
    verdict.say(log.live and not wrong,
                f"recall: {found} of {len(log.live)} live blocks "
                f"({found / max(1, len(log.live)):.6f})", wrong)


def check_precision(verdict, log, chunks):
    wrong = []
    for address in log.freed:
        row = chunks.holding(address)
        if row is not None and row[2] not in FREE + ("overhead",):
            wrong.append(f"freed {address:#x} is in {row}")
    right = len(log.freed) - len(wrong)
    verdict.say(log.freed and not wrong,
                f"precision: {right} of {len(log.freed)} freed blocks are not live "
                f"({right / max(1, len(log.freed)):.6f})", wrong)
    extra = [row for row in chunks.rows if row[2] in LIVE and row[0] not in log.live]
    limit = INTERNAL + INTERNAL_PER_THREAD * len(log.threads)
    verdict.say(len(extra) <= limit, f"live chunks not in the log: {len(extra)} (at most {limit})",
                [str(row) for row in extra] if len(extra) > limit else [])
    sizes = TCACHE_STRUCTS_64 if chunks.word == 8 else TCACHE_STRUCTS_32
    structs = [str(row) for row in extra if row[1] in sizes]
    verdict.say(not structs, f"tcache structs taken for live: {len(structs)}", structs)


def check_states(verdict, log, chunks, without):
    """Freed blocks must have filled each kind of list, else the run tested nothing."""
    counts = {}
    for row in chunks.rows:
        counts[row[2]] = counts.get(row[2], 0) + 1
    wanted = ["in-use", "binned", "top"]
    if log.info is None or totals(log.info).get("mmap", (1, 0))[0]:
        wanted.append("mmapped")
    if log.version() is not None and log.version() >= 26:
        wanted.append("tcache")
    if log.version() is not None and log.version() <= 42:
        wanted.append("fastbin")
    missing = [state for state in wanted if bool(counts.get(state)) == (state in without)]
    listing = ", ".join(f"{state} {counts[state]}" for state in sorted(counts))
    verdict.say(not missing, f"states: {listing}", [f"{'some' if state in without else 'no'} {state}" for state in missing])


def main():
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        log, chunks = Log(sys.argv[1]), Chunks(sys.argv[2])
        with open(sys.argv[3], encoding="utf-8") as text:
            report = json.load(text)
        verdict = Verdict()
        if log.info is not None:
            check_arenas(verdict, log, report)
            check_mmapped(verdict, log, report)
            check_threads(verdict, log, report, sys.argv[4:])
        check_recall(verdict, log, chunks)
        check_precision(verdict, log, chunks)
        check_states(verdict, log, chunks, sys.argv[4:])
    except (OSError, ValueError, KeyError, TypeError, xml.etree.ElementTree.ParseError) as trouble:
        print(f"FAIL {type(trouble).__name__}: {trouble}")
        return 2
    return 1 if verdict.failed else 0


if __name__ == "__main__":
    sys.exit(main())

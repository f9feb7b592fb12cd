#!/usr/bin/env python3
"""What every shipped rule finds, and where it finds nothing: its own samples planted in a real heap, held
by the program and then freed, and hundreds of thousands of chunks of noise. Every planted copy is looked up by its
address. A rule that is added to rules/ is covered without a change here.

`DUMPCORE_LONG=1` plants and allocates ten times as many, `DUMPCORE_SEED=N` varies them, and arguments
are rule files or folders that take the place of rules/.
"""

import collections
import json
import os
import re
import sys

import noise
from corpus import FREE_STATES, Chunks, Hits, Memory, Plan, Planter, Rule, chunk_size, crosses_borders, request_of
from harness import ANALYZE, COMPLETE, EMULATED, RULES, SANITIZED, TARGETS, Session, run
from process import ask

LONG = bool(os.environ.get("DUMPCORE_LONG"))
SEED = int(os.environ.get("DUMPCORE_SEED", "1"))
CHOSEN = sys.argv[1:] or [RULES]
COPIES = 600 if LONG else 60
BORDERS = 4 if LONG else 1  # a sample; in every second round any part of it stands before the border
BORDERS_IN_CHUNK = 8
NOISE_CHUNKS = 1000000 if LONG else 10000 if SANITIZED or EMULATED else 100000  # a kind
NOISE_LARGE = NOISE_CHUNKS // 100  # of them are of 4 to 20 KiB
NOISE_SIZED, NOISE_SIZED_BYTES = NOISE_CHUNKS // 20, NOISE_CHUNKS * 120  # a rule about structures: chunks and bytes
BEHIND = 64  # bytes behind a hit that are looked at to judge it
STALE_RECALL, STALE_WHOLE = 0.9, 0.2
SHOWN = 3  # copies that are described where some were missed

# What a rule is right to find in noise that is text: why, and what must stand in the chunk by another judgement than
# the rule's. A hit in a chunk without it is a false one, as everywhere else. (rule, kind): (why, regular expression)
TEXT = rb"(?:[\t-\r\x1b\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]{1,3}){20}"
TRUE_IN_NOISE = {
    ("web.html-document", "source"): ("calendar.py and difflib.py of Python have templates of pages",
                                      rb"(?i)<!DOCTYPE html[^>]*>\s*<html"),
    ("text.url", "documents"): ("licences say where they are from", rb"https?://\w"),
    ("text.url", "source"): ("comments name sources", rb"https?://\w"),
    ("text.utf8-text", "words"): ("it is text", TEXT),
    ("text.utf8-text", "documents"): ("it is text", TEXT),
    ("text.utf8-text", "source"): ("it is text", TEXT),
    ("text.utf16-text", "utf-16"): ("it is text", rb"(?:[\t-\r\x20-\x7e]\0){16}"),
}


def read_rules():
    result = run(ANALYZE, "rules", "samples", "--json", "--strict", *CHOSEN)
    if result.status != COMPLETE:
        raise RuntimeError(result.describe())
    return [rule for rule in map(Rule, json.loads(result.out)) if rule.applies()]


def read_hits(core):
    rules = [word for path in CHOSEN for word in ("--rules", path)]
    result = run(ANALYZE, "hits", core, "--ndjson", *rules)
    if result.status != COMPLETE:
        raise RuntimeError(result.describe())
    return Hits(json.loads(line) for line in result.stdout.splitlines())


def read_chunks(core):
    result = run(ANALYZE, "chunks", core, "--ndjson", "--rules", "none")
    if result.status != COMPLETE:
        raise RuntimeError(result.describe())
    return Chunks(json.loads(line) for line in result.stdout.splitlines())


def start(session, plan, name):
    """Gives (target, addresses of chunks, Noise)."""
    paths = plan.write(session, name)
    target = session.start(os.path.join(TARGETS, "plant_target"), *paths)
    return target, *plan.read_addresses(paths[2])


def make_plan(rules):
    plan = Plan(SEED)
    planter = Planter(plan, noise.words(SEED)[:1 << 20])
    wanted = [rule.samples[number % len(rule.samples)] for rule in rules for number in range(COPIES)]
    plan.random.shuffle(wanted)
    planter.fill_caches()
    for sample in wanted:
        planter.plant(sample)
        if plan.random.random() < 0.5:
            planter.keep()
    across = [sample for rule in rules for sample in rule.samples if crosses_borders(sample)]
    for copy in range(BORDERS):
        plan.random.shuffle(across)
        for at in range(0, len(across), BORDERS_IN_CHUNK):
            planter.plant_across_borders(across[at:at + BORDERS_IN_CHUNK], copy % 2 == 0)
    return plan


class Recall:
    """Copies of a rule: how many there were to be found, and those that were not."""

    def __init__(self):
        self.planted, self.found, self.missed = 0, 0, []

    def add(self, found, planted, address):
        self.planted += 1
        self.found += found
        if not found:
            self.missed.append((planted, address))

    def share(self):
        return self.found / self.planted if self.planted else 0.0

    def __str__(self):
        return f"{self.found}/{self.planted}"

    def describe(self, sizes):
        by_sample = collections.Counter((planted.sample.name, planted.style) for planted, _ in self.missed)
        lines = [f"missed {count} of '{name}' in {style}" for (name, style), count in by_sample.most_common()]
        for planted, address in self.missed[:SHOWN]:
            lines.append(f"0x{address + planted.offset:x}: '{planted.sample.name}' at {planted.offset} of "
                         f"{sizes[planted.chunk]} bytes, in {planted.style}")
        return "\n".join(lines)


def content(memory, planted, address):
    """The bytes of the copy, without what is between the words of a structure."""
    return b"".join(memory.read(address + at, size) for at, size in planted.spans)


def find(hits, planted, address):
    return hits.overlapping(planted.sample.rule.id, address + min(at for at, _ in planted.spans),
                            address + max(at + size for at, size in planted.spans))


def look(plan, addresses, hits, wanted):
    """Recall by rule of the copies that `wanted` wants."""
    recall = collections.defaultdict(Recall)
    for planted in plan.planted:
        if wanted(planted):
            address = addresses[planted.chunk]
            recall[planted.sample.rule.id].add(bool(find(hits, planted, address)), planted, address)
    return recall


class Planting:
    """The planted target, captured twice."""

    def __init__(self, session, rules):
        self.plan = make_plan(rules)
        self.target, self.addresses, _ = start(session, self.plan, "planted")
        memory = Memory(self.target.pid)
        before = [self.content(memory, planted) for planted in self.plan.planted]
        self.held = all(planted.sample.data in data for planted, data in zip(self.plan.planted, before))
        self.live = read_hits(session.must_capture(self.target.pid, "live.core", "--compress", "none"))
        self.answer = ask(self.target, "free")
        now = [self.content(memory, planted) for planted in self.plan.planted]
        memory.close()
        core = session.must_capture(self.target.pid, "stale.core", "--compress", "none")
        self.stale, self.chunks = read_hits(core), read_chunks(core)
        self.whole = {id(planted) for planted, *data in zip(self.plan.planted, before, now)
                      if is_whole(self, planted, *data)}

    def content(self, memory, planted):
        return content(memory, planted, self.addresses[planted.chunk])


def where_freed(planting):
    """How many of the copies are in chunks of each state, and in chunks that have merged."""
    places = collections.Counter()
    for planted in planting.plan.planted:
        address = planting.addresses[planted.chunk]
        chunk = planting.chunks.holding(address + planted.offset)
        if not planted.border and chunk[2]:
            places[chunk[2]] += 1
            places["merged"] += chunk[0] != address
    return places


def is_whole(planting, planted, before, now):
    """Has the freed copy all its bytes, and, where the end of its chunk matters, is it still the end?"""
    address = planting.addresses[planted.chunk]
    if before != now:
        return False
    if not planted.sample.size or planted.sample.words:
        return True
    start, size, _ = planting.chunks.holding(address + planted.offset)
    return start + size == address + chunk_size(planting.plan.sizes[planted.chunk])


def judge_live(session, rule, recall, border, sizes):
    if not rule.can_live():
        session.equal(recall.found, 0, f"{rule.id}: nothing is found in chunks in use, as it looks at freed ones")
        return
    session.ok(recall.planted and recall.share() == 1.0, f"{rule.id}: every planted copy is found ({recall})",
               recall.describe(sizes))
    if border.planted:
        session.ok(border.share() == 1.0, f"{rule.id}: found across borders of units ({border})",
                   border.describe(sizes))


def judge_stale(session, rule, planted, recall, sizes):
    reason = rule.why_not_stale()
    if reason:
        session.note(f"{rule.id}: cannot be found when freed: {reason}")
        if reason == "live only":
            session.equal(recall.found, 0, f"{rule.id}: nothing is found in freed chunks")
        return
    session.ok(recall.planted >= planted * STALE_WHOLE,
               f"{rule.id}: many freed copies are whole ({recall.planted} of {planted})")
    session.ok(recall.share() >= STALE_RECALL, f"{rule.id}: freed copies that are whole are found ({recall})",
               recall.describe(sizes))


def samples_are_found(session, rules):
    planting = Planting(session, rules)
    sizes = planting.plan.sizes
    session.ok(planting.held, "the target holds what was planted")
    session.equal(planting.answer, "FREED", "the target frees it")
    places = where_freed(planting)
    session.ok(all(places[place] for place in ("tcache", "fastbin", "binned", "merged")),
               f"freed copies are in thread caches, fastbins and bins, and in chunks that have merged: {dict(places)}",
               str(places))
    live = look(planting.plan, planting.addresses, planting.live, lambda planted: not planted.border)
    border = look(planting.plan, planting.addresses, planting.live, lambda planted: planted.border)
    stale = look(planting.plan, planting.addresses, planting.stale,
                 lambda planted: not planted.border and id(planted) in planting.whole)

    session.note(f"{'rule':32} {'planted':>7} {'live':>9} {'borders':>7} {'whole':>6} {'stale':>9}")
    for rule in rules:
        cannot = rule.why_not_stale()
        found = stale[rule.id] if not cannot else f"cannot: {cannot}"
        shown = live[rule.id] if rule.can_live() else "cannot"
        session.note(f"{rule.id:32} {live[rule.id].planted:7} {shown!s:>9} {border[rule.id]!s:>7} "
                     f"{stale[rule.id].planted:6} {found!s:>9}")
    for rule in rules:
        judge_live(session, rule, live[rule.id], border[rule.id], sizes)
        judge_stale(session, rule, live[rule.id].planted, stale[rule.id], sizes)


def add_sized_noise(plan, rules, pools):
    """Chunks of the sizes that a rule about structures wants, which other noise seldom has."""
    for rule in rules:
        sizes = [sample.size for sample in rule.samples if sample.words]
        if not sizes or rule.most < max(sizes):
            continue
        least, most = max(rule.least, min(sizes)), min(rule.most, max(sizes) + 64)
        count = min(NOISE_SIZED, NOISE_SIZED_BYTES // most) // len(pools)
        for pool in pools:
            plan.add_noise("structures' sizes", count, request_of(least), request_of(most) + 1, pool)


def plan_noise(session, rules, kinds):
    """A copy of each rule's first sample stands in front, as a proof that the rule was looked for."""
    plan = Plan(SEED)
    planter = Planter(plan, bytes(b" " * 4096))
    for rule in rules:
        planter.plant(rule.samples[0])
    for kind in kinds:
        pool = noise.KINDS[kind] and noise.KINDS[kind](SEED)
        if pool is None and noise.KINDS[kind]:
            session.skip(f"noise of kind {kind}", "this machine has nothing to make it of")
            continue
        plan.add_noise(kind, NOISE_CHUNKS - NOISE_LARGE, 24, 600, pool)
        plan.add_noise(kind, NOISE_LARGE, 4096, 20480, pool)
    if "structs" in kinds:
        add_sized_noise(plan, rules, [None, bytes(1 << 20), noise.integers(SEED)])
    return plan


class Noisy:
    """A target full of noise, captured twice: the second time every second chunk is free."""

    def __init__(self, session, rules, kinds):
        self.plan = plan_noise(session, rules, kinds)
        self.target, self.addresses, self.noise = start(session, self.plan, "noise")
        self.memory = Memory(self.target.pid)
        self.found = collections.defaultdict(dict)  # by (rule, kind): {address of the chunk: bytes}
        self.look(session, rules, False)
        session.equal(ask(self.target, "free"), "FREED", "half of the noise is freed")
        self.look(session, rules, True)
        self.memory.close()
        self.target.kill()

    def look(self, session, rules, freed):
        """Takes what is found in noise, in use or freed. Each rule must find its own sample beside it."""
        core = session.must_capture(self.target.pid, "noise.core", "--compress", "none")
        hits = read_hits(core)
        os.remove(core)
        missed = [planted.sample.rule.id for planted in self.plan.planted if planted.sample.rule.can_live() != freed
                  and not find(hits, planted, self.addresses[planted.chunk])]
        session.equal(missed, [], f"each rule for chunks {'that are free' if freed else 'in use'} finds its sample "
                                  f"beside {', '.join(sorted(self.noise.count))}")
        for rule in rules:
            for start, end, chunk, state in hits.of(rule.id):
                address, kind = self.noise.holding(max(start, chunk))
                if kind and (state in FREE_STATES) == freed:
                    self.found[rule.id, kind].setdefault(address, self.memory.read(start, end - start + BEHIND))


def judge_noise(session, rule, found, counts):
    wrong = []
    for kind, count in counts.items():
        allowed, chunks = max(1, count // 100000), found.get((rule.id, kind), {})
        why, wanted = TRUE_IN_NOISE.get((rule.id, kind), ("", None))
        false = {address: data for address, data in chunks.items() if not wanted or not re.search(wanted, data)}
        if chunks:
            session.note(f"{rule.id}: {len(chunks)} of {count} chunks of {kind}, {len(false)} of them false"
                         f"{'; the others are true: ' + why if why else ''}")
        for address, data in list(false.items())[:SHOWN]:
            session.note(f"    0x{address:x} {data[:64].hex(' ', 8)}")
        if len(false) > allowed:
            wrong.append(f"{len(false)} of {count} {kind}")
    session.ok(not wrong, f"{rule.id}: at most 1 of 100,000 chunks of each kind of noise", "\n".join(wrong))


def noise_is_not(session, rules):
    found, counts = {}, collections.Counter()
    for some in [[kind] for kind in noise.KINDS] if LONG else [list(noise.KINDS)]:
        noisy = Noisy(session, rules, some)
        found.update(noisy.found)
        counts.update(noisy.noise.count)
    session.ok(len(counts) >= 8, f"{sum(counts.values())} chunks of noise: {', '.join(sorted(counts))}", str(counts))
    for rule in rules:
        judge_noise(session, rule, found, counts)


def main():
    session = Session()
    rules = read_rules()
    session.ok(rules and all(rule.samples for rule in rules), f"{len(rules)} rules have samples that match")
    session.test(samples_are_found, rules)
    session.test(noise_is_not, rules)
    session.finish()


if __name__ == "__main__":
    main()

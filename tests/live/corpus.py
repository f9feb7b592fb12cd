"""Plans for plant_target: samples of rules in chunks of all kinds, and where each of them went.

A sample is planted at a random place of a chunk of random size, in surroundings of zeros, random
bytes or text. Every copy is judged by itself: a hit of its rule must overlap it. Standard library only.
"""

import array
import bisect
import collections
import os
import platform
import random

UNIT_BYTES = 2 << 20  # analyze/content/runs.h
HEADER, WORD, ALIGN = 16, 8, 16  # glibc on 64-bit machines: malloc/malloc.c, chunk layout
LISTS_BYTES = 32  # of a freed chunk malloc may overwrite that many from its start on: fd, bk and their nextsize
NO_LIMIT = 1 << 60
MMAP_BYTES = 1 << 20  # plant_target: what is not smaller gets a mapping of its own
LIVE_STATES, FREE_STATES = {"in-use", "mmapped"}, {"tcache", "fastbin", "binned", "top"}

# What may stand beside a sample without changing what it is: no byte of text, no continuation of UTF-8.
BESIDE = bytes([*range(1, 9), *range(0xF8, 0x100)])

Sample = collections.namedtuple("Sample", "rule name size data words")
Planted = collections.namedtuple("Planted", "sample chunk offset spans style border")


class Rule:
    """A rule as `analyze rules samples --json` tells of it."""

    def __init__(self, told):
        self.id, scan = told["id"], told["scan"]
        self.anchored = scan["anchor"] == "chunk-start"
        self.states = set(scan["states"])
        self.least, self.most = scan["min_size"], scan["max_size"] or NO_LIMIT
        self.arch, self.word = scan["arch"], scan["word"]
        self.samples = [Sample(self, sample["name"], sample.get("size"), bytes.fromhex(sample.get("hex", "")),
                               sample.get("words")) for sample in told["samples"] if sample["expect"] == "match"]

    def applies(self):
        return self.arch in (None, platform.machine()) and self.word in (None, 8 * WORD)

    def can_live(self):
        return bool(self.states & LIVE_STATES)

    def why_not_stale(self):
        """Why no freed copy can be found, or None."""
        if not self.states & FREE_STATES:
            return "live only"
        if self.anchored:
            return "needs its first bytes"
        return None


def chunk_size(request):
    """Of malloc(request)."""
    return max(2 * ALIGN, (request + WORD + ALIGN - 1) // ALIGN * ALIGN)


def request_of(size):
    """The largest request that has a chunk of that size."""
    return size - WORD


class Plan:
    """The orders, and the bytes they copy from."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.blob, self.chunks, self.orders, self.sizes = bytearray(), [], [], []
        self.planted = []
        self.noise = []  # (kind, count)

    def store(self, data):
        self.blob += data
        return len(self.blob) - len(data)

    def chunk(self, size, data=b"", thread=0, round=0):
        self.chunks.append(f"chunk {thread} {round} {size} {self.store(data)} {len(data)}\n")
        self.sizes.append(size)
        return len(self.chunks) - 1

    def put(self, chunk, at, data):
        self.orders.append(f"put {chunk} {at} {self.store(data)} {len(data)}\n")

    def word(self, chunk, at, width, to, delta):
        self.orders.append(f"word {chunk} {at} {width} {to} {delta}\n")

    def add_noise(self, kind, count, least, most, pool):
        """`pool` None: words of structures, many of them pointers."""
        self.orders.append(f"noise {count} {least} {most} {self.store(pool or b'')} {len(pool or b'')}\n")
        self.noise.append((kind, count))

    def write(self, session, name):
        paths = [session.path(f"{name}.{what}") for what in ("plan", "bytes", "addresses")]
        with open(paths[0], "w", encoding="ascii") as file:
            file.writelines(self.chunks + self.orders)
        with open(paths[1], "wb") as file:
            file.write(self.blob or b"\0")
        return paths

    def read_addresses(self, path):
        """Gives (addresses of the chunks, the Noise)."""
        told = array.array("Q")
        with open(path, "rb") as file:
            told.frombytes(file.read())
        kinds = [kind for kind, count in self.noise for _ in range(count)]
        if len(told) != len(self.chunks) + 2 * len(kinds):
            raise RuntimeError(f"the target did not make {len(self.chunks)} chunks and {len(kinds)} of noise")
        made = told[len(self.chunks):]
        return told[:len(self.chunks)], Noise(zip(made[::2], made[1::2], kinds))


class Noise:
    """Chunks of noise, to be asked for the kind of what is at an address."""

    def __init__(self, chunks):
        self.chunks = sorted(chunks)  # (address, size, kind)
        self.count = collections.Counter(kind for _, _, kind in self.chunks)

    def holding(self, address):
        """(address, kind) of the chunk, or (0, None). It may be free and merged now: these were its bytes."""
        at = bisect.bisect_left(self.chunks, (address + 1,)) - 1
        if at < 0 or address >= self.chunks[at][0] + self.chunks[at][1]:
            return 0, None
        return self.chunks[at][0], self.chunks[at][2]


class Planter:
    """Puts copies of samples into a plan."""

    def __init__(self, plan, words):
        self.plan, self.random, self.words = plan, plan.random, words

    def surroundings(self, style, size, head):
        """`size` bytes to stand before (head) or behind a sample."""
        if style == "zeros" or not size:
            return bytes(size)
        if style == "random":
            data = bytearray(self.random.randbytes(size))
            data[-1 if head else 0] = self.random.choice(BESIDE)
            return bytes(data)
        at = self.random.randrange(len(self.words) - size)
        data = bytearray(self.words[at:at + size])
        data[-1 if head else 0] = ord("\n")
        return bytes(data)

    def head_bytes(self, rule):
        if rule.anchored:
            return 0
        return LISTS_BYTES + self.random.choice((0, self.random.randrange(16), self.random.randrange(400)))

    def plant_bytes(self, sample):
        """A sample that names its chunk's size is about the end of the chunk: zeros up to there, as in the
        heap of `rules test`. The chunk shares one more word with the next one's header; a match that starts
        in that word has no bytes that count for its chunk, and is not looked for."""
        rule, style = sample.rule, self.random.choice(("zeros", "random", "random", "text"))
        data = sample.data
        if sample.size:
            data += bytes(max(0, sample.size - HEADER - len(data)) + WORD)
        head = self.head_bytes(rule)
        at_end = bool(sample.size) or (len(data) > WORD and self.random.random() < 0.2)
        tail = 0 if at_end else self.random.randrange(max(1, WORD + 1 - len(data)), self.random.choice((WORD + 1, 400)))
        if rule.anchored and sample.size:
            request = len(data)
        else:
            size = max(chunk_size(head + len(data) + tail), rule.least)
            request = request_of((size + ALIGN - 1) // ALIGN * ALIGN)
            if request < MMAP_BYTES and chunk_size(request) > rule.most:
                request, head = request_of(rule.most // ALIGN * ALIGN), 0 if rule.anchored else LISTS_BYTES
        if at_end and not rule.anchored:
            head = request - len(data)
        tail = request - head - len(data)
        content = self.surroundings(style, head, True) + data + self.surroundings(style, tail, False)
        chunk = self.plan.chunk(request, content, self.random.randrange(2), self.random.randrange(2, 4))
        self.plan.planted.append(Planted(sample, chunk, head, [(head, len(sample.data))],
                                         style + (", at the end" if not tail else ""), False))

    def pointee(self, word, thread):
        size = int(word["value"], 16)
        return self.plan.chunk(request_of(size), self.random.randbytes(min(size, 4096)), thread,
                               1 if word["kind"] == "free" else 0)

    def write_words(self, sample, chunk, offset, thread):
        for word in sample.words:
            at, value = offset + word["at"], int(word["value"], 16)
            if word["kind"] == "number":
                self.plan.put(chunk, at, value.to_bytes(8, "little")[:word["bytes"]])
            elif word["kind"] == "self":
                self.plan.word(chunk, at, word["bytes"], chunk, offset + value)
            else:
                other = self.pointee(word, thread)
                header = word.get("header", 0)
                self.plan.word(chunk, at, word["bytes"], other, header)
                if "back" in word:
                    self.plan.word(other, header + word["back"], WORD, chunk, offset)

    def plant_words(self, sample):
        """What is between the words of a structure is random."""
        rule, thread = sample.rule, self.random.randrange(2)
        offset = 0 if rule.anchored else LISTS_BYTES + ALIGN * self.random.randrange(20)
        size = sample.size + (0 if rule.anchored else offset + ALIGN * self.random.randrange(20))
        if size > rule.most:
            offset, size = 0, sample.size
        style = self.random.choice(("zeros", "random"))
        chunk = self.plan.chunk(request_of(size), self.surroundings(style, request_of(size), True),
                                thread, self.random.randrange(2, 4))
        self.write_words(sample, chunk, offset, thread)
        self.plan.planted.append(Planted(sample, chunk, offset, word_spans(sample, offset), style, False))

    def plant(self, sample):
        (self.plant_words if sample.words else self.plant_bytes)(sample)

    def plant_across_borders(self, samples, only_first):
        """One sample across each border of a unit, in mappings of whole units, which malloc's header is
        the first bytes of (analyze/content/runs.c cuts what is contiguous every 2 MiB). `only_first`: all
        but the first byte of each, or two words, stands behind the border; else any part."""
        mapping = (len(samples) + 1) * UNIT_BYTES
        chunk = self.plan.chunk(mapping - 2 * HEADER, self.random.choice((b"", self.random.randbytes(4096))))
        for number, sample in enumerate(samples, 1):
            border = number * UNIT_BYTES - HEADER
            if sample.words:
                length = max(word["at"] + word["bytes"] for word in sample.words)
                offset = border - ALIGN * (1 if only_first else self.random.randrange(1, max(2, length // ALIGN)))
                self.write_words(sample, chunk, offset, 0)
                spans = word_spans(sample, offset)
            else:
                length = len(sample.data)
                offset = border - (1 if only_first else self.random.randrange(1, length))
                self.plan.put(chunk, offset - 1, bytes([BESIDE[0]]) + sample.data + bytes([BESIDE[1]]))
                spans = [(offset, length)]
            self.plan.planted.append(Planted(sample, chunk, offset, spans, "pages that a unit's border cuts", True))

    def fill_caches(self):
        """Chunks that are freed first, so that what is freed later of half of the sizes finds its thread's
        cache full (glibc malloc/malloc.c: 7 chunks of a size, of 1032 bytes at most)."""
        for size in range(24, 1033, ALIGN):
            for thread in range(2):
                if self.random.random() < 0.5:
                    for _ in range(7):
                        self.plan.chunk(size, b"\0", thread, 2)

    def keep(self):
        """A chunk that stays: what is freed beside it does not merge across it."""
        self.plan.chunk(self.random.randrange(16, 600), self.random.randbytes(64), self.random.randrange(2))


def word_spans(sample, offset):
    return [(offset + word["at"], word["bytes"]) for word in sample.words]


def crosses_borders(sample):
    """Can it be planted across a border of a unit, in a mmapped chunk with other samples?"""
    rule = sample.rule
    return (not rule.anchored and "mmapped" in rule.states and rule.most == NO_LIMIT
            and (sample.words or (not sample.size and len(sample.data) > 1)))


class Hits:
    """The lines of `analyze hits --ndjson`, to be asked by address."""

    def __init__(self, lines):
        self.by_rule = collections.defaultdict(list)
        for line in lines:
            if not line["claimed"]:
                start = int(line["address"], 16)
                self.by_rule[line["rule"]].append((start, start + line["bytes"], int(line["chunk"], 16), line["state"]))
        for hits in self.by_rule.values():
            hits.sort()

    def overlapping(self, rule, start, end):
        """(state, address) of the chunk of a hit that has bytes in that range, or None."""
        hits = self.by_rule.get(rule, [])
        at = bisect.bisect_left(hits, (end,))
        for _, last, chunk, state in hits[max(0, at - 4):at]:
            if last > start:
                return state, chunk
        return None

    def count(self, rule, start, end):
        """Hits that start in the range."""
        hits = self.by_rule.get(rule, [])
        return bisect.bisect_left(hits, (end,)) - bisect.bisect_left(hits, (start,))

    def of(self, rule):
        """(start, end, chunk, state) by address."""
        return self.by_rule.get(rule, [])


class Chunks:
    """The lines of `analyze chunks --ndjson`: the chunk of an address."""

    def __init__(self, lines):
        self.all = sorted((int(line["address"], 16), line["bytes"], line["state"]) for line in lines)

    def holding(self, address):
        """(user address, bytes, state), or (0, 0, None)."""
        at = bisect.bisect_right(self.all, (address, 1 << 62, "")) - 1
        if at < 0 or address >= self.all[at][0] + self.all[at][1] - WORD:
            return 0, 0, None
        return self.all[at]


class Memory:
    """Bytes of a running process."""

    def __init__(self, pid):
        self.file = os.open(f"/proc/{pid}/mem", os.O_RDONLY)

    def read(self, address, size):
        try:
            return os.pread(self.file, size, address)
        except OSError:  # unmapped since
            return b""

    def close(self):
        os.close(self.file)

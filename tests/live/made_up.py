"""Text and records by chance, the same in every run. Standard library only."""

import os
import random

PIECES = 120 if os.environ.get("DUMPCORE_LONG") else 12
rng = random.Random(7)


def text(size):
    words = "order item total amount customer address street city invoice payment status shipped open".split()
    parts = []
    while sum(map(len, parts)) < size:
        parts += [rng.choice(words), str(rng.randrange(10000))]
    return " ".join(parts)[:size]


def record(number):
    return {"id": number, "name": text(20), "tags": text(30).split(), "price": rng.random(), "open": True, "next": None}


def sizes():
    return [rng.randrange(200, 6000) for _ in range(PIECES)]

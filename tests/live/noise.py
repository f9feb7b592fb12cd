"""Pools of bytes in which no rule should find anything: random, compressed and encrypted bytes, words,
program text, documents, numbers. Made from a seed and of what the machine has; None where it has not.
Standard library only."""

import array
import functools
import glob
import os
import random
import shutil
import subprocess
import sysconfig
import zlib

POOL_BYTES = 4 << 20
VOCABULARY = """the of and to in is that it was for on are as with they at be this from have or by one had not but
what all were when we there can an your which their said if do will each about how up out them then she many some
so these would other into has more her two like him see time could no make than first been its who now people my
made over did down only way find use may water long little very after words called just where most know value
error index table buffer request response server client user name type size count list item order account
password token session message event queue worker thread stream file path line column""".split()
MARKS = [" ", " ", " ", " ", " ", " ", ", ", ". ", ": ", "; ", " - ", "\n", "\n\n", " (", ") ", "/", "_", "\t", "=", "'", '"']


@functools.lru_cache(maxsize=1)
def words(seed):
    """Words, identifiers and numbers with the marks between them, without order."""
    rng, parts, size = random.Random(seed), [], 0
    while size < POOL_BYTES:
        some = rng.choices(VOCABULARY, k=5000)
        for at in range(0, len(some), 7):
            some[at] = rng.choice((str(rng.randrange(10 ** rng.randrange(1, 12))), some[at].capitalize(),
                                   some[at] + "_" + some[at - 1], some[at] + some[at - 1].capitalize(),
                                   f"{rng.random() * 100:.2f}", hex(rng.randrange(1 << 32))))
        marks = rng.choices(MARKS, k=5000)
        parts.append("".join(word + mark for word, mark in zip(some, marks)))
        size += len(parts[-1])
    return "".join(parts).encode()


def read_files(patterns):
    parts, size = [], 0
    for pattern in patterns:
        for path in sorted(glob.glob(pattern, recursive=True)):
            if size < POOL_BYTES and os.path.isfile(path):
                with open(path, "rb") as file:
                    parts.append(file.read(POOL_BYTES // 8))
                size += len(parts[-1])
    return b"".join(parts) if size > 1 << 20 else None


def documents(seed):
    return read_files(["/usr/share/dict/*", "/usr/share/doc/*/copyright"])


def source(seed):
    return read_files([sysconfig.get_paths()["stdlib"] + "/[a-m]*.py", "/usr/include/**/*.h"])


def piped(command, data):
    if not shutil.which(command[0]):
        return None
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def deflated(seed):
    """The middle of one stream: no header, no checksum."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (packer.compress(words(seed) + (documents(seed) or b"") + (source(seed) or b"")) + packer.flush())[64:-64]


def zstd_blocks(seed):
    """Blocks of one frame behind the first, of 128 KiB at most (RFC 8878 3.1.1.2): its magic is not there."""
    packed = piped(["zstd", "-q", "-3", "-c"], words(seed) + (documents(seed) or b""))
    return packed and packed[4096:-64]


def encrypted(seed):
    return piped(["openssl", "enc", "-aes-128-ctr", "-K", "000102030405060708090a0b0c0d0e0f",
                  "-iv", f"{seed:032x}"], bytes(POOL_BYTES))


def utf16(seed):
    return words(seed)[:POOL_BYTES // 2].decode().encode("utf-16-le")


@functools.lru_cache(maxsize=1)
def integers(seed):
    """Arrays of small numbers of all widths, one after another."""
    rng, pool = random.Random(seed), b""
    while len(pool) < POOL_BYTES:
        code, most = rng.choice((("B", 255), ("H", 1000), ("I", 100), ("I", 70000), ("q", 10), ("q", 1 << 20)))
        pool += array.array(code, rng.choices(range(most), k=20000)).tobytes()
    return pool


def floats(seed):
    rng = random.Random(seed)
    some = [rng.choice((rng.random(), rng.gauss(0, 1000), float(rng.randrange(100)), 0.0)) for _ in range(200000)]
    return array.array("d", some).tobytes() + array.array("f", some).tobytes()


KINDS = {
    "random": lambda seed: random.Random(seed).randbytes(POOL_BYTES),
    "encrypted": encrypted,
    "deflate": deflated,
    "zstd": zstd_blocks,
    "words": words,
    "documents": documents,
    "source": source,
    "utf-16": utf16,
    "integers": integers,
    "floats": floats,
    "zeros": lambda seed: bytes(1 << 20),
    "structs": None,  # made by the target: only it knows where chunks are
}

"""A target: holds data that real tools made, in malloc's memory, and says where each piece is.

usage: PYTHONMALLOC=malloc python3 held_data.py FOLDER [REDIS_SOCKET]

Each piece is there twice: as a bytes object, and copied to the start of a chunk. Writes
FOLDER/held.json: {"pieces": [[kind, address, size, parts]],
"objects": {kind: how many are open}} and prints READY; parts is how many records, entries or messages
a piece has. A line on stdin lets go of the open objects; the answer is CLOSED. Standard library only.
"""

import ctypes
import json
import os
import sqlite3
import ssl
import sys
import zlib

from real_data import MAKERS, redis_data, text

OBJECTS = 25
BYTES_HEAD = bytes.__basicsize__ - 1  # CPython Include/cpython/bytesobject.h: ob_sval is the last member
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]


def open_objects():
    """kind: objects of C libraries, open and in use."""
    found = {"zlib inflate": [], "zlib deflate": [], "ssl": [], "sqlite": [], "stdio": [], "directory": []}
    context = ssl.create_default_context()
    libc.fopen.restype = libc.opendir.restype = ctypes.c_void_p
    for number in range(OBJECTS):
        inflater, deflater = zlib.decompressobj(), zlib.compressobj()
        inflater.decompress(zlib.compress(text(3000).encode())[:-50])
        deflater.compress(text(3000).encode())
        base = sqlite3.connect(":memory:")
        base.execute("create table t (a)").connection.execute("insert into t values (1)")
        found["zlib inflate"].append(inflater)
        found["zlib deflate"].append(deflater)
        found["sqlite"].append(base)
        found["ssl"].append(context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="shop.example"))
        found["stdio"].append(libc.fopen(b"/etc/passwd", b"r"))
        found["directory"].append(libc.opendir(b"/"))
    return found


def copy(data):
    """At the start of a chunk."""
    address = libc.malloc(len(data))
    ctypes.memmove(address, data, len(data))
    return address


def main():
    pieces, held = [], []
    made = [(kind, piece) for kind, make in MAKERS.items() for piece in make()]
    if len(sys.argv) > 2:
        made += [(kind, piece) for kind, pieces in redis_data(sys.argv[2]).items() for piece in pieces]
    for kind, piece in made:
        data, parts = piece if isinstance(piece, tuple) else (piece, 1)
        data = data[:len(data) // 2] + data[len(data) // 2:]  # an object of its own
        held.append(data)
        pieces.append([kind, id(data) + BYTES_HEAD, len(data), parts])
        pieces.append([kind, copy(data), len(data), parts])
    objects = open_objects()
    with open(os.path.join(sys.argv[1], "held.json"), "w", encoding="utf-8") as file:
        json.dump({"pieces": pieces, "objects": {kind: len(some) for kind, some in objects.items()}}, file)
    print("READY", flush=True)
    for _ in sys.stdin:
        for base in objects["sqlite"]:
            base.close()
        for file in objects["stdio"]:
            libc.fclose(ctypes.c_void_p(file))
        for folder in objects["directory"]:
            libc.closedir(ctypes.c_void_p(folder))
        objects.clear()
        print("CLOSED", flush=True)


if __name__ == "__main__":
    main()

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

from made_up import text
from real_data import MAKERS
from real_messages import redis_data

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
    for name, opened in (("zstd compress", open_zstd_compress), ("zstd decompress", open_zstd_decompress),
                         ("curl", open_curl), ("libxml2 document", open_documents)):
        try:
            found[name] = opened()
        except OSError:  # no such library here
            continue
    return found


def library(name, **results):
    loaded = ctypes.CDLL(name)
    for function in results:
        getattr(loaded, function).restype = ctypes.c_void_p
    return loaded


def open_zstd_compress():
    """In the middle of a stream, as a write that has not been flushed leaves it."""
    zstd, made = library("libzstd.so.1", ZSTD_createCCtx=1), []
    for number in range(OBJECTS):
        made.append(zstd.ZSTD_createCCtx())
        feed(zstd.ZSTD_compressStream2, made[-1], text(3000).encode(), ctypes.c_int(0))
    return made


def open_zstd_decompress():
    zstd, made = library("libzstd.so.1", ZSTD_createDCtx=1), []
    packed = ctypes.create_string_buffer(8192)
    for number in range(OBJECTS):
        data = text(3000).encode()
        size = zstd.ZSTD_compress(packed, ctypes.c_size_t(8192), data, ctypes.c_size_t(len(data)), ctypes.c_int(3))
        made.append(zstd.ZSTD_createDCtx())
        feed(zstd.ZSTD_decompressStream, made[-1], packed.raw[:size - 20])
    return made


class Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer (zstd.h)."""

    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


def feed(function, context, data, *more):
    out, source = ctypes.create_string_buffer(1 << 17), ctypes.create_string_buffer(data)
    function(ctypes.c_void_p(context), ctypes.byref(Buffer(ctypes.addressof(out), 1 << 17, 0)),
             ctypes.byref(Buffer(ctypes.addressof(source), len(data), 0)), *more)


def open_curl():
    curl = library("libcurl.so.4", curl_easy_init=1)
    return [curl.curl_easy_init() for _ in range(OBJECTS)]


def open_documents():
    xml2 = library("libxml2.so.2", xmlReadMemory=1)
    data = b"<orders><order id='1'>text</order></orders>"
    return [xml2.xmlReadMemory(data, len(data), b"a.xml", None, 0) for _ in range(OBJECTS)]


def close_objects(objects):
    for name, function, kind in (("libzstd.so.1", "ZSTD_freeCCtx", "zstd compress"),
                                 ("libzstd.so.1", "ZSTD_freeDCtx", "zstd decompress"),
                                 ("libcurl.so.4", "curl_easy_cleanup", "curl"),
                                 ("libxml2.so.2", "xmlFreeDoc", "libxml2 document"),
                                 (None, "fclose", "stdio"), (None, "closedir", "directory")):
        for item in objects.get(kind, []):
            getattr(ctypes.CDLL(name), function)(ctypes.c_void_p(item))
    for base in objects["sqlite"]:
        base.close()
    objects.clear()


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
        close_objects(objects)
        print("CLOSED", flush=True)


if __name__ == "__main__":
    main()

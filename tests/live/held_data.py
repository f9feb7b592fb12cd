"""A target: holds data that real tools made, in malloc's memory, and says where each piece is.

usage: PYTHONMALLOC=malloc python3 held_data.py FOLDER [REDIS_SOCKET]

Each piece is there twice: as a bytes object, and copied to the start of a chunk. Writes
FOLDER/held.json: {"pieces": [[kind, address, size, parts]],
"objects": {kind: how many are open}} and prints READY; parts is how many records, entries or messages
a piece has. A line on stdin lets go of the open objects; the answer is CLOSED. Standard library only.
"""

import base64
import bz2
import calendar
import csv
import ctypes
import email.message
import glob
import gzip
import hashlib
import hmac
import http.client
import http.server
import io
import json
import logging
import lzma
import marshal
import os
import pickle
import plistlib
import random
import shutil
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tarfile
import urllib.parse
import wave
import xml.etree.ElementTree
import zipfile
import zlib

PIECES, OBJECTS = 120 if os.environ.get("DUMPCORE_LONG") else 12, 25
BYTES_HEAD = bytes.__basicsize__ - 1  # CPython Include/cpython/bytesobject.h: ob_sval is the last member
FOLDER = sys.argv[1]
rng = random.Random(7)
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]


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


def piped(*command):
    """What a program makes of texts; nothing where it is not there."""
    if shutil.which(command[0]):
        for size in sizes():
            yield subprocess.run(command, input=text(size).encode(), stdout=subprocess.PIPE, check=True).stdout


def zips(compression, manifest=False):
    for count in range(1, PIECES + 1):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as archive:
            if manifest:
                archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nCreated-By: held_data\r\n\r\n")
            for entry in range(count):
                archive.writestr(f"com/example/part{entry}/File{entry}.txt", text(200 + entry))
        yield file.getvalue(), count + manifest


def png():
    for side in range(20, 20 + PIECES):
        def part(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        rows = b"".join(b"\0" + rng.randbytes(side * 3) for _ in range(side))
        yield (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
               + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))


def jwt():
    def coded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    for number in range(PIECES):
        signed = coded(b'{"alg":"HS256","typ":"JWT"}') + b"." + coded(json.dumps({"sub": str(number), "iat": 1700000000}).encode())
        yield signed + b"." + coded(hmac.new(b"key", signed, hashlib.sha256).digest())


class Sink(http.client.HTTPConnection):
    """Keeps what the client would send."""

    def connect(self):
        self.sent, self.sock = b"", self

    def sendall(self, data):
        self.sent += data

    def close(self):
        pass


def requests():
    for number in range(PIECES):
        sink = Sink("shop.example")
        body = json.dumps(record(number)) if number % 2 else None
        sink.request("POST" if body else "GET", f"/api/orders/{number}?full=1", body, {"Accept": "*/*", "X-Trace": "a"})
        yield sink.sent


def responses():
    class Handler(http.server.BaseHTTPRequestHandler):
        def __init__(self, number):
            self.wfile, self.request_version, self.requestline = io.BytesIO(), "HTTP/1.1", ""
            self.protocol_version, self.close_connection, self.client_address = "HTTP/1.1", False, ("", 0)
            body = json.dumps(record(number)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    return [Handler(number).wfile.getvalue() for number in range(PIECES)]


def databases():
    for number in range(PIECES):
        with sqlite3.connect(":memory:") as base:
            base.execute("create table orders (id integer primary key, name text, total real)")
            base.executemany("insert into orders values (?, ?, ?)", [(i, text(40), i / 3) for i in range(20 + number)])
            yield base.serialize()


def statements():
    for number in range(PIECES):
        yield (f"SELECT o.id, o.name, c.city FROM orders o JOIN customers c ON c.id = o.customer_id "
               f"WHERE o.id = {number} AND o.status = 'open' ORDER BY o.id LIMIT 10").encode()


def certificates():
    for path in sorted(glob.glob("/etc/ssl/certs/*.pem"))[:PIECES]:
        with open(path, "rb") as file:
            yield file.read()


def keys():
    if shutil.which("openssl"):
        for kind in (["ed25519"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["rsa", "-pkeyopt", "rsa_keygen_bits:1024"]):
            yield subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", *kind], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, check=False).stdout


def log_lines():
    file = io.StringIO()
    handler = logging.StreamHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(threadName)s] %(name)s - %(message)s"))
    log = logging.Logger("com.example.orders.OrderService")
    log.addHandler(handler)
    for _ in range(PIECES):
        file.truncate(file.seek(0))
        for level in (logging.INFO, logging.WARNING, logging.ERROR, logging.INFO):
            log.log(level, "processed %d orders", rng.randrange(1000))
        yield file.getvalue().encode()


def xml_documents():
    for number in range(PIECES):
        root = xml.etree.ElementTree.Element("orders")
        for key, value in record(number).items():
            xml.etree.ElementTree.SubElement(root, "field", name=key).text = str(value)
        yield xml.etree.ElementTree.tostring(root, "utf-8", xml_declaration=True)


def tables():
    for number in range(PIECES):
        file = io.StringIO()
        csv.writer(file).writerows([["id", "name", "price"]] + [[i, text(20), i / 7] for i in range(20 + number)])
        yield file.getvalue().encode()


def mails():
    for number in range(PIECES):
        mail = email.message.EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "shop@example.org", "jo@example.org", f"Order {number}"
        mail.set_content(text(300))
        yield mail.as_bytes()


def forms():
    for number in range(PIECES):
        yield urllib.parse.urlencode({key: str(value) for key, value in record(number).items()}).encode()


def archives():
    for count in range(1, PIECES + 1):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as archive:
            for entry in range(count):
                data = text(300).encode()
                info = tarfile.TarInfo(f"folder/file{entry}.txt")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        yield file.getvalue(), count


def sounds():
    for number in range(PIECES):
        file = io.BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(rng.randbytes(2000 + 2 * number))
        yield file.getvalue()


def code():
    for number in range(PIECES):
        compiled = compile(f"def add{number}(a, b):\n    return [a + b + {number}, len('text')]\nprint(add{number}(1, 2))\n" * 3,
                           f"/srv/app/module{number}.py", "exec")
        head = __import__("importlib.util").util.MAGIC_NUMBER + struct.pack("<III", 0, 1700000000, 200)
        yield head + marshal.dumps(compiled)


def replies(path):
    """What a real redis answers (RESP2), read from its socket."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        reader = link.makefile("rb")

        def ask(*words):
            link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in map(str.encode, words)))
            kept = head = reader.readline()
            if head[:1] == b"*":
                for _ in range(int(head[1:])):
                    kept += reader.readline()
                    kept += reader.read(int(kept.rsplit(b"$", 1)[1]) + 2)
            return kept
        for number in range(PIECES):
            for field in range(4):
                ask("HSET", f"order:{number}", f"field{field}", text(20))
            yield ask("HGETALL", f"order:{number}")


def commands():
    for number in range(PIECES):
        words = ["SET", f"session:{number}", text(100), "EX", "3600"]
        yield b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in map(str.encode, words))


MAKERS = {
    "gzip": lambda: [gzip.compress(text(size).encode(), rng.choice((1, 6, 9))) for size in sizes()],
    "gzip program": lambda: piped("gzip", "-c"),
    "zlib": lambda: [zlib.compress(text(size).encode(), rng.choice((1, 6, 9))) for size in sizes()],
    "zip, deflated": lambda: zips(zipfile.ZIP_DEFLATED),
    "zip, stored": lambda: zips(zipfile.ZIP_STORED),
    "jar": lambda: zips(zipfile.ZIP_STORED, manifest=True),
    "zstd": lambda: piped("zstd", "-q", "-c"),
    "lz4": lambda: piped("lz4", "-q", "-c"),
    "xz": lambda: [lzma.compress(text(size).encode()) for size in sizes()],
    "bzip2": lambda: [bz2.compress(text(size).encode()) for size in sizes()],
    "tar": archives,
    "png": png,
    "wav": sounds,
    "sqlite": databases,
    "sql": statements,
    "json object": lambda: [json.dumps(record(number)).encode() for number in range(PIECES)],
    "json array": lambda: [json.dumps([record(number) for number in range(4)], indent=2).encode() for _ in range(PIECES)],
    "pickle": lambda: [pickle.dumps([record(number)] * 3, 4 + number % 2) for number in range(PIECES)],
    "pickle, older": lambda: [pickle.dumps([record(number)] * 3, 2 + number % 2) for number in range(PIECES)],
    "plist": lambda: [plistlib.dumps({"order": text(300)}, fmt=plistlib.FMT_BINARY) for _ in range(PIECES)],
    "certificate": certificates,
    "der certificate": lambda: [ssl.PEM_cert_to_DER_cert(data.decode()) for data in certificates()],
    "private key": keys,
    "jwt": jwt,
    "http request": requests,
    "http response": responses,
    "resp command": commands,
    "log": log_lines,
    "xml": xml_documents,
    "html": lambda: [calendar.HTMLCalendar().formatyearpage(2000 + number) for number in range(PIECES)],
    "csv": tables,
    "mail": mails,
    "form": forms,
    "utf-16": lambda: [text(size).encode("utf-16-le") for size in sizes()],
    "pyc": code,
}


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
        made += [("resp reply", piece) for piece in replies(sys.argv[2])]
    for kind, piece in made:
        data, parts = piece if isinstance(piece, tuple) else (piece, 1)
        data = data[:len(data) // 2] + data[len(data) // 2:]  # an object of its own
        held.append(data)
        pieces.append([kind, id(data) + BYTES_HEAD, len(data), parts])
        pieces.append([kind, copy(data), len(data), parts])
    objects = open_objects()
    with open(os.path.join(FOLDER, "held.json"), "w", encoding="utf-8") as file:
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

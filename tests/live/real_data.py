"""Data made by real tools: libraries of Python, programs, and files that the machine has; real_messages.py has what
they send. Each maker gives pieces of one kind, as bytes or as (bytes, how many parts that has); none where the tool is
not there. Standard library only."""

import base64
import bz2
import calendar
import csv
import glob
import gzip
import hashlib
import hmac
import importlib.util
import io
import itertools
import json
import lzma
import marshal
import os
import pickle
import plistlib
import shutil
import sqlite3
import ssl
import struct
import subprocess
import tarfile
import tempfile
import urllib.parse
import wave
import xml.etree.ElementTree
import zipfile
import zlib

import real_messages
from made_up import PIECES, record, rng, sizes, text


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
        claims = json.dumps({"sub": str(number), "iat": 1700000000}).encode()
        signed = coded(b'{"alg":"HS256","typ":"JWT"}') + b"." + coded(claims)
        yield signed + b"." + coded(hmac.new(b"key", signed, hashlib.sha256).digest())


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
        for kind in (["ed25519"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
                     ["rsa", "-pkeyopt", "rsa_keygen_bits:1024"]):
            yield subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", *kind], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, check=False).stdout


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
        source = f"def add{number}(a, b):\n    return [a + b + {number}, len('text')]\nprint(add{number}(1, 2))\n" * 3
        made = compile(source, f"/srv/app/module{number}.py", "exec")
        head = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, 1700000000, 200)
        yield head + marshal.dumps(made)


def write_ahead_logs():
    for number in range(PIECES):
        with tempfile.TemporaryDirectory() as folder:
            base = sqlite3.connect(os.path.join(folder, "a.db"))
            base.execute("pragma journal_mode = wal")
            base.execute("create table orders (id integer primary key, name text)")
            base.executemany("insert into orders values (?, ?)", [(i, text(40)) for i in range(20 + number)])
            base.commit()
            with open(os.path.join(folder, "a.db-wal"), "rb") as file:
                yield file.read()
            base.close()


def compiled(*options):
    """What clang makes of a program in C."""
    if not shutil.which("clang"):
        return
    for number in range(3):
        with tempfile.TemporaryDirectory() as folder:
            source, made = os.path.join(folder, "a.c"), os.path.join(folder, "a.out")
            with open(source, "w", encoding="ascii") as file:
                file.write("".join(f"int f{at}(int a) {{ return a * {at} + {number}; }}\n" for at in range(20)))
            if subprocess.run(["clang", *options, "-c", source, "-o", made], stderr=subprocess.DEVNULL,
                              check=False).returncode == 0:
                with open(made, "rb") as file:
                    yield file.read()


def files_of_machine(*patterns):
    """Files that somebody else's tools made, of 32 bytes to 300 KB."""
    found = itertools.chain.from_iterable(glob.iglob(pattern, recursive=True) for pattern in patterns)
    whole = (path for path in found if os.path.isfile(path) and 32 <= os.path.getsize(path) < 300000)
    for path in itertools.islice(whole, PIECES):
        with open(path, "rb") as file:
            yield file.read()


def ssh_keys():
    for kind in ("ed25519", "ecdsa") if shutil.which("ssh-keygen") else ():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "key")
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path], check=True)
            with open(path, "rb") as file:
                yield file.read()


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
    "sqlite log": write_ahead_logs,
    "sql": statements,
    "json object": lambda: [json.dumps(record(number)).encode() for number in range(PIECES)],
    "json array": lambda: [json.dumps([record(number) for number in range(4)], indent=2).encode() for _ in range(PIECES)],
    "pickle": lambda: [pickle.dumps([record(number)] * 3, 4 + number % 2) for number in range(PIECES)],
    "pickle, older": lambda: [pickle.dumps([record(number)] * 3, 2 + number % 2) for number in range(PIECES)],
    "plist": lambda: [plistlib.dumps({"order": text(300)}, fmt=plistlib.FMT_BINARY) for _ in range(PIECES)],
    "certificate": certificates,
    "der certificate": lambda: [ssl.PEM_cert_to_DER_cert(data.decode()) for data in certificates()],
    "private key": keys,
    "ssh key": ssh_keys,
    "jwt": jwt,
    "http request": real_messages.requests,
    "http response": real_messages.responses,
    "redis command": lambda: [real_messages.redis_command(["SET", f"session:{number}", text(100), "EX", "3600"])
                              for number in range(PIECES)],
    "http/2 client": lambda: filter(None, [real_messages.sent_by("curl", "-s", "--http2-prior-knowledge",
                                                   "http://127.0.0.1:PORT/orders")]),
    "mqtt client": lambda: filter(None, [real_messages.sent_by("curl", "-s", "mqtt://127.0.0.1:PORT/orders/new")]),
    "multipart form": real_messages.forms,
    "tls client": real_messages.hellos,
    "log": real_messages.log_lines,
    "syslog": real_messages.syslog_lines,
    "syslog, older": real_messages.older_syslog_lines,
    "xml": xml_documents,
    "html": lambda: [calendar.HTMLCalendar().formatyearpage(2000 + number) for number in range(PIECES)],
    "csv": tables,
    "mail": real_messages.mails,
    "form": lambda: [urllib.parse.urlencode({key: str(value) for key, value in record(number).items()}).encode()
                     for number in range(PIECES)],
    "utf-16": lambda: [text(size).encode("utf-16-le") for size in sizes()],
    "pyc": code,
    "webassembly": lambda: compiled("--target=wasm32", "-O1"),
    "bitcode": lambda: compiled("-emit-llvm"),
    "elf": lambda: files_of_machine("/lib/*/lib*.so.*"),
    "png file": lambda: files_of_machine("/usr/share/icons/**/*.png", "/usr/share/doc/**/*.png"),
    "gif file": lambda: files_of_machine("/usr/share/doc/**/*.gif"),
    "jpeg file": lambda: files_of_machine("/usr/share/doc/**/*.jpg"),
    "pdf file": lambda: files_of_machine("/usr/share/doc/**/*.pdf"),
    "font file": lambda: files_of_machine("/usr/share/fonts/**/*.ttf"),
    "gzip file": lambda: files_of_machine("/usr/share/doc/*/changelog.Debian.gz"),
}

#!/usr/bin/env python3
"""What the shipped rules find of data that real tools made, and of open objects of C libraries: how many
there are is known by the programs that hold them (held_data.py, Held.java, held.js), not by the rules.

Arguments are rule files or folders that take the place of rules/. A row about a rule that is not there is skipped.
"""

import collections
import json
import os
import sys

from corpus import LIVE_STATES, Hits, Rule
from harness import (ANALYZE, COMPLETE, ROOT, RULES, UNPACKED, Session, Skip, find_program, library_path, run)
from process import ask

FOLDER = os.path.join(ROOT, "tests", "live")
CHOSEN = sys.argv[1:] or [RULES]

# kind of piece: the rule that must find it, and whether each part of it is a hit
PIECES = [
    ("gzip", "compression.gzip", False),
    ("gzip program", "compression.gzip", False),
    ("gzip file", "compression.gzip", False),
    ("zlib", "compression.zlib-data", False),
    ("zip, deflated", "archives.zip-local-header", True),
    ("zip, deflated", "archives.zip-central-directory", True),
    ("zip, deflated", "archives.zip-end", False),
    ("zip, stored", "archives.zip-local-header", True),
    ("zip, stored", "archives.zip-central-directory", True),
    ("zip, stored", "archives.zip-end", False),
    ("jar", "archives.jar-manifest", False),
    ("tar", "archives.tar-entry", True),
    ("zstd", "compression.zstd-frame", False),
    ("lz4", "compression.lz4-frame", False),
    ("xz", "compression.xz-stream", False),
    ("bzip2", "compression.bzip2-stream", False),
    ("png", "media.png", False),
    ("png file", "media.png", False),
    ("gif file", "media.gif", False),
    ("jpeg file", "media.jpeg", False),
    ("pdf file", "media.pdf", False),
    ("font file", "media.font", False),
    ("wav", "media.riff", False),
    ("sqlite", "databases.sqlite-database", False),
    ("sqlite log", "databases.sqlite-wal", False),
    ("redis snapshot", "databases.redis-rdb", False),
    ("json object", "web.json-text", False),
    ("json array", "web.json-text", False),
    ("pickle", "languages.python-pickle", False),
    ("pyc", "languages.python-pyc", False),
    ("elf", "languages.elf-file", False),
    ("webassembly", "languages.wasm-module", False),
    ("bitcode", "languages.llvm-bitcode", False),
    ("certificate", "crypto.pem", False),
    ("der certificate", "crypto.certificate", False),
    ("private key", "crypto.private-key-pem", False),
    ("ssh key", "crypto.private-key-pem", False),
    ("jwt", "crypto.jwt", False),
    ("tls client", "crypto.tls-records", False),
    ("http request", "web.http-message", False),
    ("http response", "web.http-message", False),
    ("http/2 client", "web.http2-preface", False),
    ("multipart form", "web.multipart-part", False),
    ("mqtt client", "wire.mqtt-connect", False),
    ("redis command", "wire.redis-command", False),
    ("syslog", "wire.syslog-message", False),
    ("log", "text.log-line", False),
    ("sql", "text.sql-statement", False),
    ("utf-16", "text.utf16-text", False),
    ("csv", "text.utf8-text", False),
    ("mail", "text.utf8-text", False),
    ("xml", "web.xml-document", False),
    ("html", "web.html-document", False),
    ("class", "jvm.class-file", False),
    ("java serialized", "jvm.serialized-object", False),
    ("heap dump", "jvm.heap-dump", False),
    ("flight recording", "jvm.flight-recording", False),
    ("websocket client", "web.websocket-masked", False),
]

# What depends on a program or a file of the machine.
MADE_ELSEWHERE = ("gzip program", "gzip file", "zstd", "lz4", "private key", "ssh key", "certificate", "redis snapshot",
                  "http/2 client", "mqtt client", "multipart form", "syslog", "webassembly", "bitcode", "png file", "gif file",
                  "jpeg file", "pdf file", "font file")

# kind of open object: the rule whose hits in chunks in use are as many, and how many there may be besides
OBJECTS = [
    ("zlib inflate", "compression.zlib-inflate", 0),
    ("zlib deflate", "compression.zlib-deflate", 0),
    ("ssl", "allocators.openssl-connection", 0),
    ("stdio", "allocators.stdio-stream", 1),  # held.json is written then
    ("directory", "allocators.directory-stream", 0),
    ("zstd compress", "compression.zstd-compress", 0),  # or that of another release, see count_live
    ("zstd decompress", "compression.zstd-decompress", 0),
    ("curl", "allocators.curl-handle", 0),
    ("libxml2 document", "allocators.libxml2-document", 0),
    ("node inflate", "compression.node-inflate", 0),
    ("node deflate", "compression.node-deflate", 0),
]

def redis_socket(session):
    """The socket of a redis of our own, or None."""
    program = find_program("redis-server")
    if not program:
        session.note("there is no redis-server: no replies of it")
        return None
    path = session.path("redis.sock")
    session.start(program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", os.path.dirname(path),
                  ready="eady to accept", env=library_path() if program.startswith(UNPACKED) else None)
    return path


def read_hits(core):
    rules = [word for path in CHOSEN for word in ("--rules", path)]
    result = run(ANALYZE, "hits", core, "--ndjson", *rules)
    if result.status != COMPLETE:
        raise RuntimeError(result.describe())
    return [json.loads(line) for line in result.stdout.splitlines()]


def read_rules():
    result = run(ANALYZE, "rules", "samples", "--json", "--strict", *CHOSEN)
    return {rule.id: rule for rule in map(Rule, json.loads(result.out)) if rule.applies()}


def judge_pieces(session, kind, rule, hits, copies, each_part):
    """`copies`: (address, size, parts, does it start a chunk?)."""
    found, wanted, missed = 0, 0, []
    for address, size, parts, starts in copies:
        count, most = hits.count(rule.id, address, address + size), parts if each_part else 1
        wanted += most
        found += min(count, most)
        if count < most or (each_part and count > most):
            where = ", the start of a chunk" if starts else ""
            missed.append(f"{count} of {most} in {size} bytes at 0x{address:x}{where}")
    session.ok(not missed, f"{kind}: {rule.id} finds it ({found}/{wanted})", "\n".join(missed[:6]))


def pieces_are_found(session, pieces, rules, hits, missing=()):
    """`pieces`: (kind, address, size, parts, does it start a chunk?)."""
    by_kind = collections.defaultdict(list)
    for kind, *copy in pieces:
        by_kind[kind].append(copy)
    for kind, id, each_part in PIECES:
        rule = rules.get(id)
        if not by_kind[kind]:
            if kind in missing:
                session.skip(f"{kind}: {id} finds it", "this machine has nothing to make it of")
        elif not rule:
            session.skip(f"{kind}: {id} finds it", "there is no such rule")
        else:
            judge_pieces(session, kind, rule, hits, [copy for copy in by_kind[kind] if copy[3] or not rule.anchored],
                         each_part)


def show_others(session, pieces, rules, hits):
    """What else rules say of the pieces: to be read, as much of it is true (a PNG has a zlib stream)."""
    expected = {(kind, id) for kind, id, _ in PIECES}
    for id in rules:
        others = collections.Counter()
        for kind, address, size, *_ in pieces:
            others[kind] += bool((kind, id) not in expected and hits.count(id, address, address + size))
        if +others:
            session.note(f"{id} also in " + ", ".join(f"{n} {kind}" for kind, n in (+others).items()))


def count_live(hits, id):
    """Hits in chunks in use; those of id-1.5.6 too, which is about another release."""
    return sum((hit["rule"] == id or hit["rule"].startswith(id + "-1.")) and not hit["claimed"]
               and hit["state"] in LIVE_STATES for hit in hits)


def objects_are_counted(session, objects, rules, before, after=None):
    for kind, id, slack in OBJECTS:
        if kind not in objects:
            continue
        if id not in rules:
            session.skip(f"{kind}: {id} counts what is open", "there is no such rule")
            continue
        found = count_live(before, id)
        session.ok(objects[kind] <= found <= objects[kind] + slack,
                   f"{kind}: {id} counts {found} of {objects[kind]} that are open")
        if after is not None:
            left = count_live(after, id)
            session.ok(left <= slack, f"{kind}: {id} counts none that were closed", f"{left}")


def held_by_python(session, rules):
    folder = session.path("held")
    os.mkdir(folder)
    redis = redis_socket(session)
    target = session.start(sys.executable, os.path.join(FOLDER, "held_data.py"), folder, *([redis] if redis else []),
                           env={"PYTHONMALLOC": "malloc"})
    with open(os.path.join(folder, "held.json"), encoding="utf-8") as file:
        held = json.load(file)
    pieces = [(*piece, number % 2 == 1) for number, piece in enumerate(held["pieces"])]  # each second is a copy
    before = read_hits(session.must_capture(target.pid, "held.core", "--compress", "none"))
    session.equal(ask(target, "close"), "CLOSED", "the target closes its objects")
    after = read_hits(session.must_capture(target.pid, "closed.core", "--compress", "none"))
    hits = Hits(before)
    pieces_are_found(session, pieces, rules, hits, MADE_ELSEWHERE)
    show_others(session, pieces, rules, hits)
    objects_are_counted(session, held["objects"], rules, before, after)


def held_by_java(session, rules):
    exported = ["--add-exports", "java.base/sun.nio.ch=ALL-UNNAMED"]
    session.compile_java("-nowarn", *exported, os.path.join(FOLDER, "Held.java"))
    target = session.start("java", "-Xmx64m", *exported, "-cp", session.folder, "Held", session.folder)
    pieces = [(kind, int(address), int(size), int(parts), True) for word, kind, address, size, parts in
              (line.split("\t") for line in target.said if line.startswith("PIECE"))]
    found = read_hits(session.must_capture(target.pid, "java.core", "--compress", "none"))
    pieces_are_found(session, pieces, rules, Hits(found))
    objects_are_counted(session, {"zlib inflate": 25, "zlib deflate": 25}, rules, found)


def held_by_node(session, rules):
    if not find_program("node"):
        raise Skip("there is no node")
    target = session.start(find_program("node"), os.path.join(FOLDER, "held.js"))
    found = read_hits(session.must_capture(target.pid, "node.core", "--compress", "none"))
    wanted = collections.Counter()
    for _, kind, count in (line.split("\t") for line in target.said if line.startswith("COUNT")):
        wanted["languages.v8-array-buffer"] += int(count)  # each of them is a Buffer of its own
        wanted.update({id: int(count) for row_kind, id, _ in PIECES if row_kind == kind})
    objects_are_counted(session, {"node inflate": 25, "node deflate": 25}, rules, found)
    for id, count in wanted.items():
        if id in rules:
            got = count_live(found, id)
            session.ok(got >= count, f"of node's data {id} finds {got}, at least {count}")
        else:
            session.skip(f"{id} finds node's data", "there is no such rule")


def main():
    session = Session()
    rules = read_rules()
    session.test(held_by_python, rules)
    session.test(held_by_java, rules)
    session.test(held_by_node, rules)
    session.finish()


if __name__ == "__main__":
    main()

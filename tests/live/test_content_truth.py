#!/usr/bin/env python3
"""What the shipped rules find of data that real tools made, and of open objects of C libraries: how many
there are is known by the program that holds them (held_data.py), not by the rules."""

import collections
import json
import os
import re
import shutil
import sys

from corpus import Hits, Rule
from harness import (ANALYZE, COMPLETE, ROOT, RULES, UNPACKED, Session, Skip, find_program, library_path, run)
from process import ask

HELD = os.path.join(ROOT, "tests", "live", "held_data.py")
CHOSEN = sys.argv[1:] or [RULES]

# kind of piece: rules that must find it (regular expressions of ids), and whether each part of it is a hit
PIECES = [
    ("gzip", r"compression\.gzip.*", False),
    ("gzip program", r"compression\.gzip.*", False),
    ("zlib", r"compression\.zlib(-stream|-data|-header)?", False),
    ("zip, deflated", r"archives\.zip-local-header", True),
    ("zip, deflated", r"archives\.zip-central-directory", True),
    ("zip, stored", r"archives\.zip-local-header", True),
    ("zip, stored", r"archives\.zip-central-directory", True),
    ("jar", r"archives\.jar-manifest", False),
    ("zstd", r"compression\.zstd.*", False),
    ("lz4", r"compression\.lz4.*", False),
    ("xz", r"compression\.xz.*", False),
    ("bzip2", r"compression\.bzip2.*", False),
    ("tar", r"archives\.tar.*", False),
    ("png", r"media\.png.*", False),
    ("wav", r"media\.(wav|riff).*", False),
    ("sqlite", r"databases\.sqlite-(database|file|header).*", False),
    ("sql", r"databases\.sql|databases\.sql-.*", False),
    ("json object", r"web\.json-text", False),
    ("json array", r"web\.json-text", False),
    ("pickle", r"languages\..*pickle.*", False),
    ("plist", r".*\.(binary-)?plist.*", False),
    ("certificate", r"crypto\.pem-cert.*|crypto\.pem", False),
    ("der certificate", r"crypto\..*(x509|der-cert).*", False),
    ("private key", r"crypto\..*pem.*key.*|crypto\.private-key.*|crypto\.pem", False),
    ("jwt", r".*\.(jwt|json-web-token)", False),
    ("http request", r"web\.http-message", False),
    ("http response", r"web\.http-message", False),
    ("resp command", r"(wire|databases)\..*resp.*", False),
    ("resp reply", r"(wire|databases)\..*resp.*", False),
    ("log", r"text\.log.*", False),
    ("xml", r"web\.xml-document", False),
    ("html", r"web\.(html|xml)-document", False),
    ("csv", r"text\.csv.*", False),
    ("mail", r".*\.mail.*", False),
    ("form", r".*\.(form|urlencoded).*", False),
    ("utf-16", r"text\.utf-?16.*", False),
    ("pyc", r"languages\..*(pyc|python-(code|bytecode|marshal)).*", False),
    ("class", r"jvm\.class-file", False),
    ("java serialized", r"jvm\.(java-)?seriali[sz].*", False),
]

MADE_BY_TOOLS = ("gzip program", "zstd", "lz4", "private key", "resp reply", "certificate")

# kind of open object: the rule whose hits in chunks in use are as many, and how many there may be besides
OBJECTS = [
    ("zlib inflate", r"compression\.zlib-inflate", 0),
    ("zlib deflate", r"compression\.zlib-deflate", 0),
    ("ssl", r"allocators\.openssl-connection", 0),
    ("stdio", r"allocators\.stdio-stream", 1),  # held.json is written then
    ("directory", r"allocators\.directory-stream", 0),
]

# Holds data in direct buffers, which are malloc's, and streams; says where. Argument: a folder for files.
JAVA = """
import java.io.*;
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.util.*;
import java.util.zip.*;
public class Held {
    static class Order implements Serializable { int id; String name; List<String> tags = new ArrayList<>(); }
    static List<Object> kept = new ArrayList<>();

    static void hold(String kind, byte[] data, int parts) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(data.length);
        buffer.put(data);
        kept.add(buffer);
        System.out.println("PIECE\t" + kind + "\t" + ((sun.nio.ch.DirectBuffer) buffer).address() + "\t" + data.length + "\t" + parts);
    }
    static byte[] serialized(int i) throws IOException {
        Order order = new Order();
        order.id = i; order.name = "order " + i; order.tags.add("tag" + i);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(i % 2 == 0 ? order : new HashMap<>(Map.of("a", 1, "b", i)));
        return bytes.toByteArray();
    }
    static byte[] packed(byte[] data) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) { out.write(data); }
        return bytes.toByteArray();
    }
    static byte[] zipped(byte[] data, int entries) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            for (int i = 0; i < entries; i++) { out.putNextEntry(new ZipEntry("com/example/" + i + ".class")); out.write(data); }
        }
        return bytes.toByteArray();
    }
    public static void main(String[] arguments) throws Exception {
        byte[] text = new byte[3000], out = new byte[4096];
        for (int i = 0; i < text.length; i++) text[i] = (byte) ("order item total 0123456789 ".charAt(i * 7 % 27));
        List<byte[]> classes = new ArrayList<>();
        try (ZipFile jar = new ZipFile(System.getProperty("java.home") + "/lib/jrt-fs.jar")) {
            for (var entry : Collections.list(jar.entries()))
                if (entry.getName().endsWith(".class") && classes.size() < 24)
                    classes.add(jar.getInputStream(entry).readAllBytes());
        }
        for (byte[] data : classes) hold("class", data, 1);
        for (int i = 0; i < 12; i++) {
            hold("java serialized", serialized(i), 1);
            hold("gzip", packed(Arrays.copyOf(text, 300 + 200 * i)), 1);
            hold("zip, deflated", zipped(Arrays.copyOf(text, 300 + 200 * i), i + 1), i + 1);
        }
        for (int i = 0; i < 25; i++) {
            Inflater inflater = new Inflater();
            Deflater deflater = new Deflater();
            deflater.setInput(text); deflater.finish();
            inflater.setInput(out, 0, deflater.deflate(out)); inflater.inflate(new byte[1000]);
            kept.add(inflater); kept.add(deflater);
        }
        System.out.println("READY");
        Thread.sleep(600000);
    }
}
"""


# Holds data in buffers of their own, which are malloc's; nobody tells where.
NODE = """
const http = require('http'), zlib = require('zlib');
const kept = [], counts = {};
function hold(kind, data) {
  const buffer = Buffer.allocUnsafeSlow(data.length);
  buffer.set(data);
  kept.push(buffer);
  counts[kind] = (counts[kind] || 0) + 1;
}
const record = n => ({ id: n, name: 'order ' + n, tags: ['a', 'b', String(n * n)], open: n % 2 === 0, next: null });
for (let n = 0; n < 20; n++) {
  const text = Buffer.from(JSON.stringify(Array.from({ length: 30 + n }, (_, at) => record(n * 100 + at))));
  hold('json array', text);
  hold('json object', Buffer.from(JSON.stringify(record(n))));
  hold('gzip', zlib.gzipSync(text));
  hold('zlib', zlib.deflateSync(text));
}
const server = http.createServer((request, response) => response.end(JSON.stringify(record(1)))).listen(0, '127.0.0.1', () => {
  let left = 10;
  for (let n = 0; n < 10; n++) {
    const link = require('net').connect(server.address().port, '127.0.0.1');
    const parts = [];
    link.on('data', part => parts.push(part));
    link.on('end', () => {
      hold('http response', Buffer.concat(parts));
      if (--left === 0) {
        for (const kind in counts) console.log(['COUNT', kind, counts[kind]].join('\\t'));
        console.log('READY');
      }
    });
    link.write('GET /orders/' + n + ' HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n');
  }
});
"""


def redis_socket(session):
    """The socket of a redis of our own, or None."""
    program = find_program("redis-server")
    if not program:
        session.note("there is no redis-server: no replies of it")
        return None
    path = session.path("redis.sock")
    session.start(program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", session.folder,
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
    return [rule for rule in map(Rule, json.loads(result.out)) if rule.applies()]


def judge_piece(session, name, copies, about, each_part):
    """`copies`: (address, size, parts, does it start a chunk?)."""
    found, wanted, missed = 0, 0, []
    for address, size, parts, starts in copies:
        count = sum(hits.count(rule, address, address + size) for rule, hits in about)
        most = parts if each_part else 1
        wanted += most
        found += min(count, most) if each_part else count > 0
        if count < most or (each_part and count > most):
            missed.append(f"{count} of {most} in {size} bytes at 0x{address:x}{', the start of a chunk' if starts else ''}")
    session.ok(found == wanted and not missed, f"{name}: {' or '.join(rule for rule, _ in about)} finds it ({found}/{wanted})",
               "\n".join(missed[:6]))


def pieces_are_found(session, pieces, rules, hits, missing=()):
    """`pieces`: (kind, address, size, parts, does it start a chunk?)."""
    by_kind = collections.defaultdict(list)
    for kind, *copy in pieces:
        by_kind[kind].append(copy)
    for kind, pattern, each_part in PIECES:
        about = [rule for rule in rules if re.fullmatch(pattern, rule.id)]
        if not by_kind[kind]:
            if kind in missing:
                session.skip(f"{kind} is found", missing[kind])
        elif not about:
            session.note(f"{kind}: no rule is about it ({pattern})")
        else:
            anchored = all(rule.anchored for rule in about)
            judge_piece(session, kind, [copy for copy in by_kind[kind] if copy[3] or not anchored],
                        [(rule.id, hits) for rule in about], each_part)


def show_others(session, pieces, rules, hits):
    """What else rules say of the pieces: to be read, as much of it is true (a PNG has a zlib stream)."""
    for rule in rules:
        others = collections.Counter()
        for kind, address, size, *_ in pieces:
            expected = any(kind == row[0] and re.fullmatch(row[1], rule.id) for row in PIECES)
            others[kind] += bool(not expected and hits.count(rule.id, address, address + size))
        if +others:
            session.note(f"{rule.id} also in " + ", ".join(f"{n} {kind}" for kind, n in (+others).items()))


def count_live(hits, about):
    return sum(hit["rule"] in about and hit["state"] in ("in-use", "mmapped") and not hit["claimed"] for hit in hits)


def objects_are_counted(session, objects, rules, before, after=None):
    for kind, pattern, slack in OBJECTS:
        about = [rule.id for rule in rules if re.fullmatch(pattern, rule.id)]
        if kind not in objects:
            continue
        if not about:
            session.note(f"{kind}: no rule is about it ({pattern})")
            continue
        found = count_live(before, about)
        session.ok(objects[kind] <= found <= objects[kind] + slack,
                   f"{kind}: {about[0]} counts {found} of {objects[kind]} that are open")
        if after is not None:
            left = count_live(after, about)
            session.ok(left <= slack, f"{kind}: {about[0]} counts none that were closed", f"{left}")


def held_by_python(session, rules):
    folder = session.path("held")
    os.mkdir(folder)
    redis = redis_socket(session)
    target = session.start(sys.executable, HELD, folder, *([redis] if redis else []), env={"PYTHONMALLOC": "malloc"})
    with open(os.path.join(folder, "held.json"), encoding="utf-8") as file:
        held = json.load(file)
    pieces = [(*piece, number % 2 == 1) for number, piece in enumerate(held["pieces"])]  # each second is a copy
    before = read_hits(session.must_capture(target.pid, "held.core", "--compress", "none"))
    session.equal(ask(target, "close"), "CLOSED", "the target closes its objects")
    after = read_hits(session.must_capture(target.pid, "closed.core", "--compress", "none"))
    hits = Hits(before)
    pieces_are_found(session, pieces, rules, hits, {kind: "this machine has no tool to make it" for kind in MADE_BY_TOOLS})
    show_others(session, pieces, rules, hits)
    objects_are_counted(session, held["objects"], rules, before, after)


def held_by_java(session, rules):
    if not shutil.which("javac"):
        raise Skip("there is no JDK (javac)")
    with open(session.path("Held.java"), "w", encoding="utf-8") as file:
        file.write(JAVA)
    exported = ["--add-exports", "java.base/sun.nio.ch=ALL-UNNAMED"]
    result = run("javac", "-nowarn", *exported, "-d", session.folder, session.path("Held.java"))
    if result.status:
        raise RuntimeError(result.describe())
    target = session.start("java", "-Xmx64m", *exported, "-cp", session.folder, "Held")
    pieces = [(kind, int(address), int(size), int(parts), True) for word, kind, address, size, parts in
              (line.split("\t") for line in target.said if line.startswith("PIECE"))]
    found = read_hits(session.must_capture(target.pid, "java.core", "--compress", "none"))
    pieces_are_found(session, pieces, rules, Hits(found))
    objects_are_counted(session, {"zlib inflate": 25, "zlib deflate": 25}, rules, found)


def held_by_node(session, rules):
    if not find_program("node"):
        raise Skip("there is no node")
    script = session.path("held.js")
    with open(script, "w", encoding="utf-8") as file:
        file.write(NODE)
    target = session.start(find_program("node"), script)
    found = read_hits(session.must_capture(target.pid, "node.core", "--compress", "none"))
    wanted = collections.Counter()
    for _, kind, count in (line.split("\t") for line in target.said if line.startswith("COUNT")):
        about = [rule.id for rule in rules for row in PIECES if row[0] == kind and re.fullmatch(row[1], rule.id)]
        wanted[" or ".join(about) or f"no rule about {kind}"] += int(count)
    for about, count in wanted.items():
        if about.startswith("no rule"):
            session.note(about)
            continue
        got = count_live(found, about.split(" or "))
        session.ok(got >= count, f"of node's data {about} finds {got}, at least {count}")


def main():
    session = Session()
    rules = read_rules()
    session.test(held_by_python, rules)
    session.test(held_by_java, rules)
    session.test(held_by_node, rules)
    session.finish()


if __name__ == "__main__":
    main()

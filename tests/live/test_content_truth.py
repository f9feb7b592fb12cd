#!/usr/bin/env python3
"""What the shipped rules find of data that real tools made, and of open objects of C libraries: how many
there are is known by the program that holds them (held_data.py), not by the rules."""

import collections
import json
import os
import shutil
import sys

from corpus import Hits, Rule
from harness import (ANALYZE, COMPLETE, ROOT, RULES, UNPACKED, Session, Skip, find_program, library_path, run)
from process import ask

HELD = os.path.join(ROOT, "tests", "live", "held_data.py")
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

# Holds data in direct buffers, which are malloc's, and streams; says where. Argument: a folder for files.
JAVA = """
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.security.MessageDigest;
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
    /* What java.net.http sends to a server of WebSocket that only shakes hands (RFC 6455 4.2.2). */
    static byte[] sentByWebSocket() throws Exception {
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread reader = new Thread(() -> {
                try (Socket link = server.accept()) {
                    BufferedInputStream in = new BufferedInputStream(link.getInputStream());
                    String line, key = "";
                    while (!(line = readLine(in)).isEmpty())
                        if (line.toLowerCase().startsWith("sec-websocket-key:")) key = line.substring(18).trim();
                    byte[] sum = MessageDigest.getInstance("SHA-1").digest((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes());
                    link.getOutputStream().write(("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                        + "Sec-WebSocket-Accept: " + Base64.getEncoder().encodeToString(sum) + "\\r\\n\\r\\n").getBytes());
                    for (int next; (next = in.read()) >= 0;) sent.write(next);
                } catch (Exception e) { e.printStackTrace(); }
            });
            reader.start();
            WebSocket client = HttpClient.newHttpClient().newWebSocketBuilder()
                .buildAsync(URI.create("ws://127.0.0.1:" + server.getLocalPort() + "/"), new WebSocket.Listener() { }).join();
            for (int i = 0; i < 10; i++) client.sendText("{\\"type\\":\\"order\\",\\"number\\":" + i + "}", true).join();
            client.abort();
            reader.join();
        }
        return sent.toByteArray();
    }
    static String readLine(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next; (next = in.read()) >= 0 && next != '\\n';)
            if (next != '\\r') line.append((char) next);
        return line.toString();
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
        String folder = arguments[0];
        java.lang.management.ManagementFactory.getPlatformMXBean(com.sun.management.HotSpotDiagnosticMXBean.class)
            .dumpHeap(folder + "/a.hprof", true);
        hold("heap dump", Files.readAllBytes(Path.of(folder, "a.hprof")), 1);
        try (jdk.jfr.Recording recording = new jdk.jfr.Recording()) {
            recording.start(); recording.stop(); recording.dump(Path.of(folder, "a.jfr"));
        }
        hold("flight recording", Files.readAllBytes(Path.of(folder, "a.jfr")), 1);
        hold("websocket client", sentByWebSocket(), 10);
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
for (let n = 0; n < 25; n++) {
  const inflate = zlib.createInflate(), deflate = zlib.createDeflate();
  inflate.on('data', () => {}); deflate.on('data', () => {});
  inflate.write(zlib.deflateSync(Buffer.alloc(3000, 'order item ')).subarray(0, 20));
  deflate.write(Buffer.alloc(3000, 'order item '));
  kept.push(inflate, deflate);
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
            missed.append(f"{count} of {most} in {size} bytes at 0x{address:x}{', the start of a chunk' if starts else ''}")
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
    return sum((hit["rule"] == id or hit["rule"].startswith(id + "-1.")) and hit["state"] in ("in-use", "mmapped") and not hit["claimed"] for hit in hits)


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
    target = session.start(sys.executable, HELD, folder, *([redis] if redis else []), env={"PYTHONMALLOC": "malloc"})
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
    if not shutil.which("javac"):
        raise Skip("there is no JDK (javac)")
    with open(session.path("Held.java"), "w", encoding="utf-8") as file:
        file.write(JAVA)
    exported = ["--add-exports", "java.base/sun.nio.ch=ALL-UNNAMED"]
    result = run("javac", "-nowarn", *exported, "-d", session.folder, session.path("Held.java"))
    if result.status:
        raise RuntimeError(result.describe())
    target = session.start("java", "-Xmx64m", *exported, "-cp", session.folder, "Held", session.folder)
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

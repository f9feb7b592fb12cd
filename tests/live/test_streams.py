#!/usr/bin/env python3
"""Rules for streams, data and structures on real programs: what Python, Java and Node.js hold open, and what
was left behind, by the libraries that are installed here."""

import json
import platform
import shutil

from harness import Skip, Session, run

PYTHON = r"""
import bz2, ctypes, gzip, io, lzma, os, tarfile, time, zipfile, zlib

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
kept = []


def put(data, offset):
    address = libc.malloc(len(data) + offset + 64)
    ctypes.memset(address, 0, len(data) + offset + 64)
    ctypes.memmove(address + offset, data, len(data))
    kept.append(libc.malloc(2048))  # freed neighbours stay apart
    return address


def archives():
    noise, text = os.urandom(3000), b"a line of text\n" * 500
    tar, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name in ("etc/one.txt", "etc/two.txt"):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BOOT-INF/lib/core-1.2.jar", text + noise)
        archive.writestr("META-INF/services/a.b.Service", text)
    return [gzip.compress(text + noise), zlib.compress(text + noise), bz2.compress(text), lzma.compress(text),
            tar.getvalue(), packed.getvalue()]


data = archives()
for item in data:
    for copy in range(5):
        kept.append(put(item, 0))
stale = [put(item, 4096) for item in data for copy in range(3)]
kept += [zlib.compressobj() for i in range(12)]
for stream in kept[-12:]:
    stream.compress(os.urandom(100000))
bomb = zlib.compress(os.urandom(100000))
opened = [zlib.decompressobj() for i in range(7)]
for stream in opened:
    stream.decompress(bomb[:50000])
ended = [zlib.compressobj() for i in range(8)]
for stream in ended:
    stream.compress(os.urandom(100000))
kept.append(libc.malloc(4096))
for address in stale:
    libc.free(address)
del ended, stream
print("READY", flush=True)
time.sleep(600)
"""

JAVA = r"""
import java.util.*;
import java.util.zip.*;

public class Streams {
    static final List<Object> kept = new ArrayList<>();

    static byte[] noise(int seed) {
        byte[] bytes = new byte[100000];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    static Deflater deflate(int seed) {
        Deflater deflater = new Deflater(6, seed % 2 == 0);
        deflater.setInput(noise(seed));
        deflater.deflate(new byte[50]);
        return deflater;
    }

    public static void main(String[] arguments) throws Exception {
        byte[] packed = new byte[200000];
        Deflater whole = new Deflater();
        whole.setInput(noise(1));
        whole.finish();
        int size = whole.deflate(packed);
        for (int i = 0; i < 15; i++)
            kept.add(deflate(i));
        for (int i = 0; i < 9; i++) {
            Inflater inflater = new Inflater();
            inflater.setInput(packed, 0, size / 2);
            inflater.inflate(new byte[40000]);
            kept.add(inflater);
        }
        System.out.println("READY");
        Thread.sleep(600000);
    }
}
"""

NODE = r"""
const zlib = require('zlib'), crypto = require('crypto'), kept = [];

for (let i = 0; i < 11; i++) {
  const deflate = zlib.createDeflate();
  deflate.on('data', () => {});
  deflate.write(crypto.randomBytes(70000));
  const packed = zlib.gzipSync(crypto.randomBytes(70000)), gunzip = zlib.createGunzip();
  gunzip.on('data', () => {});
  gunzip.write(packed.subarray(0, packed.length / 2));
  kept.push(deflate, gunzip);
}
setTimeout(() => console.log('READY'), 1000);
setTimeout(() => kept.length, 600000);
"""


def rules_of(session, target, name):
    """Hits of each rule, as (live, stale)."""
    report = session.must_report(session.must_capture(target.pid, name + ".core"))
    return {rule["id"]: (rule["live"]["hits"], rule["stale"]["hits"], rule["live"]["bytes"])
            for rule in report["content"]["rules"]}


def check_live(session, rules, name, rule, wanted):
    session.equal(rules.get(rule, (0,))[0], wanted, f"{name}: {wanted} hits of {rule}")


def python3(session):
    rules = rules_of(session, session.start_python(PYTHON), "python3")
    for rule, live in (("zlib-deflate", 12), ("zlib-inflate", 7)):
        check_live(session, rules, "python3", "compression." + rule, live)
    session.ok(rules["compression.zlib-deflate"][2] >= 12 * (4 * 65552 + 5968),
               "python3: deflate streams with all of their buffers", str(rules))
    session.ok(rules.get("compression.zlib-deflate-stale", (0, 0))[1] >= 1,
               "python3: what ended streams left", str(rules))
    for rule, entries in (("compression.gzip", 1), ("compression.xz-stream", 1), ("compression.bzip2-stream", 1),
                          ("archives.tar-entry", 2), ("archives.zip-local-header", 2), ("archives.zip-end", 1),
                          ("archives.nested-jar", 2), ("jvm.service-file", 2)):
        live, stale, _ = rules.get(rule, (0, 0, 0))
        session.ok(live >= 5 * entries, f"python3: {rule} in live chunks", f"{live} hits")
        session.ok(stale >= 3 * entries, f"python3: {rule} in freed chunks", f"{stale} hits")
    session.ok(rules.get("compression.zlib-data", (0,))[0] >= 5, "python3: zlib data at the start of chunks", str(rules))


def java(session):
    session.compile_java(session.write_java("Streams", JAVA))
    command = ("java", "-Xmx64m", "-XX:+UseSerialGC", "-cp", session.folder)
    rules = rules_of(session, session.start(*command, "Streams"), "java")
    check_live(session, rules, "java", "compression.zlib-deflate", 16)
    check_live(session, rules, "java", "compression.zlib-inflate", 9)
    session.ok(rules.get("jvm.arena-chunk", (0,))[0] >= 3, "java: arena chunks", str(rules))
    session.ok("jvm.tracked-block" not in rules or not rules["jvm.tracked-block"][0],
               "java: no tracked blocks without tracking", str(rules))


def java_with_tracking(session):
    session.compile_java(session.write_java("Streams", JAVA))
    target = session.start("java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:NativeMemoryTracking=summary", "-cp",
                           session.folder, "Streams")
    rules = rules_of(session, target, "tracked")
    session.ok(rules.get("jvm.tracked-block", (0,))[0] >= 1000, "java: tracked blocks", str(rules))
    session.ok(rules.get("jvm.arena-chunk-tracked", (0,))[0] >= 3, "java: tracked arena chunks", str(rules))
    check_live(session, rules, "java, tracked", "compression.zlib-deflate", 16)


def node(session):
    if not shutil.which("node"):
        raise Skip("there is no node")
    if platform.machine() != "x86_64":
        raise Skip("the offsets of Node.js's zlib are known for x86_64 only")
    version = json.loads(run("node", "-p", "JSON.stringify(process.versions)").out)
    shared = run("node", "-p", "process.config.variables.node_shared_zlib").out.strip()
    if shared == "true" or not version["zlib"].startswith("1.3.") or int(version["node"].split(".")[0]) < 20:
        raise Skip(f"this node ({version['node']}, zlib {version['zlib']}) has another zlib")
    with open(session.path("streams.js"), "w", encoding="utf-8") as file:
        file.write(NODE)
    rules = rules_of(session, session.start("node", session.path("streams.js")), "node")
    check_live(session, rules, "node", "compression.node-deflate", 11)
    check_live(session, rules, "node", "compression.node-inflate", 11)
    session.ok(rules["compression.node-deflate"][2] > 11 * 270000,
               "node: deflate streams with all of their buffers", str(rules))


def main():
    session = Session()
    for test in (python3, java, java_with_tracking, node):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

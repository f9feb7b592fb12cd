#!/usr/bin/env python3
"""Programs whose memory is not glibc's malloc's: other allocators and runtimes, each of which holds a
known amount. The report names the owner, its bytes cover what is held and no more than what is
anonymous, little is left unknown, and the account closes. Also from cores of gcore, which have
neither names nor a page map."""

import array
import fcntl
import glob
import json
import os
import shutil
import sys
import termios

from harness import (COMPLETE, PARTIAL, PATIENT, TARGETS, UNPACKED, Session, Skip, buckets, find_program, library_path,
                     run, status_field, wait_until)

MIB = 1 << 20
PIPE_PAGE = 4096  # a write may leave a part of the last one free
HELD = 200  # MiB, by every target
TARGET = os.path.join(TARGETS, "owner_target")

PYTHON = """
kept = [(number, str(number), [number]) for number in range(%d)]
import sys
print("READY", sum(sys.getsizeof(part) for item in kept for part in (item, *item)), flush=True)
sys.stdin.read()
"""

NODE = """
const kept = [];
for (let i = 0; i < 2700000; i++) kept.push({ number: i, text: 'text ' + i });
global.kept = kept;
global.gc();
setTimeout(() => console.log('READY ' + process.memoryUsage().heapUsed), 1000); // V8's threads rest
process.stdin.resume();
"""

NODE_AT_WORK = """
const kept = [];
for (let i = 0; i < 500000; i++) kept.push({ number: i, text: 'text ' + i });
global.kept = kept;
console.log('READY');
setInterval(() => { const lost = []; for (let i = 0; i < 200000; i++) lost.push({ i }); }, 5);
"""

JAVA = """
import java.util.*;
public class Holder {
    public static void main(String[] arguments) throws Exception {
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < %d; i++) {
            byte[] block = new byte[1 << 20];
            Arrays.fill(block, (byte) 7);
            kept.add(block);
        }
        System.out.println("READY " + ((long) kept.size() << 20));
        System.in.read();
    }
}
"""

rows = []


def library(pattern):
    for root in ("/usr/lib", os.path.join(UNPACKED, "usr/lib")):
        found = sorted(glob.glob(os.path.join(root, "*", pattern)))
        if found:
            return os.path.realpath(found[0])
    raise Skip(f"{pattern} is neither installed nor in build/packages")


def anonymous_bytes(pid):
    return int(status_field(pid, "RssAnon")) << 10


def resident(report):
    return {key: bucket["resident_bytes"] for key, bucket in buckets(report).items()}


def owner_row(report, owner):
    return next((row for row in report["memory"]["owners"] if row["id"] == owner), None)


def check_owner(session, name, owner, target, held, certainty="certain", bucket=None):
    """The report of an archive; `bucket`: where an owner's bytes are that is no row of owners."""
    bucket = bucket or f"anonymous.{owner}"
    anonymous = anonymous_bytes(target.pid)
    report = session.must_report(session.must_capture(target.pid, f"{name}.core.zst"), rules="none")
    got = resident(report)
    row = owner_row(report, owner) or {"certainty": None, "mappings": 0}
    owned = got.get(bucket, 0)
    unknown = got.get("anonymous.unknown", 0) + got.get("anonymous.brk", 0)
    share = 100 * unknown / report["memory"]["resident_bytes"]
    rows.append((name, bucket.replace("anonymous.", ""), owned, held, anonymous, share))
    session.equal(row["certainty"], certainty, f"{name}: {owner} is {certainty}")
    session.ok(owned >= held, f"{name}: {owner} has at least the bytes held", f"{owned} {held}\n{got}")
    session.ok(owned <= anonymous + MIB, f"{name}: {owner} has no more than what is anonymous",
               f"{owned} {anonymous}")
    session.ok(share < 5, f"{name}: less than a twentieth of the RSS is unknown", f"{share}\n{got}")
    session.check_accounting(report, name)
    session.equal(report["anomalies"], [], f"{name}: no anomaly")
    return report


def check_replaced(session, name, owner, report, file):
    heap = report["heap"]
    session.ok(not heap["found"] and heap["replaced"], f"{name}: malloc is replaced", json.dumps(heap))
    session.ok(f"malloc is {owner} ({file}" in (heap["replaced"] or "") and
               "glibc's arena was never used" in (heap["replaced"] or ""),
               f"{name}: and by what", heap["replaced"])
    row = next((row for row in report["diagnosis"] if row["id"] == "not-glibc"), None)
    session.ok(row and row["title"] == f"malloc is {owner}, not glibc's",
               f"{name}: the diagnosis says so", json.dumps(report["diagnosis"], indent=1))


def check_foreign(session, name, owner, target, held, least=1.0):
    """A core of gcore: no names, no page map; virtual bytes stand in."""
    if not shutil.which("gcore"):
        session.skip(f"{name}: core of gcore", "there is no gcore")
        return
    result = run("gcore", "-o", session.path(f"{name}.gcore"), target.pid)
    path = f"{session.path(f'{name}.gcore')}.{target.pid}"
    if not os.path.exists(path):
        raise RuntimeError(result.describe())
    report = session.must_report(path, rules="none")
    os.unlink(path)
    row = owner_row(report, owner)
    session.ok(row and row["certainty"] == "certain", f"{name}: gcore: {owner} is certain", f"{row}")
    session.ok(row and row["virtual_bytes"] >= held * least, f"{name}: gcore: its bytes cover what is held",
               f"{row} {held}")
    session.ok(row and row["resident_bytes"] is None, f"{name}: gcore: resident bytes are unknown", f"{row}")


def held_by(target):
    return int(target.said[-1].split()[1])


def allocator(session, owner, pattern):
    path = library(pattern)
    target = session.start(TARGET, HELD, env={"LD_PRELOAD": path})
    held = held_by(target)
    report = check_owner(session, owner, owner, target, held)
    check_replaced(session, owner, owner, report, os.path.basename(pattern).split(".so")[0])
    stacks = {row["name"] for row in report["memory"]["stacks"]}
    session.equal((len(report["memory"]["stacks"]), stacks), (3, {"owner_target"}),
                  f"{owner}: three stacks with names")
    check_foreign(session, owner, owner, target, held)


def jemalloc(session):
    allocator(session, "jemalloc", "libjemalloc.so.2")


def tcmalloc(session):
    allocator(session, "tcmalloc", "libtcmalloc_minimal.so.4")


def mimalloc(session):
    allocator(session, "mimalloc", "libmimalloc.so.[0-9]")


def redis_server(session):
    program = find_program("redis-server")
    if not program:
        raise Skip("redis-server is neither installed nor in build/packages")
    path = session.path("redis.sock")
    target = session.start(program, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly",
                           "no", "--dir", session.folder, "--enable-debug-command", "yes",
                           ready="ready to accept", env=library_path())
    held = fill_redis(path)
    report = check_owner(session, "redis-server", "jemalloc", target, held)
    check_replaced(session, "redis-server", "jemalloc", report, "libjemalloc.so.2")


def fill_redis(path):
    import socket
    command = f"DEBUG POPULATE {HELD} key {MIB}\r\nINFO memory\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        connection.sendall(command.encode())
        said = b""
        while b"used_memory_dataset:" not in said:
            more = connection.recv(65536)
            if not more:
                raise RuntimeError(said.decode(errors="replace"))
            said += more
    return HELD * MIB


def cpython(session):
    program = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
    target = session.start(program, "-u", "-c", PYTHON % 1000000)
    check_owner(session, "python3", "cpython", target, held_by(target))
    check_foreign(session, "python3", "cpython", target, held_by(target))


def node(session):
    program = find_program("node")
    if not program:
        raise Skip("node is not installed")
    target = session.start(program, "--expose-gc", "-e", NODE)
    check_owner(session, "node", "v8", target, held_by(target))
    check_foreign(session, "node", "v8", target, held_by(target))


def went_away(result):
    """V8 keeps its heap from its children, and more of it than is copied in the stop of `fork`."""
    return result.status == PARTIAL and "MADV_DONTFORK" in result.err


def node_at_work(session):
    """V8 maps and unmaps all the time: mappings that were gone when it was stopped count for nothing, and
    what it has mapped since it was looked at is not lost."""
    program = find_program("node")
    if not program:
        raise Skip("node is not installed")
    target = session.start(program, "-e", NODE_AT_WORK)
    for turn, method in enumerate(("freeze", "fork", "auto") * 4):
        name = f"node at work, {method}: {turn}"
        path, result = session.capture(target.pid, f"work-{turn}.core", "--consistency", method, *PATIENT)
        session.ok(result.status == COMPLETE or (method == "fork" and went_away(result)), f"{name}: captured",
                   result)
        report = session.must_report(path, rules="none")
        memory = report["memory"]
        session.ok(abs(memory["residual_bytes"]) <= MIB,  # VmRSS lags
                   f"{name}: the buckets sum to the RSS", json.dumps(memory["buckets"]))
        session.equal(owner_row(report, "v8")["certainty"], "certain", f"{name}: V8")
        os.unlink(path)


def java(session):
    session.compile_java(session.write_java("Holder", JAVA % HELD))
    target = session.start("java", "-Xmx512m", "-XX:+UseG1GC", "-cp", session.folder, "Holder")
    report = check_owner(session, "java", "jvm-gc", target, held_by(target), "likely", "java.heap")
    got = resident(report)
    session.ok(got.get("anonymous.jvm-gc", 0) >= 2 * 512 * MIB // 64 // 2,
               "java: the collector's bitmaps are recognised", f"{got}")
    session.equal(owner_row(report, "jvm-metaspace")["certainty"], "certain",
                  "java: metaspace is certain")


def is_full(pipe):
    """True where who writes to it waits for somebody to read."""
    held = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, held)
    return held[0] >= fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) - PIPE_PAGE


def go(session):
    program = find_program("gron")
    if not program:
        raise Skip("gron, a program in Go, is neither installed nor in build/packages")
    path = session.path("big.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump([{"number": i, "text": "x" * 100} for i in range(150000)], file)
    target = session.start(program, path, ready="json")
    wait_until(lambda: is_full(target.stdout))
    held = 2 * os.path.getsize(path)  # every value is a statement of several strings
    check_owner(session, "gron", "go", target, held)
    check_foreign(session, "gron", "go", target, held)


def glibc_alone(session):
    """No false owner."""
    target = session.start(TARGET, HELD)
    report = session.must_report(session.must_capture(target.pid, "glibc.core.zst"))
    session.equal(report["memory"]["owners"], [], "glibc: no other owner")
    session.equal(report["heap"]["replaced"], None, "glibc: malloc is not replaced")
    live = report["heap"]["totals"]["in_use"]["bytes"] + report["heap"]["mmapped"]["bytes"]
    session.ok(live >= held_by(target), "glibc: its chunks cover what is held", f"{live}")


def main():
    session = Session()
    for test in (jemalloc, tcmalloc, mimalloc, redis_server, cpython, node, node_at_work, java, go, glibc_alone):
        session.test(test)
    for name, owner, owned, held, anonymous, share in rows:
        session.note(f"{name}: {owner} {owned / MIB:.1f} MiB, held {held / MIB:.1f} MiB, anonymous "
                     f"{anonymous / MIB:.1f} MiB, unknown {share:.2f} % of the RSS")
    session.finish()


if __name__ == "__main__":
    main()

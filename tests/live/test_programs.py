#!/usr/bin/env python3
"""Programs that nobody prepared, under a little load: each is captured while it works and gives a
report that accounts for its RSS and has no anomaly."""

import os
import socket
import threading

from harness import COMPLETE, Session, Skip, find_program, library_path, wait_until

PYTHON = """
import json, threading, time
kept, lock = [], threading.Lock()
def work(number):
    for step in range(400):
        text = json.dumps({"worker": number, "step": step, "text": "x" * (step % 900)})
        with lock:
            kept.append(json.loads(text))
            if step % 3 == 0:
                kept.pop()
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print("READY")
while True:
    work(9); time.sleep(0.05)
"""

NODE = """
const http = require('http');
const kept = [];
http.createServer((request, response) => {
  kept.push(Buffer.alloc(2000 + kept.length % 3000, 'socket data '));
  if (kept.length % 2) kept.pop();
  response.end(JSON.stringify({ path: request.url, kept: kept.length }));
}).listen(process.argv[2], () => console.log('READY'));
"""

JAVA = """
import java.util.*;
import java.util.zip.*;
public class Target {
    static void work(List<Deflater> kept, byte[] data) throws Exception {
        byte[] out = new byte[4096];
        for (int i = 0; i < 50; i++) {
            Deflater deflater = new Deflater();
            deflater.setInput(data); deflater.deflate(out);
            if (i % 2 == 0) deflater.end(); else kept.add(deflater);
        }
    }
    public static void main(String[] arguments) throws Exception {
        byte[] data = new byte[20000];
        new Random(1).nextBytes(data);
        Thread[] threads = new Thread[4];
        for (int n = 0; n < threads.length; n++) {
            List<Deflater> kept = new ArrayList<>();
            threads[n] = new Thread(() -> {
                try { work(kept, data); Thread.sleep(600000); } catch (Exception e) { }
            }, "worker-" + n);
            threads[n].setDaemon(true);
            threads[n].start();
        }
        Thread.sleep(1000);
        System.out.println("READY");
        for (;;) { Thread.sleep(100); System.gc(); }
    }
}
"""

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{ listen unix:{folder}/nginx.sock; location / {{ return 200 "hello $arg_name\\n"; }} {locations} }}
}}
"""


class Load:
    """Requests over a unix socket: a burst at once, then a trickle until stop()."""

    def __init__(self, path, request, burst=400):
        self.path, self.request = path, request
        for number in range(burst):
            self.ask(number)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.trickle, daemon=True)
        self.thread.start()

    def ask(self, number):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(self.path)
            connection.sendall(self.request(number))
            connection.recv(65536)

    def trickle(self):
        number = 100000
        while not self.ended.wait(0.02):
            number += 1
            try:
                self.ask(number)
            except OSError:
                return

    def stop(self):
        self.ended.set()
        self.thread.join()


def http_request(number):
    return (f"GET /items/{number}?name=item{number} HTTP/1.1\r\nHost: localhost\r\n"
            f"Connection: close\r\nUser-Agent: load\r\n\r\n").encode()


def begin_request(path, number):
    """A connection with a head that goes on."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    connection.sendall(f"GET /slow/{number} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\n".encode())
    return connection


def redis_request(number):
    words = [b"SET", b"key:%d" % number, b"value " * (number % 200)]
    return b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def must_find(name):
    program = find_program(name)
    if not program:
        raise Skip(f"{name} is neither installed nor in build/packages")
    return program


def check_report(session, name, pid, rule=None):
    """Captures and reports; `rule` is one that has to find something in that program."""
    path, result = session.capture(pid, f"{name}.core.zst")
    if not session.equal(result.status, COMPLETE, f"{name}: captured while it works"):
        session.note(result.describe())
        return None
    report, result = session.report(path)
    if not session.ok(report and result.status == COMPLETE, f"{name}: reported", result):
        return None
    session.equal(report["anomalies"], [], f"{name}: no anomaly")
    session.check_accounting(report, name)
    session.ok(report["evidence"]["complete"], f"{name}: the evidence is complete")
    if rule:
        found = {row["id"]: row["live"]["hits"] for row in report["content"]["rules"]}
        session.ok(found.get(rule, 0) > 0, f"{name}: {rule} finds its own")
    return report


def python3(session):
    check_report(session, "python3", session.start_python(PYTHON).pid)


def redis_server(session):
    path = session.path("redis.sock")
    target = session.start(must_find("redis-server"), "--port", "0", "--unixsocket", path, "--save",
                           "", "--appendonly", "no", "--dir", session.folder,
                           ready="ready to accept", env=library_path())
    load = Load(path, redis_request)
    check_report(session, "redis-server", target.pid)
    load.stop()


def nginx(session):
    program = must_find("nginx")
    config = session.path("nginx.conf")
    with open(config, "w", encoding="utf-8") as file:
        locations = " ".join(f"location /a{number}/ {{ return 204; }}" for number in range(100))
        file.write(NGINX.format(folder=session.folder, locations=locations))
    target = session.start(program, "-e", session.path("error.log"), "-p", session.folder, "-c",
                           config, ready=None, env=library_path())
    path = session.path("nginx.sock")
    if not wait_until(lambda: os.path.exists(path) or target.poll() is not None) or target.poll():
        raise RuntimeError(open(session.path("error.log"), encoding="utf-8").read())
    load = Load(path, http_request)
    slow = [begin_request(path, number) for number in range(8)]
    # the pool of the configuration: full, with further blocks
    report = check_report(session, "nginx", target.pid, "allocators.nginx-pool")
    rules = {rule["id"]: rule for rule in report["content"]["rules"]} if report else {}
    keys = {group["key"]: group["hits"] for group in rules.get("web.http-message", {"groups": []})["groups"]}
    session.equal(keys.get("GET /slow/#"), len(slow), "nginx: requests whose head is not complete are found")
    if report:
        explained = sum(rule["live"]["bytes"] for name, rule in rules.items() if "nginx-pool" in name)
        in_use = report["heap"]["totals"]["in_use"]["bytes"]
        session.ok(explained > in_use * 3 // 4, "nginx: its pools explain most of its memory", f"{explained} of {in_use}")
    for connection in slow:
        connection.close()
    load.stop()


def node(session):
    program = must_find("node")
    script, path = session.path("server.js"), session.path("node.sock")
    with open(script, "w", encoding="utf-8") as file:
        file.write(NODE)
    target = session.start(program, script, path)
    load = Load(path, http_request)
    check_report(session, "node", target.pid)
    load.stop()


def java(session):
    session.compile_java(session.write_java("Target", JAVA))
    target = session.start("java", "-Xmx32m", "-cp", session.folder, "Target")
    check_report(session, "java", target.pid)


def main():
    session = Session()
    for test in (python3, redis_server, nginx, node, java):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

"""What programs send and write line by line, made by real ones: requests, replies, handshakes, logs. Each maker gives
pieces of one kind, as bytes or as (bytes, how many parts that has); none where the tool is not there. Standard library
only."""

import email.message
import http.client
import http.server
import io
import json
import logging
import logging.handlers
import os
import shutil
import socket
import ssl
import subprocess

from made_up import PIECES, record, rng, text


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


def mails():
    for number in range(PIECES):
        mail = email.message.EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "shop@example.org", "jo@example.org", f"Order {number}"
        mail.set_content(text(300))
        yield mail.as_bytes()


def redis_data(path):
    """{kind: pieces} of a real redis: its replies (RESP2), read from its socket, and its snapshot."""
    found = {"redis reply": [], "redis snapshot": []}
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        reader = link.makefile("rb")

        def ask(*words):
            link.sendall(redis_command(words))
            kept = head = reader.readline()
            for _ in range(int(head[1:]) if head[:1] == b"*" else 0):
                kept += reader.readline()
                kept += reader.read(int(kept.rsplit(b"$", 1)[1]) + 2)
            return kept
        for number in range(PIECES):
            for field in range(4):
                ask("HSET", f"order:{number}", f"field{field}", text(20))
            found["redis reply"].append(ask("HGETALL", f"order:{number}"))
        ask("SAVE")
    with open(os.path.join(os.path.dirname(path), "dump.rdb"), "rb") as file:
        found["redis snapshot"].append(file.read())
    return found


def redis_command(words):
    """As clients of redis write it (RESP2, "Sending commands to a Redis server")."""
    coded = [word.encode() for word in words]
    return b"*%d\r\n" % len(coded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in coded)


def sent_by(*command):
    """What a program sends to a server on 127.0.0.1 that never answers; PORT in its words is the server's."""
    if not shutil.which(command[0]):
        return b""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        port = str(server.getsockname()[1])
        client = subprocess.Popen([word.replace("PORT", port) for word in command], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        server.settimeout(20)
        link, _ = server.accept()
        link.settimeout(0.2)
        data = b""
        try:
            while part := link.recv(1 << 16):
                data += part
        except TimeoutError:
            pass
        link.close()
        client.kill()
        client.wait()
    return data


def forms():
    for number in range(3):
        data = sent_by("curl", "-s", "-F", f"name=order {number}", "-F", "note=" + text(100), "http://127.0.0.1:PORT/")
        yield data[data.find(b"\r\n\r\n") + 4:], 2


def hellos():
    """What a client of TLS sends first."""
    for number in range(PIECES):
        out = ssl.MemoryBIO()
        link = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=f"shop{number}.example")
        try:
            link.do_handshake()
        except ssl.SSLWantReadError:
            yield out.read()


def syslog_lines():
    """Of RFC 5424, as logger of util-linux sends them."""
    for _ in range(PIECES if shutil.which("logger") else 0):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            subprocess.run(["logger", "--rfc5424", "-d", "-n", "127.0.0.1", "-P", str(server.getsockname()[1]),
                            "-t", "shop", "order " + text(60)], check=True)
            yield server.recv(4096)


def older_syslog_lines():
    """Of RFC 3164, as Python sends them."""
    for _ in range(PIECES):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            handler = logging.handlers.SysLogHandler(server.getsockname())
            handler.setFormatter(logging.Formatter("%(asctime)s host shop[17]: %(message)s", "%b %d %H:%M:%S"))
            handler.append_nul = False
            handler.handle(logging.makeLogRecord({"msg": "order " + text(60), "levelno": logging.INFO,
                                                  "levelname": "INFO"}))
            handler.close()
            yield server.recv(4096)

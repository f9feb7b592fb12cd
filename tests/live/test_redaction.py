#!/usr/bin/env python3
"""Secrets planted in a target's heap never reach any output: not raw, not encoded, not in part."""

import base64
import os
import sys

from harness import ANALYZE, COMPLETE, PARTIAL, RULES, Session, run

# Planted by a script that gets the secrets on stdin, so that they are in no command line.
PLANT = r"""
import ctypes, struct, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
def plant(data):
    for copy in range(3):
        address = libc.malloc(len(data) + 64)
        ctypes.memmove(address, data + b"\0", len(data) + 1)
def frame(data):
    if len(data) < 126:
        return b"\x81" + bytes([len(data)]) + data
    return b"\x81\x7e" + struct.pack(">H", len(data)) + data
secret, number, token, key = [line.strip().encode() for line in sys.stdin.read().split("\n")[:4]]
http = (b"POST /login/" + token + b"?session=" + secret + b" HTTP/1.1\r\nHost: shop.example\r\n"
        b"Authorization: Bearer " + secret + b"\r\nCookie: sid=" + secret + b"\r\n"
        b"Content-Type: application/json\r\nContent-Length: 40\r\n\r\n{\"password\":\"" + secret + b"\"}")
plant(http)
plant(b"GET /reset/" + token + b" HTTP/1.1\r\nHost: shop.example\r\nX-Api-Key: " + key + b"\r\n\r\n")
plant(b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=" + secret + b"\r\nContent-Length: 2\r\n\r\nok")
plant(b'42["order:update",{"card":"' + number + b'","password":"' + secret + b'"}]')
plant(b'42["password=' + secret + b'",1]')
plant(b'42["' + key + b'",{"a":1}]')
plant(b'42["{\\"password\\":\\"' + secret + b'\\"}"]')
plant(b"GET /download/" + secret + b" HTTP/1.1\r\nHost: shop.example\r\n\r\n")
plant(frame(b'{"type":"login","user":"jo","password":"' + secret + b'","card":"' + number + b'"}'))
plant(frame(b'["' + secret + b'",{"token":"' + token + b'"}]'))
plant(b"Manifest-Version: 1.0\r\nCreated-By: " + secret + b"\r\nBuilt-By: " + token + b"\r\n\r\n")
plant(b"just text with the secret " + secret + b" and nothing else in it")
print("READY", flush=True)
import time
time.sleep(3600)
"""

SECRETS = {
    "password": "Zq7mXvK2wPq9LbTfRc4N",
    "card number": "4929123456781234",
    "reset token": "9f86d081884c7d659a2feaa0c55ad015",
    "access key": "AKIAQXWZ7PLMKN3TRBVE",
}


def encodings(secret):
    """Every form in which the secret would still be readable."""
    raw = secret.encode()
    forms = {"raw": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(),
             "utf-16": secret.encode("utf-16-le"), "prefix": raw[:10], "suffix": raw[-10:],
             "reversed": raw[::-1]}
    for shift in range(3):  # base64 depends on what stands before: the stable middle of each
        text = base64.b64encode(b"x" * shift + raw)
        forms[f"base64+{shift}"] = text[4:-4]
    return forms


def outputs(core):
    """(name, bytes) of everything analyze can print about the archive."""
    commands = [["report", core, "--format", form, "--rules", RULES]
                for form in ("text", "json", "markdown")]
    commands += [["chunks", core, "--rules", RULES], ["chunks", core, "--ndjson", "--rules", RULES],
                 ["verify", core]]
    for command in commands:
        result = run(ANALYZE, *command)
        if result.status not in (COMPLETE, PARTIAL):
            raise RuntimeError(result.describe())
        name = command[0] + ("" if len(command) < 4 else " " + " ".join(command[2:4]))
        yield name.replace(RULES, "rules"), result.stdout + result.stderr


def canaries(session):
    script = session.path("plant.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(PLANT)
    target = start_planted(session, script)
    core = session.must_capture(target.pid, "planted.core", "--compress", "none")

    with open(core, "rb") as file:
        memory = file.read()
    for name, secret in SECRETS.items():
        session.ok(secret.encode() in memory, f"the {name} is in the archive")
    hit = {rule["id"] for rule in session.must_report(core)["content"]["rules"]}
    for word in ("http", "socket", "websocket", "manifest"):
        session.ok(any(word in rule for rule in hit), f"a {word} rule hit what was planted", str(hit))

    for output, text in outputs(core):
        for name, secret in SECRETS.items():
            found = [form for form, bytes_ in encodings(secret).items() if bytes_ in text]
            session.equal(found, [], f"{output}: no form of the {name}")


def start_planted(session, script):
    read_end, write_end = os.pipe()
    os.write(write_end, ("\n".join(SECRETS.values()) + "\n").encode())
    os.close(write_end)
    target = session.start(sys.executable, script, preexec=lambda: os.dup2(read_end, 0))
    os.close(read_end)
    return target


def main():
    session = Session()
    session.test(canaries)
    session.finish()


if __name__ == "__main__":
    main()

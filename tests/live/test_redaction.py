#!/usr/bin/env python3
"""Secrets planted in a target's heap never reach any output: not raw, not encoded, not in part. Names
that a target chose, of threads and modules, reach it escaped."""

import base64
import json
import os
import re
import shutil
import sys

from harness import ANALYZE, COMPLETE, PARTIAL, RULES, SANITIZED, TARGETS, USAGE, Session, run

# Planted by a script that gets the secrets on stdin, so that they are in no command line.
PLANT = r"""
import ctypes, gzip, io, os, struct, sys, zipfile, zlib
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
secret, number, token, key, word = [line.strip().encode() for line in sys.stdin.read().split("\n")[:5]]
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
# payloads, where a secret may be a word like any other
def masked(data, mask=b"\x11\x22\x33\x44"):
    return b"\x81" + bytes([0x80 | len(data)]) + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(data))
for value in (secret, number, word):
    plant(b"SELECT a.id FROM accounts a WHERE a.name = '" + value + b"' AND a.code IN (1, '" + value + b"')")
    plant(b"INSERT INTO accounts (id, name) VALUES (17, \"" + value + b"\"), (18, '" + value + b"\\' , x')")
    plant(b'{"sql":"UPDATE accounts SET name = ?","name":"' + value + b'"}')
    plant(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(value), value, len(value), value))
    plant(b"*1\r\n$%d\r\n%s\r\n" % (len(value), value))
    plant(b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (value, len(value), value))
    plant(b"PUB orders.new %d\r\n%s\r\n" % (len(value), value))
    plant(b"SEND\ndestination:/queue/a\nreceipt:" + value + b"\n\n" + value + b"\0")
    plant(b"event: tick\ndata: {\"a\":\"" + value + b"\"}\n\n")
    plant(b'a["{\\"type\\":\\"' + value + b'\\"}"]')
    plant(b'0{"sid":"' + value + b'","upgrades":[],"pingInterval":25000,"pingTimeout":5000}')
    plant(b'{"query":"query Orders($n:Int){orders(n:\\"' + value + b'\\")}","variables":{"n":"' + value + b'"}}')
    plant(b"--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + value + b"\"\r\n\r\n" + value + b"\r\n--b1--\r\n")
    plant(b"<!DOCTYPE html><html><head><title>" + value + b"</title></head></html>")
    plant(b"<?xml version=\"1.0\"?><order id=\"" + value + b"\">" + value + b"</order>")
    plant(b"2024-05-01 12:00:00,123 [" + value + b"] INFO  com.acme.Shop - password " + value + b"\n")
    plant(b"10.0.0.7 - " + value + b" [01/May/2024:12:00:00 +0000] \"GET /a?b=" + value + b" HTTP/1.1\" 200 17 \"" + value + b"\"\n")
    plant(b"x.Error: " + value + b"\n\tat com.acme.Shop.buy(Shop.java:1)\n\tat com.acme.Shop.main(Shop.java:2)\nCaused by: " + value + b"\n")
    plant(b"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    f('" + value + b"')\nValueError: " + value + b"\n")
    plant(b"https://jo:" + value + b"@shop.example.com/" + value + b"?x=" + value)
    plant(b"# HELP up Is it.\n# TYPE up gauge\nup{name=\"" + value + b"\"} 1\n")
    plant(b"<34>1 2024-05-01T12:00:00Z host app 17 - - " + value)
    plant(b"2024-05-01 12:00:00 INFO " + value + b".doe logged in\n")
    plant(masked(b'{"type":"' + value + b'"}'))
    plant((b"some text with " + value + b" in UTF-16").decode().encode("utf-16-le"))
    plant(b"Cookie: sid=" + value + b"\r\nAuthorization: Basic " + value + b"\r\n")
# secrets by their form, with characters that are spelled out
for value in (b"jo." + word + b"\\u0040example.com", b"password\\u003d" + word, word + "@m\u00fcnchen.de".encode(),
              word + b"%2540example.com", b"http://" + word + b"@gitserver", word + b"@localhost",
              b"'" + word + b"'@'db1'", b"password '" + word + b"'", b"token " + word + b"7", b"jdbc:oracle:thin:jo/" + word + b"@db:1521",
              b"redis:\\/\\/:" + word + b"@cache", b"amqp://jo:a/" + word + b"@broker", b"<password>" + word + b"</password>",
              b"secret_key=" + word, b"--db-password " + word, b"identified by " + word):
    plant(b'42["' + value + b'",{"a":1}]')
    plant(b'{"' + value + b'":1,"b":[1,2,3,4,5,6,7,8]}')
    plant(b"GET /users/" + value + b" HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    plant(b"SEND\ndestination:/queue/" + value + b"\n\nbody\0")
for value in (b'TRIM(BOTH FROM "' + word + b'")', b'name IS DISTINCT FROM "' + word + b'"'):
    plant(b"SELECT a.id, b.name FROM accounts a WHERE a.id = 17 AND " + value + b" ORDER BY a.id")
# and the same inside streams, with random bytes so that none is stored so short that it is overlooked
def packed(data):
    return gzip.compress(data + b"\r\n" + os.urandom(400))
for text in (http, b'{"password":"' + secret + b'","card":"' + number + b'","' + token + b'":1}',
             b'42["password=' + secret + b'",1]', b'42["' + key + b'",{"a":1}]',
             b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=" + secret + b"\r\nContent-Length: 2\r\n\r\nok",
             b"GET /download/" + secret + b" HTTP/1.1\r\nHost: shop.example\r\n\r\n"):
    plant(packed(text))
    plant(zlib.compress(text + os.urandom(400)))
    for name in (b"a.txt", secret, token + b"/" + key + b".json"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name.decode(), packed(text))
        plant(file.getvalue())
# a window of an inflater: what it has is named by what is in it
inflater = zlib.decompressobj()
inflater.decompress(zlib.compress(b"Manifest-Version: 1.0\r\nBundle-SymbolicName: password=" + secret + b"\r\n" + os.urandom(40000))[:900])
print("READY", flush=True)
import time
time.sleep(3600)
"""

# Forms of a secret, written to a target as they are; VALUE stands for one. A rule of the target's owner
# shows all of what it finds, so that nothing but the redactor stands between them and a report.
FORMS = r"""
password=VALUE
"password":"VALUE"
{\"password\":\"VALUE\"}
{&quot;password&quot;:&quot;VALUE&quot;}
{&amp;quot;password&amp;quot;:&amp;quot;VALUE&amp;quot;}
password%3DVALUE
password%253DVALUE
password%2525253DVALUE
password%u003DVALUE
password\u003dVALUE
password\x3dVALUE
password\u{3d}VALUE
password\075VALUE
password\t=\tVALUE
password&#61;VALUE
password&#0061;VALUE
password&#x3D;VALUE
password&equals;VALUE
p%61ssw%6Frd=VALUE
PASSWORD = VALUE
Passwort: VALUE
Kennwort lautet "VALUE"
mot de passeNBSP: VALUE
contraseña: VALUE
senha=VALUE
wachtwoord=VALUE
пароль: VALUE
密码：VALUE
ｐａｓｓｗｏｒｄ＝VALUE
pass phrase: VALUE
passkey=VALUE
dbPw=VALUE
setPassword("VALUE")
user.token('VALUE')
<password>VALUE</password>
<wsse:Password Type="wss#PasswordText">VALUE</wsse:Password>
<password><![CDATA[VALUE]]></password>
&lt;password&gt;VALUE&lt;/password&gt;
<input name="password" value="VALUE">
--db-password VALUE
CREATE USER jo IDENTIFIED BY "VALUE"
X-Auth-Key: VALUE
x-functions-key: VALUE
consumer_key=VALUE
api key: VALUE
authCode=VALUE
mnemonic: VALUE
Cookie: a=VALUE
Authorization: Negotiate VALUE
Bearer VALUE
bearer%20VALUE
jsessionid=VALUE
https://shop/x?sig=VALUE
https://shop/x?code=VALUE
/reset/1kVALUE
/api/tokens/1kVALUE
/password/1kVALUE
password 1kVALUE
https://jo:VALUE@shop
https://jo%3AVALUE%40shop
https:\/\/jo:VALUE@shop
redis://:VALUE@cache
amqp://jo:a/VALUE@broker
amqp://jo:a/VALUE/x/y/z@broker
postgres://jo:VALUE
jdbc:oracle:thin:jo/VALUE@db:1521
jo/VALUE@//db:1521/svc
VALUE@example.com
VALUE%40example.com
VALUE%2540example.com
VALUE\u0040example.com
VALUE&commat;example.com
VALUE&#64;example.com
VALUE\@example.com
VALUE＠example.com
VALUE@münchen.de
VALUE@localhost
'VALUE'@'db1'
mailto:VALUE@server
sip:VALUE@server
$6$salt$VALUE
$P$BVALUE
{SSHA}VALUE
pbkdf2_sha256$260000$salt$VALUE
SCRAM-SHA-256$4096:salt$VALUE
xoxd-VALUE
ghp_VALUE
sk_live_VALUE
-----BEGIN PRIVATE KEY-----VALUE
eyJVALUE
SELECT a.id FROM t a WHERE a.password = 'VALUE'
SELECT a.id FROM t a WHERE a.name = "VALUE@example.com"
""".strip().replace("NBSP", "\u00a0").split("\n")

# … and numbers and keys that tell themselves, as they are and spelled out
ALONE = ["4929123456781234", "4929 1234 5678 1234", "4929-1234-5678-1234", "4929.1234.5678.1234",
         "".join(f"%{ord(digit):02X}" for digit in "4929123456781234"),
         "".join(f"\\u{ord(digit):04x}" for digit in "4929123456781234"),
         "".join(chr(0xff10 + int(digit)) for digit in "4929123456781234"),
         "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "JBSWY3DPEHPK3PXP", "Zq7mXvK2wPq9LbTfRc4N"]

TRANSFORMS = ["", "{dirname: 2}", "{dirname: 4}", "{prefix: 40}", "lower", "digits", "ids", "sql", "[ids, digits, lower]"]

OWN_RULE = r"""
- id: all-{number}
  title: Shows all
  keywords: ["FORM-{number}\x01"]
  pattern: (?s)FORM-{number}\x01(?<value>[^\x02]{{1,400}})\x02
  aggregate: {{by: value, top: 1000{transform}}}
  redact: {{value: show}}
  tests:
  - {{name: one, text: "FORM-{number}\x01a\x02", expect: match}}
  - {{name: none, text: "FORM", expect: none}}
"""

PLANT_FORMS = r"""
import ctypes, json, sys, time
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
for form in json.load(open(sys.argv[1])):
    for text in (form.encode(), form.encode("utf-16-le")) if form.isascii() else (form.encode(),):
        for number in range(int(sys.argv[2])):
            data = b"FORM-%d\x01%s\x02" % (number, text)
            address = libc.malloc(len(data) + 1)
            ctypes.memmove(address, data + b"\0", len(data) + 1)
print("READY", flush=True)
time.sleep(3600)
"""

# Threads and a library with names that would clear a screen, set a title, or forge a line of the report.
NAMES = [b"\x1b[2J\x1b[31mred", b"\x1b]0;title\x07x", b"a\nVERDICT\r\x9b1m", b"\xff\xfe\xe2\x80\xae\xf0\x9f|`*"]
NAMED = r"""
import ctypes, sys, threading, time
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
names = [bytes.fromhex(line) for line in sys.argv[2].split(",")]
def work(name):
    libc.prctl(15, name, 0, 0, 0)  # PR_SET_NAME
    libc.malloc(ctypes.c_size_t(100000))
    time.sleep(3600)
ctypes.CDLL(sys.argv[1])
for name in names:
    threading.Thread(target=work, args=(name,), daemon=True).start()
time.sleep(0.5)
print("READY", flush=True)
time.sleep(3600)
"""

SECRETS = {
    "password": "Zq7mXvK2wPq9LbTfRc4N",
    "card number": "4929123456781234",
    "reset token": "9f86d081884c7d659a2feaa0c55ad015",
    "access key": "AKIAQXWZ7PLMKN3TRBVE",
    "word": "gluehwuermchenparade",
}


def encodings(secret):
    """Every form in which the secret would still be readable."""
    raw = secret.encode()
    forms = {"raw": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(),
             "utf-16": secret.encode("utf-16-le"), "prefix": raw[:10], "suffix": raw[-10:],
             "reversed": raw[::-1], "percent": "".join(f"%{byte:02X}" for byte in raw).encode(),
             "\\u": "u".join(f"{byte:04x}\\\\" for byte in raw).encode()[:-2],
             "wide": "".join(chr(byte - 0x21 + 0xff01) for byte in raw if byte > 0x20).encode()}
    for shift in range(3):  # base64 depends on what stands before: the stable middle of each
        text = base64.b64encode(b"x" * shift + raw)
        forms[f"base64+{shift}"] = text[4:-4]
    return forms


def readable(text, secrets):
    """What of the secrets can be read from an output, with what stands around it."""
    found = []
    for name, secret in secrets.items():
        for form, data in encodings(secret).items():
            at = text.find(data)
            if at >= 0:
                found.append(f"{form} of the {name}: {text[max(0, at - 40):at + len(data) + 10]}")
    return found


SHOWN = 12 if SANITIZED else 60  # chunks of one archive that `show` is asked for, twice


def chosen(core, rules):
    """Addresses of chunks with a hit, and of others with the sizes of what was planted."""
    lines = run(ANALYZE, "chunks", core, "--ndjson", "--state", "live", "--rules", rules).out.splitlines()
    chunks = [json.loads(line) for line in lines]
    chunks.sort(key=lambda chunk: (not chunk["rule"], abs(chunk["bytes"] - 128)))
    return [chunk["address"] for chunk in chunks[:SHOWN]]


def outputs(core, rules=RULES):
    """(name, bytes) of everything analyze can print about the archive."""
    commands = [["report", core, "--format", form, *more, "--rules", rules]
                for form in ("text", "json", "markdown") for more in ([], ["--references"])]
    commands += [["chunks", core, "--rules", rules], ["chunks", core, "--ndjson", "--rules", rules],
                 ["chunks", core, "--references", "--ndjson", "--rules", rules], ["verify", core],
                 ["hits", core, "--rules", rules], ["hits", core, "--ndjson", "--rules", rules],
                 ["rules", "suggest", core, "--limit", "50", "--rules", rules]]
    commands += [["show", core, address, "--format", form, "--rules", rules]
                 for address in chosen(core, rules) for form in ("text", "json")]
    for command in commands:
        result = run(ANALYZE, *command)
        if result.status not in (COMPLETE, PARTIAL):
            raise RuntimeError(result.describe())
        name = command[0] + ("" if len(command) < 4 else " " + " ".join(command[2:-2]))
        yield name.replace(rules, "rules"), result.stdout + result.stderr


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
    rules = session.must_report(core)["content"]["rules"]
    hit = {rule["id"] for rule in rules}
    inside = {found["id"] for rule in rules for found in (rule["packed"] or {"inside": []})["inside"]}
    for word in ("http", "socket"):
        session.ok(any(word in rule for rule in inside), f"a {word} rule hit inside a stream", str(inside))
    for word in ("http", "socket", "websocket", "manifest", "sql", "redis", "memcached", "nats", "stomp", "sse",
                 "sockjs", "engineio", "graphql", "multipart", "html", "xml", "log-line", "access-log",
                 "java-stack", "python-traceback", "url", "prometheus", "syslog", "websocket-masked", "utf16",
                 "http-credentials"):
        session.ok(any(word in rule for rule in hit), f"a {word} rule hit what was planted", str(hit))

    shown = 0
    for output, text in outputs(core):
        found = readable(text, SECRETS)
        if output.startswith("show"):
            shown += b"content" in text
            if not found:
                continue
        session.equal(found, [], f"{output}: no form of any secret")
    session.equal(shown, 2 * SHOWN, "show tells of the content of each chunk, and of no secret in it")
    reveal = run(ANALYZE, "show", core, chosen(core, RULES)[0], "--reveal")
    session.equal(reveal.status, USAGE, "--reveal into a pipe is refused")


def forms(session):
    word = SECRETS["word"]
    planted = ["order:update"] + [form.replace("VALUE", word) for form in FORMS] + ALONE
    script, values, rules = (session.path(name) for name in ("forms.py", "forms.json", "forms.yml"))
    with open(script, "w", encoding="utf-8") as file:
        file.write(PLANT_FORMS)
    with open(values, "w", encoding="utf-8") as file:
        json.dump(planted, file)
    with open(rules, "w", encoding="utf-8") as file:
        file.write("format: 1\nnamespace: forms\nrules:\n")
        for number, transform in enumerate(TRANSFORMS):
            file.write(OWN_RULE.format(number=number, transform=transform and f", transform: {transform}"))
    target = session.start(sys.executable, script, values, len(TRANSFORMS))
    core = session.must_capture(target.pid, "forms.core", "--compress", "none")

    found = {rule["id"]: rule for rule in session.must_report(core, rules=rules)["content"]["rules"]}
    for number, transform in enumerate(TRANSFORMS):
        rule = found[f"forms.all-{number}"]
        name = transform or "no transform"
        session.ok(rule["live"]["hits"] >= len(planted), f"{name}: each form was found", str(rule["live"]["hits"]))
        session.ok(any(group["key"] in ("order:update", ".", "order?") for group in rule["groups"]),
                   f"{name}: what is no secret is shown", str(rule["groups"]))
    secrets = {"word": word, **dict(enumerate(ALONE))}
    for output, text in outputs(core, rules):
        hidden = readable(text, secrets)
        if hidden or not output.startswith("show"):
            session.equal(hidden, [], f"{output}: no secret in any form")


def start_planted(session, script):
    read_end, write_end = os.pipe()
    os.write(write_end, ("\n".join(SECRETS.values()) + "\n").encode())
    os.close(write_end)
    target = session.start(sys.executable, script, preexec=lambda: os.dup2(read_end, 0))
    os.close(read_end)
    return target


# What a terminal would obey: C0 but newline, DEL, C1 as UTF-8, and what turns the direction of text.
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def decoded(value):
    """Every text of a JSON document."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from decoded(member)
    elif isinstance(value, list):
        for member in value:
            yield from decoded(member)
    elif isinstance(value, str):
        yield value


def names(session):
    folder = session.path("\x1b[2J\x1b]0;x\x07 \n a\x9b")
    os.mkdir(folder)
    library = os.path.join(folder, "lib\x1b[31m.so")
    shutil.copy(os.path.join(TARGETS, "reference_library.so"), library)
    script = session.path("named.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(NAMED)
    target = session.start(sys.executable, script, library, ",".join(name.hex() for name in NAMES))
    core = session.must_capture(target.pid, "named.core")

    report = session.must_report(core)
    threads = [thread["name"] for thread in report["memory"]["stacks"]]
    session.ok(any("red" in name for name in threads) and any("title" in name for name in threads),
               "the threads with odd names are in the report", str(threads))
    session.ok("lib\\x1b[31m.so" in run(ANALYZE, "show", core, module_address(target.pid)).out,
               "the library with an odd name is named by show")
    for output, text in outputs(core):
        plain = text.decode("utf-8")  # strict: an error where it is no UTF-8
        if "json" in output and "ndjson" not in output:
            plain = "\n".join(decoded(json.loads(plain)))
        found = [hex(ord(character)) for character in CONTROL.findall(plain)]
        if found or not output.startswith("show"):
            session.equal(found, [], f"{output}: no control characters of names")
        if any(line.startswith("VERDICT\\r") for line in plain.splitlines()):
            session.ok(False, f"{output}: no line is forged by a name")


def module_address(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            if "lib\x1b[31m.so" in line and " rw-p " in line:
                return "0x" + line.split("-")[0]
    raise RuntimeError("the library is not mapped")


def main():
    session = Session()
    session.test(canaries)
    session.test(forms)
    session.test(names)
    session.finish()


if __name__ == "__main__":
    main()

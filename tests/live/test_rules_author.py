#!/usr/bin/env python3
"""The rule author's loop on real captures: new, check, test, list, suggest and explain, as text and
JSON, their exit statuses, and that none of them shows what a process held."""

import json
import os
import pty
import re
import struct
import termios
import fcntl

from harness import ANALYZE, COMPLETE, ROOT, RULES, Session, run

FAILED, USAGE = 1, 2
TARGET = os.path.join(ROOT, "build", "targets", "parcel_service")

BAD = """format: 1
namespace: acme
rules:
- id: a
  title: T
  severity: hgih
  keywords: [abc]
  patern: abc
- id: b
  title: T
  keywords: [abc]
  pattern: 'abc('
"""

# A process whose texts are of a format, and secrets that no output may show.
PYTHON = """
import os, sys
token = "Zq81LkPw" + "93hXbTn2" * 80
keep = [('{"type":"order","id":%d,"pad":"%s"}' % (i, "x" * (600 + i % 90))).encode() for i in range(500)]
keep += [("Authorization: Bearer %s%d" % (token, i)).encode() for i in range(100)]
keep += [bytes(token.encode()) + b"" for i in range(100)]
print("READY", os.getpid(), flush=True)
sys.stdin.read()
"""


def write(session, name, text):
    path = session.path(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def screen(columns, *command):
    """What a command prints on a terminal of so many columns."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    child = os.fork()
    if not child:
        os.dup2(other, 1)
        os.close(main)
        os.execv(command[0], command)
    os.close(other)
    text = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        text += part
    os.close(main)
    os.waitpid(child, 0)
    return text.decode().replace("\r\n", "\n")


def new_is_good(session):
    for argument, wanted in ((None, "my.order"), ("stock.item", "stock.item"), ("item", "my.item")):
        result = run(ANALYZE, "rules", "new", *([argument] if argument else []))
        path = write(session, "new.yml", result.out)
        checked, tested = (run(ANALYZE, "rules", verb, path) for verb in ("check", "test"))
        session.ok(result.status == COMPLETE, f"rules new {argument or ''}", result)
        session.ok(checked.status == COMPLETE and "0 errors, 0 warnings" in checked.out,
                   "what it prints passes the check", checked)
        session.ok(tested.status == COMPLETE and " 0 failed" in tested.out, "and its tests", tested)
        listed = json.loads(run(ANALYZE, "rules", "list", path, "--json").out)
        session.equal([rule["id"] for rule in listed], [wanted.replace("my.order", "acme.order")], "its id")
    session.equal(run(ANALYZE, "rules", "new", "No Id").status, USAGE, "no id is a usage error")


def check_tells(session):
    path = write(session, "bad.yml", BAD)
    result = run(ANALYZE, "rules", "check", path)
    session.ok(result.status == FAILED and f"{path}:6:13: error[R011]" in result.err and
               "  8 |   patern: abc\n    |   ^\n" in result.err and
               "0 rules in force, 3 errors, 0 warnings" in result.out, "messages with place and caret", result)
    told = json.loads(run(ANALYZE, "rules", "check", path, "--json").out)
    session.equal([(m["line"], m["column"], m["code"], m["rule"]) for m in told["messages"]],
                  [(6, 13, "R011", "acme.a"), (8, 3, "R002", "acme.a"), (12, 17, "R020", "acme.b")], "the same as JSON")
    session.equal((told["errors"], told["warnings"], told["rules"]), (3, 0, 0), "and their number")
    session.ok(all(m["file"] == path and m["severity"] == "error" and "\n" not in m["message"]
                   for m in told["messages"]), "each names its file", str(told))
    result = run(ANALYZE, "rules", "test", path, "--json")
    session.ok(result.status == FAILED and len(json.loads(result.out)["messages"]) == 3,
               "rules test tells of bad rules too", result)
    result = run(ANALYZE, "rules", "test", RULES, "--json")
    tested = json.loads(result.out)
    session.ok(result.status == COMPLETE and tested["failed"] == 0 and tested["passed"] > 30 and
               all(rule["passed"] for rule in tested["rules"]), "shipped rules, as JSON", result)


def list_fits(session):
    for columns in (80, 100):
        lines = screen(columns, ANALYZE, "rules", "list", RULES).splitlines()
        session.ok(len(lines) > 8 and max(map(len, lines)) <= columns, f"the list fits {columns} columns",
                   "\n".join(lines))
    found = run(ANALYZE, "rules", "list", RULES, "--find", "ZIP")
    session.ok("archives.zip-local-header" in found.out and "http" not in found.out, "--find", found)
    nothing = run(ANALYZE, "rules", "list", RULES, "--find", "no-such-word")
    session.ok(nothing.status == COMPLETE and not nothing.out and "no-such-word" in nothing.err,
               "--find without a rule says so", nothing)


def groups_of(text):
    """(chunks, id) of each suggested rule."""
    return [(int(count.replace(",", "")), name) for count, name in
            re.findall(r"^# ([\d,]+) chunks,(?:[^\n]*\n#)*[^\n]*\n- id: (\S+)$", text, re.MULTILINE)]


def suggest_finds(session, name, path):
    result = run(ANALYZE, "rules", "suggest", path, "--rules", RULES)
    rules = write(session, f"{name}.yml", result.out)
    groups = groups_of(result.out)
    session.ok(result.status == COMPLETE and len(groups) >= 2, f"{name}: rules are suggested", result)
    checked, tested = run(ANALYZE, "rules", "check", rules), run(ANALYZE, "rules", "test", rules)
    session.ok(checked.status == COMPLETE and "0 errors, 0 warnings" in checked.out,
               f"{name}: they pass the check", checked)
    session.ok(tested.status == COMPLETE, f"{name}: and the tests", tested)
    report = json.loads(run(ANALYZE, "report", path, "--format", "json", "--rules", RULES, "--rules", rules).out)
    hits = {rule["id"]: rule["live"]["hits"] for rule in report["content"]["rules"]}
    missed = [(count, rule, hits.get(f"suggested.{rule}")) for count, rule in groups
              if hits.get(f"suggested.{rule}", 0) < count]
    session.ok(not missed, f"{name}: each finds all chunks of its group", str(missed))
    return result.out


def suggest_on_captures(session):
    parcels = session.must_capture(session.start(TARGET).pid, "parcels.core.zst")
    text = suggest_finds(session, "parcels", parcels)
    session.ok('keywords: ["PARCEL/2 id="]' in text, "a format's beginning is shown", text)
    session.ok("Bearer" not in text and "Author" not in text, "a token's is not", text)
    python = session.must_capture(session.start_python(PYTHON).pid, "python.core.zst")
    text = suggest_finds(session, "python", python)
    session.ok(not re.search("Zq81|93hX|Bearer|Author", text), "no secret of a python process is shown", text)
    result = run(ANALYZE, "rules", "suggest", parcels, "--reveal")
    session.ok(result.status == USAGE and "terminal" in result.err and not result.out,
               "--reveal is for a terminal", result)
    shown = screen(200, ANALYZE, "rules", "suggest", parcels, "--reveal", "-q")
    session.ok("Authorization: Bearer " in shown, "there it shows", shown)
    few = run(ANALYZE, "rules", "suggest", parcels, "--limit", "1", "--rules", RULES)
    session.ok(len(groups_of(few.out)) == 1 and "smaller groups" in few.out, "--limit", few)


def explain_says(session):
    parcels = session.must_capture(session.start(TARGET, "200").pid, "few.core.zst")
    rules = write(session, "mine.yml", """format: 1
namespace: acme
rules:
- id: queued
  title: T
  keywords: ["PARCEL/2"]
  pattern: 'PARCEL/2 id=\\d+ route=\\S+ state=queued'
- id: all
  title: T
  keywords: ["PARCEL/2"]
  pattern: 'PARCEL/2 id=\\d+'
  priority: 900
""")
    chunks = [json.loads(line) for line in run(
        ANALYZE, "chunks", parcels, "--state", "live", "--rules", rules, "--ndjson").out.splitlines()]
    marked = [chunk["address"] for chunk in chunks if chunk["rule"]]
    session.ok(len(marked) >= 200, "the messages are there", f"{len(marked)}")
    hits, misses = 0, []
    for address in marked[:40]:
        result = run(ANALYZE, "rules", "explain", parcels, address, "acme.queued", "--rules", rules, "--json")
        told = json.loads(result.out)
        session_ok = (result.status == COMPLETE) == told["hit"] == (told["verdict"] == "hit")
        if not session_ok:
            session.ok(False, "status and verdict agree", result)
        if told["hit"]:
            hits += 1
            if not (told["shared"] and told["shared"][0]["rule"] == "acme.all" and
                    told["shared"][0]["has_the_bytes"]):
                session.ok(False, "the rule of higher priority is named", result)
        else:
            misses.append(told)
    session.ok(hits > 5 and len(misses) > 5, "some match, some do not", f"{hits}, {len(misses)}")
    session.ok(all(miss["verdict"] == "pattern" and miss["furthest"]["wanted"][0]["line"] == 7
                   for miss in misses), "the pattern's place is told", json.dumps(misses[:1], indent=1))
    text = run(ANALYZE, "rules", "explain", parcels, marked[0], "acme.all", "--rules", rules)
    session.ok(text.status == COMPLETE and text.out.startswith("acme.all: 1 hit\n") and
               "hub-" not in text.out, "as text, without content", text)
    inside = hex(int(marked[0], 16) + 5)
    session.ok(run(ANALYZE, "rules", "explain", parcels, inside, "acme.all", "--rules", rules).out == text.out,
               "any address of the chunk does")
    for words, wanted in (((parcels, "0x10", "acme.all"), "no chunk of malloc is at 0x10"),
                          ((parcels, marked[0], "acme.al"), "did you mean 'acme.all'?"),
                          ((parcels, marked[0], "all"), "there is no rule 'all'\nanalyze: did you mean 'acme.all'?"),
                          ((parcels, marked[0], "queud"), "did you mean 'acme.queued'?"),
                          ((parcels, "xyz", "acme.all"), "is no address")):
        result = run(ANALYZE, "rules", "explain", *words, "--rules", rules)
        session.ok(result.status in (FAILED, USAGE) and wanted in result.err, wanted, result)


def main():
    session = Session()
    for test in (new_is_good, check_tells, list_fits, suggest_on_captures, explain_says):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

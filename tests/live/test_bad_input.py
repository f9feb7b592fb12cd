#!/usr/bin/env python3
"""Files that are not what they should be: a clear message, the right exit status, never a crash."""

import os
import random
import struct

from harness import (ANALYZE, COMPLETE, FAILED, PARTIAL, RULES, SANITIZED, SOME_RULES, TARGETS, USAGE, Session,
                     run)

FLIPS = 60 if SANITIZED else 200
CUTS = 30 if SANITIZED else 80

BAD_RULE = """format: 1
namespace: acme
rules:
- id: broken
  title: a rule with an error
  severity: hgih
  confidence: high
  description: The severity is no severity.
  remediation: none
  keywords: ["abcd"]
  pattern: 'abcd'
  extent: match
  tests:
  - {name: a, text: 'abcd', expect: match}
  - {name: b, text: 'xyz', expect: none}
"""


def foreign_core(machine, bits, big_endian):
    """An ELF core (System V ABI) of another machine: a header and one empty PT_NOTE."""
    order = ">" if big_endian else "<"
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 2 if big_endian else 1, 1]) + bytes(9)
    if bits == 64:
        header = struct.pack(order + "HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        program = struct.pack(order + "IIQQQQQQ", 4, 0, 120, 0, 0, 0, 0, 4)
    else:
        header = struct.pack(order + "HHIIIIIHHHHHH", 4, machine, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        program = struct.pack(order + "IIIIIIII", 4, 84, 0, 0, 0, 0, 0, 4)
    return ident + header + program


def check_refused(session, name, path, words):
    """Every command that reads a core says what is wrong with it and fails."""
    for command in (["report"], ["chunks"], ["verify"]):
        result = run(ANALYZE, *command, path)
        label = f"{name}: analyze {command[0]}"
        session.ok(not result.crashed(), f"{label} does not crash", result)
        session.equal(result.status, FAILED, f"{label} fails")
        session.ok(os.path.basename(path) in result.err and any(w in result.err.lower() for w in words),
                   f"{label} says what is wrong", result)


def write(session, name, data):
    path = session.path(name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def not_a_core(session):
    check_refused(session, "empty file", write(session, "empty.core", b""), ["empty"])
    check_refused(session, "text file", write(session, "notes.txt", b"not a core\n" * 50),
                  ["not an elf", "not elf", "not a core", "no elf"])
    check_refused(session, "program", os.path.join(TARGETS, "text_target"), ["not a core", "no core"])
    check_refused(session, "missing file", session.path("missing.core"), ["no such file"])
    check_refused(session, "folder", session.folder, ["directory", "folder"])
    check_refused(session, "s390x core", write(session, "s390.core", foreign_core(22, 64, True)),
                  ["s390", "big-endian", "machine", "architecture"])
    check_refused(session, "ppc core", write(session, "ppc.core", foreign_core(20, 32, True)),
                  ["powerpc", "ppc", "big-endian", "machine", "architecture"])
    check_refused(session, "riscv core", write(session, "riscv.core", foreign_core(243, 64, False)),
                  ["risc", "machine", "architecture"])
    check_refused(session, "zstd of nothing", write(session, "none.core.zst", b"\x28\xb5\x2f\xfd"),
                  ["zst", "truncated", "empty", "not an elf"])


def check_survives(session, name, data, compressed, rules):
    """Damaged bytes: an orderly end, and a message where it is a failure. Gives the status."""
    path = write(session, "damaged.core" + (".zst" if compressed else ""), data)
    result = run(ANALYZE, "report", path, "--format", "json", "--rules", rules, "--threads", "2")
    fine = not result.crashed() and result.status in (COMPLETE, FAILED, PARTIAL)
    if not fine or (result.status == FAILED and not result.err.strip()):
        session.ok(False, name, result)
    return result.status


def rules_for(number):
    """What is damaged is the file: every tenth try has all rules, whose compiling takes most of a run."""
    return RULES if number % 10 == 0 else SOME_RULES


def damage(session, options, label):
    target = session.start(os.path.join(TARGETS, "text_target"), 3)
    compressed = "none" not in options
    core = session.must_capture(target.pid, f"good-{label}", *options)
    with open(core, "rb") as file:
        good = file.read()
    dice = random.Random(4711)

    statuses = []
    for number in range(CUTS):
        cut = dice.randrange(1, min(len(good), 4096)) if number % 2 else dice.randrange(len(good))
        statuses.append(check_survives(session, f"{label} cut at {cut}", good[:cut], compressed, rules_for(number)))
    session.ok(COMPLETE not in statuses, f"{label}: no cut file passes for a complete one",
               str(statuses))
    session.ok(FAILED in statuses and PARTIAL in statuses,
               f"{label}: what is there of a cut file is analysed", str(statuses))

    failures = session.failures
    for number in range(FLIPS):
        at = dice.randrange(min(len(good), 8192)) if number % 3 else dice.randrange(len(good))
        bad = bytearray(good)
        bad[at] ^= 1 << dice.randrange(8)
        check_survives(session, f"{label} flipped at {at}", bytes(bad), compressed, rules_for(number))
    session.equal(session.failures, failures, f"{label}: {FLIPS} flipped bits, none ends in a crash")

    half = write(session, f"half-{label}", good[:len(good) // 2])
    report, result = session.report(half)
    session.ok(report and result.status == PARTIAL and not report["evidence"]["complete"],
               f"{label}: half a file gives a report marked incomplete, exit status 3", result)


def verify_finds_damage(session):
    target = session.start(os.path.join(TARGETS, "text_target"), 3)
    core = session.must_capture(target.pid, "verify.core", "--compress", "none")
    session.equal(run(ANALYZE, "verify", core).status, COMPLETE, "verify accepts a whole archive")
    with open(core, "r+b") as file:
        data = file.read()
        at = data.index(b"this is the text of thread number 1")
        file.seek(at)
        file.write(bytes([data[at] ^ 1]))
    result = run(ANALYZE, "verify", core)
    session.ok(result.status in (FAILED, PARTIAL) and not result.crashed(),
               "verify finds one flipped bit", result)


def bad_rule(session):
    target = session.start(os.path.join(TARGETS, "text_target"), 1)
    core = session.must_capture(target.pid, "rule.core")
    path = write(session, "bad.yml", BAD_RULE.encode())
    for command, status in ((["report", core, "--rules", path], COMPLETE),
                            (["rules", "check", path], FAILED)):
        result = run(ANALYZE, *command)
        label = f"bad rule: analyze {' '.join(command[:2 if command[0] == 'rules' else 1])}"
        session.equal(result.status, status, f"{label} ends with {status}")
        text = result.err + result.out
        session.ok("bad.yml:6:" in text and "hgih" in text and "high" in text,
                   f"{label} names the file, the line and what there is", result)
        session.ok(not result.crashed(), f"{label} does not crash", result)
    missing = run(ANALYZE, "report", core, "--rules", session.path("missing.yml"))
    session.ok(missing.status == FAILED and "missing.yml" in missing.err, "a missing rule file is an error",
               missing)
    garbage = write(session, "garbage.yml", bytes(range(256)) * 8)
    result = run(ANALYZE, "rules", "check", garbage)
    session.ok(result.status == FAILED and "garbage.yml:" in result.err + result.out,
               "a rule file of random bytes is refused with a place", result)


def bad_usage(session):
    for command, words in ((["frobnicate"], []), (["raport", "x"], ["report"]), (["report"], []),
                           (["report", "x", "--fromat", "json"], ["--format"]),
                           (["report", "x", "--format", "jsn"], ["json"]), ([], [])):
        result = run(ANALYZE, *command)
        name = "analyze " + " ".join(command)
        # a first word that is no command is taken for a file
        wanted = (FAILED, USAGE) if command in (["frobnicate"],) else (USAGE,)
        session.ok(result.status in wanted and not result.crashed(), f"{name}: usage error", result)
        for word in words:
            session.ok(word in result.err, f"{name}: suggests {word}", result)
    for command in (["--help"], ["--version"], ["report", "--help"], ["chunks", "--help"]):
        result = run(ANALYZE, *command)
        session.ok(result.status == COMPLETE and result.out, f"analyze {' '.join(command)}", result)


def main():
    session = Session()
    session.test(not_a_core)
    session.test(damage, ["--compress", "none"], "plain.core")
    session.test(damage, ["--compress", "zstd"], "packed.core.zst")
    session.test(verify_finds_damage)
    session.test(bad_rule)
    session.test(bad_usage)
    session.finish()


if __name__ == "__main__":
    main()

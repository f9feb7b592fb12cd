#!/usr/bin/env python3
"""The rules we ship: every sample of every rule, the checks of a rule author, the list."""

import glob
import json
import os
import re

from harness import ANALYZE, COMPLETE, ROOT, RULES, Session, run


def shipped_rules(session):
    for command in ("test", "check"):
        result = run(ANALYZE, "rules", command, RULES)
        session.ok(result.status == COMPLETE, f"analyze rules {command} rules/", result)
    result = run(ANALYZE, "rules", "list", RULES, "--json")
    rules = json.loads(result.out)
    session.ok(result.status == COMPLETE and len(rules) >= 100, "at least a hundred rules are shipped",
               result)
    session.ok(all("." in rule["id"] for rule in rules), "every id has its namespace", str(rules))
    session.equal(len({rule["id"] for rule in rules}), len(rules), "every id is there once")


def messages_are_described(session):
    """Every code of a message is in the table of rules/README.md, and none is there that is not given."""
    given = set()
    for path in glob.glob(os.path.join(ROOT, "analyze", "content", "*.c")):
        with open(path, encoding="utf-8") as text:
            given |= set(re.findall(r'"([RW]\d{3})"', text.read()))
    with open(os.path.join(RULES, "README.md"), encoding="utf-8") as text:
        table = text.read().split("## Messages")[1]
    described = {code for row in re.findall(r"^\| ([RW]\d{3}[^|]*)\|", table, re.MULTILINE)
                 for code in re.findall(r"[RW]\d{3}", row)}
    session.ok(len(given) > 25, "the codes are found", str(sorted(given)))
    session.equal(sorted(given ^ described), [], "each is described")


def numbers_are_true(session):
    """README.md says how many rules each shipped file has, and how many rules and validators there are."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as text:
        page = text.read()
    said = {}
    for files, numbers in re.findall(r"^\| (`[a-z]+\.yml`[^|]*) \| ([0-9 +]+) \|", page, re.MULTILINE):
        said.update(zip(re.findall(r"[a-z]+\.yml", files), map(int, numbers.split(" + "))))
    true = {}
    for path in glob.glob(os.path.join(RULES, "*.yml")):
        with open(path, encoding="utf-8") as text:
            true[os.path.basename(path)] = len(re.findall(r"^- id: ", text.read(), re.MULTILINE))
    session.equal(said, true, "rules of each file")
    session.ok(f"{sum(true.values())} rules" in page, f"{sum(true.values())} rules in all")
    with open(os.path.join(ROOT, "docs", "rules.schema.json"), encoding="utf-8") as text:
        validators = len(json.load(text)["$defs"]["validator"]["enum"])
    session.ok(f"{validators} validators" in page, f"{validators} validators")


def main():
    session = Session()
    session.test(shipped_rules)
    session.test(numbers_are_true)
    session.test(messages_are_described)
    session.finish()


if __name__ == "__main__":
    main()

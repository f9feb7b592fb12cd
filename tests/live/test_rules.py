#!/usr/bin/env python3
"""The rules we ship: every sample of every rule, the checks of a rule author, the list."""

import json

from harness import ANALYZE, COMPLETE, RULES, Session, run


def shipped_rules(session):
    for command in ("test", "check"):
        result = run(ANALYZE, "rules", command, RULES)
        session.ok(result.status == COMPLETE, f"analyze rules {command} rules/", result)
    result = run(ANALYZE, "rules", "list", RULES, "--json")
    rules = json.loads(result.out)
    session.ok(result.status == COMPLETE and len(rules) >= 8, "at least eight rules are shipped",
               result)
    session.ok(all("." in rule["id"] for rule in rules), "every id has its namespace", str(rules))
    session.equal(len({rule["id"] for rule in rules}), len(rules), "every id is there once")


def main():
    session = Session()
    session.test(shipped_rules)
    session.finish()


if __name__ == "__main__":
    main()

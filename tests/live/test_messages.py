#!/usr/bin/env python3
"""The messages that docs/capture-in-production.md explains are those of the program."""

import os
import re

from harness import DUMPCORE, ROOT, Session

PAGE = os.path.join(ROOT, "docs", "capture-in-production.md")


def messages():
    """The first column of the table, each cut at what differs."""
    with open(PAGE, encoding="utf-8") as text:
        section = text.read().split("## What can go wrong")[1].split("\n## ")[0]
    return re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)


def fragments(message):
    return [part.strip(" :;,") for part in message.split("…") if len(part.strip(" :;,")) > 3]


def explained(session):
    with open(DUMPCORE, "rb") as file:
        program = file.read().decode("latin-1")
    found = messages()
    session.ok(len(found) > 15, "the table is there", str(found))
    for message in found:
        lost = [part for part in fragments(message) if part not in program]
        session.ok(fragments(message) and not lost, f"dumpcore says: {message}", f"not in it: {lost}")
    session.ok("no such sentence in it" not in program, "a sentence that is not in it is not found")


def main():
    session = Session()
    session.test(explained)
    session.finish()


if __name__ == "__main__":
    main()

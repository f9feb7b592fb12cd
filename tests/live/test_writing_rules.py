#!/usr/bin/env python3
"""docs/writing-rules.md, run as it stands: every command of it in one shell, over a capture of the
program it is about, and every output compared with the page. Numbers are compared where they count
what the program made; addresses and the process's id are not.

usage: test_writing_rules.py [--update]     writes the outputs into the page
"""

import os
import re
import subprocess
import sys

from harness import ANALYZE, BUILD, COMPLETE, ROOT, RULES, Session, run

PAGE = os.path.join(ROOT, "docs", "writing-rules.md")
TARGET = os.path.join(ROOT, "build", "targets", "parcel_service")
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "@@ output ends here"


def split_console(text):
    """Yields (command with its continuation lines, output) of a console block."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    for part in parts:
        lines = part.split("\n")
        count = 1
        while count < len(lines) and lines[count].startswith("> "):
            count += 1
        command = "\n".join([lines[0]] + [line[2:] for line in lines[1:count]])
        yield command, "\n".join(lines[:count]), "\n".join(lines[count:]).rstrip("\n")


class Shell:
    """One shell for the whole page: variables and files stay."""

    def __init__(self, session, pid):
        self.pid = pid
        path = f"{BUILD}:{os.environ['PATH']}"
        self.process = session.adopt(subprocess.Popen(
            ["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=session.folder, env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8",
                                     "DUMPCORE_RULES": RULES}))

    def run(self, command):
        command = command.replace("$(pidof parcel_service)", str(self.pid))
        self.process.stdin.write(f"{command}\nprintf '\\n{MARK}\\n'\n".encode())
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline().decode()
            if not line:
                raise RuntimeError(f"the shell ended in: {command}")
            if line.rstrip("\n") == MARK:
                return "".join(lines).rstrip("\n")
            lines.append(line)


# What the program makes, and so what must be found, wherever it runs.
MADE = {"20,000", "19,999", "1,000"}


def comparable(output):
    """Without what differs from machine to machine: addresses, counts and sizes of what malloc did on
    its own, and blanks that line columns up."""
    output = re.sub(r"\b0x[0-9a-f]{8,16}\b", "ADDRESS", output)
    output = re.sub(r"\b\d+(,\d{3})+\b|\b\d+(\.\d+)? [KM]iB",
                    lambda found: found.group(0) if found.group(0) in MADE else "N", output)
    return [re.sub(r" +", " ", line).rstrip() for line in output.split("\n")]


def write_file(session, text):
    name = re.match(r"# (\S+\.yml)\n", text).group(1)
    with open(session.path(name), "w", encoding="utf-8") as file:
        file.write(text)


def replay(session, page, update):
    """Runs the page; gives it with the outputs that were seen."""
    target = session.start(TARGET)
    shell = Shell(session, target.pid)
    count = 0

    def block(found):
        nonlocal count
        kind, text = found.groups()
        if kind == "yaml":
            write_file(session, text)
            return found.group(0)
        made = ""
        for command, shown, wanted in split_console(text):
            if command.startswith("parcel_service"):
                got = wanted
            else:
                got = shell.run(command)
                count += 1
                if not update:
                    session.equal(comparable(got), comparable(wanted), f"$ {shown.splitlines()[0][:70]}")
            made += f"$ {shown}\n" + (f"{got}\n" if got else "")
        return f"```console\n{made}```"

    page = BLOCK.sub(block, page)
    session.ok(count > 20, "the page has its commands", f"{count} of them")
    return page


def tutorial(session):
    with open(PAGE, encoding="utf-8") as file:
        replay(session, file.read(), False)
    result = run(ANALYZE, "rules", "suggest", session.path("parcels.core.zst"), "--rules", RULES)
    session.ok(result.status == COMPLETE and "Bearer" not in result.out, "no token is suggested", result)


def update_page():
    session = Session()
    with open(PAGE, encoding="utf-8") as file:
        page = replay(session, file.read(), True)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)
    session.finish()


def main():
    if "--update" in sys.argv:
        update_page()
    session = Session()
    session.test(tutorial)
    session.finish()


if __name__ == "__main__":
    main()

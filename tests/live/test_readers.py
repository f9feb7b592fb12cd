#!/usr/bin/env python3
"""gdb, readelf and eu-readelf open the plain core without a complaint and show what was there."""

import os
import re

from harness import TARGETS, Session, run

COMPLAINT = re.compile(r"warning|BFD:|error|corrupt|invalid|cannot|truncated|failed|bad ", re.IGNORECASE)


def start_speakers(session, count):
    """Starts text_target; gives (process, [(tid, name, address, text)])."""
    target = session.start(os.path.join(TARGETS, "text_target"), count)
    return target, [line.split(None, 3) for line in target.said[:-1]]


def check_quiet(session, name, result):
    """Exit status 0 and nothing on stderr that reads like a complaint."""
    complaints = [line for line in result.err.splitlines() if COMPLAINT.search(line)]
    session.ok(result.status == 0 and not complaints, f"{name} has no complaint", result)


def gdb(core, *commands):
    program = os.path.join(TARGETS, "text_target")
    words = [word for command in commands for word in ("-ex", command)]
    return run("gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", *words, program, core,
               env={"LC_ALL": "C"})


def readers(session):
    target, speakers = start_speakers(session, 6)
    core = session.must_capture(target.pid, "plain.core", "--compress", "none")

    opened = gdb(core, "info threads", "info auxv", "info proc mappings",
                 *(f"x/s {address}" for _, _, address, _ in speakers))
    check_quiet(session, "gdb", opened)
    session.ok(not COMPLAINT.search(opened.out.split("AT_NULL")[0]), "gdb prints none either", opened.out)
    for _, _, address, text in speakers:
        session.ok(f'"{text}"' in opened.out, f"gdb: x/s {address} is the target's text", opened.out)
    for tid, _, _, _ in speakers:
        session.ok(re.search(rf"LWP {tid}\b", opened.out), f"gdb knows thread {tid}", opened.out)
    session.equal(len(set(re.findall(r"LWP (\d+)", opened.out))), 7, "gdb lists every thread")

    stacks = gdb(core, "thread apply all backtrace")
    check_quiet(session, "gdb's backtraces", stacks)
    session.ok(stacks.out.count("keep_text") >= 6, "gdb unwinds every thread", stacks.out)

    for command in (["readelf", "-a", "-W"], ["eu-readelf", "-h", "-l", "-S", "-n"]):
        check_quiet(session, " ".join(command), run(*command, core, env={"LC_ALL": "C"}))
    notes = run("eu-readelf", "-n", core, env={"LC_ALL": "C"})
    for word in ("PRSTATUS", "PRPSINFO", "AUXV", "FILE", "DUMPCORE"):
        session.ok(word in notes.out, f"eu-readelf -n shows {word}", notes.out[:2000])


def main():
    session = Session()
    session.test(readers)
    session.finish()


if __name__ == "__main__":
    main()

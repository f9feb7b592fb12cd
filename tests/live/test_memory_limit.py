#!/usr/bin/env python3
"""A process that writes without pause in a control group whose limit a clone would burst: it survives
every capture. Either there is no clone, or the clone is ended while there is still room."""

import os
import signal
import subprocess
import time

import cgroups
import kernel_setting
import methods
import process
from harness import (ANALYZE, COMPLETE, DUMPCORE, FAILED, PARTIAL, PATIENT, SANITIZED, TARGETS, Session, Skip,
                     run, wait_until)

PAUSE = os.path.join(TARGETS, "pause_target")
MEGABYTES = 192
ROOM = 176  # MiB that the group has left: more than dumpcore wants to start with, less than a copy takes
SLOW_BYTES = 1 << 20  # that the reader takes at once, and then sleeps


def start_confined(session):
    """Gives (target, group)."""
    if os.geteuid() != 0:
        raise Skip("only root makes control groups")
    session.stack.enter_context(kernel_setting.as_to_swap())  # with more of it the limit would be higher
    group = cgroups.Group("memory")
    session.stack.callback(group.end)
    group.limit("memory", (MEGABYTES + 16 + ROOM) << 20)
    session.note("memory.oom.group is 1" if group.limit("oom_group", 1) else
                 "version 1 of control groups: there is no memory.oom.group, one process would be killed")
    target = session.start(PAUSE, MEGABYTES, 4, "write", preexec=group.enter)
    return target, group


def check_alive(session, target, name):
    session.ok(target.poll() is None, f"{name}: the process survives",
               f"it ended with {target.poll()}")
    session.ok(process.ask(target, "gap").startswith("GAP"), f"{name}: it answers")
    session.equal(process.traced_threads(target.pid), [], f"{name}: nobody traces it")


def captured_or_refused(session, method):
    """A fast output: the capture may be over before much is written."""
    target, _ = start_confined(session)
    path = session.path(f"{method}.core")
    patience = PATIENT if method == "auto" else ()
    result = run(DUMPCORE, "-q", "-z", "none", "-c", method, "-o", path, *patience, target.pid)
    session.ok(result.status in (COMPLETE, PARTIAL) or
               (result.status == FAILED and any(word in result.err for word in ("memory", "writes", "does not tell"))),
               f"{method}: captured, or refused with the cause", result)
    session.note(f"{method}: exit status {result.status} {result.err.strip().splitlines()[:1]}")
    if method == "auto":
        session.ok(result.status == COMPLETE and not result.err, "auto: another way gets it all", result)
    check_alive(session, target, method)


def slow_reader(session):
    """A clone that lives long: every page is written meanwhile, and charged a second time."""
    target, _ = start_confined(session)
    tool = session.adopt(subprocess.Popen([DUMPCORE, "-z", "none", "-c", "fork", "-o", "-",
                                           str(target.pid)], stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE))
    path, size = session.path("slow.core"), 0
    with open(path, "wb") as file:
        while piece := tool.stdout.read(SLOW_BYTES):
            size += file.write(piece)
            if size < MEGABYTES << 19:  # slow in the first half, while there is a clone
                time.sleep(0.02)
    error, status = tool.stderr.read().decode(), tool.wait()
    session.equal(status, PARTIAL, "slow reader: exit status 3")
    session.ok("below its memory limit" in error, "slow reader: it says why", error)
    check_alive(session, target, "slow reader")
    report = run(ANALYZE, "report", path, "--rules", "none")
    session.ok(report.status == PARTIAL and not report.crashed(), "slow reader: what there is, is analysed",
               report)
    os.unlink(path)


def would_be_killed(session):
    """The proof that the limit is one: without the guard, a clone kills somebody. Two processes that
    both write all of it pass the limit."""
    target, group = start_confined(session)
    second = session.adopt(subprocess.Popen([PAUSE, str(MEGABYTES + 16), "4", "write"],
                                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                            preexec_fn=group.enter))
    killed = wait_until(lambda: second.poll() is not None or target.poll() is not None)
    session.ok(killed and -signal.SIGKILL in (second.poll(), target.poll()),
               "a second process of that size is too much for the group")


def main():
    session = Session()
    session.test(would_be_killed)
    for method in methods.existing():
        if not SANITIZED or method in ("auto", "fork"):
            session.test(captured_or_refused, method)
    session.test(slow_reader)
    session.finish()


if __name__ == "__main__":
    main()

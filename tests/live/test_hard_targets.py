#!/usr/bin/env python3
"""Processes that are hard to capture, with every method: captured or refused with the cause, the
process unharmed in both cases, and what was in its memory found in the archive.

Ends with a table of what each method did with each process. DUMPCORE_ONLY=WORD[,WORD...] keeps the
kinds whose name contains a word.
"""

import contextlib
import os
import re
import signal
import textwrap

import cgroups
import kernel_setting
import methods
import process
from core_file import CoreFile
from harness import (COMPLETE, PARTIAL, SANITIZED, TARGETS, Session, Skip, kernel_version, wait_until)

PLAIN_METHODS = ("freeze", "live", "auto")  # nothing is put into the process; auto falls back


class Kind:
    """One row: how the situation is made, and what is expected where it is not the usual."""

    def __init__(self, name, *command, program="hard_target", select=(), absent=(), refused=(),
                 not_copied=(), churns=False, state=None, traced=False, arrange=None, limits=None,
                 slow=False):
        self.name = name
        self.command = (os.path.join(TARGETS, program), *(command or (name,)))
        self.options = ("--select", "native," + ",".join(select)) if select else ()
        self.absent = absent  # marks that must not be in the archive
        self.refused = refused  # a refusal names one of these; without any it must be captured
        self.not_copied = not_copied  # the same for methods that put something into the process
        self.churns = churns  # threads and children come and go
        self.state = state  # of the first thread, before the capture and behind it
        self.traced = traced  # by somebody else
        self.arrange = arrange  # context manager around all of it
        self.limits = limits or {}  # of a control group: {name: value}
        self.slow = slow  # left out under the sanitizers

    def causes(self, method):
        if self.traced and method == "live":
            return ()
        return self.refused + (() if method in PLAIN_METHODS else self.not_copied)


def memory_kind(name, *command, **rest):
    return Kind(name, *command, program="hard_memory_target", **rest)


# --- what has to be arranged, and is put back ---


def many_mappings(_session):
    return kernel_setting.many_mappings()


def huge_pages(_session):
    return kernel_setting.huge_pages(8)


def swap(session):
    return kernel_setting.swap_file(session.path("swap"))


# --- the table ---

KINDS = [
    Kind("mmap-storm", churns=True),
    Kind("fork-storm", churns=True),
    Kind("thread-storm", churns=True, refused=("creates threads faster",)),
    Kind("threads-5000", "threads", 5000, slow=True),
    Kind("stopped", state="T"),
    Kind("pending-signals"),
    Kind("vfork"),
    Kind("seccomp", not_copied=("seccomp",)),
    Kind("seccomp-kill", not_copied=("seccomp",)),
    Kind("zombie-leader", state="Z", refused=("zombie",)),
    Kind("non-dumpable", refused=() if os.geteuid() == 0 else ("not dumpable", "kernel refused")),
    Kind("another-tracer", "pending-signals", traced=True, refused=("trace",)),
    memory_kind("mappings-70000", "mappings", 70000, arrange=many_mappings, slow=True),
    memory_kind("hugetlb", arrange=huge_pages),
    memory_kind("thp"),
    memory_kind("swap", arrange=swap, absent=("swapped",)),
    memory_kind("memfd", select=("shared",)),
    memory_kind("memfd-unselected", "memfd", absent=("shared",)),
    memory_kind("truncated"),
    memory_kind("guard-pages"),
    memory_kind("dontdump", select=("dontdump",)),
    memory_kind("dontdump-unselected", "dontdump", absent=("dontdump", "end")),
    memory_kind("dontfork"),
    memory_kind("wipeonfork"),
    memory_kind("prot-none"),
    memory_kind("reservation"),
    memory_kind("pids.max", "filled", limits={"pids": None}, not_copied=("pids.max", "writes")),
    memory_kind("memory.max", "filled", limits={"memory": 84 << 20, "oom_group": 1},
                not_copied=("memory", "writes")),
]


# --- one capture ---

# In a process of its own, for as long as its stdin is open: traces all threads of another one.
TRACER = """
import ctypes, os, sys
seize, interface = 0x4206, ctypes.CDLL(None, use_errno=True)
for tid in os.listdir("/proc/PID/task"):
    if interface.ptrace(seize, int(tid), None, None):
        sys.exit(os.strerror(ctypes.get_errno()))
print("READY", flush=True)
sys.stdin.read()
"""


def start(session, kind):
    """Starts the target, confined where it is to be; gives (target, {mark: (address, text)})."""
    group = None
    if kind.limits:
        kernel_setting.require_root()
        group = cgroups.Group(next(iter(kind.limits)))
        session.stack.callback(group.end)
        for name, value in kind.limits.items():
            if value:
                group.limit(name, value)
    target = session.start(*kind.command, preexec=group.enter if group else None)
    if "pids" in kind.limits:
        group.limit("pids", group.current("pids"))  # not one more
    for line in target.said:
        if line.startswith("SKIP "):
            raise Skip(line[5:])
    if kind.traced:
        session.start_python(TRACER.replace("PID", str(target.pid)))
    if kind.state and not wait_until(lambda: process.status(target.pid)["State"][0] == kind.state):
        raise RuntimeError(f"it is not in state {kind.state}")
    marks = [line.split() for line in target.said if line.startswith("mark ")]
    return target, {name: (int(address, 16), text) for _, name, address, text in marks}


def check_unharmed(session, kind, name, target, children):
    ended = target.poll()
    if not session.ok(ended is None, f"{name}: it lives", f"exit status or signal {ended}"):
        return
    if not kind.traced:
        session.equal(process.traced_threads(target.pid), [], f"{name}: nobody traces it")
    if not kind.churns:
        session.equal(process.children(target.pid), children, f"{name}: its children are the same")
    stopped = process.stopped_threads(target.pid)
    if kind.state == "T":
        wanted = process.threads(target.pid)
        wait_until(lambda: process.stopped_threads(target.pid) == wanted)
        session.equal(process.stopped_threads(target.pid), wanted, f"{name}: it is still stopped")
        os.kill(target.pid, signal.SIGCONT)
    else:
        session.equal(stopped, [], f"{name}: none of its threads is stopped")
    session.equal(process.ask(target, "ping"), "PONG", f"{name}: it answers")


def is_listed(outcome, address):
    """The archive says of this address that it could not be read."""
    return any(int(error["start"], 16) <= address < int(error["end"], 16)
               for error in outcome.get("errors", []))


def check_marks(session, kind, name, taken, marks):
    wrong = []
    with CoreFile(taken.path) as core:
        for mark, (address, text) in marks.items():
            held = core.read(address, len(text))
            found = held == text.encode()
            if found == (mark in kind.absent) and not is_listed(taken.outcome, address):
                wrong.append(f"{mark} at {address:#x}: {held!r}")
    session.ok(not wrong, f"{name}: its memory is in the archive, and only what was selected",
               "\n".join(wrong))


def check_report(session, kind, name, taken, threads):
    report = session.must_report(taken.path, rules="none")
    memory = report["memory"]
    if kind.churns:  # the kernel counts VmRSS in parts, one a processor, and sums them late
        total = sum(bucket["resident_bytes"] for bucket in memory["buckets"])
        session.equal(total + memory["residual_bytes"], memory["resident_bytes"],
                      f"{name}: buckets and residual sum to the RSS")
    else:
        session.check_accounting(report, name, threads)


def check_result(session, kind, name, method, taken):
    """Gives the word for the table."""
    result, causes = taken.result, kind.causes(method)
    session.ok(not result.crashed(), f"{name}: no crash", result)
    if taken.refused and causes:
        session.ok(any(word in result.err for word in causes),
                   f"{name}: refused, and the cause is named", result)
        return "refused"
    captured = result.status == COMPLETE or (result.status == PARTIAL and taken.why())
    session.ok(captured, f"{name}: captured", result)
    return {COMPLETE: "complete", PARTIAL: "partial"}.get(result.status, "FAILED")


def capture_kind(session, kind, method, table):
    outer = session.stack
    with contextlib.ExitStack() as session.stack:
        try:
            if kind.arrange:
                session.stack.enter_context(kind.arrange(session))
            capture_target(session, kind, method, table)
        except Skip as reason:
            table.append((kind.name, method, "skipped", str(reason), ""))
            session.skip(f"{kind.name}, {method}", reason)
    session.stack = outer


def capture_target(session, kind, method, table):
    name = f"{kind.name}, {method}"
    target, marks = start(session, kind)
    children = process.children(target.pid)
    taken = methods.capture(session, target.pid, method, *kind.options)
    if taken.refused and method == "precopy" and kernel_version() < methods.PRECOPY_KERNEL:
        raise Skip(f"precopy on Linux {os.uname().release}")
    word = check_result(session, kind, name, method, taken)
    check_unharmed(session, kind, name, target, children)
    if taken.description:
        check_marks(session, kind, name, taken, marks)
        check_report(session, kind, name, taken, len(process.threads(target.pid)))
    done = taken.done if taken.done not in ("", method) else ""
    table.append((kind.name, method, word, (f"{done} " if done else "") + taken.why(),
                  methods.milliseconds(taken.pause_ns)))
    taken.remove()


def print_table(session, table):
    session.note(f"{'kind':20}{'method':8} {'result':9} {'pause ms':>8}  done as, reason")
    for kind, method, word, reason, pause in table:
        short = re.sub(r"^dumpcore: (process \d+ (\(\S+\) )?)?", "", reason)
        first, *rest = textwrap.wrap(short, 28) or [""]
        session.note(f"{kind:20}{method:8} {word:9} {pause:>8}  {first}".rstrip())
        for line in rest:
            session.note(" " * 48 + line)


def capture_all(kinds):
    """The whole of a test: each kind with each method, and the table."""
    session, table = Session(), []
    wanted = [word for word in os.environ.get("DUMPCORE_ONLY", "").split(",") if word]
    existing = methods.existing()
    for kind in kinds:
        if wanted and not any(word in kind.name for word in wanted):
            continue
        if SANITIZED and kind.slow:
            session.skip(kind.name, "it takes long under the sanitizers")
            continue
        for method in existing:
            session.test(capture_kind, kind, method, table)
    print_table(session, table)
    session.finish()


if __name__ == "__main__":
    capture_all(KINDS)

"""The ways in which this dumpcore can capture, found out by asking it.

A method that the command line refuses does not exist in this version; one that exists may still be
refused for a target or by a kernel, with exit status 1 and a reason. Standard library only.
"""

import os

from core_file import CoreFile
from harness import COMPLETE, DUMPCORE, FAILED, PARTIAL, PATIENT, USAGE, Session, Skip, kernel_version, run

ALL = ("auto", "precopy", "fork", "freeze", "live")
REFUSES_WRITERS = {"precopy": "writes"}  # a target that writes too fast, and the word that says so
TORN = ("live",)  # what changes meanwhile may be torn
PRECOPY_KERNEL = (6, 7)  # the first with PAGEMAP_SCAN and asynchronous write protection


def existing(wanted=ALL):
    """Those of `wanted` that the command line takes. Nothing is captured to find out."""
    return [method for method in wanted
            if run(DUMPCORE, "--consistency", method, "--version").status != USAGE]


def consistent():
    return [method for method in existing() if method not in TORN]


class Capture:
    """One capture: its exit status, what the program said, and what stands in the archive."""

    def __init__(self, method, path, result):
        self.method, self.path, self.result = method, path, result
        self.description, self.outcome = {}, {}
        if result.status in (COMPLETE, PARTIAL):
            with CoreFile(path) as core:
                self.description, self.outcome = core.description(), core.outcome() or {}

    @property
    def done(self):
        """What was done: `auto` chooses, and any method may fall back."""
        return self.description.get("consistency", "")

    @property
    def pause_ns(self):
        return self.outcome.get("pause_ns", 0)

    @property
    def refused(self):
        return self.result.status == FAILED

    def why(self):
        """One line that says why it is not complete; empty where it is."""
        if self.result.status == COMPLETE:
            return ""
        return self.outcome.get("reason") or (self.result.err.strip().splitlines() or ["?"])[0]

    def remove(self):
        if os.path.exists(self.path):
            os.unlink(self.path)


def capture(session: Session, pid, method, *options):
    """Captures to a new plain file. The caller judges it, and removes it where it is large."""
    path = session.path(f"{method}.{pid}.core")
    if os.path.exists(path):
        os.unlink(path)
    patience = PATIENT if method == "auto" else ()
    result = run(DUMPCORE, "-q", "--compress", "none", "--consistency", method, "-o", path, *patience,
                 *options, pid)
    return Capture(method, path, result)


def must_capture(session: Session, pid, method, *options, writes=False):
    """A complete capture of an ordinary target: a refusal is an error, except where the kernel is
    older than the method, or the target writes without pause and the method does not take that."""
    taken = capture(session, pid, method, *options)
    if taken.refused and method == "precopy" and kernel_version() < PRECOPY_KERNEL:
        raise Skip(f"{method} on Linux {os.uname().release}: {taken.why()}")
    if taken.refused and writes and REFUSES_WRITERS.get(method, "\n") in taken.why():
        raise Skip(taken.why())
    if taken.result.status != COMPLETE:
        raise RuntimeError(taken.result.describe())
    return taken


def milliseconds(nanoseconds):
    return f"{nanoseconds / 1e6:.1f}"


def page_size():
    return os.sysconf("SC_PAGE_SIZE")


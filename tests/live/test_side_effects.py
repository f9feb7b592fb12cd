#!/usr/bin/env python3
"""A capture changes nothing in the process, or no more than the tables below allow.

What the threads wait for is delivered as if nothing had happened, signals and registers are the same,
and so are memory, mappings, page tables, descriptors, threads and children.
"""

import os

import methods
import process
from harness import SANITIZED, TARGETS, Session, Skip

STATES = os.path.join(TARGETS, "state_target")
TIMES = 1 if SANITIZED else 3  # captures between two checks: damage may add up

# KiB that a figure may change by, for all captures together, and why.
ALLOWED_KIB = {
    "Rss": (4, "the one page of the vdso that reading maps where nobody called it before"),
    "VmPTE": (4, "the page table of the vdso, where it was not there"),
    "Anonymous": (4, "the page of the vdso where a method puts the system calls that it has the "
                     "process make: it is a copy from then on, with what stood there before"),
    "AnonHugePages": (0, ""),
    "Swap": (0, ""),
}

# Calls that may end with EINTR though no handler ran. Linux does not restart them when a thread that
# waits in them is stopped and goes on, whoever stops it: signal(7), "Interruption of system calls and
# library functions by stop signals". On x86_64 dumpcore has the thread make them again; on other
# machines the kernel does not tell their first argument.
ALLOWED_EINTR = () if os.uname().machine == "x86_64" else ("epoll_wait", "sigtimedwait")


def read_answer(line):
    """Gives (verdict, {call: count of EINTR}) of the answer to "check"."""
    verdict, *counts = line.split(" eintr ")
    return verdict.strip(), {name: int(count) for name, count in (words.split() for words in counts)}


class Facts:
    """What is compared."""

    def __init__(self, pid):
        self.signals = process.signal_sets(pid)
        self.memory = process.memory(pid)
        self.mappings = process.mappings(pid)
        self.descriptors = process.descriptors(pid)
        self.threads = process.threads(pid)
        self.children = process.children(pid)


def difference(before, after):
    """Lines that say how two dicts or lists differ."""
    if isinstance(before, dict):
        return [f"{key}: {before.get(key)} -> {after.get(key)}"
                for key in {**before, **after} if before.get(key) != after.get(key)]
    return [f"- {item}" for item in before if item not in after] + \
           [f"+ {item}" for item in after if item not in before]


def compare(session, name, before, after):
    for what in ("signals", "mappings", "descriptors", "threads", "children"):
        was, now = getattr(before, what), getattr(after, what)
        session.ok(was == now, f"{name}: {what} are the same", "\n".join(difference(was, now)))
    for what, (allowed, _) in ALLOWED_KIB.items():
        change = after.memory[what] - before.memory[what]
        session.ok(abs(change) <= allowed, f"{name}: {what} is the same",
                   f"{before.memory[what]} -> {after.memory[what]} KiB, {allowed} KiB are allowed")


def captures(session, pid, method, times, *options):
    """Captures several times; gives the ways in which it was done."""
    done = set()
    for _ in range(times):
        taken = methods.must_capture(session, pid, method, *options)
        done.add(taken.done)
        taken.remove()
    return ", ".join(sorted(done))


def states_survive(session, method):
    target = session.start(STATES)
    session.equal(process.ask(target, "check"), "ok", f"{method}: all is well before")
    before = Facts(target.pid)
    done = captures(session, target.pid, method, TIMES)
    after = Facts(target.pid)
    verdict, interrupted = read_answer(process.ask(target, "check"))
    session.equal(verdict, "ok", f"{method}: every wait, signal and register survived")
    session.equal([name for name in interrupted if name not in ALLOWED_EINTR], [],
                  f"{method}: no other call ended with EINTR than the kernel's own rules say")
    if done == "live":
        session.equal(interrupted, {}, f"{method}: nothing was interrupted")
    compare(session, method, before, after)
    session.note(f"{method}: {TIMES} captures, done as {done}; EINTR in {interrupted or 'none'}")


# Targets whose memory a careless capture changes: (name, words of the command, options).
MEMORY = [
    ("malloc memory", ("pause_target", 32, 4, "idle", "malloc"), ()),
    ("huge pages", ("hard_memory_target", "thp"), ()),
    ("untouched reservations", ("hard_memory_target", "reservation"), ()),
    ("untouched reservations, --select all", ("hard_memory_target", "reservation"),
     ("--select", "all")),
    ("guard pages", ("hard_memory_target", "guard-pages"), ()),
    ("a thousand mappings", ("hard_memory_target", "mappings"), ()),
    ("memory closed to all", ("hard_memory_target", "prot-none"), ()),
]


def memory_survives(session, method, name, command, options):
    target = session.start(os.path.join(TARGETS, command[0]), *command[1:])
    if any(line.startswith("SKIP") for line in target.said):
        raise Skip(f"{name}: {target.said[-2]}")
    process.settle(target.pid)
    before = Facts(target.pid)
    captures(session, target.pid, method, TIMES, *options)
    compare(session, f"{method}, {name}", before, Facts(target.pid))


def sees_changes(session):
    """The comparison itself: two processes that differ in everything."""

    class Unlike:
        signals, mappings, descriptors = {1: {"SigBlk": "1"}}, ["a"], {0: "x"}
        threads, children, memory = [1], {1}, {key: 10000 for key in ALLOWED_KIB}

    class Other:
        signals, mappings, descriptors = {1: {"SigBlk": "0"}}, ["a", "b"], {0: "x", 3: "y"}
        threads, children, memory = [1, 2], set(), {key: 20000 for key in ALLOWED_KIB}

    class Recorder:
        failed = 0

        def ok(self, condition, _name, _detail):
            self.failed += not condition

    recorder = Recorder()
    compare(recorder, "", Unlike, Other)
    session.equal(recorder.failed, 5 + len(ALLOWED_KIB), "the comparison sees every difference")
    session.equal(read_answer("broken read read gave 0; mask x eintr read 2 eintr poll 1"),
                  ("broken read read gave 0; mask x", {"read": 2, "poll": 1}), "an answer is read")


def main():
    session = Session()
    session.test(sees_changes)
    for method in methods.existing():
        session.test(states_survive, method)
        for name, command, options in MEMORY:
            session.test(memory_survives, method, name, command, options)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""dumpcore is killed at every step, and at random moments: the target runs on unharmed. The target is
killed at every step: what was captured until then is an archive that says so.

The steps are the fault points of the code (base/fault.h), in the build made for them: build/fault.
"""

import glob
import os
import random
import re
import signal
import subprocess
import time

import methods
import process
from harness import (ANALYZE, COMPLETE, DUMPCORE, PARTIAL, ROOT, SANITIZED, TARGETS, Session,
                     kernel_version, run, wait_until)

FAULTS = os.path.join(ROOT, "build", "fault", "dumpcore")
STATES = os.path.join(TARGETS, "state_target")
FILLER = os.path.join(TARGETS, "bench_target")
LONG = bool(os.environ.get("DUMPCORE_LONG"))
RANDOM_KILLS = 200 if LONG else 5 if SANITIZED else 40
SEED = int(os.environ.get("DUMPCORE_SEED", "0")) or int(time.time())

# The fault points that a method passes.
PASSES = {
    "precopy": ("precopy.", "inject.", "snapshot.prepared", "snapshot.written"),
    "fork": ("fork.", "inject.", "replica.", "snapshot.prepared", "snapshot.written"),
    "freeze": ("freeze.", "snapshot.prepared", "snapshot.written"),
    "live": ("snapshot.prepared", "snapshot.written"),
}
# On x86_64 a register tells of a call that begins anew: nothing has to settle.
ELSEWHERE = () if os.uname().machine == "aarch64" else ("inject.settled",)
SPOOLED = ("snapshot.sent",)  # only where the output is compressed or a stream


def fault_points():
    """The names in the code, so that a new one is tested the day it is made."""
    names = set()
    for path in glob.glob(os.path.join(ROOT, "dumpcore", "*.c")):
        with open(path, encoding="utf-8") as text:
            names.update(re.findall(r'fault_point\("([a-z.]+)"\)', text.read()))
    return sorted(names.difference(ELSEWHERE))


def points_of(method):
    return [name for name in fault_points() if name.startswith(PASSES[method])]


def existing():
    able = [method for method in methods.existing() if method in PASSES]
    if kernel_version() < methods.PRECOPY_KERNEL:
        able.remove("precopy")
    return able


def dump(point, method, path, pid, victim=None, compress="none"):
    """Captures with the fault: of the program itself, or of the process `victim`."""
    fault = point if victim is None else f"{point}:{victim}"
    return run(FAULTS, "-q", "-z", compress, "-c", method, "-o", path, pid,
               env={"DUMPCORE_FAULT": fault})


def clones(pid, states):
    """Children that send no signal at their end (field 38 of stat), as only a snapshot child does, in
    one of the states."""
    found = set()
    for child in process.children(pid):
        try:
            behind = process.read_text(f"/proc/{child}/stat").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if behind[35] == "0" and behind[0] in states:
            found.add(child)
    return found


LIVING, ENDED = "RSDTtI", "ZX"


def check_unharmed(session, target, name, signals):
    """All that a killed capture must leave as it was; `signals` are of before."""
    pid = target.pid
    wait_until(lambda: not process.traced_threads(pid) and not process.stopped_threads(pid) and
               not clones(pid, LIVING))
    session.equal(process.traced_threads(pid), [], f"{name}: nobody traces the target")
    session.equal(process.stopped_threads(pid), [], f"{name}: none of its threads is stopped")
    session.equal(clones(pid, LIVING), set(), f"{name}: no snapshot child lives")
    wait_until(lambda: process.signal_sets(pid) == signals, 5)
    session.equal(process.signal_sets(pid), signals, f"{name}: signal masks are the same")
    verdict = process.ask(target, "check").split(" eintr ")[0].strip()
    session.equal(verdict, "ok", f"{name}: every wait, signal and register survived")


def remove_partial(session):
    for path in glob.glob(session.path("*.core*")):
        os.unlink(path)


def tool_dies_at(session, target, method, point, compress="none"):
    signals = process.signal_sets(target.pid)
    suffix = ".zst" if compress == "zstd" else ""
    result = dump(point, method, session.path(f"die.core{suffix}"), target.pid, compress=compress)
    name = f"dumpcore killed at {point}, {method}"
    session.equal(result.status, -signal.SIGKILL, f"{name}: it was")
    session.ok(not os.path.exists(session.path(f"die.core{suffix}")),
               f"{name}: nothing looks like a finished archive")
    check_unharmed(session, target, name, signals)
    remove_partial(session)


def clean_up(session, target):
    result = run(DUMPCORE, "cleanup", target.pid)
    session.ok(result.status == COMPLETE, "dumpcore cleanup ends well", result)
    session.equal(clones(target.pid, ENDED), set(), "dumpcore cleanup leaves no zombie")
    result = run(DUMPCORE, "cleanup", target.pid)
    session.ok("nothing" in result.err or "no capture has left" in result.err,
               "a second cleanup has nothing to do", result)


def tool_dies_at_every_step(session):
    target = session.start(STATES)
    for method in existing():
        for point in points_of(method):
            tool_dies_at(session, target, method, point)
    if "precopy" in existing():
        for point in SPOOLED:
            tool_dies_at(session, target, "precopy", point, "zstd")
    clean_up(session, target)


def every_point_is_passed(session):
    """A point that no method passes tests nothing."""
    passed = {name for method in PASSES for name in points_of(method)} | set(SPOOLED)
    session.equal(set(fault_points()) - passed, set(), "every fault point belongs to a method")


def tool_dies_at_random(session):
    target = session.start(STATES)
    signals = process.signal_sets(target.pid)
    dice = random.Random(SEED)
    session.note(f"seed {SEED}: set DUMPCORE_SEED to repeat")
    for i in range(RANDOM_KILLS):
        method = dice.choice(existing())
        tool = subprocess.Popen([DUMPCORE, "-q", "-z", "none", "-c", method, "-o",
                                 session.path(f"random{i}.core"), str(target.pid)],
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.random() * 0.06)
        tool.kill()
        tool.wait()
        remove_partial(session)
        if i % 20 == 19 or i == RANDOM_KILLS - 1:
            check_unharmed(session, target, f"dumpcore killed {i + 1} times at random", signals)
    clean_up(session, target)


def check_archive(session, name, path, result, torn):
    """Complete where all was read before the target died, else partial; analysable in any case. Of
    what is torn analyze says that it is incomplete evidence."""
    wanted = PARTIAL if torn else result.status
    session.ok(result.status in (COMPLETE, PARTIAL), f"{name}: an archive was kept", result)
    if not os.path.exists(path):
        session.ok(False, f"{name}: the archive is there", result)
        return "none"
    text = run(ANALYZE, "report", path, "--rules", "none")
    session.ok(text.status == wanted and not text.crashed(),
               f"{name}: it is analysed, exit status {wanted}", text)
    whole = run(ANALYZE, "verify", path)
    session.ok(whole.status == wanted and "DAMAGED" not in whole.out,
               f"{name}: its checksums hold", whole)
    os.unlink(path)
    return "complete" if result.status == COMPLETE else "partial"


def target_dies_at(session, method, point):
    target = session.start(FILLER, 24, 3, 1)
    path = session.path("dead.core")
    result = dump(point, method, path, target.pid, victim=target.pid)
    name = f"target killed at {point}, {method}"
    wait_until(lambda: target.poll() is not None)
    session.equal(target.poll(), -signal.SIGKILL, f"{name}: it was")
    word = check_archive(session, name, path, result, method in methods.TORN)
    session.note(f"{point:22} {method:8} {word}")
    target.stdin.close()


def target_dies_at_every_step(session):
    for method in existing():
        for point in points_of(method):
            session.test(target_dies_at, method, point)


def main():
    session = Session()
    if not os.access(FAULTS, os.X_OK):
        session.skip("faults", "there is no build/fault/dumpcore: make FAULTS=1 build/fault/dumpcore")
        session.finish()
    session.test(every_point_is_passed)
    if not SANITIZED:  # the fault build is the same for both
        session.test(tool_dies_at_every_step)
        session.test(target_dies_at_every_step)
    session.test(tool_dies_at_random)
    session.finish()


if __name__ == "__main__":
    main()

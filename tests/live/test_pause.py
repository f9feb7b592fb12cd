#!/usr/bin/env python3
"""The pause that dumpcore reports is not shorter than the one the process saw.

A timer inside the target keeps the longest gap between two of its rounds. While a twin of the target
is captured, that gap is noise: the timer's own interval, the scheduler, and what the capture's work
takes from every process of the machine. While the target itself is captured it is at most the pause
plus that noise. No time is asserted, only that reported pause >= gap - noise.
"""

import os
import signal
import statistics
import time

import methods
import process
from harness import SANITIZED, TARGETS, Session

TARGET = os.path.join(TARGETS, "pause_target")
MEGABYTES, THREADS = (64, 4) if SANITIZED else (256, 4)
WINDOWS = 3  # captures of the twin
TRIES = 20  # noise comes by chance and once does not come; a pause that is reported too short stays


def ask_gap(target):
    """The longest gap in ns since the last question."""
    word, value = process.ask(target, "gap").split()
    assert word == "GAP"
    return int(value)


def measure_capture(session, target, captured, method, load):
    """Captures a process; gives (Capture, the target's longest gap meanwhile)."""
    ask_gap(target)
    taken = methods.must_capture(session, captured.pid, method, writes=load == "write")
    gap = ask_gap(target)
    taken.remove()
    return taken, gap


def measure_noise(session, target, twin, method, load):
    """The median, so that one bad moment does not cover everything."""
    return statistics.median(measure_capture(session, target, twin, method, load)[1]
                             for _ in range(WINDOWS))


def covers(pause, gap, noise):
    return pause >= gap - noise


def reported_pause(session, method, load):
    target, twin = (session.start(TARGET, MEGABYTES, THREADS, load) for _ in range(2))
    timer = next(line for line in target.said if line.startswith("timer"))
    lines = []
    for _ in range(TRIES):
        noise = measure_noise(session, target, twin, method, load)
        taken, gap = measure_capture(session, target, target, method, load)
        pause, gap_ms, noise_ms = map(methods.milliseconds, (taken.pause_ns, gap, noise))
        lines.append(f"{method}, {load}, {timer}: done as {taken.done}, pause {pause} ms, "
                     f"gap {gap_ms} ms, noise {noise_ms} ms")
        if covers(taken.pause_ns, gap, noise):
            break
    session.ok(covers(taken.pause_ns, gap, noise),
               f"{method}, {load}: the process saw no longer pause than reported", "\n".join(lines))
    session.note(lines[-1] + (f", try {len(lines)}" if len(lines) > 1 else ""))
    if taken.done == "live":
        session.equal(taken.pause_ns, 0, f"{method}, {load}: no pause is reported")
    else:
        session.ok(taken.pause_ns > 0, f"{method}, {load}: a pause is reported", str(taken.outcome))


def judges(session):
    session.ok(covers(5, 5, 0) and covers(5, 6, 1), "the judge takes what the pause explains")
    session.ok(not covers(5, 7, 1), "the judge refuses a gap that pause and noise do not explain")


def timer_sees_a_stop(session):
    """The oracle sees a pause that is known to be there: SIGSTOP, and some time later SIGCONT."""
    target = session.start(TARGET, 16, 1, "idle")
    ask_gap(target)
    started = time.monotonic_ns()
    os.kill(target.pid, signal.SIGSTOP)
    time.sleep(0.05)
    stopped = time.monotonic_ns() - started
    os.kill(target.pid, signal.SIGCONT)
    gap = ask_gap(target)
    session.ok(gap > 40e6, "the timer sees a stop of 50 ms", f"gap {gap} ns, stopped {stopped} ns")


def main():
    session = Session()
    session.test(judges)
    session.test(timer_sees_a_stop)
    for method in methods.existing():
        for load in ("idle", "calm", "write"):
            session.test(reported_pause, method, load)
    session.finish()


if __name__ == "__main__":
    main()

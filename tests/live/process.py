"""What /proc says of a process that a capture must not change. Standard library only."""

import contextlib
import os
import select
import time

from harness import wait_until

ANSWER_SECONDS = 60  # ends the wait for a target that hangs; no check asserts a time
SIGNAL_SETS = ("SigBlk", "SigPnd", "ShdPnd", "SigIgn", "SigCgt")


def ask(target, question):
    """Writes a line to a target that session.start() gave; its answer, or "" where none came."""
    try:
        target.stdin.write(question.encode() + b"\n")
        target.stdin.flush()
    except BrokenPipeError:
        with contextlib.suppress(BrokenPipeError):
            target.stdin.close()  # drops what could not be written
        return ""
    ready, _, _ = select.select([target.stdout], [], [], ANSWER_SECONDS)
    return target.stdout.readline().decode().strip() if ready else ""


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as text:
        return text.read()


def fields(text):
    """The "Key: value" lines of a status or smaps_rollup."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key: value.strip() for key, value in pairs}


def status(pid):
    return fields(read_text(f"/proc/{pid}/status"))


def threads(pid):
    return sorted(int(tid) for tid in os.listdir(f"/proc/{pid}/task"))


def thread_status(pid):
    """{tid: fields} of the threads that are there; one that ends meanwhile is left out."""
    found = {}
    for tid in threads(pid):
        try:
            found[tid] = fields(read_text(f"/proc/{pid}/task/{tid}/status"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def children(pid):
    """Child processes, also those that have ended and were not waited for."""
    found = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            behind = read_text(f"/proc/{name}/stat").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(behind[1]) == pid:
            found.add(int(name))
    return found


def descriptors(pid):
    """{number: what it is} of the open files."""
    folder = f"/proc/{pid}/fd"
    return {int(name): os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)}


def mappings(pid):
    """Lines of maps, without what is in them."""
    return [" ".join(line.split()) for line in read_text(f"/proc/{pid}/maps").splitlines()]


def memory(pid):
    """KiB: smaps_rollup sums page tables, while VmRSS of status lags by some pages a processor."""
    rollup = fields(read_text(f"/proc/{pid}/smaps_rollup"))
    sizes = {key: int(rollup[key].split()[0]) for key in ("Rss", "Anonymous", "AnonHugePages", "Swap")}
    sizes["VmPTE"] = int(status(pid)["VmPTE"].split()[0])
    return sizes


def signal_sets(pid):
    return {tid: {key: found[key] for key in SIGNAL_SETS}
            for tid, found in thread_status(pid).items()}


def stopped_threads(pid):
    """Threads that are stopped, by a signal (T) or a tracer (t). One that a tracer has let go of takes
    its group's stop up again by itself, once it is given a processor."""
    return [tid for tid, found in thread_status(pid).items() if found["State"][0] in "Tt"]


def traced_threads(pid):
    return [tid for tid, found in thread_status(pid).items() if found["TracerPid"] != "0"]


def settle(pid):
    """Waits until the process's memory stands still: threads that have just been started still touch
    their first pages."""
    wait_until(lambda: memory(pid) == (time.sleep(0.05), memory(pid))[1])


def wait_asleep(pid):
    """Waits until no thread is on a processor, or waits for one: of those the kernel tells no register
    while they run."""
    wait_until(lambda: all(found["State"][0] == "S" for found in thread_status(pid).values()))

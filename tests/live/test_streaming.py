#!/usr/bin/env python3
"""An archive on its way through pipes: into other programs, into slow readers, into readers that go
away, into what is full, and what signals do meanwhile. The process must not feel any of it."""

import errno
import itertools
import json
import os
import pty
import signal
import subprocess
import tempfile
import threading
import time

import methods
import process
from core_file import CoreFile
from half_way import TRIES, Ended, Growing, end_half_way
from harness import (ANALYZE, COMPLETE, DUMPCORE, FAILED, PARTIAL, SANITIZED, TARGETS, USAGE, Session, Skip,
                     find_program, run, wait_until)

SPEAKERS = os.path.join(TARGETS, "text_target")
TIMER = os.path.join(TARGETS, "pause_target")
HARD = os.path.join(TARGETS, "hard_target")
MEGABYTES = 64
MIB = 1 << 20
NAP_SECONDS = 1  # of the slow reader, at least
DRAWN_SECONDS = 1.1  # a progress line is first drawn after a second, when something moves (base/progress.c)
NO_SPOOL = ("--spool", "/proc")  # no file can be made there
WAYS = ("precopy", "fork", "freeze", "live")

# One page of each half MiB: most of a stream of it is zeros for what is not there.
HOLES = """
import mmap, sys
memory = mmap.mmap(-1, 128 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for at in range(0, 128 << 20, 512 << 10):
    memory[at] = 1
print("READY")
for line in sys.stdin:
    print("GAP 0")
"""


def ways():
    return methods.existing(WAYS)


def start_timer(session, megabytes=MEGABYTES):
    return session.start(TIMER, megabytes, 2, "idle", "mmap")


def check_unharmed(session, name, target):
    session.equal(process.traced_threads(target.pid), [], f"{name}: nobody traces the process")
    session.equal(process.stopped_threads(target.pid), [], f"{name}: no thread of it is stopped")
    session.ok(process.ask(target, "gap").startswith("GAP"), f"{name}: it answers")


class Stream:
    """A capture to a pipe. Its stderr is read all the time, its stdout when that is wanted."""

    def __init__(self, session, pid, *options, stderr=subprocess.PIPE):
        self.session, self.errors, self.data = session, [], b""
        self.process = session.adopt(subprocess.Popen(
            [DUMPCORE, *options, "-o", "-", str(pid)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=stderr))
        self.reader = threading.Thread(target=self.read_errors)
        self.reader.start()

    def read_errors(self):
        if self.process.stderr:
            self.errors.append(self.process.stderr.read())

    def read(self, size=-1):
        self.data += self.process.stdout.read(size)
        return len(self.data)

    def close(self):
        self.process.stdout.close()

    def signal(self, number):
        """Sends it and waits until its handler has run, which then is no more: otherwise a second one
        might be taken for the first."""
        self.process.send_signal(number)
        wait_until(lambda: self.process.poll() is not None or
                   not int(process.status(self.process.pid)["SigCgt"], 16) >> (number - 1) & 1)

    def end(self):
        """Gives (exit status, stderr)."""
        status = self.process.wait()
        self.reader.join()
        return status, b"".join(self.errors).decode("utf-8", "replace")

    def save(self, name):
        path = self.session.path(name)
        with open(path, "wb") as file:
            file.write(self.data)
        return path


def events(text):
    """Every line as an object; raises where one is none."""
    return [json.loads(line) for line in text.splitlines()]


# --- into other programs ---


def into_program(session, method, target, texts, name, *command):
    """dumpcore -o - | command; gives what came out."""
    path = session.path("through")
    with open(path, "wb") as file:
        dump = session.adopt(subprocess.Popen([DUMPCORE, "-q", "-c", method, "-o", "-", str(target.pid)],
                                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
        reader = session.adopt(subprocess.Popen(command, stdin=dump.stdout, stdout=file))
        dump.stdout.close()
        statuses = (reader.wait(), dump.wait())
    session.equal(statuses, (0, COMPLETE), f"{method} into {name}: both end well")
    return path


def check_texts(session, name, path, texts):
    with CoreFile(path) as core:
        found = [core.read(int(address, 16), len(text)) for address, text in texts]
        session.equal(found, [text.encode() for _, text in texts], f"{name}: every text is there")
    verdict = run(ANALYZE, "verify", path)
    wanted = PARTIAL if name.startswith("live") else COMPLETE  # what may be torn is no complete evidence
    session.ok(verdict.status == wanted and (wanted == COMPLETE or "whole as a file" in verdict.out),
               f"{name}: the file is whole", verdict)


def into_others(session):
    target = session.start(SPEAKERS, 4)
    texts = [tuple(line.split(None, 3)[2:]) for line in target.said[:-1]]
    for method in ways():
        path = into_program(session, method, target, texts, "zstd -dc", "zstd", "-dc")
        check_texts(session, f"{method} into zstd -dc", path, texts)
    if not find_program("age") or not find_program("age-keygen"):
        raise Skip("age is not there")
    made = run("age-keygen", "-o", session.path("key"))
    with open(session.path("key"), encoding="utf-8") as text:
        public = next(line.split()[-1] for line in text if line.startswith("# public key"))
    session.ok(made.status == 0, "a key is made", made)
    for method in ways():
        sealed = into_program(session, method, target, texts, "age -r", "age", "-r", public)
        os.rename(sealed, session.path("sealed"))
        opened, core = session.path("opened.core.zst"), session.path("opened.core")
        back = [run("age", "-d", "-i", session.path("key"), "-o", opened, session.path("sealed")),
                run("zstd", "-q", "-d", "-f", "--sparse", opened, "-o", core)]
        session.equal([result.status for result in back], [0, 0], f"{method}: age -d and zstd -d give it back")
        check_texts(session, f"{method} through age", core, texts)


# --- slow readers ---


class Slow:
    """A capture whose reader takes the first MiB and then naps: twice as long as it took to get there, so
    that a nap is longer than what the work takes here. `said` is what the capture said, `gap` the longest
    that the process saw, `nap` in ns too."""

    def __init__(self, session, target, *options):
        process.ask(target, "gap")
        started = time.monotonic()
        self.stream = Stream(session, target.pid, "--json", "-z", "none", *options)
        self.stream.read(MIB)
        nap = max(NAP_SECONDS, 2 * (time.monotonic() - started))
        time.sleep(nap)
        self.nap = int(nap * 1e9)
        self.stream.read()
        self.status, error = self.stream.end()
        self.said, self.gap = events(error)[-1], int(process.ask(target, "gap").split()[1])


def slow_reader(session, method):
    """The reader's nap is no part of the pause, nor of what the process sees of it."""
    slow = Slow(session, start_timer(session), "-c", method)
    said, gap, nap, status = slow.said, slow.gap, slow.nap, slow.status
    session.equal((status, said["consistency"]), (COMPLETE, method), f"{method}, slow reader: complete")
    session.ok(said["pause_ns"] < nap, f"{method}, slow reader: the pause does not have its nap", str(said))
    session.ok(gap < nap, f"{method}, slow reader: nor has the gap that the process saw", f"{gap} ns")
    session.note(f"{method}, a nap of {nap / 1e9:.1f} s: pause {methods.milliseconds(said['pause_ns'])} ms, "
                 f"gap {methods.milliseconds(gap)} ms")


def slow_reader_without_spool(session):
    """freeze has nowhere to put what it reads: it waits for the reader, for as long as --max-pause."""
    target = start_timer(session)
    slow = Slow(session, target, "-c", "freeze", *NO_SPOOL)
    session.ok(slow.status == COMPLETE and slow.said["pause_ns"] >= slow.nap,
               "freeze, no spool: it waits for the reader, and the pause that it reports says so", str(slow.said))
    holes = session.start_python(HOLES)
    for name, process_of, in (("memory", target), ("holes", holes)):
        name = f"freeze, no spool, {name}"
        slow = Slow(session, process_of, "-c", "freeze", *NO_SPOOL, "--max-pause", "100ms")
        session.equal(slow.status, PARTIAL, f"{name}: --max-pause ends the stop, and it is partial")
        session.ok(slow.said["pause_ns"] < slow.nap and slow.gap < slow.nap,
                   f"{name}: the process does not stand still for the nap", f"{slow.said}, gap {slow.gap}")
        verdict = run(ANALYZE, "verify", slow.stream.save("torn.core"))
        session.ok(not verdict.crashed() and verdict.status in (COMPLETE, PARTIAL), f"{name}: analyze reads it",
                   verdict)
    slow = Slow(session, target, *NO_SPOOL)
    session.ok(slow.status == COMPLETE and slow.said["consistency"] == "fork", "auto, no spool: takes fork",
               str(slow.said))


# --- readers that go away ---


def reader_leaves(session, method):
    target = start_timer(session)
    spool = tempfile.mkdtemp(dir=session.folder)
    size = Stream(session, target.pid, "-q", "-z", "none", "-c", method, "--spool", spool)
    total = size.read()
    size.end()
    points = {"at once": 0, "after the header": 64, "in the middle": total // 2, "in the end": total - (200 << 10)}
    for options, (name, at) in itertools.product((NO_SPOOL, ("--spool", spool)), points.items()):
        if (method == "precopy" or SANITIZED) and options == NO_SPOOL:
            continue
        stream = Stream(session, target.pid, "-z", "none", "-c", method, *options)
        if at:
            stream.read(at)
        stream.close()
        status, error = stream.end()
        lines = error.splitlines()
        name = f"{method}, the reader leaves {name}"
        session.equal(status, FAILED, f"{name}: exit status 1")
        session.ok(len(lines) == 2 and "stdout: cannot write the output: Broken pipe" in lines[0]
                   and lines[1].startswith("  hint:"), f"{name}: one line and a hint", error)
        session.equal(os.listdir(spool), [], f"{name}: nothing stays in the spool's folder")
        check_unharmed(session, name, target)


# --- what is full ---


def tiny_disk(session, name, megabytes):
    folder = tempfile.mkdtemp(prefix=name, dir=session.folder)
    if os.geteuid() != 0 or run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder).status:
        raise Skip("a small file system cannot be mounted here")
    session.stack.callback(run, "umount", folder)
    return folder


def fill_disk(folder):
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(b"f" * MIB):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    return path


def device_full(session):
    target = start_timer(session)
    for method in ways():
        for packing in ("none", "zstd:1"):
            result = run(DUMPCORE, "-q", "-c", method, "-z", packing, "-o", "/dev/full", target.pid)
            name = f"{method}, {packing}, /dev/full"
            session.ok(result.status == FAILED and "/dev/full: cannot write the output: No space" in result.err,
                       f"{name}: exit status 1, and it says so", result)
            session.ok("removed" not in result.err, f"{name}: it does not say that a device was removed", result)
            check_unharmed(session, name, target)


def fills_up(session, folder, target, *options):
    """Fills the disk when a part of the archive or spool is on it; gives (status, stderr)."""
    capture = Growing(session, folder, *options, target.pid)
    capture.wait()
    capture.process.send_signal(signal.SIGSTOP)
    filler = fill_disk(folder)
    capture.process.send_signal(signal.SIGCONT)
    try:
        return capture.end()
    finally:
        os.unlink(filler)


def try_filling(session, *arguments):
    for _ in range(TRIES):
        try:
            return fills_up(session, *arguments)
        except Ended:
            continue
    raise Skip(f"{TRIES} captures were faster than what was to fill their disk")


def disk_fills_up(session, method):
    folder = tiny_disk(session, "disk", 400)
    target = start_timer(session, 256)
    status, error = try_filling(session, folder, target, "-q", "-z", "none", "-c", method, "--reserve-disk", "0",
                                "-o", os.path.join(folder, "x.core"))
    name = f"{method}, the disk fills up"
    session.ok(status == FAILED and "x.core: cannot write the output: No space left" in error,
               f"{name}: exit status 1, and it says so", f"{status}: {error}")
    session.equal(os.listdir(folder), [], f"{name}: nothing stays")
    check_unharmed(session, name, target)


def spool_fills_up(session, method):
    folder = tiny_disk(session, "spool", 400)
    target = start_timer(session, 256)
    status, error = try_filling(session, folder, target, "--json", "-z", "none", "-c", method, "--spool", folder,
                                "-o", "-")
    name, said = f"{method}, the spool fills up", events(error)[-1]
    session.equal(len(error.splitlines()), 1, f"{name}: one thing is said")
    if method == "auto":
        session.ok(status == COMPLETE and said.get("consistency") == "fork" and "spool" in said["why"],
                   f"{name}: another way is gone, and the archive says why", f"{status}: {error}")
    else:
        session.ok(status == FAILED and "the spool in " + folder in said["what"] and "--spool" in said["hint"],
                   f"{name}: exit status 1, and it says what is full", f"{status}: {error}")
    session.equal(os.listdir(folder), [], f"{name}: nothing stays")
    check_unharmed(session, name, target)


def spool_too_small(session):
    folder = tiny_disk(session, "small", 16)
    target = start_timer(session)
    for method, expected in (("auto", "fork"), ("precopy", None), ("freeze", "freeze")):
        stream = Stream(session, target.pid, "--json", "-z", "none", "-c", method, "--spool", folder)
        stream.read()
        status, error = stream.end()
        said, name = events(error)[-1], f"{method}, a spool that is too small"
        session.ok(said.get("consistency") == expected and status == (COMPLETE if expected else FAILED),
                   f"{name}: {expected or 'refused'}", f"{status}: {error}")
        if not expected:
            session.ok("spool needs" in said["what"] and "fork" in said["hint"], f"{name}: says why", str(said))
        session.equal(os.listdir(folder), [], f"{name}: nothing stays")
        check_unharmed(session, name, target)


# --- JSON ---


def check_events(session, name, text, wanted):
    try:
        said = events(text)
    except ValueError as problem:
        session.ok(False, f"{name}: every line is a JSON object", f"{problem}\n{text}")
        return {}
    session.equal([event.get("event") for event in said], wanted, f"{name}: {', '.join(wanted)}")
    return said[-1]


def json_everywhere(session):
    target = start_timer(session)
    path = session.path("json.core")
    taken = run(DUMPCORE, "--json", "-o", path, target.pid)
    said = check_events(session, "a capture", taken.err, ["captured"])
    session.ok(said.get("complete") and said["file"] == path and said["pid"] == target.pid,
               "a capture: complete, file and pid", str(said))
    again = run(DUMPCORE, "--json", "-o", path, target.pid)
    said = check_events(session, "an error", again.err, ["error"])
    session.equal((again.status, said.get("kind")), (FAILED, "exists"), "an error: its kind")
    for words in (["--json", "--bogus", "1"], ["--bogus", "--json", "1"], ["--json", "-c", "x", "1"], ["--json"]):
        wrong = run(DUMPCORE, *words)
        said = check_events(session, f"dumpcore {' '.join(words)}", wrong.err, ["error"])
        session.equal((wrong.status, said.get("kind")), (USAGE, "usage"), f"dumpcore {' '.join(words)}: its kind")
    survey = run(DUMPCORE, "survey", "--json", target.pid)
    check_events(session, "a survey, on stdout", survey.out, ["survey"])
    session.equal(survey.err, "", "a survey: nothing on stderr")
    check_events(session, "a dry run, on stdout", run(DUMPCORE, "-n", "--json", target.pid).out, ["survey"])
    check_events(session, "cleanup", run(DUMPCORE, "cleanup", "--json", target.pid).err, ["cleaned"])
    watch = run(DUMPCORE, "watch", "--json", "--rss", "1M", "-o", session.folder, target.pid)
    check_events(session, "a watch", watch.err, ["watching", "triggered", "captured"])


def json_warning(session):
    """A thread in a vfork waits uninterruptibly."""
    target = session.start(HARD, "vfork")
    taken = run(DUMPCORE, "--json", "-c", "freeze", "-o", session.path("warned.core"), target.pid)
    check_events(session, "a warning", taken.err, ["warning", "captured"])


# --- progress ---


def slow_with_terminal(session, target, *options):
    """A slow reader, with a terminal for stderr; gives all that was written there."""
    master, slave = pty.openpty()
    stream = Stream(session, target.pid, "-z", "none", *options, stderr=slave)
    os.close(slave)
    stream.read(MIB)
    time.sleep(DRAWN_SECONDS)
    stream.read()
    stream.end()
    text = b""
    try:
        while part := os.read(master, 1 << 16):
            text += part
    except OSError:  # EIO: nobody has the other end any more
        pass
    os.close(master)
    return text.decode()


def shows_progress(text):
    return "\r\033[K" in text and "/s" in text and "s left" in text


def progress(session):
    target = start_timer(session)
    for method, word in (("live", "capturing"), ("fork", "capturing"), ("precopy", "sending"), ("freeze", "sending")):
        if method not in ways():
            continue
        text = slow_with_terminal(session, target, "-c", method)
        session.ok(shows_progress(text) and f"{word} [" in text, f"{method}: rate and time left on a terminal",
                   repr(text))
        last = text.rpartition("\r\033[K")[2]
        session.ok("left" not in last and " of pause_target" in last, f"{method}: the line is wiped in the end",
                   repr(text))
    text = slow_with_terminal(session, target, "-c", "live", "-q")
    session.equal(text, "", "--quiet: nothing on a terminal")
    for options, wanted in (((), False), (("--progress",), True), (("--progress", "--json"), False)):
        stream = Stream(session, target.pid, "-z", "none", "-c", "live", *options)
        stream.read(MIB)
        time.sleep(DRAWN_SECONDS)
        stream.read()
        _, error = stream.end()
        session.equal(shows_progress(error), wanted, f"no terminal, {' '.join(options) or 'no option'}: "
                                                     f"{'shown' if wanted else 'not shown'}")


# --- signals ---


def check_partial(session, name, path, status):
    session.equal(status, PARTIAL, f"{name}: exit status 3")
    report, result = session.report(path)
    session.ok(report and result.status == PARTIAL and not report["evidence"]["complete"],
               f"{name}: analyze reads it, with exit status 3", result)


def interrupted_stream(session, method, number, options):
    """A way that streams while it reads: what was read is kept."""
    target = start_timer(session)
    name = f"{signal.Signals(number).name} during {method} to a pipe"
    stream = Stream(session, target.pid, "-q", "-z", "none", "-c", method, *options)
    stream.read(MIB)
    stream.signal(number)
    stream.read()
    status, _ = stream.end()
    check_partial(session, name, stream.save("interrupted.core"), status)
    check_unharmed(session, name, target)


def interrupted_sending(session, method, number):
    """The snapshot is whole and the process is gone from: the rest of it is still sent."""
    target = start_timer(session)
    name = f"{signal.Signals(number).name} while {method} sends its spool"
    stream = Stream(session, target.pid, "-q", "-z", "none", "-c", method)
    stream.read(MIB)
    stream.signal(number)
    stream.read()
    status, error = stream.end()
    session.equal(status, COMPLETE, f"{name}: exit status 0")
    verdict = run(ANALYZE, "verify", stream.save("sent.core"))
    session.ok(verdict.status == COMPLETE, f"{name}: the archive is complete", verdict)
    check_unharmed(session, name, target)


def interrupted_file(session, method, number):
    name = f"{signal.Signals(number).name} during {method} to a file"
    target = start_timer(session, 256)
    for _ in range(TRIES):
        try:
            path = end_half_way(session, method, target.pid, lambda dump: dump.send_signal(number),
                                session.path("half.core"))
        except Ended:
            continue
        check_partial(session, name, path, PARTIAL)
        check_unharmed(session, name, target)
        return
    raise Skip(f"{name}: {TRIES} captures were faster than the signal")


def interrupted_twice(session, method, first, second, options):
    """The reader reads no more: the first signal waits for it, the second one does not."""
    target = start_timer(session)
    name = f"{signal.Signals(first).name}, then {signal.Signals(second).name}, {method}"
    stream = Stream(session, target.pid, "-q", "-z", "none", "-c", method, *options)
    stream.read(MIB)
    stream.signal(first)
    time.sleep(0.2)
    session.ok(stream.process.poll() is None, f"{name}: after the first it waits for its reader")
    stream.process.send_signal(second)
    wait_until(lambda: stream.process.poll() is not None)
    session.equal(stream.process.poll(), -second, f"{name}: the second one ends it at once")
    wait_until(lambda: not process.stopped_threads(target.pid))
    check_unharmed(session, name, target)
    run(DUMPCORE, "-q", "cleanup", target.pid)
    session.equal(process.children(target.pid), set(), f"{name}: cleanup leaves no child")
    stream.close()


def sees_what_is_wrong(session):
    session.ok(not shows_progress("\r\033[K 1 MiB") and not shows_progress(""), "a line without a rate is seen")
    try:
        events('{"event": 1}\nplain text\n')
        session.ok(False, "a line that is no JSON is seen")
    except ValueError:
        session.ok(True, "a line that is no JSON is seen")


def main():
    session = Session()
    session.test(sees_what_is_wrong)
    session.test(into_others)
    for method in ways():
        session.test(slow_reader, method)
        session.test(reader_leaves, method)
    session.test(slow_reader_without_spool)
    session.test(device_full)
    session.test(spool_too_small)
    for method in ways() if not SANITIZED else ("freeze",):
        session.test(disk_fills_up, method)
    for method in ("auto",) if SANITIZED else ("auto", "precopy", "freeze"):
        session.test(spool_fills_up, method)
    session.test(json_everywhere)
    session.test(json_warning)
    session.test(progress)
    for number in (signal.SIGINT,) if SANITIZED else (signal.SIGINT, signal.SIGTERM):
        for method in ("fork", "live", "freeze"):
            session.test(interrupted_stream, method, number, NO_SPOOL if method == "freeze" else ())
        for method in ("precopy", "freeze"):
            session.test(interrupted_sending, method, number)
        for method in ways() if number == signal.SIGINT else ("precopy",):
            session.test(interrupted_file, method, number)
    for method, second in zip(("precopy", "fork", "freeze", "live"), (signal.SIGINT, signal.SIGTERM) * 2):
        session.test(interrupted_twice, method, signal.SIGINT, second, NO_SPOOL if method == "freeze" else ())
    session.finish()


if __name__ == "__main__":
    main()

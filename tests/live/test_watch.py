#!/usr/bin/env python3
"""dumpcore watch on processes that really grow: what fires, how often, what it keeps, how it ends."""

import json
import os
import resource
import select
import signal
import subprocess
import threading
import time

from harness import (COMPLETE, DUMPCORE, FAILED, PARTIAL, PATIENT, SANITIZED, TARGETS, USAGE, Session, Skip, run,
                     status_field, wait_until)

FILLER = os.path.join(TARGETS, "bench_target")
MIB = 1 << 20
HANG_SECONDS = 60  # ends a watch that hangs, so that its check fails; no check asserts a time
OTHERS = ("notes.txt", "python3.core.zst", "python3.7.20250101T000000Z.core",
          "java.7.20250101T000000Z.core.zst", "python3.7.20250101T000000Z.core.zst.partial-9")

# Maps and touches N MiB for "+N", gives all of it back for "-", and answers each line.
GROWING = """
import mmap, sys
held = []
print("READY")
for line in sys.stdin:
    if line[0] == "+":
        held.append(mmap.mmap(-1, int(line[1:]) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        for at in range(0, len(held[-1]), 4096):
            held[-1][at] = 1
    else:
        while held:
            held.pop().close()
    print("DONE")
"""


class Growing:
    """A process whose memory grows and shrinks as it is told."""

    def __init__(self, session):
        self.process = session.start_python(GROWING)
        self.pid = self.process.pid
        self.comm = open(f"/proc/{self.pid}/comm", encoding="utf-8").read().strip()

    def tell(self, line):
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()
        return self.process.stdout.readline().strip() == b"DONE"

    def rss(self):
        return int(status_field(self.pid, "VmRSS")) << 10

    def end(self):
        self.process.kill()
        self.process.wait()


class Watch:
    """A running `dumpcore watch --json`; `events` are the objects it has said so far."""

    def __init__(self, session, pid, folder, *options, preexec=None):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.events = folder, []
        self.process = session.adopt(subprocess.Popen(
            [DUMPCORE, "watch", str(pid), "--json", "--interval", "100ms", "-o", folder, *PATIENT,
             *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=preexec))
        hang = threading.Timer(HANG_SECONDS, self.process.kill)
        hang.daemon = True
        hang.start()
        session.stack.callback(hang.cancel)

    def next(self, name):
        """Reads up to the next event of that name; gives it, None where the watch ended before."""
        for line in self.process.stderr:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == name:
                return self.events[-1]
        return None

    def sleep(self):
        """Waits until it waits for its next reading, by all that can be seen."""
        wait_until(lambda: status_field(self.process.pid, "State") == "S")

    def finish(self):
        """Reads the rest; gives the exit status."""
        self.next("no such event")
        return self.process.wait()

    def count(self, name):
        return sum(event["event"] == name for event in self.events)

    def archives(self):
        return sorted(name for name in os.listdir(self.folder) if name.endswith(".core.zst"))

    def describe(self):
        return "\n".join(json.dumps(event) for event in self.events)


def rss_fires(session):
    target = Growing(session)
    threshold = target.rss() + 50 * MIB
    watch = Watch(session, target.pid, session.path("rss"), "--rss", str(threshold))
    begun = watch.next("watching")
    session.equal(begun["triggers"][0]["threshold"], threshold, "--rss: says what it watches")
    target.tell("+60")
    status = watch.finish()
    session.equal(status, COMPLETE, "--rss: exit status 0")
    fired = next(event for event in watch.events if event["event"] == "triggered")
    session.ok(fired["trigger"] == "rss" and fired["value"] >= threshold, "--rss: fired at its threshold",
               watch.describe())
    captured = watch.events[-1]
    session.ok(captured["event"] == "captured" and captured["complete"]
               and captured["memory_bytes"] >= 60 * MIB, "--rss: one complete capture", watch.describe())
    session.equal(watch.archives(), [os.path.basename(captured["file"])], "--rss: the archive is there")
    session.equal(os.stat(captured["file"]).st_mode & 0o777, 0o600, "--rss: it is private")
    session.must_report(captured["file"])
    session.ok(target.tell("+1"), "--rss: the target runs on")


def growth_fires(session):
    target = Growing(session)
    watch = Watch(session, target.pid, session.path("growth"), "--growth", "40M/1h", "--count", "2",
                  "--cooldown", "1s")
    watch.next("watching")
    for _ in range(5):
        target.tell("+10")
    first = watch.next("captured")
    session.ok(first and watch.events[-2]["trigger"] == "growth" and watch.events[-2]["value"] >= 40 * MIB,
               "--growth: fired when it had grown", watch.describe())
    for _ in range(7):
        target.tell("+10")
    session.equal(watch.finish(), COMPLETE, "--growth: fires again for new growth")
    session.equal(watch.count("triggered"), 2, "--growth: as often as --count says")


def fat_is_captured_once(session):
    """Above the threshold all the time: spent until it has been below 95 %, or is 10 % above."""
    target = Growing(session)
    low = target.rss()
    target.tell("+100")
    watch = Watch(session, target.pid, session.path("fat"), "--rss", str(low + 80 * MIB), "--count", "3",
                  "--cooldown", "1s")
    watch.next("captured")
    first = watch.events[-2]
    time.sleep(1.5)  # not asserted: too short a wait only makes the check weaker
    target.tell("-")
    time.sleep(0.3)
    watch.process.send_signal(signal.SIGSTOP)  # it shall not see the target half way
    target.tell("+140")
    watch.process.send_signal(signal.SIGCONT)
    watch.next("captured")
    second = watch.events[-2]
    session.ok(second["event"] == "triggered" and second["value"] >= low + 80 * MIB
               and watch.count("triggered") == 2, "hysteresis: a second capture when it came back",
               watch.describe())
    session.ok(second["value"] > first["value"] + 20 * MIB, "hysteresis: not while it stayed above",
               watch.describe())
    target.tell("+60")
    session.equal(watch.finish(), COMPLETE, "hysteresis: a third after 10 % more")
    session.ok(watch.events[-2]["value"] >= second["value"] * 1.1, "hysteresis: not before that",
               watch.describe())
    session.equal(watch.count("captured"), 3, "hysteresis: three captures")


def names_narrow_each_capture(session):
    """--name is matched against the mappings of each capture anew."""
    target = Growing(session)
    watch = Watch(session, target.pid, session.path("names"), "--growth", "40M/1h", "--count", "2",
                  "--cooldown", "1s", "--name", "^\\[heap\\]$", "--consistency", "freeze")
    watch.next("watching")
    target.tell("+60")
    watch.next("captured")
    target.tell("+60")
    session.equal(watch.finish(), COMPLETE, "--name: two captures")
    sizes = [event["memory_bytes"] for event in watch.events if event["event"] == "captured"]
    session.ok(len(sizes) == 2 and max(sizes) < 40 * MIB, "--name: neither takes the rest",
               watch.describe())


def process_ends(session):
    target = Growing(session)
    watch = Watch(session, target.pid, session.path("ended"), "--rss", "1T")
    watch.next("watching")
    target.end()
    session.equal(watch.finish(), FAILED, "process ended, nothing captured: exit status 1")
    session.ok("has ended" in watch.events[-1]["what"] and watch.events[-1]["kind"] == "gone",
               "process ended: says so", watch.describe())
    target = Growing(session)
    watch = Watch(session, target.pid, session.path("ended"), "--rss", "1M", "--count", "5")
    watch.next("captured")
    target.end()
    session.equal(watch.finish(), COMPLETE, "process ended after a capture: exit status 0")
    session.ok(watch.events[-1]["event"] == "ended" and watch.events[-1]["complete"] == 1,
               "process ended after a capture: says so", watch.describe())


def zombie_ends_it(session):
    """A process whose parent does not ask for its status has ended too."""
    target = Growing(session)
    watch = Watch(session, target.pid, session.path("zombie"), "--rss", "1T")
    watch.next("watching")
    target.process.kill()
    session.equal(watch.finish(), FAILED, "zombie: the watch ends")


def reused_id(session):
    """Another process gets the id between two readings: it must not be watched, nor captured."""
    target = Growing(session)
    watch = Watch(session, target.pid, session.path("reused"), "--rss", "1T")
    watch.next("watching")
    target.end()
    try:
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="utf-8") as last:
            last.write(str(target.pid - 1))
    except OSError as error:
        raise Skip(f"ids cannot be chosen here: {error}") from error
    other = session.start_python(GROWING)
    session.equal(watch.finish(), FAILED, "reused id: the watch ends")
    session.note("the id was reused" if other.pid == target.pid else "the id was not reused this time")


def archives_rotate(session):
    folder = session.path("rotate")
    target = Growing(session)
    others = [name.replace("python3", target.comm) for name in OTHERS]
    old = [f"{target.comm}.{pid}.2025010{pid}T000000Z.core.zst" for pid in (1, 2, 3)]
    os.makedirs(folder)
    for name in others + old:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write("mine")
    link = f"{target.comm}.4.20250101T000000Z.core.zst"
    os.symlink("notes.txt", os.path.join(folder, link))
    watch = Watch(session, target.pid, folder, "--rss", "1M", "--keep", "2")
    session.equal(watch.finish(), COMPLETE, "--keep: exit status 0")
    removed = [event["file"] for event in watch.events if event["event"] == "removed"]
    session.equal(removed, old[:2], "--keep: the oldest archives go, in order, and it says so")
    there = set(os.listdir(folder))
    session.ok({*others, link, old[2]} <= there, "--keep: nothing else goes", str(sorted(there)))
    session.equal(len(there), len(others) + 3, "--keep: the new archive is there")


def signals_end_it(session):
    for number, name in ((signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "SIGINT")):
        target = Growing(session)
        watch = Watch(session, target.pid, session.path(name), "--rss", "1T")
        watch.next("watching")
        watch.process.send_signal(number)
        session.equal(watch.finish(), FAILED, f"{name}: exit status 1 where nothing was captured")
        session.ok("signal" in watch.events[-1]["what"], f"{name}: says so", watch.describe())
        watch = Watch(session, target.pid, session.path(name), "--rss", "1M", "--count", "5",
                      "--interval", "1h")
        watch.next("captured")
        watch.sleep()
        watch.process.send_signal(number)
        session.equal(watch.finish(), COMPLETE, f"{name}: exit status 0 after a capture")
        session.ok(target.tell("+1"), f"{name}: the target runs on")


def signal_in_a_capture(session):
    """The slowest compression keeps it busy until the signal is there."""
    target = session.start(FILLER, 256, 2, 0)
    watch = Watch(session, target.pid, session.path("partial"), "--rss", "1M", "--count", "5",
                  "--compress", "zstd:19")
    watch.next("triggered")
    wait_until(lambda: any("partial" in name for name in os.listdir(watch.folder)))
    watch.process.send_signal(signal.SIGTERM)
    status = watch.finish()
    captured = [event for event in watch.events if event["event"] == "captured"]
    if captured and captured[0]["complete"]:
        raise Skip("the capture was faster than the signal")
    session.equal(status, PARTIAL, "signal in a capture: exit status 3")
    session.ok(captured and watch.events[-1].get("partial") == 1, "signal in a capture: a partial archive",
               watch.describe())
    session.equal(len(watch.archives()), 1, "signal in a capture: it is kept")


def captures_fail(session):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, 1 << 12))

    target = Growing(session)
    watch = Watch(session, target.pid, session.path("failing"), "--rss", "1M", "--cooldown", "1s",
                  preexec=limit)
    session.equal(watch.finish(), FAILED, "captures fail: exit status 1")
    session.equal(watch.count("triggered"), 3, "captures fail: three attempts")
    session.ok("3 captures in a row failed" in watch.events[-1]["what"], "captures fail: says so",
               watch.describe())
    session.equal(os.listdir(watch.folder), [], "captures fail: nothing is left behind")
    session.ok(target.tell("+1"), "captures fail: the target runs on")


def make_group(session):
    """A control group with a limit of 200 MiB that processes can be moved to."""
    for top, limit, value in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes", 200 * MIB),
                              ("/sys/fs/cgroup", "memory.max", 200 * MIB)):
        folder = f"{top}/dumpcore-test-{os.getpid()}"
        if not os.path.exists(f"{top}/cgroup.procs"):
            continue
        try:
            os.mkdir(folder)
            session.stack.callback(lambda: wait_until(lambda: remove_group(folder)))
            with open(f"{folder}/{limit}", "w", encoding="utf-8") as file:
                file.write(str(value))
            return folder
        except OSError as error:
            reason = str(error)
            continue
    raise Skip("no memory control group can be made here" + (f": {reason}" if "reason" in locals() else ""))


def remove_group(folder):
    try:
        os.rmdir(folder)
        return True
    except FileNotFoundError:
        return True
    except OSError:
        return False


def cgroup_fires(session):
    folder = make_group(session)
    target = Growing(session)
    with open(f"{folder}/cgroup.procs", "w", encoding="utf-8") as file:
        file.write(str(target.pid))
    watch = Watch(session, target.pid, session.path("cgroup"), "--cgroup", "60%")
    begun = watch.next("watching")
    session.ok(begun and begun["triggers"][0]["value"] < 60, "--cgroup: says how full it is", watch.describe())
    target.tell("+150")
    session.equal(watch.finish(), COMPLETE, "--cgroup: exit status 0")
    fired = next(event for event in watch.events if event["event"] == "triggered")
    session.ok(fired["trigger"] == "cgroup" and 60 <= fired["value"] <= 100 and fired["unit"] == "percent",
               "--cgroup: fired at its share", watch.describe())
    target.end()


def pressure_is_read(session):
    target = Growing(session)
    watch = Watch(session, target.pid, session.path("pressure"), "--pressure", "100%")
    begun = watch.next("watching")
    if begun is None:
        watch.finish()
        session.ok("psi=1" in watch.events[-1]["hint"], "--pressure: says what to do where there is none",
                   watch.describe())
        return
    session.ok(0 <= begun["triggers"][0]["value"] <= 100, "--pressure: says how much there is",
               watch.describe())


def pressure_fires(session):
    """The kernel slows a group above memory.high down: its processes wait for memory."""
    folder = make_group(session)
    if not os.path.exists(f"{folder}/memory.pressure"):
        raise Skip("the kernel does not measure the pressure of a control group here")
    target = Growing(session)
    with open(f"{folder}/cgroup.procs", "w", encoding="utf-8") as file:
        file.write(str(target.pid))
    watch = Watch(session, target.pid, session.path("stalled"), "--pressure", "5%")
    begun = watch.next("watching")
    session.ok(begun and begun["triggers"][0]["value"] < 5, "--pressure: none before", watch.describe())
    with open(f"{folder}/memory.high", "w", encoding="utf-8") as file:
        file.write(str(16 * MIB))
    target.process.stdin.write(b"+150\n")
    target.process.stdin.flush()
    status = watch.finish()
    fired = [event for event in watch.events if event["event"] == "triggered"]
    session.ok(fired and fired[0]["trigger"] == "pressure" and fired[0]["value"] >= 5,
               "--pressure: fired when the group had to wait for memory", watch.describe())
    session.equal(status, COMPLETE, "--pressure: captured all the same")
    session.note(f"--pressure: {watch.describe()}")
    session.ok(target.process.poll() is None, "--pressure: the process lives")
    target.end()


def small_and_visible(session):
    """The line on the terminal, and what the watch itself takes."""
    target = Growing(session)
    watch = session.adopt(subprocess.Popen(
        [DUMPCORE, "watch", "--progress", "--rss", "1T", "--interval", "100ms", str(target.pid)],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=session.folder))
    text = b""
    while text.count(b"\r") < 10 and select.select([watch.stderr], [], [], HANG_SECONDS)[0]:
        text += os.read(watch.stderr.fileno(), 4096)
    session.ok(f"{target.comm} ({target.pid}): RSS ".encode() in text and b"/ 1.00 TiB" in text,
               "live line: shows value and threshold", text.decode())
    if not SANITIZED:
        own = int(status_field(watch.pid, "VmHWM")) << 10
        session.ok(own < 8 * MIB, "its own memory is small", f"{own} bytes")
    quiet = session.adopt(subprocess.Popen([DUMPCORE, "watch", "-q", "--rss", "1M", "--progress",
                                            str(target.pid)], stdin=subprocess.DEVNULL,
                                           stderr=subprocess.PIPE, cwd=session.folder))
    session.equal((quiet.stderr.read(), quiet.wait()), (b"", COMPLETE), "-q: not a word")


def wrong_command_lines(session):
    target = Growing(session)
    for words, status, hint in ((["watch", target.pid], USAGE, "--rss"),
                                (["watch", target.pid, "--rss", "1M", "-o", "-"], USAGE, "folder"),
                                (["watch", target.pid, "--rss", "1M", "-o", "/no/such"], FAILED, "mkdir"),
                                (["watch", target.pid, "--rss", "1M", "--interval", "5"], USAGE, "5s"),
                                (["--rss", "1M", target.pid], USAGE, "dumpcore watch"),
                                (["watch", "--rss", "1M"], USAGE, "pid"),
                                (["watch", os.getpid(), "--rss", "1M", "--select", "x"], USAGE, "native")):
        result = run(DUMPCORE, *words)
        session.ok(result.status == status and hint in result.err.lower() and not result.crashed(),
                   f"dumpcore {' '.join(str(word) for word in words[:1])}: {hint}", result)
    result = run(DUMPCORE, "watch", "--help")
    session.ok(result.status == COMPLETE and "--cooldown" in result.out, "watch --help", result)


def main():
    session = Session()
    for test in (rss_fires, growth_fires, fat_is_captured_once, names_narrow_each_capture,
                 process_ends, zombie_ends_it, reused_id,
                 archives_rotate, signals_end_it, signal_in_a_capture, captures_fail, cgroup_fires,
                 pressure_is_read, pressure_fires, small_and_visible, wrong_command_lines):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""dumpcore against what goes wrong: clear errors, exit statuses, nothing left behind, and a target that
runs on unharmed whatever happens."""

import os
import resource
import shutil
import signal
import subprocess
import threading

from harness import (ANALYZE, COMPLETE, DUMPCORE, FAILED, PARTIAL, TARGETS, USAGE, Session, Skip, run,
                     status_field, wait_until)

SPEAKERS = os.path.join(TARGETS, "text_target")
FILLER = os.path.join(TARGETS, "bench_target")
NOBODY = 65534


def process_state(pid):
    return status_field(pid, "State")


def answers(target):
    """The target reads a line and answers it: it runs."""
    target.stdin.write(b"ping\n")
    target.stdin.flush()
    return target.stdout.readline().strip() == b"PONG"


def check_unharmed(session, name, target):
    session.equal(status_field(target.pid, "TracerPid"), "0", f"{name}: nobody traces the target")
    session.ok(process_state(target.pid) in "SR", f"{name}: the target is not stopped",
               process_state(target.pid))
    threads = os.listdir(f"/proc/{target.pid}/task")
    stopped = [tid for tid in threads if process_state(f"{target.pid}/task/{tid}") in "tT"]
    session.equal(stopped, [], f"{name}: none of its threads is stopped")


def check_error(session, name, result, status, *words):
    """The exit status, and each word somewhere in the message."""
    session.ok(not result.crashed(), f"{name}: no crash", result)
    session.ok(result.status == status, f"{name}: exit status {status}", result)
    for word in words:
        session.ok(word in result.err.lower(), f"{name}: the message says '{word}'", result)


def usage_errors(session):
    for words, hint in (([], "pid"), (["abc"], "abc"), (["--frobnicate", "1"], "frobnicate"),
                        (["--consistency", "frozen", "1"], "freeze"), (["1", "2"], "2"),
                        (["--compress", "rar", "1"], "zstd"), (["--select", "nonsense", "1"], "native")):
        result = run(DUMPCORE, *words)
        check_error(session, f"dumpcore {' '.join(words)}", result, USAGE, hint)
    for words in (["--help"], ["--version"]):
        result = run(DUMPCORE, *words)
        session.ok(result.status == COMPLETE and result.out, f"dumpcore {words[0]}", result)


def no_such_process(session):
    gone = subprocess.Popen(["true"])
    gone.wait()
    path, result = session.capture(gone.pid, "gone.core")
    check_error(session, "no such process", result, FAILED, str(gone.pid), "process")
    session.ok(not os.path.exists(path), "no such process: no output")
    _, result = session.capture(2, "kernel.core") if os.geteuid() == 0 else (None, None)
    if result and b"kthreadd" in open("/proc/2/comm", "rb").read():
        check_error(session, "kernel thread", result, USAGE, "kernel")


def zombie(session):
    dead = session.adopt(subprocess.Popen(["true"]))
    wait_until(lambda: process_state(dead.pid) == "Z")
    _, result = session.capture(dead.pid, "zombie.core")
    check_error(session, "zombie", result, FAILED, "zombie")


def no_permission(session):
    if os.geteuid() != 0:
        if os.stat("/proc/1").st_uid == os.geteuid():
            raise Skip("there is no process here that we may not trace")
        result = run(DUMPCORE, "-o", "-", 1)
        check_error(session, "root's process", result, FAILED, "sudo")
        return
    target = session.start(SPEAKERS, 2)
    program = session.path("dumpcore")
    shutil.copy(DUMPCORE, program)

    def become_nobody():
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)

    result = run(program, "-o", "-", target.pid, preexec=become_nobody)
    check_error(session, "another user's process", result, FAILED, "sudo", str(target.pid))
    session.ok(any(word in result.err for word in ("CAP_SYS_PTRACE", "another user", "root", "uid")),
               "another user's process: says why", result)
    session.equal(result.stdout, b"", "another user's process: nothing was written")
    check_unharmed(session, "another user's process", target)


def traced_already(session):
    target = session.start(SPEAKERS, 2)
    tracer = session.adopt(subprocess.Popen(
        ["gdb", "-nx", "-batch", "-ex", "shell touch " + session.path("traced"), "-ex",
         "shell sleep 600", "-p", str(target.pid)], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True))
    session.stack.callback(os.killpg, tracer.pid, signal.SIGKILL)
    if not wait_until(lambda: os.path.exists(session.path("traced"))):
        raise RuntimeError("gdb did not attach")
    _, result = session.capture(target.pid, "traced.core")
    check_error(session, "another tracer", result, FAILED, "trac", str(tracer.pid))
    _, result = session.capture(target.pid, "traced-live.core", "-c", "live")
    session.ok(result.status == COMPLETE, "another tracer: live does not care", result)


def output_exists(session):
    target = session.start(SPEAKERS, 2)
    path = session.path("there.core")
    with open(path, "w", encoding="utf-8") as file:
        file.write("mine")
    _, result = session.capture(target.pid, "there.core")
    check_error(session, "output exists", result, FAILED, "there already", "there.core")
    with open(path, encoding="utf-8") as file:
        session.equal(file.read(), "mine", "output exists: it is untouched")
    _, result = session.capture(target.pid, "no/such/folder.core")
    check_error(session, "no such folder", result, FAILED, "no such file")
    check_unharmed(session, "output exists", target)


def output_is_private(session):
    target = session.start(SPEAKERS, 2)
    folder = session.path("private")
    os.mkdir(folder)
    for name in ("a.core", "b.core.zst"):
        path = session.must_capture(target.pid, f"private/{name}")
        session.equal(os.stat(path).st_mode & 0o7777, 0o600, f"{name} is readable by its owner only")
    with open(session.path("private/b.core.zst"), "rb") as file:
        session.equal(file.read(4), b"\x28\xb5\x2f\xfd", "a name ending in .zst is compressed")
    session.equal(sorted(os.listdir(folder)), ["a.core", "b.core.zst"], "no temporary file stays")
    default = run(DUMPCORE, "-q", target.pid, cwd=folder)
    names = set(os.listdir(folder)) - {"a.core", "b.core.zst"}
    session.ok(default.status == COMPLETE and len(names) == 1, "the default name", default)
    session.ok(all(name.startswith(f"text_target.{target.pid}.") and name.endswith(".core.zst")
                   for name in names), "the default name has command and pid", str(names))


def dry_run_and_survey(session):
    target = session.start(SPEAKERS, 2)
    path, result = session.capture(target.pid, "dry.core", "-n")
    session.ok(result.status == COMPLETE and not os.path.exists(path), "--dry-run writes nothing", result)
    result = run(DUMPCORE, "survey", target.pid)
    session.ok(result.status == COMPLETE and str(target.pid) in result.out, "survey", result)
    for word in ("resident", "capture"):
        session.ok(word in result.out.lower(), f"survey speaks of '{word}'", result.out)
    session.ok(answers(target), "survey: the target runs on")
    check_unharmed(session, "survey", target)


def runs_on(session):
    target = session.start(SPEAKERS, 8)
    for consistency in ("freeze", "live"):
        session.must_capture(target.pid, f"{consistency}.core", "--consistency", consistency)
        session.ok(answers(target), f"{consistency}: the target answers after the capture")
        check_unharmed(session, consistency, target)
    os.kill(target.pid, signal.SIGSTOP)
    wait_until(lambda: process_state(target.pid) == "T")
    session.must_capture(target.pid, "stopped.core")
    session.equal(process_state(target.pid), "T", "a stopped target stays stopped")
    os.kill(target.pid, signal.SIGCONT)
    session.ok(answers(target), "a stopped target: SIGCONT wakes it as ever")


def disk_full(session):
    target = session.start(FILLER, 64, 2, 0)
    folder = session.path("tiny")
    os.mkdir(folder)
    mounted = os.geteuid() == 0 and run("mount", "-t", "tmpfs", "-o", "size=100k", "none", folder).status == 0
    if not mounted:
        raise Skip("a tiny file system cannot be mounted here")
    session.stack.callback(run, "umount", folder)
    for options in (["--compress", "none"], ["--compress", "zstd:1"]):
        _, result = session.capture(target.pid, "tiny/full.core", *options)
        name = f"disk full, {options[1]}"
        session.ok(result.status in (FAILED, PARTIAL) and not result.crashed(), f"{name}: fails", result)
        session.ok(any(word in result.err.lower() for word in ("space", "full", "free")),
                   f"{name}: the message says so", result)
        left = os.listdir(folder)
        session.ok(left == [] if result.status == FAILED else left == ["full.core"],
                   f"{name}: no temporary file stays", str(left))
        check_unharmed(session, name, target)
        for entry in left:
            os.unlink(os.path.join(folder, entry))


def file_size_limit(session):
    target = session.start(FILLER, 64, 2, 0)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    result = run(DUMPCORE, "-q", "--compress", "none", "-o", session.path("limit.core"), target.pid,
                 preexec=limit)
    session.ok(result.status in (FAILED, PARTIAL) and not result.crashed() and result.err,
               "ulimit -f: an error, not a signal", result)
    check_unharmed(session, "ulimit -f", target)


class Stream:
    """A capture to a pipe that nobody empties until read() is called. It reads while it streams: a spool
    would have all of it before the first byte."""

    def __init__(self, session, pid, *options):
        self.process = session.adopt(subprocess.Popen(
            [DUMPCORE, "-q", "--compress", "none", "--consistency", "live", *options, "-o", "-", str(pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        self.data = self.process.stdout.read(1 << 20)  # it is in the middle of the memory now

    def read(self):
        """Reads the rest; gives (bytes, stderr, exit status)."""
        errors = []
        reader = threading.Thread(target=lambda: errors.append(self.process.stderr.read()))
        reader.start()
        self.data += self.process.stdout.read()
        reader.join()
        return self.data, errors[0].decode("utf-8", "replace"), self.process.wait()


def pipe_closed(session):
    target = session.start(FILLER, 64, 2, 0)
    stream = Stream(session, target.pid)
    stream.process.stdout.close()
    error = stream.process.stderr.read().decode()
    status = stream.process.wait()
    session.equal(status, FAILED, "pipe closed: exit status 1, not a signal")
    session.ok(any(word in error.lower() for word in ("closed", "pipe")), "pipe closed: says so", error)
    check_unharmed(session, "pipe closed", target)


def check_partial(session, name, data, error, status):
    """A capture that ended early is an archive that says so."""
    session.equal(status, PARTIAL, f"{name}: exit status 3")
    session.ok("partial" in error.lower() or "incomplete" in error.lower(), f"{name}: says so", error)
    path = session.path("partial.core")
    with open(path, "wb") as file:
        file.write(data)
    report, result = session.report(path)
    session.ok(report and result.status == PARTIAL, f"{name}: the archive is analysed, exit status 3",
               result)
    session.ok(report and not report["evidence"]["complete"], f"{name}: the report says incomplete")
    text = run(ANALYZE, path)
    session.ok(text.status == PARTIAL and not text.crashed(), f"{name}: the text report too", text)


def process_killed(session):
    target = session.start(FILLER, 128, 2, 0)
    stream = Stream(session, target.pid, "-c", "live")  # the other ways have their copy by now
    target.kill()
    wait_until(lambda: process_state(target.pid) in "ZX")
    check_partial(session, "killed half way", *stream.read())


def process_killed_file(session):
    """The same into a file: what was read is kept."""
    target = session.start(FILLER, 512, 2, 0)
    path = session.path("killed.core")
    dump = session.adopt(subprocess.Popen([DUMPCORE, "-q", "--compress", "none", "-o", path,
                                           str(target.pid)], stderr=subprocess.PIPE))

    def grown():
        sizes = [os.stat(session.path(name)).st_blocks for name in os.listdir(session.folder)
                 if name.startswith(("killed", ".killed"))]
        return dump.poll() is not None or max(sizes, default=0) > 20000

    wait_until(grown)
    target.kill()
    error = dump.stderr.read().decode()
    status = dump.wait()
    if status == COMPLETE:
        session.skip("killed while a file is written", "the capture was faster than the kill")
        return
    with open(path, "rb") as file:
        check_partial(session, "killed, to a file", file.read(), error, status)


def interrupted(session):
    target = session.start(FILLER, 128, 2, 0)
    stream = Stream(session, target.pid, "-c", "live")
    stream.process.send_signal(signal.SIGINT)
    check_partial(session, "SIGINT", *stream.read())
    check_unharmed(session, "SIGINT", target)


def tool_killed(session):
    target = session.start(SPEAKERS, 8)
    for _ in range(20):
        dump = subprocess.Popen([DUMPCORE, "-q", "--compress", "none", "-o", "-", str(target.pid)],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        dump.stdout.read(1)
        dump.kill()
        dump.wait()
        dump.stdout.close()
    wait_until(lambda: process_state(target.pid) in "SR")
    session.ok(answers(target), "dumpcore killed with SIGKILL twenty times: the target answers")
    check_unharmed(session, "dumpcore killed", target)


def many_threads(session):
    target = session.start(SPEAKERS, 400)
    core = session.must_capture(target.pid, "many.core")
    report = session.must_report(core)
    session.check_accounting(report, "400 threads")
    names = {thread["name"] for arena in report["heap"]["arenas"] for thread in arena["threads"]}
    session.ok({f"speaker-{n}" for n in range(400)} <= names, "every thread is with its arena",
               f"{len(names)} names")
    check_unharmed(session, "400 threads", target)


def main():
    session = Session()
    for test in (usage_errors, no_such_process, zombie, no_permission, traced_already, output_exists,
                 output_is_private, dry_run_and_survey, runs_on, disk_full, file_size_limit,
                 pipe_closed, process_killed, process_killed_file, interrupted, tool_killed,
                 many_threads):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

"""What live tests share: start a target, capture it, analyse the archive, say TAP.

A live test is a script: it makes a Session, calls its checks and ends with session.finish(). Every
process it starts is ended by its pid, also when the script fails. Standard library only.
"""

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

import heap_account

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("DUMPCORE_BUILD") or os.path.join(ROOT, "build")
DUMPCORE = os.path.join(BUILD, "dumpcore")
ANALYZE = os.path.join(BUILD, "analyze")
TARGETS = os.path.join(ROOT, "build", "targets")
RULES = os.path.join(ROOT, "rules")
SOME_RULES = os.path.join(RULES, "databases.yml")  # to have the heap scanned, where it is not about the rules
UNPACKED = os.path.join(ROOT, "build", "packages", "root")
SANITIZED = bool(os.environ.get("DUMPCORE_SANITIZED"))
EMULATED = bool(os.environ.get("DUMPCORE_EMULATED"))  # by tests/emulated/run: everything takes long

HANG_SECONDS = 240  # ends a program that hangs; no check asserts a time
PATIENT = ("--max-pause", "1h")  # for auto: it stops nothing longer than a second, a busy machine may have to
PR_SET_PTRACER = 0x59616D61  # linux/prctl.h

COMPLETE, FAILED, USAGE, PARTIAL = 0, 1, 2, 3


class Skip(Exception):
    """Ends a test; its reason is printed."""


def allow_tracing():
    """In the child before exec: any process of the user may trace it, also under ptrace_scope 1."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1 & (2**64 - 1)), 0, 0, 0)


class Result:
    """A finished program: status (negative: signal), stdout and stderr as bytes."""

    def __init__(self, command, status, stdout, stderr):
        self.command, self.status, self.stdout, self.stderr = command, status, stdout, stderr

    @property
    def out(self):
        return self.stdout.decode("utf-8", "replace")

    @property
    def err(self):
        return self.stderr.decode("utf-8", "replace")

    def crashed(self):
        """True for a signal or a sanitizer's report: never an orderly end, whatever the status."""
        return (self.status < 0 or self.status in (134, 139) or b"Sanitizer" in self.stderr
                or b"runtime error:" in self.stderr)

    def describe(self):
        tail = (self.err or self.out).strip().splitlines()[-12:]
        return f"{' '.join(self.command)} -> {self.status}\n" + "\n".join(tail)


def run(*command, stdin=None, env=None, cwd=None, preexec=None, seconds=HANG_SECONDS):
    command = [str(word) for word in command]
    process = subprocess.Popen(command, stdin=subprocess.PIPE if stdin is not None else
                               subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, **(env or {})}, cwd=cwd, preexec_fn=preexec)
    try:
        out, err = process.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        err += f"\nended after {seconds} s: it hung".encode()
    return Result(command, process.returncode, out, err)


def find_program(name):
    """Path of a program: the system's, else the one unpacked below build/packages; None without."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found:
        return found
    for folder in ("usr/bin", "usr/sbin"):
        path = os.path.join(UNPACKED, folder, name)
        if os.access(path, os.X_OK):
            return path
    return None


def library_path():
    """Environment for a program unpacked below build/packages."""
    folders = []
    for folder, _, names in os.walk(UNPACKED):
        if any(".so" in name for name in names):
            folders.append(folder)
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def kernel_version():
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()))


def status_field(pid, key):
    """First number behind a key of /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as text:
        for line in text:
            if line.startswith(key + ":"):
                return line.split()[1]
    raise KeyError(key)


def buckets(report):
    return {bucket["id"]: bucket for bucket in report["memory"]["buckets"]}


class Session:
    """One test script: its TAP, its scratch folder, its processes."""

    def __init__(self):
        self.count, self.failures = 0, 0
        self.stack = contextlib.ExitStack()
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="dumpcore-test-"))
        os.chmod(self.folder, 0o755)

    # --- TAP ---

    def ok(self, condition, name, detail=""):
        """One check. `detail` (text, or a Result) is printed where it fails."""
        self.count += 1
        if condition:
            print(f"ok {self.count} - {name}", flush=True)
            return True
        self.failures += 1
        print(f"not ok {self.count} - {name}")
        if isinstance(detail, Result):
            detail = detail.describe()
        for line in str(detail).splitlines():
            print(f"#   {line}")
        sys.stdout.flush()
        return False

    def equal(self, got, wanted, name):
        return self.ok(got == wanted, name, f"got {got!r}, wanted {wanted!r}")

    def note(self, text):
        print(f"# {text}", flush=True)

    def skip(self, name, reason):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}", flush=True)

    def test(self, function, *arguments):
        """Runs a part of the script: an exception is one failed check, not the end of the rest."""
        with contextlib.ExitStack() as local:
            outer, self.stack = self.stack, local
            try:
                function(self, *arguments)
            except Skip as reason:
                self.skip(function.__name__, reason)
            except Exception:  # noqa: a test that breaks is a test that fails
                self.ok(False, f"{function.__name__} ran to its end", traceback.format_exc())
            finally:
                self.stack = outer

    def finish(self):
        self.stack.close()
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failures else 0)

    # --- processes ---

    def path(self, name):
        return os.path.join(self.folder, name)

    def adopt(self, process):
        """Ends the process when the test is over."""

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()

        self.stack.callback(end)
        return process

    def start(self, *command, ready="READY", env=None, cwd=None, preexec=None):
        """Starts a target that any of our processes may trace. Waits until a line of its output
        holds `ready` (None: does not wait); process.said has the lines up to that one."""
        command = [str(word) for word in command]

        def prepare():
            allow_tracing()
            if preexec:
                preexec()

        process = self.adopt(subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE if ready else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})}, cwd=cwd,
            preexec_fn=prepare))
        process.said = []
        while ready and not (process.said and ready in process.said[-1]):
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{command[0]} ended before it said {ready}: {process.said}")
            process.said.append(line.decode("utf-8", "replace").rstrip("\n"))
        return process

    def start_python(self, source):
        """A python3 target; `source` prints READY."""
        return self.start(sys.executable, "-u", "-c", source)

    def write_java(self, name, source):
        """Writes the source of a class; gives its path."""
        path = self.path(name + ".java")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        return path

    def compile_java(self, *words, to=None):
        """Compiles with those words of javac into the session's folder, or `to`; skips where there is no JDK."""
        if not shutil.which("javac"):
            raise Skip("there is no JDK (javac)")
        result = run("javac", "-d", to or self.folder, *words)
        if result.status:
            raise RuntimeError(result.describe())

    # --- the two programs ---

    def capture(self, pid, name, *options):
        """Captures to a new file of that name; gives (path, Result)."""
        path = self.path(name)
        return path, run(DUMPCORE, "-q", "-o", path, *options, pid)

    def must_capture(self, pid, name, *options):
        path, result = self.capture(pid, name, *PATIENT, *options)
        if result.status != COMPLETE:
            raise RuntimeError(result.describe())
        return path

    def report(self, path, *options, rules=RULES):
        """Gives (the report as a dict or None, Result). All rules take 40 ms to be compiled, three times
        that under the sanitizers: a test of something else that reports often has others, or "none"."""
        result = run(ANALYZE, "report", path, "--format", "json", "--rules", rules, *options)
        try:
            return json.loads(result.stdout), result
        except ValueError:
            return None, result

    def must_report(self, path, *options, rules=RULES):
        report, result = self.report(path, *options, rules=rules)
        if report is None or result.status not in (COMPLETE, PARTIAL):
            raise RuntimeError(result.describe())
        return report

    def check_accounting(self, report, name, threads=None):
        """Buckets and residual sum to the RSS; the residual is under 1 % of it, beside what VmRSS lags
        behind. Before Linux 6.2 each thread counts 64 faults for itself, of up to 16 pages, before
        VmRSS has them. Since then each processor counts up to percpu_counter_batch pages of either
        kind, anonymous and file, for itself (lib/percpu_counter.c, compute_batch_value)."""
        memory = report["memory"]
        total = sum(bucket["resident_bytes"] for bucket in memory["buckets"])
        self.equal(total + memory["residual_bytes"], memory["resident_bytes"],
                   f"{name}: buckets and residual sum to the RSS")
        threads = threads or sum(len(arena["threads"] or []) for arena in (report["heap"] or {}).get("arenas", []))
        processors = os.cpu_count() or 1
        lag = 2 * processors * max(32, 2 * processors) * 4096
        if kernel_version() < (6, 2):
            lag = 64 * 16 * 4096 * max(1, threads)
        self.ok(abs(memory["residual_bytes"]) < memory["resident_bytes"] * 0.01 + lag,
                f"{name}: the residual is under 1 % of the RSS", json.dumps(memory, indent=1))

    def check_heap_closes(self, report, name):
        """See heap_account.py. Of a report without anomalies."""
        wrong = heap_account.differences(report)
        self.ok(not wrong, f"{name}: the heap's sums close", "\n".join(wrong))


def wait_until(condition, seconds=60):
    """Polls until the condition holds; False where it never did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def is_alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False



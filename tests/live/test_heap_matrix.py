#!/usr/bin/env python3
"""The self-logging target with glibc 2.31 to 2.44, x86_64 and i386, against the report: every arena as
malloc_info prints it, every block in the state that it has, every thread in its arena, no anomaly, the
release in the range that the report names, and the RSS accounted for.

dumpcore captures 64-bit programs only, so i386 comes from the kernel's own cores, where it writes plain
files (core_pattern is left as it is), and from gdb's gcore. Both are taken of x86_64 as well: they have
neither page map nor documents."""

import contextlib
import os
import re
import resource
import signal

import glibcs
import kernel_setting
from harness import SANITIZED, Session, Skip, run, status_field
from test_heap_truth import analyze_core, check_log, check_rss, has_fastbins

SOURCE = os.path.join(glibcs.ROOT, "tests", "targets", "malloc_target.c")
SEED, THREADS, OPERATIONS = 11, 4, 2000
LOST_STACK = "the core has no control block of thread"
HUGE_PAGES = 96  # reserved for a target that is told to use them; it takes about 60


def tunable(name, value):
    return {"GLIBC_TUNABLES": f"glibc.malloc.{name}={value}"}


# How malloc was told to behave: environment, lists that are then not there.
SETTINGS = {
    "one arena": ({"MALLOC_ARENA_MAX": "1"}, []),
    "perturbed": ({"MALLOC_PERTURB_": "165"}, []),
    "no tcache": (tunable("tcache_count", 0), ["tcache"]),
    "no fastbins": (tunable("mxfast", 0), ["fastbin"]),
    "larger fastbins": (tunable("mxfast", 160), []),
    "more cached": (tunable("tcache_count", 12), []),
    "larger cached": (tunable("tcache_max", 65536), []),
    "no mappings": (tunable("mmap_max", 0), []),
    "transparent huge pages": (tunable("hugetlb", 1), []),
    "huge pages": (tunable("hugetlb", 2), []),
}


# Built from the same source as a neighbour: the settings tell nothing new.
WITHOUT_SETTINGS = [("i386", "2.36"), ("i386", "2.43")]


def minor(release):
    return int(release.split(".")[1])


class Target:
    """A running target and its log."""

    def __init__(self, session, release, abi, env):
        self.session, self.release, self.abi = session, release, abi
        self.log = session.path(f"log-{release}-{abi}")
        words = glibcs.command(release, abi, session.programs[abi])
        for _ in range(20):  # until fastbins are filled: the thread that comes last may empty them
            self.process = session.start(*words, SEED, THREADS, OPERATIONS, self.log, env=env,
                                         cwd=session.folder, preexec=allow_core)
            if minor(release) >= 43 or "glibc.malloc.mxfast=0" in (env or {}).values() or has_fastbins(self.log):
                break
            self.end()
        self.hugetlb = int(status_field(self.process.pid, "HugetlbPages")) * 1024  # VmRSS has them not
        self.rss = int(status_field(self.process.pid, "VmRSS")) * 1024 + self.hugetlb

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def dumpcore(self):
        return self.session.must_capture(self.process.pid, f"{self.release}-{self.abi}.core.zst")

    def gcore(self):
        path = self.session.path("gcore")
        result = run("gcore", "-o", path, self.process.pid)
        path += f".{self.process.pid}"
        if not os.path.exists(path):
            raise RuntimeError(result.describe())
        return path

    def kernel_core(self):
        """Ends the target."""
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as text:
            pattern = text.read().strip()
        if pattern != "core":
            raise Skip(f"cores of the kernel go to {pattern!r} here")
        self.process.send_signal(signal.SIGABRT)
        self.process.wait()
        for name in ("core", f"core.{self.process.pid}"):
            if os.path.exists(self.session.path(name)):
                os.rename(self.session.path(name), self.session.path("kernel.core"))
                return self.session.path("kernel.core")
        raise Skip("the kernel wrote no core")


def allow_core():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def check_generation(session, name, release, report):
    said = report["evidence"]["glibc"]["generation"]
    match = re.fullmatch(r"glibc 2\.(\d+)(?:-2\.(\d+))?", said)
    good = match and int(match.group(1)) <= minor(release) <= int(match.group(2) or match.group(1))
    session.ok(good, f"{name}: {said!r} holds {release}")


def check_with_rules(session, name, core, report):
    """The rules look at the chunks of any release, and change nothing of them."""
    session.equal(session.must_report(core)["heap"]["totals"], report["heap"]["totals"],
                  f"{name}: the heap is the same with all rules")


def check_core(session, name, target, core, without):
    """Whoever wrote the core. Stacks that gcore lost are said, and their threads' arenas not invented."""
    report = analyze_core(session, name, core)
    if report is None:
        return
    lost = [row for row in report["anomalies"] if LOST_STACK in row["what"]]
    if lost and "gcore" in name:
        session.note(f"{name}: gdb lost stacks: {lost[0]['what']}")
        without = without + ["threads"]
        report["anomalies"] = [row for row in report["anomalies"] if row not in lost]
    check_log(session, name, target.log, core, without)
    session.equal(report["anomalies"], [], f"{name}: no anomaly")
    check_generation(session, name, target.release, report)
    if report["memory"]["resident_bytes"] is None:
        session.note(f"{name}: {report['evidence']['glibc']['generation']}")
        return
    check_rss(session, name, report, target.rss)
    if name.endswith(", dumpcore"):  # once a release is enough
        check_with_rules(session, name, core, report)
    session.note(f"{name}: {report['evidence']['glibc']['generation']}, residual "
                 f"{report['memory']['residual_bytes']} of {report['memory']['resident_bytes']} bytes")


def heap_matrix(session, release, abi):
    target = Target(session, release, abi, None)
    name = f"glibc {release} {abi}"
    ways = [target.gcore, target.kernel_core]
    if abi == "x86_64":
        ways.insert(0, target.dumpcore)
    for way in ways:
        session.test(heap_one_way, f"{name}, {way.__name__}", target, way, [])


def heap_one_way(session, name, target, way, without):
    core = way()
    check_core(session, name, target, core, without)
    os.remove(core)


def heap_setting(session, setting, release, abi):
    env, without = SETTINGS[setting]
    without = [state for state in without if state != "fastbin" or minor(release) <= 42]
    name = f"glibc {release} {abi}, {setting}"
    reserve = setting == "huge pages" and os.geteuid() == 0
    with kernel_setting.huge_pages(HUGE_PAGES) if reserve else contextlib.nullcontext():
        target = Target(session, release, abi, env)
        if setting == "huge pages":
            session.note(f"{name}: {target.hugetlb} bytes of the process are in huge pages")
        way = target.dumpcore if abi == "x86_64" else target.kernel_core
        heap_one_way(session, name, target, way, without)
        target.end()


def main():
    session = Session()
    glibcs.fetch()
    session.programs = {}
    for abi in glibcs.ABIS:
        session.programs[abi] = session.path(f"malloc_target-{abi}")
        session.test(lambda session, abi=abi: glibcs.link(abi, SOURCE, session.programs[abi]))
    for release in glibcs.RELEASES:
        for abi in glibcs.ABIS:
            session.test(heap_matrix, release, abi)
            for setting in SETTINGS if not SANITIZED and (abi, release) not in WITHOUT_SETTINGS else []:
                session.test(heap_setting, setting, release, abi)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""dumpcore stays under 64 MiB resident whatever the target's size."""

import os
import shutil

from harness import COMPLETE, DUMPCORE, SANITIZED, TARGETS, Session, Skip

MEGABYTES = 1024
LIMIT_KIB = 64 * 1024


def peak_of(command):
    """Runs the command; gives (exit status, peak resident KiB) as the kernel counted it."""
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss


def free_memory():
    with open("/proc/meminfo", encoding="utf-8") as text:
        return next(int(line.split()[1]) >> 10 for line in text if line.startswith("MemAvailable"))


def own_memory(session):
    if SANITIZED:
        raise Skip("the sanitizers' own memory would be measured")
    if free_memory() < 2 * MEGABYTES or shutil.disk_usage(session.folder).free >> 20 < 2 * MEGABYTES:
        raise Skip(f"needs {2 * MEGABYTES} MiB of memory and disk")
    target = session.start(os.path.join(TARGETS, "bench_target"), MEGABYTES, 4, 4)
    for options in (["--compress", "none"], ["--compress", "zstd"]):
        path = session.path("big.core")
        status, peak = peak_of([DUMPCORE, "-q", *options, "-o", path, str(target.pid)])
        name = " ".join(options)
        session.equal(status, COMPLETE, f"{name}: 1 GiB captured")
        session.ok(peak <= LIMIT_KIB, f"{name}: dumpcore's peak is within 64 MiB", f"{peak} KiB")
        session.note(f"{name}: peak {peak / 1024:.1f} MiB, file {os.path.getsize(path) >> 20} MiB")
        os.unlink(path)


def main():
    session = Session()
    session.test(own_memory)
    session.finish()


if __name__ == "__main__":
    main()

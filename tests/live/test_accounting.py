#!/usr/bin/env python3
"""Processes with odd memory: huge and zero pages, memfd, shared and inaccessible mappings, memalign, a
child that shares its pages, several ways to leave memory out. Each account closes, agrees with the
kernel's smaps, and the verdict says no more than the file shows."""

import os
import re

import kernel_setting
import process
from harness import Session, Skip

MIB = 1 << 20
FAULTS = 64 << 10  # pages that the capture itself touches: vdso, stack

PRELUDE = """
import ctypes, mmap, os, sys, time
MIB = 1 << 20
libc = ctypes.CDLL(None, use_errno=True)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
def address(area):
    return ctypes.addressof(ctypes.c_char.from_buffer(area))
def fill(area, size):
    libc.memset(address(area), 1, size)
def ready(pid=None):
    print("READY", pid or os.getpid(), flush=True)
    time.sleep(10000)
"""

ZERO_PAGES = PRELUDE + """
area = mmap.mmap(-1, 100 * MIB, flags=PRIVATE)
sum(area[i] for i in range(0, 100 * MIB, 4096))
ready()
"""

HUGE_PAGES = PRELUDE + """
area = mmap.mmap(-1, 64 * MIB, flags=PRIVATE)
libc.madvise(address(area), 64 * MIB, 14)  # MADV_HUGEPAGE
for i in range(0, 64 * MIB, 8 * MIB):
    area[i] = 1
ready()
"""

HUGETLB = PRELUDE + """
area = mmap.mmap(-1, 8 * MIB, flags=PRIVATE | 0x40000)  # MAP_HUGETLB
fill(area, 8 * MIB)
ready()
"""

SHARED = PRELUDE + """
fd = os.memfd_create("buffer")
os.ftruncate(fd, 32 * MIB)
one = mmap.mmap(fd, 32 * MIB, flags=mmap.MAP_SHARED)
fill(one, 16 * MIB)
copied = mmap.mmap(fd, 32 * MIB, flags=mmap.MAP_PRIVATE)
fill(copied, 4 * MIB)
two = mmap.mmap(-1, 64 * MIB, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
fill(two, 48 * MIB)
ready()
"""

INACCESSIBLE = PRELUDE + """
area = mmap.mmap(-1, 64 * MIB, flags=PRIVATE)
fill(area, 64 * MIB)
libc.mprotect(address(area), 64 * MIB, 0)
ready()
"""

LEFT_OUT = PRELUDE + """
area = mmap.mmap(-1, 64 * MIB, flags=PRIVATE)
libc.madvise(address(area), 64 * MIB, 16)  # MADV_DONTDUMP
fill(area, 64 * MIB)
ready()
"""

# Mappings of their own, chunks in the middle of them, most pages of some never touched.
MEMALIGN = PRELUDE + """
pointer = ctypes.c_void_p()
for i in range(150):
    libc.posix_memalign(ctypes.byref(pointer), ctypes.c_size_t(65536), ctypes.c_size_t(300000))
    libc.memset(pointer, 1, 300000 if i % 3 else 100)
    libc.memset(libc.malloc(200000), 1, 200000 if i % 2 else 5000)
ready()
"""

# Thousands of runs of pages, in one mapping and in none alike.
STRIPES = PRELUDE + """
area = mmap.mmap(-1, 48 * MIB, flags=PRIVATE)
for i in range(0, 48 * MIB, 8192):
    area[i] = 1
ready()
"""

FREED = PRELUDE + """
libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD: all of it on the heap
held = [libc.malloc(3000) for i in range(20000)]
for pointer in held:
    libc.memset(pointer, 1, 3000)
for pointer in held[:18000]:
    libc.free(pointer)
"""

CHILD = FREED + """
child = os.fork()
if child:
    ready(child)
time.sleep(10000)
"""


def smaps(pid):
    """Yields (path, shared, resident bytes) of each mapping."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as text:
        for line in text:
            head = re.match(r"[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \d+\s*(.*)", line)
            if head:
                flags, path = head.groups()
            elif line.startswith("Rss:"):
                yield path, flags[3] == "s", int(line.split()[1]) << 10


def is_shared(path, shared):
    return path.startswith(("/memfd:", "/dev/zero", "/SYSV", "/dev/shm/")) or (shared and not path)


def check(session, name, source, *options):
    """Captures the program; gives the report, closed and compared with smaps."""
    target = session.start_python(source)
    pid = int(target.said[-1].split()[1])
    path = session.must_capture(pid, f"{name.replace(' ', '-')}.core.zst", *options)
    mappings = list(smaps(pid))
    report = session.must_report(path)
    if pid != target.pid:
        os.kill(pid, 9)
    session.check_accounting(report, name)
    got = {bucket["id"]: bucket["resident_bytes"] for bucket in report["memory"]["buckets"]}
    shared = sum(size for place, is_same, size in mappings if is_shared(place, is_same))
    rest = sum(size for _, _, size in mappings) - shared + report["memory"]["hugetlb_bytes"]
    session.equal(got["shared"], shared, f"{name}: shared memory as in smaps")
    others = sum(got.values()) - got["shared"]
    session.ok(abs(others - rest) <= FAULTS, f"{name}: everything else as in smaps",
               f"{others} {rest}\n{got}")
    return report, got


def find(report, diagnosis):
    return next((row for row in report["diagnosis"] if row["id"] == diagnosis), None)


def says(session, name, report, diagnosis, words):
    row = find(report, diagnosis)
    session.ok(row, f"{name}: {diagnosis} is diagnosed", [each["id"] for each in report["diagnosis"]])
    session.ok(words in report["verdict"], f"{name}: the verdict says '{words}'", report["verdict"])
    session.ok(not find(report, "no-excess"), f"{name}: not called small")


def zero_pages(session):
    _, got = check(session, "zero pages", ZERO_PAGES)
    session.ok(got["anonymous.unknown"] < 50 * MIB, "zero pages are not counted", str(got))


def huge_pages(session):
    check(session, "transparent huge pages", HUGE_PAGES)


def hugetlb(session):
    session.stack.enter_context(kernel_setting.huge_pages(4))
    pages = int(process.read_text("/proc/sys/vm/nr_hugepages"))
    if pages < 4:
        raise Skip(f"vm.nr_hugepages is {pages}, 4 are needed")
    report, got = check(session, "hugetlb", HUGETLB)
    session.equal(report["memory"]["hugetlb_bytes"], 8 * MIB, "hugetlb: told apart")
    session.ok(got["anonymous.unknown"] >= 8 * MIB, "hugetlb: in its bucket", str(got))
    session.ok("RSS with huge pages" in report["verdict"], "hugetlb: said", report["verdict"])


def shared(session):
    report, _ = check(session, "shared", SHARED)
    says(session, "shared", report, "shared-memory", "is shared memory")


def inaccessible(session):
    report, got = check(session, "inaccessible", INACCESSIBLE)
    session.ok(got["anonymous.reserved"] == 64 * MIB, "inaccessible: in its bucket", str(got))
    says(session, "inaccessible", report, "not-glibc", "is other anonymous memory")


def left_out(session):
    report, got = check(session, "left out", LEFT_OUT)
    session.equal(got["not_captured"], 64 * MIB, "left out: in its bucket")
    says(session, "left out", report, "not-captured", "The evidence does not tell")


def memalign(session):
    report, got = check(session, "memalign", MEMALIGN)
    session.ok(report["heap"]["mmapped"]["chunks"] >= 300 and got["heap.overhead"] > MIB // 2,
               "memalign: what lies around the chunks is overhead", str(got))


def stripes(session):
    check(session, "stripes", STRIPES)


def child(session):
    report, got = check(session, "a child", CHILD)
    session.ok(got["heap.binned"] + got["heap.top"] > 40 * MIB, "a child: what it shares is counted",
               str(got))
    says(session, "a child", report, "retention", "retention rather than a leak")


def selections(session):
    source = FREED + "ready()\n"
    for options, name in ((["--select", "heap"], "heap alone"), (["--select", "stacks"], "stacks alone")):
        report, _ = check(session, name, source, *options)
        says(session, name, report, "heap-not-found", "The evidence does not tell a leak from")
        session.ok(not find(report, "not-glibc"), f"{name}: malloc's memory is not called another's")


def main():
    session = Session()
    for test in (zero_pages, huge_pages, hugetlb, shared, inaccessible, left_out, memalign, stripes,
                 child, selections):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

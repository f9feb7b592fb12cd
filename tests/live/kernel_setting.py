"""Settings of the kernel that a live test needs for a while."""

import contextlib
import fcntl
import os
import tempfile

import cgroups
import process
from harness import Skip


def require_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


@contextlib.contextmanager
def alone_with(path):
    """Waits until no other test changes the file: two that overlap would leave the value of the first."""
    name = os.path.join(tempfile.gettempdir(), "dumpcore-test" + path.replace("/", "-") + ".lock")
    with open(name, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def setting(path, value, keep_larger=True):
    """A value below /proc/sys for as long as it is needed."""
    require_root()
    with alone_with(path):
        before = process.read_text(path).strip()
        try:
            if not keep_larger or int(before) < value:
                cgroups.write(path, value)
            yield
        finally:
            cgroups.write(path, before)


def huge_pages(count):
    """That many huge pages, or as many as the kernel finds, for as long as they are needed."""
    return setting("/proc/sys/vm/nr_hugepages", count)

"""Settings of the kernel that a live test needs for a while."""

import contextlib
import os

import cgroups
import process
from harness import Skip


def require_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


@contextlib.contextmanager
def setting(path, value, keep_larger=True):
    """A value below /proc/sys for as long as it is needed."""
    require_root()
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

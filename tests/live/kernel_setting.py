"""Settings of the kernel that a live test needs for a while."""

import contextlib
import fcntl
import os
import tempfile

import cgroups
import process
from harness import Skip, find_program, run

SWAPS = "/proc/swaps"
SWAP_BYTES = 64 << 20


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
    with alone_with(path):
        before = process.read_text(path).strip()
        is_enough = keep_larger and int(before) >= value
        if is_enough:
            yield
            return
        require_root()
        try:
            cgroups.write(path, value)
            yield
        finally:
            cgroups.write(path, before)


def huge_pages(count):
    """That many huge pages, or as many as the kernel finds, for as long as they are needed."""
    return setting("/proc/sys/vm/nr_hugepages", count)


def many_mappings():
    """A process may have 200,000 mappings."""
    return setting("/proc/sys/vm/max_map_count", 200000)


def as_to_swap():
    """Nobody else swaps something on or off meanwhile."""
    return alone_with(SWAPS)


@contextlib.contextmanager
def swap_file(path):
    """A small swap file of that path, where there is no swap at all."""
    with as_to_swap():
        if len(process.read_text(SWAPS).splitlines()) > 1:
            yield
            return
        require_root()
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, SWAP_BYTES)
        os.chmod(path, 0o600)
        for program in ("mkswap", "swapon"):
            if not find_program(program):
                raise Skip(f"there is no swap, and {program} is not installed")
            result = run(find_program(program), path)
            if result.status:
                raise Skip(f"no swap on {path}: {result.err.strip()}")
        try:
            yield
        finally:
            run(find_program("swapoff"), path)
            os.unlink(path)

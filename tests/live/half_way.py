"""Ends a capture, or takes something from it, when a part of its archive is there. Standard library only."""

import contextlib
import os
import subprocess
import time

from harness import COMPLETE, DUMPCORE, PARTIAL

GROWN_BYTES = 16 << 20
TRIES = 8  # a capture may be faster than what is to end it


class Ended(Exception):
    """A capture was over before it could be ended."""


class Growing:
    """A capture that is running, and `grown`: its archive or spool has GROWN_BYTES."""

    def __init__(self, session, folder, *arguments, stdout=subprocess.DEVNULL):
        self.folder, self.before = folder, used_bytes(folder)
        self.process = session.adopt(subprocess.Popen(
            [DUMPCORE, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE))

    def wait(self):
        """Until it has grown; raises Ended where it was over before."""
        while self.process.poll() is None:
            if used_bytes(self.folder) - self.before > GROWN_BYTES:
                return
            time.sleep(0.001)
        raise Ended(self.process.stderr.read().decode())

    def end(self):
        """Gives (exit status, stderr)."""
        error = self.process.stderr.read().decode()
        return self.process.wait(), error


def used_bytes(folder):
    """Of the files there. An unlinked spool is in none: a mount of its own is asked as a whole."""
    if os.path.ismount(folder):
        disk = os.statvfs(folder)
        return (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    total = 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            total += os.stat(os.path.join(folder, name)).st_blocks * 512
    return total


def end_half_way(session, method, pid, end, path):
    """Captures to a plain file and calls end(dumpcore) half way. Raises Ended where the archive is
    complete all the same."""
    folder = f"{path}.folder"
    os.makedirs(folder, exist_ok=True)
    growing = os.path.join(folder, "archive")
    capture = Growing(session, folder, "-q", "-z", "none", "-c", method, "--max-pause", "60s", "-o", growing, pid)
    capture.wait()
    end(capture.process)
    status, error = capture.end()
    if status not in (COMPLETE, PARTIAL):
        raise RuntimeError(f"{method}: exit status {status}: {error}")
    os.rename(growing, path)
    os.rmdir(folder)
    if status == COMPLETE:
        os.unlink(path)
        raise Ended
    return path

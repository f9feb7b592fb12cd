"""A control group with limits for a process to be started in, of version 2 or 1 of the interface.

Needs root. Standard library only.
"""

import os

from harness import Skip, wait_until

V2 = "/sys/fs/cgroup"

# What a limit is called: {limit: (controller, file of version 2, file of version 1)}.
FILES = {
    "pids": ("pids", "pids.max", "pids.max"),
    "memory": ("memory", "memory.max", "memory.limit_in_bytes"),
    "oom_group": ("memory", "memory.oom.group", None),  # version 1 has none
}


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(text))


def version_2_root(controller):
    """A version 2 hierarchy that offers the controller to groups made in it, or None."""
    for root in (V2, os.path.join(V2, "unified")):
        try:
            with open(os.path.join(root, "cgroup.controllers"), encoding="utf-8") as text:
                if controller in text.read().split():
                    write(os.path.join(root, "cgroup.subtree_control"), f"+{controller}")
                    return root
        except OSError:
            continue
    return None


def version_1_root(controller):
    root = os.path.join(V2, controller)
    return root if os.path.exists(os.path.join(root, "cgroup.procs")) else None


class Group:
    """A group below the root of a hierarchy; it ends when its processes have."""

    def __init__(self, controller):
        second = version_2_root(controller)
        root = second or version_1_root(controller)
        if not root:
            raise Skip(f"no hierarchy of control groups has the controller {controller}")
        self.is_version_2, self.root = bool(second), root
        self.folder = os.path.join(root, f"dumpcore-test-{os.getpid()}")
        try:
            os.mkdir(self.folder)
        except OSError as error:
            raise Skip(f"no control group can be made in {root}: {error.strerror}") from error

    def limit(self, name, value):
        """Sets a limit; False where this version has none of that name."""
        file = FILES[name][1 if self.is_version_2 else 2]
        if file:
            write(os.path.join(self.folder, file), value)
        return bool(file)

    def enter(self):
        """Moves the calling process here: for what it starts. Memory that a process has already stays
        charged to the group it was in."""
        write(os.path.join(self.folder, "cgroup.procs"), "0")

    def current(self, controller):
        with open(os.path.join(self.folder, f"{controller}.current"), encoding="utf-8") as text:
            return int(text.read())

    def is_empty(self):
        with open(os.path.join(self.folder, "cgroup.procs"), encoding="utf-8") as text:
            return not text.read().strip()

    def end(self):
        if wait_until(self.is_empty, 10):
            os.rmdir(self.folder)

#!/usr/bin/env python3
"""A process that is hard to capture because the kernel promises no more memory than it has
(vm.overcommit_memory 2): see test_hard_targets.py. What it sets is for every process of the machine."""

import contextlib

import kernel_setting
import process
from test_hard_targets import capture_all, memory_kind


@contextlib.contextmanager
def strict_overcommit(_session):
    """The kernel promises 70 TiB and no more, of which the target takes 40: a copy of it is refused,
    and every other process of the machine has more than it can ever use."""
    kernel_setting.require_root()
    total = int(process.fields(process.read_text("/proc/meminfo"))["MemTotal"].split()[0])
    committed = int(process.fields(process.read_text("/proc/meminfo"))["Committed_AS"].split()[0])
    ratio = (committed + (70 << 30)) * 100 // total
    with kernel_setting.setting("/proc/sys/vm/overcommit_ratio", ratio):
        with kernel_setting.setting("/proc/sys/vm/overcommit_memory", 2, keep_larger=False):
            yield


if __name__ == "__main__":
    capture_all([memory_kind("overcommit-2", "commitment", 40, arrange=strict_overcommit,
                             not_copied=("memory", "overcommit"))])

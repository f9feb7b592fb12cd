#!/usr/bin/env python3
"""The golden JSON reports against docs/report.schema.json, and the schema against reports that are
wrong: every member that is left out, added or of another type must be found."""

import copy
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import json_schema  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
SCHEMA = os.path.join(HERE, "..", "..", "docs", "report.schema.json")


def walk(value, path=()):
    """Yields the path of every container and member; of a list only its first item."""
    if isinstance(value, dict):
        for key in value:
            yield path + (key,)
            yield from walk(value[key], path + (key,))
    elif isinstance(value, list) and value:
        yield from walk(value[0], path + (0,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def changed(report, path, change):
    copied = copy.deepcopy(report)
    change(at(copied, path[:-1]), path[-1])
    return copied


def leave_out(parent, key):
    del parent[key]


def rename(parent, key):
    parent["no-such-member"] = parent.pop(key)


def retype(parent, key):
    parent[key] = {"another": "type"} if not isinstance(parent[key], dict) else 1.5


class Tap:
    def __init__(self):
        self.count, self.failed = 0, 0

    def ok(self, good, name, details=()):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        for line in () if good else list(details)[:10]:
            print(f"#   {line}")


def main():
    tap, schema = Tap(), json_schema.load(SCHEMA)
    reports = {os.path.basename(path): json_schema.load(path)
               for path in sorted(glob.glob(os.path.join(HERE, "*.json")))}
    for name, report in reports.items():
        problems = list(json_schema.check(schema, report))
        tap.ok(not problems, f"{name} is valid", problems)
    report = reports["java.json"]
    paths = list(walk(report))
    for change in (leave_out, rename, retype):
        passed = [path for path in paths
                  if not list(json_schema.check(schema, changed(report, path, change)))]
        tap.ok(not passed and len(paths) > 100, f"{change.__name__}: found in {len(paths)} places",
               passed)
    print(f"1..{tap.count}")
    sys.exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()

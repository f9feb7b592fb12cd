#!/usr/bin/env python3
"""The rules we ship, and what `rules new` prints, against docs/rules.schema.json; and the schema
against rules that are wrong. tests/unit/analyze/rules_schema_test.c holds it against the reader."""

import copy
import glob
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import json_schema  # noqa: E402
from test_schema import Tap  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
ANALYZE = os.path.join(os.environ.get("DUMPCORE_BUILD") or os.path.join(ROOT, "build"), "analyze")
SCHEMA = os.path.join(ROOT, "docs", "rules.schema.json")

# What an editor should mark: where, and what is put there.
WRONG = [
    (("format",), 2), (("namespace",), "Upper"), (("rulez",), []),
    (("rules", 0, "id"), "a b"), (("rules", 0, "keyword"), ["abc"]),
    (("rules", 0, "severity"), "hgih"), (("rules", 0, "keywords"), "abc"),
    (("rules", 0, "scan"), {"anchor": "start"}), (("rules", 0, "scan"), {"states": []}),
    (("rules", 0, "scan"), {"size": "1-2"}), (("rules", 0, "validate"), ["no_such"]),
    (("rules", 0, "extent"), "all"), (("rules", 0, "aggregate"), {"top": 3}),
    (("rules", 0, "aggregate"), {"by": "x", "transform": {"upper": 1}}),
    (("rules", 0, "redact"), {"x": "maybe"}), (("rules", 0, "tests"), [{"name": "x"}]),
    (("rules", 0, "tests"), [{"name": "x", "hex": "0g", "expect": "none"}]),
    (("rules", 0, "structure"), [{"at": 0, "type": "u128"}]),
    (("rules", 0, "structure"), [{"at": 0, "type": "ptr", "to": "anywhere"}]),
    (("rules", 0, "title"), ""), (("rules", 0, "slow"), "perhaps"),
    (("override",), {"a.b": {"id": "c"}}), (("defaults",), {"id": "c"}),
]


def load(text):
    """As an editor sees it: a key is its text, `null` too."""
    def named(value):
        if isinstance(value, dict):
            return {"null" if key is None else str(key): named(item) for key, item in value.items()}
        return [named(item) for item in value] if isinstance(value, list) else value

    return named(yaml.safe_load(text))


def changed(file, path, value):
    copied = copy.deepcopy(file)
    place = copied
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copied


def main():
    tap, schema = Tap(), json_schema.load(SCHEMA)
    if yaml is None:
        print("1..0 # SKIP python3 has no yaml module here, so nothing reads the rule files")
        sys.exit(0)
    for path in sorted(glob.glob(os.path.join(ROOT, "rules", "*.yml"))):
        with open(path, encoding="utf-8") as text:
            problems = list(json_schema.check(schema, load(text), "file"))
        tap.ok(not problems, f"{os.path.basename(path)} is valid", problems)
    new = load(subprocess.run([ANALYZE, "rules", "new"], capture_output=True, check=True).stdout)
    problems = list(json_schema.check(schema, new, "file"))
    tap.ok(not problems, "what `rules new` prints is valid", problems)
    for path, value in WRONG:
        tap.ok(list(json_schema.check(schema, changed(new, path, value), "file")),
               f"{'.'.join(map(str, path))}: {value!r} is found")
    print(f"1..{tap.count}")
    sys.exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Includes point downwards only (docs/architecture.md). Prints file:line of each one that does not.

usage: check_layers.py [--self-test] [ROOT]
"""

import os
import re
import sys
import tempfile

# A folder may include itself and what stands in its row; tests may include everything.
INPUT = ["base", "archive", "analyze/input"]
MEMORY = INPUT + ["analyze/memory"]
CONTENT = MEMORY + ["analyze/validators", "analyze/content"]
ATTRIBUTE = CONTENT + ["analyze/heap", "analyze/jvm", "analyze/attribute"]
MAY_INCLUDE = {
    "base": ["base"],
    "archive": ["base", "archive"],
    "dumpcore": ["base", "archive", "dumpcore"],
    "analyze/input": INPUT,
    "analyze/memory": MEMORY,
    "analyze/heap": MEMORY + ["analyze/heap"],
    # formats are bytes to them: they know no dump and no address
    "analyze/validators": ["base", "analyze/validators"],
    "analyze/content": CONTENT,
    "analyze/jvm": MEMORY + ["analyze/jvm"],
    # attribution fills the models of reports, which themselves include base only
    "analyze/attribute": ATTRIBUTE + ["analyze/report/model.h", "analyze/report/show_model.h"],
    "analyze/report": ["base", "analyze/report"],
    "analyze": ATTRIBUTE + ["analyze", "analyze/commands", "analyze/report"],
    "analyze/commands": ATTRIBUTE + ["analyze", "analyze/commands", "analyze/report"],
}

# Single files that see more than their folder, each with its reason.
EXCEPTIONS = {
    # joins the stages' tables into the report model: the one door between attribution and report
    "analyze/report/build.c": ATTRIBUTE + ["analyze/report"],
    "analyze/report/build.h": ATTRIBUTE + ["analyze/report"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def allowed(source, target):
    row = EXCEPTIONS.get(source, MAY_INCLUDE[os.path.dirname(source)])
    return target in row or os.path.dirname(target) in row


def check_file(root, source):
    """Yields (line number, what is wrong) for each bad include of the file."""
    with open(os.path.join(root, source), encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            target = found.group(1)
            if not os.path.exists(os.path.join(root, target)):
                yield number, f'"{target}" is not a path from the root of the tree'
            elif not allowed(source, target):
                yield number, f'"{target}" is above this layer or beside it'


def sources(root):
    for top in ("base", "archive", "dumpcore", "analyze"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def check_tree(root):
    """Gives "file:line: message" for each violation, and the number of files read."""
    problems, files = [], 0
    for source in sources(root):
        files += 1
        if os.path.dirname(source) not in MAY_INCLUDE:
            problems.append(f"{source}:1: this folder has no row in {os.path.basename(__file__)}")
            continue
        problems += [f"{source}:{line}: {what}" for line, what in check_file(root, source)]
    return problems, files


def self_test():
    """A fabricated tree with one good include and one of each violation."""
    tree = {
        "base/err.h": "",
        "archive/format.h": '#include "base/err.h"\n',
        "analyze/heap/heap.h": '#include "archive/format.h"\n',
        "analyze/content/scan.c": '#include "base/err.h"\n#include "analyze/heap/heap.h"\n',
        "base/bad.c": '#include "archive/format.h"\n',
        "dumpcore/bad.c": '\n#  include "analyze/heap/heap.h"\n',
        "analyze/report/model.h": '#include "base/err.h"\n',
        "analyze/report/text.c": '#include "analyze/report/model.h"\n#include "archive/format.h"\n',
        "analyze/attribute/ok.c": '#include "analyze/report/model.h"\n#include "analyze/heap/heap.h"\n',
        "analyze/memory/bad.c": '#include "image.h"\n',
        "analyze/elsewhere/bad.c": "\n",
    }
    expected = {"analyze/content/scan.c:2", "base/bad.c:1", "dumpcore/bad.c:2",
                "analyze/report/text.c:2", "analyze/memory/bad.c:1", "analyze/elsewhere/bad.c:1"}
    with tempfile.TemporaryDirectory() as root:
        for path, text in tree.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        problems, _ = check_tree(root)
    got = {":".join(problem.split(":")[:2]) for problem in problems}
    if got != expected:
        print(f"layers self-test: missed {sorted(expected - got)}, invented {sorted(got - expected)}")
        return 1
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root = arguments[0] if arguments else os.path.join(os.path.dirname(__file__), "..")
    problems, files = check_tree(root)
    for problem in problems:
        print(problem)
    print(f"layers: {files} files, {len(problems)} includes that do not point downwards")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

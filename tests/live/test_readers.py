#!/usr/bin/env python3
"""Other programs open the plain core, whole or partial, and show what was in the process.

gdb, readelf, eu-readelf, eu-stack and drgn, each on an archive of every consistency, on what `zstd -d`
gives, on one with more program headers than e_phnum can count, and on those of captures that were
interrupted or whose process was killed. Ends with a table of what each said.
"""

import itertools
import json
import os
import re
import signal
import sys

import kernel_setting
import methods
import process
from core_file import HEADER, PN_XNUM, PROGRAM, PT_LOAD, SECTION, CoreFile
from half_way import TRIES, Ended, end_half_way
from harness import SANITIZED, TARGETS, Session, Skip, find_program, run

SPEAKERS = os.path.join(TARGETS, "text_target")
MAPPINGS = os.path.join(TARGETS, "hard_memory_target")
FILLER_MEGABYTES = 256

COMPLAINT = re.compile(r"warning|BFD:|error|corrupt|invalid|cannot|truncated|failed|bad ", re.IGNORECASE)
# What is said of a file that is damaged, rather than of memory that is not in it.
DAMAGE = re.compile(r"BFD:|corrupt|invalid|truncated|malformed|not a core|past the end|file size", re.IGNORECASE)


class Case:
    """An archive and what must be found in it."""

    def __init__(self, name, core, program, threads, texts):
        self.name, self.core, self.program = name, core, program
        self.threads = threads  # ids
        self.texts = texts  # (address as text, text)
        with CoreFile(core) as file:
            outcome, description = file.outcome() or {}, file.description()
        self.complete = outcome.get("complete", False)
        # Without a stop the kernel tells where a waiting thread is, and no other register.
        self.has_registers = description["consistency"] != "live"

    def complaints(self, result):
        """What a program said that it must not say of this archive."""
        pattern = COMPLAINT if self.complete else DAMAGE
        found = [line for line in result.err.splitlines() if pattern.search(line)]
        if result.status != 0:
            found.append(result.describe())
        return found


# --- the readers: each gives what is wrong, and nothing where all is well ---


def missing(what, wanted, found):
    lost = sorted(set(wanted) - set(found))
    return [f"{what} are missing: {lost[:5]}, {len(lost)} in all"] if lost else []


def gdb_commands(case, *commands):
    words = [word for command in commands for word in ("-ex", command)]
    return run("gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", *words, case.program,
               case.core, env={"LC_ALL": "C"})


def check_bases(case, text):
    """A thread's fs_base is what libthread_db, which reads memory, calls it by; both are the address
    of its thread control block."""
    handles = dict(re.findall(r"Thread (0x[0-9a-f]+) \(LWP (\d+)\)", text))
    wrong = []
    for handle, tid in handles.items():
        shown = re.search(rf"^Thread \d+ \(Thread {handle} \(LWP {tid}\)\).*?^fs_base\s+(\S+)", text,
                          re.MULTILINE | re.DOTALL)
        if not shown or int(shown.group(1), 16) != int(handle, 16):
            wrong.append(f"thread {tid}: fs_base {shown and shown.group(1)}, is {handle}")
    return wrong if handles else ["libthread_db found no thread"]


def read_gdb(case):
    opened = gdb_commands(case, "info threads", *(f"x/s {address}" for address, _ in case.texts),
                          "thread apply all info registers rip fs_base")
    wrong = case.complaints(opened)
    wrong += [line for line in opened.out.splitlines() if DAMAGE.search(line)]
    wrong += missing("threads", map(str, case.threads), re.findall(r"LWP (\d+)", opened.out))
    wrong += missing("texts", (text for _, text in case.texts), re.findall(r'"(.*)"', opened.out))
    counters = [int(value, 16) for value in re.findall(r"^rip\s+(\S+)", opened.out, re.MULTILINE)]
    bases = [int(value, 16) for value in re.findall(r"^fs_base\s+(\S+)", opened.out, re.MULTILINE)]
    if len(counters) != len(case.threads) or not all(counters):
        wrong.append(f"rip of {sum(map(bool, counters))} of {len(case.threads)} threads")
    if case.has_registers and (len(bases) != len(case.threads) or not all(bases)):
        wrong.append(f"fs_base of {sum(map(bool, bases))} of {len(case.threads)} threads")
    if case.has_registers and case.complete and len(case.threads) > 1:
        wrong += check_bases(case, opened.out)
    return wrong


def read_readelf(case):
    shown = run("readelf", "-a", "-W", case.core, env={"LC_ALL": "C"})
    wrong = case.complaints(shown)
    if shown.out.count("NT_PRSTATUS") != len(case.threads):
        wrong.append(f"{shown.out.count('NT_PRSTATUS')} of {len(case.threads)} threads")
    return wrong


def read_eu_readelf(case):
    shown = run("eu-readelf", "-h", "-l", "-S", "-n", case.core, env={"LC_ALL": "C"})
    notes = shown.out.split("\nNote section")
    wrong = case.complaints(shown)
    wrong += missing("threads", map(str, case.threads), re.findall(r"\bpid: (\d+)", shown.out))
    wrong += missing("notes", ("PRSTATUS", "PRPSINFO", "AUXV", "FILE", "DUMPCORE"),
                     re.findall(r"\w+", "".join(notes[1:])))
    return wrong


def read_eu_stack(case):
    # Without its modules' lists in memory a thread has the frame of its registers, if any: exit status 1.
    shown = run("eu-stack", "--core", case.core, "-e", case.program, env={"LC_ALL": "C"})
    wrong = [line for line in shown.err.splitlines() if DAMAGE.search(line) or case.complete]
    if case.complete and shown.status != 0:
        wrong.append(f"exit status {shown.status}")
    stacks = dict(re.findall(r"^TID (\d+):\n((?:#.*\n)*)", shown.out, re.MULTILINE))
    wrong += missing("threads", map(str, case.threads), stacks)
    if case.complete:
        wrong += [f"no caller in thread {tid}" for tid, frames in stacks.items() if "#1 " not in frames]
    return wrong


DRGN = """
import drgn, json, sys
program = drgn.Program()
program.set_core_dump(sys.argv[1])
try:
    program.load_debug_info(None, True, False)
except drgn.MissingDebugInfoError:
    pass
found = {"threads": {}, "texts": []}
for address in sys.argv[2:]:
    found["texts"].append(program.read(int(address, 16), 96).split(b"\\0")[0].decode())
for thread in program.threads():
    registers = program.stack_trace(thread.tid)[0].registers()
    found["threads"][thread.tid] = [registers.get("rip", 0), registers.get("fs.base", 0)]
print(json.dumps(found))
"""


def python_with_drgn():
    """The system's python3 has the distribution's modules, the one of this script may be another."""
    for python in ("/usr/bin/python3", sys.executable):
        if os.path.exists(python) and run(python, "-c", "import drgn").status == 0:
            return python
    return None


def read_drgn(case):
    read = run(python_with_drgn(), "-c", DRGN, case.core, *(address for address, _ in case.texts))
    if read.status != 0:
        return [read.describe()]
    found = json.loads(read.out)
    wrong = [line for line in read.err.splitlines() if line]
    wrong += missing("threads", map(str, case.threads), found["threads"])
    wrong += missing("texts", (text for _, text in case.texts), found["texts"])
    for tid, (counter, base) in found["threads"].items():
        if not counter or (case.has_registers and not base):
            wrong.append(f"thread {tid}: rip {counter:#x}, fs.base {base:#x}")
    return wrong


# Name, function, what must be there, how it says its version.
READERS = [
    ("gdb", read_gdb, lambda: find_program("gdb"), ("gdb", "--version")),
    ("readelf", read_readelf, lambda: find_program("readelf"), ("readelf", "--version")),
    ("eu-readelf", read_eu_readelf, lambda: find_program("eu-readelf"), ("eu-readelf", "--version")),
    ("eu-stack", read_eu_stack, lambda: find_program("eu-stack"), ("eu-stack", "--version")),
    ("drgn", read_drgn, python_with_drgn, None),
]

def warns_of_any_pn_xnum(session):
    """The smallest core with PN_XNUM that the System V ABI describes: 65,535 empty program headers,
    their number in sh_info of section 0, as the kernel writes it too."""
    count, path = PN_XNUM, session.path("pn_xnum.core")
    sections = HEADER.size + count * PROGRAM.size
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    with open(path, "wb") as file:
        file.write(HEADER.pack(identity, 4, 62, 1, 0, HEADER.size, sections, 0, HEADER.size, PROGRAM.size,
                               PN_XNUM, SECTION.size, 1, 0))
        file.write(PROGRAM.pack(PT_LOAD, 4, 0, 0, 0, 0, 0, 1) * count)
        file.write(SECTION.pack(0, 0, 0, 0, 0, 0, 1, count, 0, 0))
    return "Unexpected value (65535) in info field" in run("readelf", "-S", path, env={"LC_ALL": "C"}).err


# Reader, word of the case's name, the complaint, the reason with the version it was seen in, and the
# experiment: True where this reader says so of files that are not ours.
EXCEPTIONS = [
    ("readelf", "headers", "in info field",
     "binutils 2.40 wants section 0 of every file to have no sh_info", warns_of_any_pn_xnum),
]


# --- the archives ---


def start_speakers(session, *arguments):
    """Starts text_target; gives (process, threads, texts)."""
    target = session.start(SPEAKERS, *arguments)
    process.wait_asleep(target.pid)
    speakers = [line.split(None, 3) for line in target.said[:-1]]
    return target, process.threads(target.pid), [(address, text) for _, _, address, text in speakers]


def plain_cases(session):
    target, threads, texts = start_speakers(session, 6)
    for method in methods.existing():
        taken = methods.must_capture(session, target.pid, method)
        yield Case(f"{method} (e_phoff {header_offset(taken.path)})", taken.path, SPEAKERS, threads, texts)


def unpacked_case(session):
    target, threads, texts = start_speakers(session, 6)
    packed = session.must_capture(target.pid, "packed.core.zst")
    core = session.path("unpacked.core")
    unpacked = run("zstd", "-q", "-d", "--sparse", packed, "-o", core)
    if unpacked.status != 0:
        raise RuntimeError(unpacked.describe())
    yield Case("unpacked .zst", core, SPEAKERS, threads, texts)


def header_offset(path):
    with open(path, "rb") as file:
        return HEADER.unpack(file.read(HEADER.size))[5]


def numerous_cases(session):
    if SANITIZED:
        raise Skip("70,000 mappings take too long under the sanitizers")
    with kernel_setting.many_mappings():
        target = session.start(MAPPINGS, "mappings", 70000)
        process.wait_asleep(target.pid)
        texts = [tuple(line.split()[2:]) for line in target.said if line.startswith("mark")]
        for method in methods.existing(("precopy", "freeze")):
            taken = methods.must_capture(session, target.pid, method)
            with open(taken.path, "rb") as file:
                header = HEADER.unpack(file.read(HEADER.size))
            with CoreFile(taken.path) as core:
                count = len(core.segments)
            session.ok(header[10] == PN_XNUM and count > PN_XNUM, f"{method}: e_phnum is PN_XNUM",
                       f"{count} headers, e_phnum {header[10]:#x}")
            yield Case(f"{method}, {count} headers", taken.path, MAPPINGS, process.threads(target.pid), texts)


def partial_case(session, method, how):
    """The first try whose archive is partial."""
    for attempt in range(TRIES):
        target, threads, texts = start_speakers(session, 6, FILLER_MEGABYTES)

        def end(dump, target=target):
            if how == "SIGINT":
                dump.send_signal(signal.SIGINT)
            else:
                target.kill()

        try:
            path = end_half_way(session, method, target.pid, end, session.path(f"{method}.{attempt}"))
        except Ended:
            continue
        finally:
            target.kill()
        return Case(f"{method}, {how}", path, SPEAKERS, threads, texts)
    return None


def partial_cases(session):
    for method, how in itertools.product(methods.existing(("precopy", "fork", "freeze", "live")),
                                         ("SIGINT", "target killed")):
        if SANITIZED and how != "SIGINT":
            continue
        case = partial_case(session, method, how)
        if case:
            session.ok(not case.complete, f"{case.name}: the archive says that it is partial")
            yield case
        elif (method, how) == ("fork", "target killed"):
            session.note("fork, target killed: complete, the clone outlives the process")
        else:
            session.skip(f"{method}, {how}", f"{TRIES} captures were faster than what was to end them")


# --- the matrix ---


def judge(session, reader, case, wrong):
    """Gives (what the table says, what is wrong and was not expected)."""
    for name, word, complaint, why, experiment in EXCEPTIONS:
        left = [line for line in wrong if complaint not in line]
        if name == reader and word in case.name and len(left) < len(wrong) and experiment(session):
            session.note(f"{reader} on {case.name}: an exception, {why}")
            return "no" if left else "exception", left
    return "no" if wrong else "ok", wrong


def overlaps(path):
    """Parts of the file that two headers claim, or that are not there."""
    with CoreFile(path) as core:
        parts = sorted((segment.offset, segment.offset + segment.size) for segment in core.segments
                       if segment.size)
    pairs = [f"{first[1]:#x} > {second[0]:#x}" for first, second in zip(parts, parts[1:])
             if first[1] > second[0]]
    return pairs + ([f"the end, {parts[-1][1]:#x}"] if parts[-1][1] > os.stat(path).st_size else [])


def matrix(session, table, cases):
    for case in cases(session):
        wrong = overlaps(case.core)
        session.ok(not wrong, f"{case.name}: each segment has its own part of the file", "\n".join(wrong[:5]))
        row = table.setdefault(case.name, {})
        for name, read, there, _ in READERS:
            if not there():
                row[name] = "not there"
                session.skip(f"{name} on {case.name}", f"{name} is not there")
                continue
            row[name], wrong = judge(session, name, case, read(case))
            session.ok(not wrong, f"{name} on {case.name}", "\n".join(wrong))
        os.unlink(case.core)


def sees_what_is_wrong(session):
    """The readers' own checks: a core that says one thread more, another text, and is cut off."""
    target, threads, texts = start_speakers(session, 2)
    core = session.must_capture(target.pid, "wrong.core", "-z", "none", "-c", "freeze")
    cut = session.path("cut.core")
    with open(core, "rb") as whole, open(cut, "wb") as file:
        file.write(whole.read()[:os.stat(core).st_size // 8])
    case = Case("wrong", core, SPEAKERS, threads + [1], [(texts[0][0], "another text")])
    for name, read, there, _ in READERS:
        if there():
            session.ok(read(case), f"{name}: a thread too few, or another text, is seen")
    case = Case("cut off", core, SPEAKERS, threads, texts)
    case.core = cut
    for name, read, there, _ in READERS:
        if there() and name != "eu-readelf":  # which prints what is there
            session.ok(read(case), f"{name}: a core that is cut off is seen")


def backtraces(session):
    target, _, _ = start_speakers(session, 6)
    core = session.must_capture(target.pid, "stacks.core", "-z", "none")
    case = Case("stacks", core, SPEAKERS, process.threads(target.pid), [])
    stacks = gdb_commands(case, "thread apply all backtrace", "info auxv", "info proc mappings")
    session.ok(not case.complaints(stacks), "gdb's backtraces have no complaint", stacks)
    session.ok(stacks.out.count("keep_text") >= 6, "gdb unwinds every thread", stacks.out)
    session.ok("AT_NULL" in stacks.out and SPEAKERS in stacks.out, "gdb shows auxv and mappings", stacks.out)
    stacks = run("eu-stack", "--core", core, "-e", SPEAKERS)
    session.ok(stacks.out.count("keep_text") >= 6 and " main" in stacks.out, "eu-stack unwinds every thread",
               stacks)


def show(session, table):
    for name, _, there, version in READERS:
        if version and there():
            session.note(f"{name}: {run(*version).out.splitlines()[0]}")
        elif there():
            session.note("drgn: " + run(there(), "-c", "import drgn; print(drgn.__version__)").out.strip())
    width = max(map(len, table), default=0)
    session.note(" ".join([" " * width, *(f"{name:10}" for name, *_ in READERS)]))
    for name, row in table.items():
        session.note(" ".join([f"{name:{width}}", *(f"{row.get(reader, '-'):10}" for reader, *_ in READERS)]))


def main():
    session, table = Session(), {}
    session.test(sees_what_is_wrong)
    session.test(backtraces)
    for cases in (plain_cases, unpacked_case, numerous_cases, partial_cases):
        session.test(matrix, table, cases)
    show(session, table)
    session.finish()


if __name__ == "__main__":
    main()

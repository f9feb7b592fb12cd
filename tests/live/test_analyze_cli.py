#!/usr/bin/env python3
"""The command line of analyze: every command, option and usage error with its exit status; help, man
page and options agree; where output goes and what it looks like there."""

import collections
import fcntl
import json
import os
import pty
import re
import stat
import struct
import subprocess
import sys
import termios

from harness import (ANALYZE, COMPLETE, FAILED, PARTIAL, ROOT, RULES, SANITIZED, USAGE, Session,
                     Skip, find_program, run)

sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
import json_schema  # noqa: E402

COMMANDS = ["report", "chunks", "hits", "show", "verify", "rules list", "rules check", "rules test",
            "rules samples", "rules explain", "rules suggest", "rules new"]
COLUMNS = 100
SCREEN_LINES = 40
STATES = ["in-use", "mmapped", "tcache", "fastbin", "binned", "top"]

# HTTP messages in malloc memory (bytes objects above 512 bytes), some of them freed.
WEB = """
kept = [b"GET /items/%d HTTP/1.1\\r\\nHost: localhost\\r\\nUser-Agent: test\\r\\n\\r\\n" % n + b" " * 3000
        for n in range(300)]
del kept[::3]
print("READY")
import time; time.sleep(10000)
"""

# An argument for each option that takes one.
ARGUMENTS = {"format": "json", "output": "-", "rules": "none", "state": "live", "arena": "0",
             "rule": "web.http-message", "min-size": "64K", "threads": "1",
             "reach": "anchored", "limit": "3", "find": "zip"}

USAGE_ERRORS = [
    # words, what the message says, what the hint says
    ([], "no FILE was given", "--help"),
    (["raport", "x.core"], "raport", "'report'"),
    (["report"], "needs: FILE", "--help"),
    (["report", "a.core", "b.core"], "one too many", "--help"),
    (["verify"], "needs: FILE", "--help"),
    (["chunks"], "needs: FILE", "--help"),
    (["rules"], "needs: VERB", "--help"),
    (["rules", "explain", "x.core", "0x10"], "needs: FILE ADDRESS ID", "rules explain --help"),
    (["rules", "suggest", "x.core", "--reveal"], "terminal", "left out"),
    (["show", "x.core"], "needs: FILE ADDRESS", "--help"),
    (["report", "x.core", "--rules", ""], "the path of the rules is empty", ""),
    (["show", "x.core", "0x10", "--rules", ""], "the path of the rules is empty", ""),
    (["show", "x.core", "0xzz"], "'0xzz' is no address", "analyze chunks"),
    (["show", "x.core", "0x10", "--format", "markdown"], "markdown", "text and json"),
    (["chunks", "x.core", "--reach", "anchord"], "anchord", "'anchored'"),
    (["rules", "lst"], "lst", "'list'"),
    (["rules", "zzzzzz"], "no verb 'zzzzzz'", "rules --help"),
    (["report", "x.core", "--json"], "does not take --json", "--format json"),
    (["hits", "x.core", "--json"], "does not take --json", "--ndjson"),
    (["rules", "list", "--format", "json"], "does not take --format", "--json"),
    (["report", "x.core", "--fromat", "json"], "--fromat", "'--format'"),
    (["report", "x.core", "-Z"], "-Z", "--help"),
    (["report", "x.core", "--format", "jsn"], "jsn", "'json'"),
    (["report", "x.core", "--format", "qqqqqqq"], "qqqqqqq", "text, json and markdown"),
    (["report", "x.core", "--format"], "needs an argument", "--help"),
    (["report", "x.core", "--quiet=yes"], "takes no argument", "--help"),
    (["report", "x.core", "--threads", "0"], "--threads takes a number from 1", "--help"),
    (["report", "x.core", "--threads", "many"], "--threads takes a number", "--help"),
    (["chunks", "x.core", "--min-size", "big"], "--min-size takes a size", "--help"),
    (["chunks", "x.core", "--arena", "-1"], "--arena takes a number", "--help"),
    (["chunks", "x.core", "--state", "live,fre"], "fre", "'free'"),
    (["chunks", "x.core", "--rule", "web.http-mesage", "--rules", RULES], "web.http-mesage",
     "'web.http-message'"),
    (["hits", "x.core", "--rule", "web.http-mesage", "--rules", RULES], "web.http-mesage",
     "'web.http-message'"),
    (["hits"], "needs: FILE", "--help"),
    (["chunks", "x.core", "--rule", "qqqqqqqqqq", "--rules", RULES], "qqqqqqqqqq", "rules list"),
    (["chunks", "x.core", "--rule", "web.http-message", "--rules", "none"], "there are none", ""),
]


def options_of_help(text):
    """The options in a help text, {name: letter or ""}."""
    return {match.group(2): match.group(1) or ""
            for match in re.finditer(r"^  (?:-(\w), |    )--([a-z-]+)", text, re.MULTILINE)}


def options_of_man(page):
    """The same from the OPTIONS section of the man page."""
    text = re.search(r"\.SH OPTIONS\n(.*?)\n\.SH ", page, re.DOTALL).group(1).replace("\\-", "-")
    found = {}
    for line in re.findall(r"^\.TP\n(.*)$", text, re.MULTILINE):
        names = re.findall(r"(?<![\w-])(--?)([\w-]+)", line)
        letters = [name for dashes, name in names if dashes == "-"]
        for number, name in enumerate(name for dashes, name in names if dashes == "--"):
            found[name] = letters[number] if letters else ""
    return found


def man_page():
    with open(os.path.join(ROOT, "docs", "analyze.1"), encoding="utf-8") as text:
        return text.read()


def help_fits_and_agrees_with_the_manual(session):
    everything = {}
    for words in [[], ["rules"]] + [command.split() for command in COMMANDS]:
        name = "analyze " + " ".join(words + ["--help"])
        result = run(ANALYZE, *words, "--help")
        lines = result.out.splitlines()
        session.ok(result.status == COMPLETE and not result.err, f"{name} is help", result)
        session.ok(len(lines) <= SCREEN_LINES and max(map(len, lines)) <= COLUMNS,
                   f"{name} fits a screen", f"{len(lines)} lines, {max(map(len, lines))} columns")
        session.ok("Examples" in lines, f"{name} has examples", result)
        everything.update(options_of_help(result.out))
    session.equal(options_of_man(man_page()), everything, "the man page has the options of the help")
    page = man_page()
    for command in COMMANDS:
        session.ok(f".B analyze {command}\n" in page, f"the man page has analyze {command}")
    result = run(ANALYZE, "--version")
    session.ok(result.status == COMPLETE and re.fullmatch(r"analyze \d+\.\d+\.\d+\n", result.out),
               "analyze --version", result)


def examples_of_man():
    block = re.search(r"\.SH EXAMPLES\n\.EX\n(.*?)\n\.EE", man_page(), re.DOTALL).group(1)
    for line in block.replace("\\-", "-").splitlines():
        for command in re.split(r" && | \| ", line):
            if command.startswith("analyze "):
                yield command


def some_chunk(core):
    """The address of a live chunk."""
    result = run(ANALYZE, "chunks", core, "--rules", "none", "--state", "live", "--ndjson")
    return json.loads(result.out.splitlines()[-1])["address"]


def the_manuals_examples_run(session, core):
    """In a folder that has the file and the rules they name. A rule of theirs that has no hit in the chunk
    they name is status 1 to `rules explain`."""
    folder = session.path("examples")
    os.mkdir(folder)
    os.symlink(core, os.path.join(folder, "app.core.zst"))
    os.symlink(RULES, os.path.join(folder, "my-rules"))
    os.symlink(ANALYZE, os.path.join(folder, "analyze"))
    commands = list(examples_of_man())
    session.ok(len(commands) >= 6, "the manual has examples", str(commands))
    for command in commands:
        command_line = re.sub(r"\b0x[0-9a-f]+", some_chunk(core), command)
        result = run("sh", "-c", f"./{command_line}", cwd=folder, env={"DUMPCORE_RULES": RULES})
        good = result.status == COMPLETE or "rules explain" in command and "no hit" in result.out
        session.ok(good, f"example: {command}", result)


def each_option_belongs_to_its_commands(session, core):
    if SANITIZED:
        session.skip("each option of each command", "hundreds of runs, which take long under the sanitizers")
        return
    helps = {command: options_of_help(run(ANALYZE, *command.split(), "--help").out)
             for command in COMMANDS}
    every = {name: letter for options in helps.values() for name, letter in options.items()}
    session.ok(set(ARGUMENTS) < set(every), "the options that take arguments are known here")
    address = some_chunk(core)
    for command in COMMANDS:
        operands = {"show": [core, address], "rules explain": [core, address, "web.http-message"],
                    "rules list": [], "rules check": [], "rules test": [], "rules samples": [],
                    "rules new": []}.get(command, [core])
        for name, letter in every.items():
            argument = [ARGUMENTS[name]] if name in ARGUMENTS else []
            for option in [f"--{name}"] + ([f"-{letter}"] if letter else []):
                result = run(ANALYZE, *command.split(), *operands, option, *argument,
                             env={"DUMPCORE_RULES": RULES})
                wanted = COMPLETE if name in helps[command] else USAGE
                if name == "reveal" and wanted == COMPLETE:  # here is no terminal
                    session.ok(result.status == USAGE and "is for a terminal" in result.err,
                               f"analyze {command} --reveal: needs a terminal", result)
                    continue
                if (command, name) == ("rules explain", "rules"):
                    session.ok(result.status == USAGE and "no rules to explain" in result.err,
                               "analyze rules explain --rules none: there is nothing to explain", result)
                    continue
                if command == "rules explain" and "no hit" in result.out + result.err or (
                        command == "rules explain" and '"hit": false' in result.out):
                    wanted = FAILED
                session.ok(result.status == wanted and not result.crashed(),
                           f"analyze {command} {option}: exit status {wanted}", result)
                if wanted == USAGE:
                    session.ok("does not take" in result.err, f"analyze {command} {option}: says so",
                               result)


def usage_errors(session):
    for words, message, hint in USAGE_ERRORS:
        name = "analyze " + " ".join(words).replace(RULES, "rules")
        result = run(ANALYZE, *words)
        session.ok(result.status == USAGE and not result.crashed() and not result.out,
                   f"{name}: usage error", result)
        session.ok(message in result.err and hint in result.err, f"{name}: says what is wrong", result)


def file_mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def output_goes_where_it_should(session, core):
    report = ["report", core, "--rules", "none", "--format", "markdown"]
    on_stdout = run(ANALYZE, *report)
    session.ok(on_stdout.status == COMPLETE and on_stdout.out.startswith("## Memory of "),
               "a report on stdout", on_stdout)
    for name, before in (("new.md", None), ("old.md", b"x" * 100000)):
        path = session.path(name)
        if before:
            with open(path, "wb") as file:
                file.write(before)
            os.chmod(path, 0o644)
        result = run(ANALYZE, *report, "-o", path, preexec=lambda: os.umask(0))
        session.ok(result.status == COMPLETE and not result.out, f"-o {name} leaves stdout alone",
                   result)
        session.equal(file_mode(path), 0o600, f"-o {name} is readable by its owner only")
        with open(path, encoding="utf-8") as file:
            got = file.read().split("\nMade by")[0]
        session.equal(got, on_stdout.out.split("\nMade by")[0], f"-o {name} has the same report")
    with open("/dev/full", "wb") as full:
        process = subprocess.run([ANALYZE, *report], stdout=full, stderr=subprocess.PIPE, check=False)
    session.ok(process.returncode == FAILED and b"stdout" in process.stderr and
               b"No space" in process.stderr, "a full disk behind stdout fails", process.stderr)
    for path, words in (("/dev/full", "No space"), (session.path("no/such/folder/x"), "No such file")):
        result = run(ANALYZE, *report, "-o", path)
        session.ok(result.status == FAILED and path in result.err and words in result.err,
                   f"-o {os.path.basename(path)} fails and says why", result)


def evidence_is_never_overwritten(session, core):
    copy, soft, hard = (session.path(name) for name in ("copy.core.zst", "soft.link", "hard.link"))
    with open(core, "rb") as file:
        data = file.read()
    with open(copy, "wb") as file:
        file.write(data)
    os.symlink(copy, soft)
    os.link(copy, hard)
    for path in (copy, soft, hard):
        result = run(ANALYZE, "report", copy, "--rules", "none", "-o", path)
        session.ok(result.status == USAGE and "is the file that is read" in result.err,
                   f"-o {os.path.basename(path)} over its own evidence is refused", result)
    with open(copy, "rb") as file:
        session.ok(file.read() == data, "the evidence is untouched")


def a_closed_pipe_is_no_error(session, core):
    for words in (["report", core], ["chunks", core, "--ndjson"], ["hits", core], ["verify", core], ["--help"],
                  ["rules", "list"]):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.run([ANALYZE, *words], stdout=writer, stderr=subprocess.PIPE,
                                 env={**os.environ, "DUMPCORE_RULES": RULES}, check=False)
        os.close(writer)
        session.ok(process.returncode == COMPLETE and not process.stderr,
                   f"analyze {words[0]} into a closed pipe ends quietly",
                   f"{process.returncode} {process.stderr}")


def on_terminal(*words, **env):
    """What the program writes to a terminal."""
    try:
        main, terminal = pty.openpty()
    except OSError as error:
        raise Skip(f"no pseudo-terminal: {error}") from error
    process = subprocess.Popen([ANALYZE, *words], stdout=terminal, stderr=subprocess.DEVNULL,
                               env={**os.environ, "TERM": "xterm", **env})
    os.close(terminal)
    chunks = []
    while True:
        try:
            data = os.read(main, 65536)
        except OSError:  # EIO: the other end was closed
            break
        if not data:
            break
        chunks.append(data)
    process.wait()
    os.close(main)
    return b"".join(chunks).decode("utf-8", "replace")


def columns_of_pipe(columns, *words):
    """The widest line of what goes into a pipe while stderr is a terminal of so many columns."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    process = subprocess.run([ANALYZE, *words], stdout=subprocess.PIPE, stderr=terminal,
                             env={**os.environ, "LC_ALL": "C"}, check=False)
    os.close(terminal)
    os.close(main)
    return max(map(len, process.stdout.decode().splitlines()))


def text_suits_its_reader(session, core):
    words = ["report", core, "--rules", RULES]
    plain = run(ANALYZE, *words, env={"LC_ALL": "C"})
    session.ok(plain.out.isascii() and "#" in plain.out, "LANG=C gives ASCII", plain)
    wide = run(ANALYZE, *words, env={"LC_ALL": "C.UTF-8"})
    session.ok("\u2588" in wide.out, "a UTF-8 locale gives blocks", wide)
    for name, text in (("C", plain.out), ("UTF-8", wide.out)):
        session.ok("\x1b" not in text, f"{name}: no colour where stdout is no terminal")
        session.ok(max(map(len, text.splitlines())) <= COLUMNS, f"{name}: at most {COLUMNS} columns")
    session.ok("\x1b[1m" in on_terminal(*words, NO_COLOR=""), "a terminal gets colour")
    session.ok("\x1b" not in on_terminal(*words, NO_COLOR="1"), "not with NO_COLOR")
    session.ok("\x1b" not in on_terminal(*words, TERM="dumb"), "not on a dumb terminal")
    for columns, most in ((80, 80), (90, 90), (200, COLUMNS)):
        widest = columns_of_pipe(columns, *words, "-q")
        session.ok(most - 10 < widest <= most, f"| less in {columns} columns: at most {most}", widest)
    path = session.path("colour.txt")
    on_terminal(*words, "-o", path)
    with open(path, encoding="utf-8") as file:
        session.ok("\x1b" not in file.read(), "not in a file, though stdout is a terminal")


def messages_can_be_silenced(session, core):
    noisy = run(ANALYZE, "report", core, "--rules", "none", "--progress")
    session.ok(noisy.status == COMPLETE, "--progress where stderr is no terminal", noisy)
    bad = session.path("bad.yml")
    with open(bad, "w", encoding="utf-8") as file:
        file.write("format: 1\nnamespace: x\nrules:\n- id: half\n")
    loud = run(ANALYZE, "report", core, "--rules", bad)
    session.ok(loud.status == COMPLETE and "bad.yml:4" in loud.err, "a bad rule costs a message", loud)
    quiet = run(ANALYZE, "report", core, "--rules", bad, "-q")
    session.ok(quiet.status == COMPLETE and not quiet.err, "--quiet keeps it silent", quiet)
    for words in (["report", core, "--rules", bad], ["chunks", core, "--rules", bad],
                  ["rules", "list", bad]):
        strict = run(ANALYZE, *words, "--strict")
        session.ok(strict.status == FAILED, f"analyze {words[0]} --strict makes it an error", strict)


def rules_are_found_where_they_should(session, core):
    folder = session.path("own-rules")
    os.mkdir(folder)
    with open(os.path.join(RULES, "web.yml"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(folder, "web.yml"), "w", encoding="utf-8") as file:
        file.write(text)

    def ids(*words, **env):
        result = run(ANALYZE, "rules", "list", "--json", *words, env=env)
        return {rule["id"] for rule in json.loads(result.out)} if result.out else result.status

    def applied(*words, **env):
        result = run(ANALYZE, "report", core, "--format", "json", *words, env=env)
        return json.loads(result.out)["content"]["rules_applied"] if result.out else result.status

    shipped, own = ids(RULES), ids(folder)
    session.ok(own < shipped, "PATH names the rules", f"{own} {shipped}")
    session.ok(ids(DUMPCORE_RULES=""), "without a word there are the installed ones or ours")
    session.equal(ids(DUMPCORE_RULES=folder), own, "else $DUMPCORE_RULES")
    session.equal(ids(RULES, DUMPCORE_RULES=folder), shipped, "PATH goes before $DUMPCORE_RULES")
    session.equal(ids(DUMPCORE_RULES=session.path("nowhere")), FAILED, "a missing one is an error")
    session.equal(applied("--rules", folder, DUMPCORE_RULES=RULES), len(own),
                  "--rules goes before $DUMPCORE_RULES")
    session.equal(applied(DUMPCORE_RULES=folder), len(own), "a report uses $DUMPCORE_RULES")
    session.equal(applied("--rules", "none", DUMPCORE_RULES=RULES), 0, "--rules none uses none")
    for word in ("list", "check", "test", "samples"):
        result = run(ANALYZE, "rules", word, folder)
        session.ok(result.status == COMPLETE and result.out, f"analyze rules {word}", result)


def chunks_of(core, *words):
    result = run(ANALYZE, "chunks", core, "--ndjson", *words)
    return [json.loads(line) for line in result.out.splitlines()], result


def chunks_are_filtered(session, core):
    everything, result = chunks_of(core, "--rules", RULES)
    session.ok(result.status == COMPLETE and len(everything) > 20, "analyze chunks lists chunks", result)
    session.ok(all(sorted(chunk) == ["address", "arena", "bytes", "rule", "state"]
                   for chunk in everything), "each line has the members of the manual")
    session.equal({chunk["state"] for chunk in everything} - set(STATES), set(),
                  "overhead is not listed without being asked for")
    filters = [
        (["--state", "live"], lambda chunk: chunk["state"] in ("in-use", "mmapped")),
        (["--state", "free"], lambda chunk: chunk["state"] not in ("in-use", "mmapped")),
        (["--state", "tcache,top"], lambda chunk: chunk["state"] in ("tcache", "top")),
        (["--arena", "0"], lambda chunk: chunk["arena"] == 0),
        (["--min-size", "2K"], lambda chunk: chunk["bytes"] >= 2048),
        (["--rule", "web.http-message"], lambda chunk: chunk["rule"] == "web.http-message"),
        (["--rule", "web.http-message", "--state", "live", "--min-size", "1K"],
         lambda chunk: chunk["rule"] == "web.http-message" and chunk["bytes"] >= 1024 and
         chunk["state"] in ("in-use", "mmapped")),
    ]
    for words, wanted in filters:
        got, result = chunks_of(core, "--rules", RULES, *words)
        session.ok(got and got == [chunk for chunk in everything if wanted(chunk)],
                   f"analyze chunks {' '.join(words)}", result)
    table = run(ANALYZE, "chunks", core, "--rules", RULES).out.splitlines()
    rows = [line.split() for line in table[1:]]
    session.equal([(row[0], int(row[1]), row[2], row[4]) for row in rows],
                  [(chunk["address"], chunk["bytes"], chunk["state"], chunk["rule"] or "-")
                   for chunk in everything], "the table has the same rows")
    none = run(ANALYZE, "chunks", core, "--arena", "4711", "--rules", "none")
    session.ok(none.status == USAGE and "no arena 4711" in none.err, "an arena that is not there", none)
    single, double = (run(ANALYZE, "chunks", core, "--ndjson", "--rules", RULES, "-t", count).stdout
                      for count in (1, 2))
    session.ok(single == double, "one worker and two give the same list")


def hits_of(core, *words):
    result = run(ANALYZE, "hits", core, "--ndjson", "--rules", RULES, *words)
    return [json.loads(line) for line in result.out.splitlines()], result


def hits_are_filtered(session, core):
    everything, result = hits_of(core)
    session.ok(result.status == COMPLETE and len(everything) >= 300, "analyze hits lists hits", result)
    session.ok(all(sorted(hit) == ["address", "bytes", "chunk", "chunk_bytes", "claimed", "key", "rule", "state"]
                   for hit in everything), "each line has the members of the manual")
    starts = [int(hit["address"], 16) for hit in everything]
    session.equal(starts, sorted(starts), "by address")
    states = {chunk["address"]: chunk["state"] for chunk in chunks_of(core, "--rules", "none")[0]}
    session.ok(all(states[hit["chunk"]] == hit["state"] for hit in everything),
               "each is in a chunk that analyze chunks lists, in the same state")
    report = json.loads(run(ANALYZE, "report", core, "--format", "json", "--rules", RULES).out)
    wanted = {rule["id"]: rule["live"]["hits"] + rule["stale"]["hits"] for rule in report["content"]["rules"]}
    got = collections.Counter(hit["rule"] for hit in everything if not hit["claimed"])
    session.equal(dict(got), {rule: count for rule, count in wanted.items() if count}, "as many as in the report")
    for words, wanted in (
            (["--state", "live"], lambda hit: hit["state"] in ("in-use", "mmapped")),
            (["--state", "free"], lambda hit: hit["state"] not in ("in-use", "mmapped")),
            (["--rule", "web.http-message"], lambda hit: hit["rule"] == "web.http-message")):
        some, result = hits_of(core, *words)
        session.ok(some and some == [hit for hit in everything if wanted(hit)],
                   f"analyze hits {' '.join(words)}", result)
    table = run(ANALYZE, "hits", core, "--rules", RULES).out.splitlines()
    rows = [line.split()[:5] for line in table[1:]]
    session.equal(rows, [[hit["address"], str(hit["bytes"]), hit["state"], hit["chunk"], hit["rule"]]
                         for hit in everything], "the table has the same rows")
    single, double = (run(ANALYZE, "hits", core, "--ndjson", "--rules", RULES, "-t", count).stdout
                      for count in (1, 2))
    session.ok(single == double, "one worker and two give the same hits")


def check_json(session, name, path, status, schema):
    """The JSON report, valid, with that exit status; gives it."""
    result = run(ANALYZE, "report", path, "--format", "json", "--rules", RULES, "-q")
    session.ok(result.status == status and not result.crashed(), f"{name}: exit status {status}", result)
    try:
        report = json.loads(result.stdout)
    except ValueError as error:
        session.ok(False, f"{name}: JSON", error)
        return None
    problems = list(json_schema.check(schema, report))
    session.ok(not problems, f"{name}: valid against the schema", "\n".join(problems[:5]))
    for form in ("text", "markdown"):
        rendered = run(ANALYZE, "report", path, "--format", form, "--rules", RULES, "-q")
        session.ok(rendered.status == status and report["verdict"].split()[0] in rendered.out,
                   f"{name}: as {form}", rendered)
    return report


def make_gcore(session, pid):
    if not find_program("gcore"):
        raise Skip("there is no gcore (gdb)")
    run("gcore", "-o", session.path("other"), pid)
    return session.path(f"other.{pid}")


def every_kind_of_input(session, pid, core):
    schema = json_schema.load(os.path.join(ROOT, "docs", "report.schema.json"))
    # Headers first: of a file that was made by pre-copy nothing can be read without its end.
    plain = session.must_capture(pid, "plain.core", "--compress", "none", "--consistency", "fork")
    live, result = session.capture(pid, "live.core", "--consistency", "live")
    session.equal(result.status, COMPLETE, "captured live")
    stacks = session.must_capture(pid, "stacks.core", "--select", "stacks")
    cut = session.path("cut.core")
    with open(plain, "rb") as whole, open(cut, "wb") as part:
        part.write(whole.read(os.path.getsize(plain) * 3 // 4))

    check_json(session, "packed", core, COMPLETE, schema)
    check_json(session, "plain", plain, COMPLETE, schema)
    report = check_json(session, "live", live, PARTIAL, schema)
    session.ok("incomplete evidence" in report["verdict"], "live: the verdict says so", report["verdict"])
    report = check_json(session, "cut", cut, PARTIAL, schema)
    ids = [row["id"] for row in report["diagnosis"]]
    session.ok("not-glibc" not in ids or report["heap"]["found"],
               "cut: a heap that was cut off is not denied", str(ids))
    report = check_json(session, "stacks only", stacks, COMPLETE, schema)
    session.ok("not-captured" in [row["id"] for row in report["diagnosis"]] and
               "does not tell" in report["verdict"], "stacks only: nothing is claimed of the rest",
               report["verdict"])
    for name, path, status, words in (("packed", core, COMPLETE, "whole and complete"),
                                      ("live", live, PARTIAL, "incomplete"), ("cut", cut, PARTIAL, "")):
        result = run(ANALYZE, "verify", path)
        session.ok(result.status == status and words in result.out, f"{name}: analyze verify", result)
    other = make_gcore(session, pid)
    report = check_json(session, "gcore", other, COMPLETE, schema)
    session.ok(report["memory"]["resident_bytes"] is None, "gcore: residency is unknown, not 0")
    session.ok("tid " in run(ANALYZE, other, "--rules", "none").out, "gcore: threads without a name")
    session.equal(run(ANALYZE, "verify", other).status, COMPLETE, "gcore: analyze verify")


def main():
    session = Session()
    target = session.start_python(WEB)
    core = session.must_capture(target.pid, "web.core.zst")
    session.test(help_fits_and_agrees_with_the_manual)
    session.test(the_manuals_examples_run, core)
    session.test(each_option_belongs_to_its_commands, core)
    session.test(usage_errors)
    session.test(output_goes_where_it_should, core)
    session.test(evidence_is_never_overwritten, core)
    session.test(a_closed_pipe_is_no_error, core)
    session.test(text_suits_its_reader, core)
    session.test(messages_can_be_silenced, core)
    session.test(rules_are_found_where_they_should, core)
    session.test(chunks_are_filtered, core)
    session.test(hits_are_filtered, core)
    session.test(every_kind_of_input, target.pid, core)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Who may capture whom, by the rules of the kernel that runs here: Yama's, those of user namespaces and
of processes that are not dumpable. What is refused is refused with the rule's name and a way out.

kernel.yama.ptrace_scope is set and put back. Its value 3 holds until the next boot: it is tried only
with DUMPCORE_DISPOSABLE=1, which says that this machine is only there for tests.
"""

import ctypes
import os
import re
import shutil

import process
from harness import (COMPLETE, DUMPCORE, FAILED, PR_SET_PTRACER, TARGETS, Session, Skip, find_program, run)

TEXTS = os.path.join(TARGETS, "text_target")
HARD = os.path.join(TARGETS, "hard_target")
SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
NOBODY = 65534
METHODS = ("auto", "fork", "freeze", "live")


def become_nobody():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def become_nobody_untraceable():
    """Takes back what the harness allows every target's tracers."""
    become_nobody()
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, 0, 0, 0, 0)


def set_scope(session, value):
    if os.geteuid() != 0:
        raise Skip("needs root")
    if not os.path.exists(SCOPE):
        raise Skip("this kernel has no Yama")
    before = process.read_text(SCOPE).strip()

    def put(number):
        with open(SCOPE, "w", encoding="utf-8") as file:
            file.write(str(number))

    put(value)
    if value != 3:
        session.stack.callback(put, before)


def copy_for_all(session):
    """A dumpcore that any user can run."""
    os.chmod(session.folder, 0o777)
    path = session.path("dumpcore")
    if not os.path.exists(path):
        shutil.copy(DUMPCORE, path)
    return path


def attempt(session, target, preexec, method="auto", before=()):
    program = copy_for_all(session)
    core = session.path("who.core")
    result = run(*before, program, "-q", "-c", method, "-o", core, target.pid, preexec=preexec)
    if os.path.exists(core):
        os.unlink(core)
    return result


def check(session, name, result, words, target):
    """Refused in these words, or, without any, captured. The target is as it was in both cases."""
    if words:
        session.ok(result.status == FAILED and all(word in result.err for word in words) and
                   not result.crashed(), f"{name}: refused, and the rule is named", result)
        session.note(f"{name}: " + " / ".join(re.sub(r"\s+", " ", line) for line in result.err.splitlines()))
    else:
        session.ok(result.status == COMPLETE, f"{name}: captured", result)
    session.equal(process.traced_threads(target.pid), [], f"{name}: nobody traces it")
    session.equal(process.stopped_threads(target.pid), [], f"{name}: none of its threads is stopped")
    session.equal(process.ask(target, "ping"), "PONG", f"{name}: it answers")


# ptrace_scope, who captures, may anybody trace that process, and the words of a refusal.
YAMA = [
    (0, "its user", False, ()),
    (1, "its user", False, ("process", "is yours", "ptrace_scope is 1", "only its ancestors", "sudo")),
    (1, "its user", True, ()),
    (1, "root", False, ()),
    (2, "its user", False, ("is yours", "ptrace_scope is 2", "CAP_SYS_PTRACE", "sudo")),
    (2, "its user", True, ("is yours", "ptrace_scope is 2", "CAP_SYS_PTRACE", "sudo")),
    (2, "root", False, ()),
    (3, "its user", True, ("ptrace_scope is 3", "until the next boot", "boot with")),
    (3, "root", False, ("ptrace_scope is 3", "until the next boot", "boot with")),
]


def yama(session, scope, who, allows, words):
    if scope == 3 and os.environ.get("DUMPCORE_DISPOSABLE") != "1":
        raise Skip("ptrace_scope 3 holds until the next boot: it needs DUMPCORE_DISPOSABLE=1")
    set_scope(session, scope)
    target = session.start(TEXTS, 2, preexec=become_nobody if allows else become_nobody_untraceable)
    for method in METHODS:
        name = f"ptrace_scope {scope}, {who}{', which it allows' if allows else ''}, {method}"
        result = attempt(session, target, become_nobody if who == "its user" else None, method)
        check(session, name, result, words, target)
    result = run(copy_for_all(session), "survey", target.pid,
                 preexec=become_nobody if who == "its user" else None)
    session.ok(result.status == COMPLETE and not result.crashed(), f"ptrace_scope {scope}, {who}: survey",
               result)


def not_dumpable(session):
    if os.geteuid() != 0:
        raise Skip("needs root")
    if os.path.exists(SCOPE):
        set_scope(session, 0)
    target = session.start(HARD, "non-dumpable", preexec=become_nobody)
    check(session, "not dumpable, its user", attempt(session, target, become_nobody),
          ("is yours, but not dumpable", "sudo"), target)
    check(session, "not dumpable, root", attempt(session, target, None), (), target)


def need_namespaces():
    """How an ordinary user runs a program in a user namespace of its own."""
    unshare = find_program("unshare")
    if os.geteuid() != 0 or not unshare:
        raise Skip("needs root, and unshare")
    result = run(unshare, "-U", "-r", "true", preexec=become_nobody)
    if result.status:
        raise Skip(f"an ordinary user may not make a user namespace here: {result.err.strip()}")
    return unshare


def target_in_namespace(session):
    """Of a user who has made a namespace, in it: that user is its owner, and may. Another may not."""
    unshare = need_namespaces()
    if os.path.exists(SCOPE):
        set_scope(session, 0)

    def become_other():
        os.setgroups([])
        os.setresgid(NOBODY - 1, NOBODY - 1, NOBODY - 1)
        os.setresuid(NOBODY - 1, NOBODY - 1, NOBODY - 1)

    target = session.start(unshare, "-U", "-r", TEXTS, 2, preexec=become_nobody)
    check(session, "target in a user namespace, its owner", attempt(session, target, become_nobody), (),
          target)
    check(session, "target in a user namespace, root", attempt(session, target, None), (), target)
    check(session, "target in a user namespace, another user", attempt(session, target, become_other),
          ("sudo",), target)


def tool_in_namespace(session):
    """Root in a user namespace is root of nothing outside it."""
    unshare = need_namespaces()
    if os.path.exists(SCOPE):
        set_scope(session, 0)
    target = session.start(TEXTS, 2, preexec=become_nobody)
    check(session, "dumpcore in a user namespace", attempt(session, target, become_nobody,
                                                           before=(unshare, "-U", "-r")),
          ("another user namespace", "root on the host"), target)


def main():
    session = Session()
    session.test(not_dumpable)
    session.test(target_in_namespace)
    session.test(tool_in_namespace)
    for row in YAMA:
        session.test(yama, *row)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A process in namespaces of its own, as in a container, captured from outside and from a neighbour.

The stand-in for a container is what unshare makes: a pid namespace, whose first process the target is,
and a mount namespace with another root folder. From outside the process has another id there than
inside. The stand-in for a sidecar shares the pid namespace and nothing else: it has its own /proc and
sees none of the target's files. Needs root, or user namespaces.
"""

import ctypes
import itertools
import os
import re
import shutil
import struct
import subprocess
import tempfile

import methods
import process
from core_file import CoreFile
from harness import COMPLETE, DUMPCORE, FAILED, TARGETS, Session, Skip, find_program, run, wait_until

SPEAKERS = os.path.join(TARGETS, "text_target")
NOBODY = 65534
PR_SET_SECCOMP, SECCOMP_MODE_FILTER, SECCOMP_RET_ALLOW = 22, 2, 0x7FFF0000  # linux/prctl.h, linux/seccomp.h
BPF_RETURN = 6  # BPF_RET | BPF_K, linux/filter.h
WAYS = ("precopy", "fork", "freeze", "live")


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def inner_ids(pid):
    """The ids of a process from here inwards."""
    return [int(word) for word in process.status(pid)["NSpid"].split()]


def make_root(session):
    """A root folder with the target, and what it needs to start, as an image has."""
    root = tempfile.mkdtemp(prefix="root", dir=session.folder)
    os.chmod(root, 0o755)
    os.mkdir(os.path.join(root, "proc"))
    needed = re.findall(r"(/\S+)", run("ldd", SPEAKERS).out)
    for path in [path for path in needed if os.path.exists(path)] + [SPEAKERS]:
        inside = os.path.join(root, "app" if path == SPEAKERS else path.lstrip("/"))
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        shutil.copy(path, inside)
    return root


def container_command(root):
    unshare, chroot = find_program("unshare"), find_program("chroot")
    if not unshare or not chroot:
        raise Skip("unshare and chroot are not there")
    command = [unshare, "--pid", "--mount", "--uts", "--ipc", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    return command + ["sh", "-c", 'mount -t proc proc "$1/proc" && exec "$2" "$1" /app 6', "sh", root, chroot]


class Container:
    def __init__(self, session):
        self.root = make_root(session)
        command = container_command(self.root)
        if run(*command[:command.index("sh")], "true").status != 0:
            raise Skip("no namespaces can be made here")
        self.parent = session.start(*command)
        self.pid = next(iter(process.children(self.parent.pid)))
        self.texts = [tuple(line.split(None, 3)[2:]) for line in self.parent.said[:-1]]
        self.inner = inner_ids(self.pid)[-1]

    def enter(self, *command, mounts=True):
        """A command in the container's pid namespace: with its files, or with its own."""
        program = find_program("nsenter")
        if not program:
            raise Skip("nsenter is not there")
        kinds = ["--pid", "--mount", "--root"] if mounts else ["--pid"]
        return [program, "--target", str(self.pid), *kinds, *command]


def check_archive(session, name, container, path):
    with CoreFile(path) as core:
        found = [core.read(int(address, 16), len(text)) for address, text in container.texts]
        description = core.description()
    session.equal(found, [text.encode() for _, text in container.texts], f"{name}: every text is in the archive")
    return description


def check_unharmed(session, name, container):
    session.equal(process.stopped_threads(container.pid) + process.traced_threads(container.pid), [],
                  f"{name}: no thread is stopped or traced")
    session.equal(process.children(container.pid), set(), f"{name}: no child stays")
    session.equal(process.ask(container.parent, "ping"), "PONG", f"{name}: it answers")


def is_apart(session, container):
    for kind in ("pid", "mnt"):
        session.ok(namespace(container.pid, kind) != namespace("self", kind), f"the target has its own {kind} namespace")
    session.equal(inner_ids(container.pid), [container.pid, container.inner], "NSpid has both of its ids")
    session.ok(container.inner == 1, "it is the first process there", str(container.inner))
    session.ok(os.path.samefile(f"/proc/{container.pid}/root/app", os.path.join(container.root, "app"))
               and not os.path.exists("/app"), "its root folder is another one")


def from_outside(session, container):
    for method in methods.existing(WAYS):
        path = session.path(f"outside.{method}.core")
        taken = run(DUMPCORE, "-q", "-z", "none", "-c", method, "-o", path, container.pid)
        session.ok(taken.status == COMPLETE, f"from outside, {method}: complete", taken)
        description = check_archive(session, f"from outside, {method}", container, path)
        session.equal(description["pid"], container.pid, f"from outside, {method}: the id of outside")
        check_unharmed(session, f"from outside, {method}", container)
        report, result = session.report(path)
        session.ok(report and report["heap"]["arenas"], f"from outside, {method}: analyze finds the heap", result)


def sidecar_command(container, *command):
    """With a /proc of that pid namespace, and the files of outside: unshare mounts it over ours in a mount
    namespace of its own."""
    unshare = find_program("unshare")
    return container.enter(unshare, "--mount", "--mount-proc", *command, mounts=False)


def from_sidecar(session, container):
    seen = run(*sidecar_command(container, "sh", "-c", "cat /proc/1/comm; ls /app"))
    session.ok(seen.out == "app\n" and "/app" in seen.err, "the sidecar sees the process and not its files", seen)
    for method in methods.existing(WAYS):
        path = session.path(f"sidecar.{method}.core")
        taken = run(*sidecar_command(container, DUMPCORE, "-q", "-z", "none", "-c", method, "-o", path, container.inner))
        session.ok(taken.status == COMPLETE, f"from a sidecar, {method}: complete", taken)
        description = check_archive(session, f"from a sidecar, {method}", container, path)
        session.equal(description["pid"], container.inner, f"from a sidecar, {method}: the id of inside")
        check_unharmed(session, f"from a sidecar, {method}", container)


def wrong_ids(session, container):
    """An id of inside, used outside. The first process has id 1, which outside is another one: so a second
    process of the namespace is asked for, by an id that is free here."""
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as text:
        high = int(text.read()) - 2000
    run(*container.enter("sh", "-c", f"echo {high} >/proc/sys/kernel/ns_last_pid", mounts=False))
    late = session.adopt(subprocess.Popen(container.enter("/app", "1", mounts=True), stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE))
    late.stdout.readline()
    entered = next(iter(process.children(late.pid)))
    inner = inner_ids(entered)[-1]
    if os.path.exists(f"/proc/{inner}"):
        raise Skip(f"the id {inner} of inside is one of outside too")
    refused = run(DUMPCORE, "-o", session.path("wrong.core"), inner)
    session.ok(refused.status == FAILED and f"no process has the id {inner}" in refused.err
               and f"process {inner} inside a container is {entered} here: dumpcore {entered}" in refused.err,
               "an id of inside: the message has the one of here", refused)
    followed = run(DUMPCORE, "-q", "-z", "none", "-o", session.path("followed.core"), entered)
    session.ok(followed.status == COMPLETE, "the hint can be followed", followed)
    # The other way round: an id of outside is none in the sidecar.
    refused = run(*sidecar_command(container, DUMPCORE, "-o", session.path("wrong.core"), container.pid))
    session.ok(refused.status == FAILED and f"no process has the id {container.pid}" in refused.err
               and "hint:" in refused.err, "an id of outside in a sidecar: refused with a hint", refused)
    late.stdin.close()
    wait_until(lambda: late.poll() is not None)


def without_capability(session, container):
    """root in a container has no CAP_SYS_PTRACE unless it is given."""
    setpriv = find_program("setpriv")
    if os.geteuid() != 0 or not setpriv:
        raise Skip("needs root and setpriv")
    bare = [setpriv, "--bounding-set", "-sys_ptrace,-sys_admin", "--inh-caps", "-all", "--"]
    refused = run(*sidecar_command(container, *bare, DUMPCORE, "-o", session.path("bare.core"), container.inner))
    session.ok(refused.status == FAILED and "CAP_SYS_PTRACE" in refused.err and "SYS_PTRACE]" in refused.err,
               "without CAP_SYS_PTRACE: the message names it, and where to write it", refused)
    bare = [setpriv, "--bounding-set", "-sys_admin", "--inh-caps", "-all", "--"]
    for method in methods.existing(WAYS):
        path = session.path(f"ptrace.{method}.core")
        taken = run(*sidecar_command(container, *bare, DUMPCORE, "-q", "-z", "none", "-c", method, "-o", path,
                                     container.inner))
        session.ok(taken.status == COMPLETE, f"with CAP_SYS_PTRACE and no CAP_SYS_ADMIN, {method}: complete", taken)


# Capabilities of root, and for each way a word of the refusal: "" is complete. The process is another
# user's. CAP_SYS_ADMIN is in none: it takes that only to get past a seccomp filter.
CAPABILITIES = [
    ("sys_ptrace", {**dict.fromkeys(WAYS, "CAP_DAC_READ_SEARCH"), "fork": "CAP_KILL"}),
    ("sys_ptrace dac_read_search", {"fork": "CAP_KILL"}),
    ("sys_ptrace dac_read_search kill", {}),
]


def run_with(capabilities, *command, preexec=None):
    bounds = "-all" + "".join(f",+{name}" for name in capabilities.split())
    return run(find_program("setpriv"), "--bounding-set", bounds, "--inh-caps", "-all", "--", *command,
               preexec=preexec)


class Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def put_filter():
    """In the child: a seccomp filter that allows everything, which is a filter all the same."""
    program = Program(1, struct.pack("<HBBI", BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW))
    ctypes.CDLL(None).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


def capabilities_of_root(session):
    """What securityContext.capabilities must have, with drop: [ALL]."""
    if os.geteuid() != 0 or not find_program("setpriv"):
        raise Skip("needs root and setpriv")
    program = shutil.copy(SPEAKERS, session.path("app"))
    target = session.start(find_program("setpriv"), "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups",
                           program, 3)
    for (capabilities, refused), method in itertools.product(CAPABILITIES, methods.existing(WAYS)):
        path = session.path("capabilities.core")
        taken = run_with(capabilities, DUMPCORE, "-q", "-z", "none", "-c", method, "-o", path, target.pid)
        word, name = refused.get(method, ""), f"root with {capabilities}, {method}"
        session.ok(taken.status == (FAILED if word else COMPLETE) and word in taken.err,
                   f"{name}: {'refused for want of ' + word if word else 'complete'}", taken)
        session.equal(process.children(target.pid), set(), f"{name}: no child stays")
        if os.path.exists(path):
            os.unlink(path)


def same_user(session):
    """No capability at all, and the process's user."""
    if os.geteuid() != 0 or not find_program("setpriv"):
        raise Skip("needs root and setpriv")
    scope = "/proc/sys/kernel/yama/ptrace_scope"
    if os.path.exists(scope) and process.read_text(scope).strip() != "0":
        raise Skip("kernel.yama.ptrace_scope is not 0")
    folder = tempfile.mkdtemp(prefix="nobody", dir=session.folder)
    os.chown(folder, NOBODY, NOBODY)
    become = [find_program("setpriv"), "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--bounding-set", "-all"]
    target = session.start(*become, shutil.copy(SPEAKERS, os.path.join(folder, "app")), 3)
    program = shutil.copy(DUMPCORE, os.path.join(folder, "dumpcore"))
    for method in methods.existing(WAYS):
        taken = run(*become, program, "-q", "-c", method, "-o", os.path.join(folder, f"{method}.core"), target.pid)
        session.ok(taken.status == COMPLETE, f"the same user without a capability, {method}: complete", taken)


def seccomp_profile(session):
    """A filter on the process, as RuntimeDefault puts one: precopy and fork need CAP_SYS_ADMIN, and no filter
    on dumpcore; freeze and live need neither."""
    if os.geteuid() != 0 or not find_program("setpriv"):
        raise Skip("needs root and setpriv")
    target = session.start(os.path.join(TARGETS, "hard_target"), "seccomp")
    few, all_of_them = "sys_ptrace dac_read_search kill", "sys_ptrace dac_read_search kill sys_admin"
    for method in methods.existing(WAYS):
        lost = FAILED if method in ("precopy", "fork") else COMPLETE
        for name, capabilities, own_filter, wanted in (("CAP_SYS_ADMIN", all_of_them, None, COMPLETE),
                                                       ("no CAP_SYS_ADMIN", few, None, lost),
                                                       ("one of its own", all_of_them, put_filter, lost)):
            path = session.path("seccomp.core")
            taken = run_with(capabilities, DUMPCORE, "-q", "-z", "none", "-c", method, "-o", path, target.pid,
                             preexec=own_filter)
            session.ok(taken.status == wanted and (wanted == COMPLETE or "seccomp filter" in taken.err),
                       f"a filter, {name}, {method}: {'complete' if wanted == COMPLETE else 'refused, says why'}",
                       taken)
            if os.path.exists(path):
                os.unlink(path)
    fallen = run_with(few, DUMPCORE, "--json", "-o", session.path("auto.core"),
                      target.pid)
    session.ok(fallen.status == COMPLETE and '"consistency":"freeze"' in fallen.err,
               "a filter, no CAP_SYS_ADMIN, auto: freeze", fallen)


def main():
    session = Session()
    container = []
    try:
        container.append(Container(session))
    except Skip as reason:
        session.skip("namespaces", reason)
    for test in (is_apart, from_outside, from_sidecar, wrong_ids, without_capability) if container else ():
        session.test(test, container[0])
    session.test(capabilities_of_root)
    session.test(same_user)
    session.test(seccomp_profile)
    session.finish()


if __name__ == "__main__":
    main()

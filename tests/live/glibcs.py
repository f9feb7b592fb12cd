"""malloc_target with other releases of glibc, for x86_64 and i386.

scripts/fetch-glibcs.sh unpacks the releases; the target is linked here, once an ABI, against the oldest
one, so that the same program runs with them all: `LOADER --library-path FOLDER target`.
"""

import glob
import os
import re
import shutil
import subprocess

from harness import ROOT, Skip, run

GLIBC = os.path.join(ROOT, "build", "packages", "glibc")
DEV = os.path.join(GLIBC, "dev")
RELEASES = ("2.31", "2.36", "2.41", "2.43", "2.44")
ABIS = ("x86_64", "i386")
FLAGS = {"x86_64": "-m64", "i386": "-m32"}
LOADERS = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "i386": "/lib/ld-linux.so.2"}
LIBGCC = {"i386": "usr/lib/gcc/i686-linux-gnu/*/libgcc.a"}  # of x86_64: the compiler's own


def fetch():
    """Silent where everything is there."""
    subprocess.run([os.path.join(ROOT, "scripts", "fetch-glibcs.sh")], check=False)


def reason(name):
    with open(os.path.join(GLIBC, name + ".reason"), encoding="utf-8") as text:
        return text.read().strip()


def one(pattern):
    found = glob.glob(os.path.join(DEV, pattern))
    if not found:
        raise Skip(f"{pattern} is not in {DEV}")
    return found[0]


def link(abi, source, to, libraries=("libpthread.so.0",)):
    """Names every file itself: the development package's own links lead to the system's libraries."""
    if not os.path.isdir(DEV):
        raise Skip(reason("dev"))
    compiler = shutil.which("gcc") or shutil.which("cc")
    folder, shared = f"usr/lib/{abi}-linux-gnu", f"lib/{abi}-linux-gnu"
    libgcc = one(LIBGCC[abi]) if abi in LIBGCC else run(compiler, "-print-libgcc-file-name").out.strip()
    result = run(
        compiler, FLAGS[abi], "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-pthread", "-pie", "-fPIE",
        "-nostdinc", "-isystem", run(compiler, "-print-file-name=include").out.strip(),
        "-isystem", one(f"usr/include/{abi}-linux-gnu"), "-isystem", one("usr/include"), "-nostdlib",
        f"-Wl,-dynamic-linker,{LOADERS[abi]}", "-o", to, one(f"{folder}/Scrt1.o"), one(f"{folder}/crti.o"),
        source, *(one(f"{shared}/{name}") for name in libraries), one(f"{shared}/libc.so.6"),
        one(f"{folder}/libc_nonshared.a"), libgcc, one(f"{shared}/{os.path.basename(LOADERS[abi])}"),
        one(f"{folder}/crtn.o"))
    if result.status:
        raise Skip(f"no program for {abi} can be linked here: {result.err.strip().splitlines()[-1]}")


def link_shared(abi, source, to):
    """A shared object that needs no other."""
    result = run(shutil.which("gcc") or shutil.which("cc"), FLAGS[abi], "-O1", "-fPIC", "-shared",
                 "-nostdlib", "-o", to, source)
    if result.status:
        raise Skip(f"no library for {abi} can be linked here: {result.err.strip().splitlines()[-1]}")


def command(release, abi, program):
    """The words that run the program with the release; the release is what libc's own text says."""
    folder = os.path.join(GLIBC, release, abi)
    if not os.path.isdir(folder):
        raise Skip(reason(release))
    with open(os.path.join(folder, "libc.so.6"), "rb") as libc:
        said = re.search(rb"stable release version (2\.\d+)\.", libc.read())
    if not said or said.group(1).decode() != release:
        raise Skip(f"{folder} is glibc {said and said.group(1).decode()}, not {release}")
    loader = os.path.join(folder, os.path.basename(LOADERS[abi]))
    words = [loader, "--library-path", folder]
    probe = run(*words, program)  # without arguments: prints its usage
    if probe.status != 2:
        raise Skip(f"programs of {abi} do not run here: {probe.describe()}")
    return words + [program]

"""The disk of the emulated x86_64 machine: what tests/run needs of this one, in one ext4 image.

Programs and libraries stand where they stand here; the repository is in /dumpcore. Standard library
only.
"""

import glob
import lzma
import os
import re
import shutil
import subprocess
import sys
import sysconfig

HOME = "/dumpcore"
DISK_BYTES = 3 << 30  # sparse
PROGRAMS = ("setpriv", "unshare", "zstd", "readelf")
COPIED = ("tests/run", "tests/live", "tests/emulated", "rules", "docs", "dumpcore", "build/dumpcore",
          "build/analyze", "build/fault/dumpcore", "build/targets", "build/tests/dumpcore")
LEFT_OUT = shutil.ignore_patterns("test", "tests", "site-packages", "__pycache__", "idlelib", "tkinter",
                                  "ensurepip", "config-*", "lib2to3")
MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")  # in this order


def place(tree, path):
    """Where a file of this machine goes, with the links of a merged /usr on the way."""
    folder = os.path.realpath(os.path.dirname(path))
    to = tree + folder
    os.makedirs(to, exist_ok=True)
    return os.path.join(to, os.path.basename(path))


def copy_libraries(tree, program):
    needed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", needed):
        if not os.path.exists(place(tree, library)):
            shutil.copy(library, place(tree, library))


def copy_program(tree, path):
    """A program with the libraries that it needs."""
    shutil.copy(path, place(tree, path))
    copy_libraries(tree, path)


def copy_python(tree):
    library = sysconfig.get_path("stdlib")
    shutil.copytree(library, tree + library, ignore=LEFT_OUT)
    for name in glob.glob(os.path.join(library, "lib-dynload", "*.so")):
        copy_libraries(tree, name)
    copy_program(tree, os.path.realpath(sys.executable))
    os.symlink(os.path.realpath(sys.executable), os.path.join(tree, "usr", "local", "bin", "python3"))


def copy_repository(tree, root):
    for name in COPIED:
        source, to = os.path.join(root, name), f"{tree}{HOME}/{name}"
        os.makedirs(os.path.dirname(to), exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, to)
        else:
            shutil.copy(source, to)
    for program in (*glob.glob(f"{root}/build/tests/dumpcore/*_test"), f"{root}/build/analyze",
                    *glob.glob(f"{root}/build/targets/*")):
        copy_libraries(tree, program)


def find_busybox(unpacked):
    return next(path for path in (f"{unpacked}/bin/busybox", f"{unpacked}/usr/bin/busybox")
                if os.path.exists(path))


def make_tree(tree, root, unpacked):
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("proc", "sys", "dev", "tmp", "run", "etc", "busybox", "usr/local/bin"):
        os.makedirs(os.path.join(tree, folder))
    for name in ("bin", "sbin", "lib", "lib64"):
        if os.path.islink("/" + name):
            os.makedirs(os.path.join(tree, "usr", name))
            os.symlink(f"usr/{name}", os.path.join(tree, name))
        else:
            os.makedirs(os.path.join(tree, name))
    shutil.copy(find_busybox(unpacked), os.path.join(tree, "bin", "busybox"))
    os.symlink("busybox", os.path.join(tree, "bin", "sh"))
    os.symlink("/bin/busybox", os.path.join(tree, "usr", "bin", "env"))
    with open(os.path.join(tree, "etc", "passwd"), "w", encoding="utf-8") as file:
        file.write("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    for name in filter(None, map(shutil.which, PROGRAMS)):
        copy_program(tree, name)
    copy_python(tree)
    copy_repository(tree, root)
    for folder, _, _ in os.walk(tree):
        os.chmod(folder, 0o755)  # users other than root run programs here
    os.chmod(os.path.join(tree, "tmp"), 0o1777)


def make_disk(tree, image):
    with open(image, "wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, image], check=True)


def read_module(path):
    with open(path, "rb") as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def modules(unpacked):
    """[(name, bytes)] of what the disk needs, in an order in which they can be loaded."""
    paths = {}
    for path in glob.glob(f"{unpacked}/**/lib/modules/**/*.ko*", recursive=True):
        paths[os.path.basename(path).split(".")[0].replace("-", "_")] = path
    found = {}

    def add(name):
        if name in found or name not in paths:  # not there: it is part of the kernel
            return
        data = read_module(paths[name])
        for needed in re.search(rb"\0depends=([^\0]*)\0", data).group(1).decode().split(","):
            add(needed)
        found[name] = data

    for name in MODULES:
        add(name)
    return list(found.items())

#!/usr/bin/env python3
"""Compressed streams of real programs are looked into, and the windows of inflaters are named: what a
report says is inside is what the program put there."""

import collections
import os
import zipfile

from harness import ANALYZE, Session, run

# Rules of the test's own, so that it does not hang on what the shipped ones call things.
OWN_RULES = r"""
format: 1
namespace: test
defaults: {priority: 2000}
rules:
- id: gzip
  title: gzip stream
  keywords: [{hex: "1f 8b 08"}]
  pattern: '(?s)\x1f\x8b\x08[\x00-\x1f].{6}'
  validate: [gzip]
  extent: validator
- id: zlib
  title: zlib stream at the start of a bytes object
  slow: true
  pattern: '(?s)\x78[\x9c\xda]'
  validate: [zlib]
  extent: validator
- id: zip
  title: entry of a ZIP archive
  keywords: ["PK\x03\x04"]
  pattern: 'PK\x03\x04'
  validate: [zip_local_header]
  extent: validator
- id: order
  title: an order
  keywords: ['{"order": ']
  pattern: '\{"order": "(?<kind>[a-z]+) #'
  aggregate: {by: kind}
  redact: {kind: show}
"""

# Every text is over 512 bytes when packed, so that Python takes it from malloc.
PYTHON = r"""
import gzip, io, os, time, zipfile, zlib
def text(kind, number):
    return b'{"order": "%s #%d"}\n' % (kind, number) * 50 + os.urandom(700)
def entry(name, data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()
kept = [gzip.compress(text(b"books", n)) for n in range(40)]
kept += [zlib.compress(text(b"shoes", n)) for n in range(30)]
kept += [entry("orders/%d.txt" % n, text(b"tea", n)) for n in range(20)]
kept += [entry("orders/%d.gz" % n, gzip.compress(text(b"deep", n))) for n in range(10)]
kept += [gzip.compress(bytes(20 << 20) + text(b"never", 0))]
kept += [gzip.compress(text(b"half", 0))[:700].ljust(900, b"-")]
print("READY", flush=True)
time.sleep(3600)
"""


def rule_file(session):
    path = session.path("own.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(OWN_RULES)
    return path


def keys_inside(report, outer):
    """Live hits by key of all that was found in a rule's streams."""
    keys = collections.Counter()
    for rule in report["content"]["rules"]:
        for inside in (rule["packed"] or {"inside": []})["inside"] if rule["id"] == outer else []:
            for group in inside["groups"]:
                keys[group["key"]] += group["live_hits"]
    return keys


def python3(session):
    target = session.start_python(PYTHON)
    core = session.must_capture(target.pid, "inside.core")
    rules = rule_file(session)
    result = session.report(core, "--rules", rules)[0]
    rows = {rule["id"]: rule for rule in result["content"]["rules"]}

    session.equal(keys_inside(result, "test.gzip")["books"], 40 * 50, "orders in gzip streams")
    session.equal(keys_inside(result, "test.zlib")["shoes"], 30 * 50, "orders in zlib streams")
    session.equal(keys_inside(result, "test.zip")["tea"], 20 * 50, "orders in ZIP entries")
    session.equal(keys_inside(result, "test.zip")["deep"], 10 * 50, "orders in gzip in ZIP entries")
    session.ok(keys_inside(result, "test.gzip")["half"] > 0, "a cut stream counts as far as it goes")
    session.equal(keys_inside(result, "test.gzip")["never"], 0, "no more than 1 MiB of a stream")
    packed = rows["test.gzip"]["packed"]
    session.ok(packed["too_long"] >= 1 and packed["cut_short"] + packed["broken"] >= 1,
               "long and cut streams are counted as such", str(packed))
    session.ok(rows["test.gzip"]["live"]["bytes"] < 40 * 1600 + 30000 + 900,
               "the compressed bytes are what is attributed", str(rows["test.gzip"]["live"]))
    session.ok("test.order" not in rows or rows["test.order"]["live"]["bytes"] < 5000,
               "nothing is attributed to what is inside")
    session.equal(packed["over_budget"], 0, "all streams are within the budget")

    text = run(ANALYZE, "report", core, "--rules", rules).out
    session.ok("INSIDE COMPRESSED STREAMS" in text and "books" in text, "the text report tells it")


JAVA = """
import java.io.*;
import java.util.*;
import java.util.jar.*;
public class Jars {
    public static void main(String[] arguments) throws Exception {
        List<Closeable> open = new ArrayList<>();
        for (int i = 1; i < arguments.length; i++) {
            JarFile jar = new JarFile(arguments[i]);
            open.add(jar);
            for (JarEntry entry : Collections.list(jar.entries())) {
                InputStream in = jar.getInputStream(entry);
                byte[] buffer = new byte[8192];
                while (in.read(buffer) > 0) { }
                open.add(in);
            }
        }
        if (arguments[0].equals("ended")) {
            for (Closeable each : open)
                each.close();
            open.clear();
            System.gc();
            Thread.sleep(300);
        }
        System.out.println("READY");
        Thread.sleep(3600000);
        System.out.println(open.size());
    }
}
"""

CLASS = """
package {package};
import java.util.*;
public {kind} {name} {{
    private final List<{name}> all = new ArrayList<>();
    private String text = "{name} of {package}";
    public int size(int more) {{ return all.size() + more + text.length(); }}
    public static class Inner {{ public {name} owner; public String toString() {{ return "" + owner; }} }}
}}
"""

PACKAGES = ["com.acme.shop.catalog", "com.acme.shop.basket", "org.example.plugin", "net.test.io.codec"]
CLASSES = 12  # of each package, and an inner one of each of those


def compile_all(session):
    """Compiles the program and the packages' classes; gives the classes' folder."""
    sources = [session.write_java("Jars", JAVA)]
    for package in PACKAGES:
        folder = os.path.join(session.folder, "source", *package.split("."))
        os.makedirs(folder)
        for number in range(CLASSES):
            name = f"Part{number}"
            sources.append(os.path.join(folder, name + ".java"))
            with open(sources[-1], "w", encoding="utf-8") as file:
                kind = "abstract class" if number % 3 == 0 else "class"
                file.write(CLASS.format(package=package, name=name, kind=kind))
    session.compile_java(*sources, to=session.path("classes"))
    return session.path("classes")


def make_jars(session, classes):
    """A jar of each package, with a manifest that names it. Gives their paths."""
    jars = []
    for package in PACKAGES:
        folder = os.path.join(classes, *package.split("."))
        jars.append(session.path(package + ".jar"))
        with zipfile.ZipFile(jars[-1], "w", zipfile.ZIP_DEFLATED) as jar:
            jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n"
                         f"Automatic-Module-Name: {package}\r\n\r\n")
            for name in sorted(os.listdir(folder)):
                jar.write(os.path.join(folder, name), "/".join(package.split(".") + [name]))
    return jars


def groups_of(report, id_):
    return {group["key"]: group["hits"] for rule in report["content"]["rules"] if rule["id"] == id_
            for group in rule["groups"]}


def java(session):
    classes = compile_all(session)
    jars = make_jars(session, classes)
    for state, rule in (("open", "compression.zlib-inflate"), ("ended", "compression.zlib-inflate-stale")):
        target = session.start("java", "-Xmx64m", "-cp", classes, "Jars", state, *jars)
        core = session.must_capture(target.pid, f"{state}.core")
        check_java(session, groups_of(session.must_report(core), rule), state)


def check_java(session, groups, state):
    wanted = {package.replace(".", "/") + ", unknown jar": 2 * CLASSES for package in PACKAGES}
    named = {key: hits for key, hits in groups.items() if key.endswith(", unknown jar")}
    mine = {key: hits for key, hits in named.items() if key in wanted}
    session.note(f"{state}: {groups}")
    # the JVM itself may read a class of its own; nothing of ours may be taken for another's
    session.ok(all(hits <= wanted[key] for key, hits in mine.items()) and
               not any("acme" in key or "example" in key or "test/" in key
                       for key in set(named) - set(wanted)),
               f"{state}: no window is named wrongly", str(groups))
    if state == "open":
        session.equal(mine, wanted, "open: every class is named by its package")
        manifests = {key for key in groups if key.startswith("archives.jar-manifest: ")}
        session.equal(manifests, {f"archives.jar-manifest: {package}" for package in PACKAGES},
                      "open: every manifest is named by its jar")
    else:
        session.ok(sum(mine.values()) >= CLASSES * len(PACKAGES),
                   "ended: more than half of the classes are named", str(groups))


def main():
    session = Session()
    for test in (python3, java):
        session.test(test)
    session.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Objects of real libraries that a program holds, a known number of each, and some that it has freed:
the structure rules of rules/allocators.yml and rules/databases.yml find those that are held, all of
them and no more."""

import ctypes.util

from harness import Session, Skip

HELD, FREED = 15, 5

PRELUDE = """
import ctypes, sys
HELD, FREED = %d, %d
def library(name, *pointers):
    found = ctypes.CDLL(name)
    for function in pointers:
        getattr(found, function).restype = ctypes.c_void_p
    return found
def hold(make, free):
    made = [make(number) for number in range(HELD + FREED)]
    for one in made[HELD:]:
        free(ctypes.c_void_p(one))
    return made
""" % (HELD, FREED)

EPILOGUE = """
print("READY", flush=True)
sys.stdin.read()
"""

STREAMS = """
libc = library(None, "fopen", "opendir")
buffer = ctypes.create_string_buffer(100)
def open_file(number):
    stream = libc.fopen(b"/etc/passwd", b"r")
    libc.fgets(buffer, 100, ctypes.c_void_p(stream))
    return stream
files = hold(open_file, libc.fclose)
folders = hold(lambda number: libc.opendir(b"/etc"), libc.closedir)
"""

DOCUMENTS = """
libxml2 = library("libxml2.so.2", "xmlReadMemory")
text = b"<a x='1'><b>text that is longer than what libxml2 keeps in its nodes</b><c q='z'/><c/></a>"
def parse(number):
    return libxml2.xmlReadMemory(text, len(text), b"n.xml", None, 0)
documents = hold(parse, libxml2.xmlFreeDoc)
"""
NODES_OF_A_DOCUMENT = 9  # a, b, c, c; two attributes, each with a text; the text of b

HANDLES = """
libcurl = library("libcurl.so.4", "curl_easy_init")
libcurl.curl_global_init(3)
handles = hold(lambda number: libcurl.curl_easy_init(), libcurl.curl_easy_cleanup)
"""

BUFFERS = """
libevent = library("libevent_core-2.1.so.7", "evbuffer_new")
def fill(number):
    buffer = libevent.evbuffer_new()
    libevent.evbuffer_add(ctypes.c_void_p(buffer), b"x" * (100 + 500 * number), 100 + 500 * number)
    return buffer
buffers = hold(fill, libevent.evbuffer_free)
"""

CONNECTIONS = """
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
def connect(number):
    made = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.org")
    try:
        made.do_handshake()
    except ssl.SSLWantReadError:
        return made
kept = [connect(number) for number in range(HELD)]
freed = [connect(number) for number in range(FREED)]
del freed[:]
"""

PAGES = """
import sqlite3
kept = sqlite3.connect(":memory:")
kept.execute("create table t(id integer primary key, text)")
kept.executemany("insert into t(text) values (?)", [("x" * 200,) for number in range(4000)])
kept.commit()
closed = sqlite3.connect(":memory:")
closed.execute("create table t(text)")
closed.executemany("insert into t values (?)", [("y" * 200,) for number in range(2000)])
closed.close()
print("pages", kept.execute("pragma page_count").fetchone()[0])
"""


def found(session, source, name):
    """Captures a program; gives the report's rules by id, and what the program has said."""
    process = session.start_python(PRELUDE + source + EPILOGUE)
    report = session.must_report(session.must_capture(process.pid, name))
    return {rule["id"]: rule for rule in report["content"]["rules"]}, process.said


def hits(rules, rule, state="live"):
    return rules[rule][state]["hits"] if rule in rules else 0


def need(library):
    if not ctypes.util.find_library(library):
        raise Skip(f"no lib{library} here")


def streams(session):
    rules, _ = found(session, STREAMS, "streams")
    session.equal(hits(rules, "allocators.directory-stream"), HELD, "directory streams that are open")
    session.equal(hits(rules, "allocators.stdio-stream"), HELD, "stdio streams that are open")
    bytes_of_streams = rules["allocators.stdio-stream"]["live"]["bytes"]
    session.ok(bytes_of_streams >= HELD * 4096, "with their buffers", str(bytes_of_streams))


def documents(session):
    need("xml2")
    rules, _ = found(session, DOCUMENTS, "documents")
    session.equal(hits(rules, "allocators.libxml2-document"), HELD, "XML documents")
    session.equal(hits(rules, "allocators.libxml2-node"), HELD * NODES_OF_A_DOCUMENT, "their nodes")


def handles(session):
    need("curl")
    rules, _ = found(session, HANDLES, "handles")
    session.equal(hits(rules, "allocators.curl-handle"), HELD, "handles of libcurl")


def buffers(session):
    need("event_core-2.1")
    rules, _ = found(session, BUFFERS, "buffers")
    session.equal(hits(rules, "allocators.libevent-buffer"), HELD, "buffers of libevent")


def connections(session):
    import ssl
    if ssl.OPENSSL_VERSION_INFO[:2] != (3, 0):
        raise Skip(f"the rule is for OpenSSL 3.0, here is {ssl.OPENSSL_VERSION}")
    rules, _ = found(session, CONNECTIONS, "connections")
    session.equal(hits(rules, "allocators.openssl-connection"), HELD, "connections of OpenSSL")


def pages(session):
    rules, said = found(session, PAGES, "pages")
    count = int([line for line in said if line.startswith("pages")][0].split()[1])
    both = ("databases.sqlite-cached-page", "databases.sqlite-cached-page-aligned")
    live = sum(hits(rules, rule) for rule in both)
    session.ok(count <= live <= count + 20, f"all {count} pages of a database in memory are found",
               f"{live} hits; a cache starts with a block of 20 pages")
    stale = sum(hits(rules, rule, "stale") for rule in both)
    session.ok(stale > 0, "pages of a closed one are stale", str(stale))


def main():
    session = Session()
    for part in (streams, documents, handles, buffers, connections, pages):
        session.test(part)
    session.finish()


if __name__ == "__main__":
    main()

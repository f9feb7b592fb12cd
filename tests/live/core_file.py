"""Reads an archive of dumpcore without any of its code: program headers, memory, notes.

The file is the plain core (`--compress none`, or unpacked with `zstd -d`). What it should hold is in
docs/archive-format.md; nothing here knows more than that page and the System V ABI. Standard library
only.
"""

import json
import mmap
import struct

PT_LOAD, PT_NOTE = 1, 4
PN_XNUM = 0xFFFF

DESCRIPTION, PAGE_MAP, DOCUMENT, OUTCOME = 0x44430001, 0x44430002, 0x44430003, 0x44430004
ABSENT, PRESENT, SWAPPED, ZERO, UNREADABLE, TORN = range(6)

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
NOTE = struct.Struct("<III")
RUN = struct.Struct("<QQ")


class Segment:
    """One program header."""

    def __init__(self, fields):
        self.type, self.flags, self.offset, self.address, _, self.size, self.memory_size, _ = fields

    @property
    def end(self):
        return self.address + self.size


class CoreFile:
    """An open core. Raises ValueError where the file is no ELF core."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path}: no little-endian 64-bit ELF file")
        self.segments = [Segment(fields) for fields in self.program_headers()]
        self.loads = [segment for segment in self.segments if segment.type == PT_LOAD]

    def close(self):
        self.data.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def program_headers(self):
        header = HEADER.unpack_from(self.data)
        at, sections, size, count = header[5], header[6], header[9], header[10]
        if count == PN_XNUM:
            count = SECTION.unpack_from(self.data, sections)[7]  # sh_info
        return [PROGRAM.unpack_from(self.data, at + index * size) for index in range(count)]

    def find(self, address):
        """The PT_LOAD that holds the address, or None."""
        low, high = 0, len(self.loads)
        while low < high:
            middle = (low + high) // 2
            if self.loads[middle].end <= address:
                low = middle + 1
            else:
                high = middle
        found = self.loads[low] if low < len(self.loads) else None
        return found if found and found.address <= address else None

    def read(self, address, size):
        """The bytes at an address; None where any of them was not captured."""
        parts = []
        while size:
            load = self.find(address)
            if not load:
                return None
            take = min(size, load.end - address)
            start = load.offset + address - load.address
            parts.append(self.data[start:start + take])
            address, size = address + take, size - take
        return b"".join(parts)

    def notes(self):
        """Yields (owner, type, description) of every note in file order."""
        for segment in self.segments:
            at, end = segment.offset, segment.offset + segment.size
            while segment.type == PT_NOTE and at + NOTE.size <= end:
                name, size, kind = NOTE.unpack_from(self.data, at)
                at += NOTE.size
                owner = self.data[at:at + name].rstrip(b"\0").decode("latin-1")
                at += -(-name // 4) * 4
                yield owner, kind, self.data[at:at + size]
                at += -(-size // 4) * 4

    def own_note(self, wanted):
        """The first note of dumpcore's of that type, or None."""
        for owner, kind, description in self.notes():
            if (owner, kind) == ("DUMPCORE", wanted):
                return description
        return None

    def document(self, name):
        """The text of that name as the kernel gave it, or None."""
        for owner, kind, description in self.notes():
            found, _, text = description.partition(b"\0")
            if (owner, kind, found) == ("DUMPCORE", DOCUMENT, name.encode()):
                return text
        return None

    def description(self):
        return json.loads(self.own_note(DESCRIPTION))

    def outcome(self):
        note = self.own_note(OUTCOME)
        return json.loads(note) if note else None

    def page_map(self):
        """Runs of (address, pages, state)."""
        note = self.own_note(PAGE_MAP)
        count = struct.unpack_from("<Q", note, 8)[0]
        for index in range(count):
            start, packed = RUN.unpack_from(note, 16 + index * RUN.size)
            yield start, packed >> 8, packed & 0xFF

    def pages_in_state(self, state):
        return sum(pages for _, pages, found in self.page_map() if found == state)

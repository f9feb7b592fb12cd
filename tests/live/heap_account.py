"""Whether the numbers that a JSON report has of malloc add up, to the byte. Standard library only."""

STATES = ("in_use", "tcache", "fastbin", "binned", "top", "overhead", "unwalkable")
FREE = STATES[1:5]
CAUSES = ("cache_bytes", "small_bytes", "edge_bytes", "top_bytes")
NEEDS_PAGE_MAP = ("free_resident_bytes", "free_gone_bytes", "trimmable_bytes", "pinned_free_bytes")
OF_MAPPINGS = {"tcache": "mmapped_cached", "overhead": "mmapped_overhead"}


def of_arena(arena):
    """Yields (what, left, right) that must be equal: every byte of its heaps has one state."""
    states = sum(arena[state]["bytes"] for state in STATES)
    yield "states and heaps", states + arena["foreign_bytes"], arena["heap_bytes"]
    # brk memory may begin at any byte (2.31 keeps GLIBC_TUNABLES before it); chunks begin at words.
    yield "heaps and system", arena["heap_bytes"], arena["system_bytes"] // 8 * 8


def of_residency(arena):
    """Free bytes are resident or gone, the resident ones trimmable or pinned, each for one cause."""
    resident = sum(arena[state]["resident_bytes"] for state in FREE)
    yield "free, resident", resident, arena["free_resident_bytes"]
    yield "free, gone", sum(arena[state]["bytes"] for state in FREE) - resident, arena["free_gone_bytes"]
    yield "trimmable and pinned", arena["trimmable_bytes"] + arena["pinned_free_bytes"], resident
    yield "pinned by cause", sum(arena["pinned"][cause] for cause in CAUSES), arena["pinned_free_bytes"]


def of_ignorance(arena):
    """Without a page map: no resident size is a number, not even 0."""
    for key in NEEDS_PAGE_MAP:
        yield key, arena[key], None
    for state in STATES:
        yield f"{state}, resident", arena[state]["resident_bytes"], None
    for key, value in arena["pinned"].items():
        yield f"pinned.{key}", value, None


def of_totals(heap):
    """The totals are the arenas summed."""
    for key, value in heap["totals"].items():
        members = value if isinstance(value, dict) else {None: value}
        for member, total in members.items():
            rows = [arena[key] if member is None else arena[key][member] for arena in heap["arenas"]]
            yield f"totals.{key}.{member or ''}", total, None if total is None else sum(rows)


def of_buckets(heap, buckets, member, bucket_member):
    """A bucket of the memory is what the arenas and the mappings of mmapped chunks have of it."""
    yield "mmapped and its bucket", heap["mmapped"][member], buckets["heap.mmapped"][bucket_member]
    for state in STATES:
        bucket = buckets["unwalkable" if state == "unwalkable" else f"heap.{state}"]
        mapped = heap[OF_MAPPINGS[state]][member] if state in OF_MAPPINGS else 0
        yield (f"{state} and its bucket, {member}", heap["totals"][state][member] + mapped,
               bucket[bucket_member])


def differences(report):
    """Gives a line for each sum that does not close."""
    heap, known = report["heap"], report["evidence"]["has_residency"]
    buckets = {bucket["id"]: bucket for bucket in report["memory"]["buckets"]}
    pairs = []
    for arena in heap["arenas"] + [heap["totals"]]:
        who = f"arena {arena['index']}" if "index" in arena else "totals"
        rows = list(of_arena(arena)) + list(of_residency(arena) if known else of_ignorance(arena))
        pairs += [(f"{who}: {what}", left, right) for what, left, right in rows]
    pairs += of_totals(heap)
    pairs += of_buckets(heap, buckets, "bytes", "virtual_bytes")
    if known:
        pairs += of_buckets(heap, buckets, "resident_bytes", "resident_bytes")
    return [f"{what}: {left} and {right}" for what, left, right in pairs if left != right]

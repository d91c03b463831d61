"""Kinds of damage to the objects of a store: what is done to which object, and the sentence about it."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHANGED = "this is not what was committed: it has "
GONE = "this was committed but no longer exists"
ELSEWHERE = "this is the record of another place, "

Change = Callable[[Path], None]


def keeping_time(change: Callable[[bytes], bytes]) -> Change:
    """Change the content as bit rot does: nothing else of the file changes."""

    def apply(path: Path) -> None:
        before = path.stat()
        with path.open("r+b") as file:
            content = change(file.read())
            file.seek(0)
            file.write(content)
            file.truncate()
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return apply


flip = keeping_time(
    lambda data: bytes([*data[: len(data) // 2], data[len(data) // 2] ^ 1, *data[len(data) // 2 + 1 :]])
)
cut = keeping_time(lambda data: data[: len(data) // 2])
without_last_line = keeping_time(lambda data: b"".join(data.splitlines(True)[:-1]))


def replacing(old: bytes, new: bytes) -> Change:
    return keeping_time(lambda data: data.replace(old, new, 1))


def replaced(change: Callable[[bytes], bytes]) -> Change:
    """Put another file in its place, as a copy without extended attributes does."""

    def apply(path: Path) -> None:
        content = change(path.read_bytes())
        path.unlink()
        path.write_bytes(content)

    return apply


def of_another(pattern: str) -> Change:
    """Put a record of another data set in its place, with what the store noted of it."""

    def apply(path: Path) -> None:
        (other,) = path.parents[[parent.name for parent in path.parents].index("store")].glob(pattern)
        shutil.copy2(other, path)

    return apply


def _last_digit(data: bytes) -> bytes:
    """Another digit in the place of the last one, so that the record can be read all the same."""
    place = max(data.rfind(digit) for digit in (b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8"))
    return data[:place] + bytes([data[place] + 1]) + data[place + 1 :]


last_digit = keeping_time(_last_digit)


def writing(data: bytes) -> Change:
    def apply(path: Path) -> None:
        path.write_bytes(data)

    return apply


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def deleted(path: Path) -> None:
    path.unlink()


UPPER, RAW = "upper/*/0001/_reelmill", "raw/*/0001/_reelmill"
NO_SEGMENT = "not a Segment record: damaged, or written by another version of reelmill"


@dataclass(frozen=True)
class Case:
    """A damaged object, the sentence about it, and which readers must say it."""

    pattern: str
    change: Change
    sentence: str
    readers: tuple[str, ...]


ROWS = ("items", "next", "export")
CASES = {
    "an output is gone": Case("upper/*/0001/out/a.txt", deleted, GONE, ("export",)),
    "an output is cut off": Case("upper/*/0001/out/a.txt", cut, CHANGED, ("export",)),
    "a bit of an output is flipped": Case("upper/*/0001/out/a.txt", flip, CHANGED, ("export",)),
    "a bit of an output is flipped, and its time changed": Case(
        "upper/*/0001/out/a.txt", writing(b"A BROWN RABBIS\n"), CHANGED, ("export",)
    ),
    "segment.json is cut off": Case(f"{UPPER}/segment.json", cut, NO_SEGMENT, (*ROWS, "status", "ledger")),
    "segment.json is gone": Case(f"{UPPER}/segment.json", deleted, GONE, (*ROWS, "status", "ledger")),
    "segment.json is another object": Case(
        f"{UPPER}/segment.json", writing(b"{}"), f"{NO_SEGMENT} (state: Field required)", (*ROWS, "status", "ledger")
    ),
    "segment.json is empty": Case(f"{UPPER}/segment.json", writing(b""), NO_SEGMENT, (*ROWS, "status", "ledger")),
    "segment.json counts otherwise": Case(
        f"{UPPER}/segment.json", replacing(b'"done":3', b'"done":4'), CHANGED, (*ROWS, "status", "ledger")
    ),
    "segment.json counts otherwise, in a copy without attributes": Case(
        f"{UPPER}/segment.json", replaced(lambda data: data.replace(b'"done":3', b'"done":4', 1)), "its counts", ()
    ),
    "a bit of segment.json is flipped": Case(f"{UPPER}/segment.json", last_digit, CHANGED, (*ROWS, "status", "ledger")),
    "segment.json was edited": Case(
        f"{UPPER}/segment.json", edited, CHANGED, ()
    ),
    "segment.json is that of a source": Case(
        f"{UPPER}/segment.json", of_another("raw/*/0001/_reelmill/segment.json"), ELSEWHERE,
        (*ROWS, "status", "ledger"),
    ),
    "stage.json is that of a source": Case(
        "upper/*/_reelmill/stage.json", of_another("raw/*/_reelmill/stage.json"), ELSEWHERE, (*ROWS, "status")
    ),
    "a claim is that on a source": Case(
        "upper/*/_reelmill/users/*.json", of_another("raw/*/_reelmill/users/*.json"), ELSEWHERE, ()
    ),
    "pass.json names other items": Case(f"{UPPER}/pass.json", last_digit, CHANGED, ("replay",)),
    "a shard's commit names other rows": Case(f"{UPPER}/shards/*.json", last_digit, CHANGED, ()),
    "frozen outcomes lack their last line": Case(f"{UPPER}/outcomes/*", without_last_line, CHANGED, ()),
    "latest.json points nowhere": Case(
        "upper/latest.json", replaced(lambda data: b'{"key":"0123456789"}'), "points at is not in the store",
        ("latest",),
    ),
    "pass.json is cut off": Case(f"{UPPER}/pass.json", cut, "not a Pass record", ("replay",)),
    "pass.json is gone": Case(f"{UPPER}/pass.json", deleted, GONE, ()),
    "a shard's commit is garbage": Case(f"{UPPER}/shards/*.json", writing(b"x"), "not a ShardCommit record", ()),
    "a letter of a caption has changed": Case(
        f"{RAW}/items/*", replacing(b"rabbit", b"rabbid"), CHANGED, ("raw", "growth")
    ),
    "items are cut off": Case(f"{UPPER}/items/*", cut, CHANGED, ROWS),
    "the last line of items is gone": Case(f"{UPPER}/items/*", without_last_line, CHANGED, ROWS),
    "items are gone": Case(f"{UPPER}/items/*", deleted, GONE, ROWS),
    "a failed row says done": Case(f"{UPPER}/ledger/*", replacing(b'"failed"', b'"done"'), CHANGED, ("ledger",)),
    "a ledger is gone": Case(f"{UPPER}/ledger/*", deleted, GONE, ("ledger",)),
    "a ledger has a garbage line": Case(
        f"{UPPER}/ledger/*", keeping_time(lambda data: data + b"garbage\n"), CHANGED, ("ledger",)
    ),
    "stage.json is cut off": Case("upper/*/_reelmill/stage.json", cut, "not a StageRecord record", (*ROWS, "status")),
    "stage.json is gone": Case("upper/*/_reelmill/stage.json", deleted, GONE, ()),
    "stage.json has other numbers": Case(
        "upper/*/_reelmill/stage.json", replacing(b'"done":3', b'"done":4'), CHANGED, ()
    ),
    "latest.json is gone": Case("upper/latest.json", deleted, GONE, ()),
    "the items of a source are gone": Case(f"{RAW}/items/*", deleted, GONE, ("raw",)),
    "a view was edited": Case("upper/*/all.json", writing(b"{}"), CHANGED, ("export",)),
    "latest.json is garbage": Case("upper/latest.json", writing(b"{"), "not a LatestKey record", ("status",)),
    "a view is gone": Case("upper/*/all.json", deleted, GONE, ("export",)),
    "a bit of a view is flipped": Case("upper/*/all.json", flip, CHANGED, ("export",)),
    "a claim is garbage": Case("upper/*/_reelmill/users/*.json", writing(b"{"), "not a Claim record", ()),
    "a heartbeat is garbage": Case(f"{UPPER}/heartbeat.json", writing(b"{"), "not a Runner record", ()),
    "frozen outcomes have a garbage line": Case(
        f"{UPPER}/outcomes/*", cut, "cannot be read as the outcome of an item", ()
    ),
}  # fmt: skip

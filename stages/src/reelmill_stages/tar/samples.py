"""Grouping of tar members into samples as trainers do, and the rules of samples.

There are two kinds of readers. webdataset (and thus Megatron Energon and Hugging Face) starts a sample whenever the
name before the first dot changes. The reader of the packing pipeline adds `key-0.jpg` to the sample of the last json,
and drops samples with unknown parts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reelmill.contract.counters import StageCounter
from reelmill_stages.tar.walk import Member

IMAGES = frozenset({"jpg", "jpeg", "png"})
KNOWN = IMAGES | {"txt", "json"}
"""Last extensions that the reader of the packing pipeline accepts."""

_SPLIT = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
_RESERVED = frozenset({"__key__", "__url__", "__local_path__", "__bad__"})
"""Names of parts that webdataset reserves."""
_META = re.compile(r"__[^/]*__($|/)")


@dataclass(slots=True)
class Sample:
    """A sample: its key, its parts by suffix (`json`, `0.jpg`), and whether frames are named `key-0.jpg`."""

    key: str
    offset: int
    parts: dict[str, Member] = field(default_factory=dict)
    dashed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The sorted suffixes of the parts."""
        return tuple(sorted(self.parts))


@dataclass(frozen=True, slots=True)
class TarProblem:
    """A broken rule: its name and a message."""

    rule: str
    message: str


def split(name: str) -> tuple[str, str] | None:
    """Return (key, suffix) of a member's name, or None for a name that readers ignore."""
    if "/" not in name:
        key, dot, suffix = name.partition(".")
        return (key, suffix) if key and dot else None
    found = _SPLIT.match(name)
    return (found[1], found[2]) if found else None


def samples(
    members: Iterable[Member], problems: list[TarProblem] | None = None, skipped: Counter[str] | None = None
) -> Iterator[Sample]:
    """Yield samples in order, grouped as the reader of the packing pipeline does.

    For valid tars, webdataset groups them in the same way. Broken rules are appended to `problems`. Members that
    readers skip are counted in `skipped` (`no_extension`).
    """
    found = problems if problems is not None else []
    strays = skipped if skipped is not None else Counter()
    current: Sample | None = None
    opened = ""
    for member in members:
        name = member.name
        if name.startswith("__") and _META.match(name):
            continue
        parts = split(name)
        if parts is None:
            strays[StageCounter.NO_EXTENSION] += 1
            continue
        key, suffix = parts
        if suffix != suffix.lower():
            found.append(TarProblem("upper_case", f"the extension of {name!r} must be in lower case"))
            suffix = suffix.lower()
        dashed = False
        if suffix == "json":
            opened = key
        elif opened and key.startswith(f"{opened}-"):
            suffix = f"{key[len(opened) + 1 :]}.{suffix}"
            key, dashed = opened, True
        if current is None or key != current.key:
            if current is not None:
                yield current
                if suffix == "json" and current.key.startswith(f"{key}-") and "json" not in current.parts:
                    found.append(TarProblem("json_first", f"{current.key} comes before the json of its sample"))
            current = Sample(key, member.offset)
        if suffix in current.parts:
            found.append(TarProblem("duplicate_part", f"{name!r} occurs twice"))
        elif suffix in _RESERVED:
            found.append(TarProblem("duplicate_part", f"webdataset reserves the extension of {name!r}"))
        current.parts[suffix] = member
        current.dashed |= dashed
    if current is not None:
        yield current


def broken(sample: Sample) -> Iterator[TarProblem]:
    """Yield the rules that a sample breaks by the names and sizes of its parts."""
    images = [name for name in sample.parts if name.rpartition(".")[2] in IMAGES]
    if images:
        for name in sample.parts:
            if name.rpartition(".")[2] not in KNOWN:
                message = f"the packing pipeline's reader drops sample {sample.key} because of its part {name!r}"
                yield TarProblem("hidden", message)
    texts = [name for name in sample.parts if "." in name and name.rpartition(".")[2] not in IMAGES]
    last = [name.rpartition(".")[2] for name in texts]
    if any(last.count(one) > 1 for one in last):
        yield TarProblem(
            "dotted_key", f"sample {sample.key}: its key must not contain a dot ({', '.join(sorted(texts)[:3])})"
        )


@dataclass(slots=True)
class SeenKeys:
    """Detects duplicate keys."""

    seen: set[str] = field(default_factory=set)

    def recurs(self, key: str) -> bool:
        """Add a key; returns whether it was added before."""
        if key in self.seen:
            return True
        self.seen.add(key)
        return False

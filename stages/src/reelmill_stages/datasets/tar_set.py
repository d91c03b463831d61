"""Random access to the samples of a folder of webdataset tars. Does not need torch.

A tar that reelmill packed has a `.tar.idx` file with the offsets of its samples (little-endian uint64, with the end of
the last sample), so reading a sample is a single ranged read. Other tars are scanned once, when they are first used.
"""

import io
import struct
import tempfile
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.text.quantities import count_of
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.store.keys import key_problem
from reelmill_stages.tar.inspect import contents
from reelmill_stages.tar.samples import samples
from reelmill_stages.tar.walk import BadTar, read_member, walk_bytes
from reelmill_stages.untrusted.nested import load_json

INFO = ".nv-meta/.info.json"
"""The view with the committed tars and their numbers of samples, in the format of Megatron Energon."""

_MEMBER_TRAILER = bytes(1024)
_CHECK = "for details, run reelmill check"


@dataclass(frozen=True, slots=True)
class Grouped:
    """One sample of a tar."""

    key: str
    """The common prefix of the names of its members."""
    fields: Mapping[str, Any]
    """The parsed `json` member; empty if there is none."""
    parts: Mapping[str, bytes]
    """Extension (`0.jpg`) -> content, for all other members."""


class TarSet:
    """The samples of all tars in a folder, by index.

    `where` is an exported folder, the folder of a stage in a store (`s3://bucket/prefix/packs`, which selects its
    latest data set), or any folder with tars. `endpoint` and `region` are those of the S3 server. `names` are the tars
    and `counts` their numbers of samples. Objects can be pickled and used after a fork. Raises NotFound if there is no
    tar.

    With `verify`, every file is compared with its digest when a process first uses it, which reads it once more. Raises
    StoreDamaged if a file differs from what was committed; views are always compared.
    """

    def __init__(self, where: str, *, endpoint: str = "", region: str = "", verify: bool = False) -> None:
        place = SampleFolder(where, endpoint=endpoint, region=region, verify=verify)
        try:
            self.place = place.current(INFO)
            counts = _counts(self.place.view(INFO), self.place.at(INFO))
            self.names, self.counts = list(counts), list(counts.values())
        except NotFound:
            # Without this view, the committed tars of a data set are unknown.
            if _exists(place, "latest.json") or _exists(place, f"{INTERNAL}/stage.json"):
                raise
            self.place = place
            self.names, self.counts = self._names_and_counts()
        self._ends = list(accumulate(self.counts))
        self._offsets: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Grouped:
        """Read a sample. Raises IndexError, and SpecError if the tar does not match its index."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        tar = bisect_right(self._ends, index)
        offsets = self._offsets_of(tar)
        row = index - (self._ends[tar - 1] if tar else 0)
        data = self.place.read(self.names[tar], start=offsets[row], length=offsets[row + 1] - offsets[row])
        return _parse_sample(data, f"{self.place.at(self.names[tar])}, sample {row}")

    def _offsets_of(self, tar: int) -> tuple[int, ...]:
        """Return the offsets of the samples of a tar, and the end of the last one."""
        if tar not in self._offsets:
            try:
                data = self.place.read(f"{self.names[tar]}.idx")
                offsets = _offsets(data, self.place.at(f"{self.names[tar]}.idx"))
            except NotFound:
                offsets = self._offsets_from_tar(self.names[tar])
            if len(offsets) != self.counts[tar] + 1:
                raise SpecError(
                    f"the index has {count_of(len(offsets) - 1, 'sample')} instead of {self.counts[tar]}",
                    where=self.place.at(self.names[tar]),
                    hint="find all inconsistent files with reelmill check",
                )
            self._offsets[tar] = offsets
        return self._offsets[tar]

    def _offsets_from_tar(self, name: str) -> tuple[int, ...]:
        self.place.ensure(name)
        store, key = self.place.store(name)
        with tempfile.TemporaryDirectory(prefix="reelmill-tar-") as folder:
            found = contents(store.fetch(key, Path(folder)))
        if not found.offsets or found.end <= found.offsets[-1]:
            words = found.problems[0].message if found.problems else "the tar has no samples"
            raise SpecError(words, where=self.place.at(name), hint="for details, run reelmill check")
        return (*found.offsets, found.end)

    def _names_and_counts(self) -> tuple[list[str], list[int]]:
        store, key = self.place.store("")
        prefix = key.rstrip("/") + "/"
        names = [stat.key.removeprefix(prefix) for stat in store.list(prefix) if stat.key.endswith(".tar")]
        if not names:
            raise NotFound("the folder has no tars", where=self.place.uri, hint="give an export, or a folder with tars")
        self._offsets = {}
        counts = []
        for number, name in enumerate(names):
            self._offsets[number] = self._offsets_from_tar(name)
            counts.append(len(self._offsets[number]) - 1)
        return names, counts


def _counts(data: bytes, where: str) -> dict[str, int]:
    """Return the number of samples of each tar. Raises SpecError for another file."""
    try:
        counts = load_json(data)["shard_counts"]
    except (ValueError, LookupError, TypeError) as error:
        raise SpecError(f"no counts of samples: {error}", where=where, hint=_CHECK) from error
    if not isinstance(counts, dict) or not all(type(count) is int and count >= 0 for count in counts.values()):
        raise SpecError("no counts of samples", where=where, hint=_CHECK)
    for name in counts:
        if problem := key_problem(name) or ("address instead of a name" if "://" in name else ""):
            raise SpecError(
                f"a tar is named outside of the folder: {problem}: {name[:200]!r}", where=where, hint=_CHECK
            )
    return counts


def _offsets(data: bytes, where: str) -> tuple[int, ...]:
    """Return the numbers in a `.tar.idx` file. Raises SpecError for another file."""
    found = struct.unpack(f"<{len(data) // 8}Q", data[: len(data) - len(data) % 8])
    if len(data) % 8 or any(one >= other for one, other in pairwise(found)):
        raise SpecError("not an index of a tar", where=where, hint="reelmill check names every file that does not fit")
    return found


def _exists(place: SampleFolder, name: str) -> bool:
    store, key = place.store(name)
    try:
        store.stat(key)
    except NotFound:
        return False
    return True


def _parse_sample(data: bytes, where: str) -> Grouped:
    """Parse the members of one sample."""
    try:
        (sample,) = samples(walk_bytes(data + _MEMBER_TRAILER))
        parts = {name: read_member(io.BytesIO(data), one, one.size) for name, one in sample.parts.items()}
    except (BadTar, ValueError) as error:
        raise SpecError(
            f"no sample at the offset in the index: {error}", where=where, hint="the index belongs to another tar"
        ) from error
    try:
        fields = load_json(parts.pop("json", b"{}"))
    except ValueError as error:
        raise SpecError(f"invalid json member: {error}", where=where, hint="for details, run reelmill check") from error
    return Grouped(sample.key, fields if isinstance(fields, dict) else {}, parts)

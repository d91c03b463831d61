"""The samples of a folder of tars by their number, without reading what was not asked for; no torch in here.

A tar that reelmill packed has a `.tar.idx` beside it that says where its samples begin, so one sample is one read of
its bytes, from a disk or a bucket alike. Tars of other makers are walked once, when one of their samples is wanted.
"""

import io
import json
import struct
import tarfile
import tempfile
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.layout import INTERNAL
from reelmill_stages.datasets.place import SampleFolder
from reelmill_stages.tar.inspect import contents
from reelmill_stages.tar.samples import samples
from reelmill_stages.tar.walk import Member

INFO = ".nv-meta/.info.json"
"""The view that names the committed tars, and how many samples each has."""

_MEMBER_TRAILER = bytes(1024)


@dataclass(frozen=True, slots=True)
class Grouped:
    """One sample: its key, its json (empty when it has none) and the bytes of its other parts, by name (`0.jpg`)."""

    key: str
    fields: Mapping[str, Any]
    parts: Mapping[str, bytes]


class TarSet:
    """`where` is an export, a stage's folder in a store (`s3://bucket/prefix/packs`: its newest data set), or any
    folder of tars. It can be pickled and forked. Raises NotFound where there is no tar.
    """

    def __init__(self, where: str, *, endpoint: str = "", region: str = "") -> None:
        place = SampleFolder(where, endpoint=endpoint, region=region)
        try:
            self.place = place.current(INFO)
            counts = json.loads(self.place.read(INFO))["shard_counts"]
            self.names, self.counts = list(counts), list(counts.values())
        except NotFound:
            # Without views, which of a data set's tars were committed is not known.
            if _is_there(place, "latest.json") or _is_there(place, f"{INTERNAL}/stage.json"):
                raise
            self.place = place
            self.names, self.counts = self._listed()
        self._ends = list(accumulate(self.counts))
        self._offsets: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Grouped:
        """Raises IndexError, and SpecError for a tar that is not what its index says."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        tar = bisect_right(self._ends, index)
        offsets = self._where(tar)
        row = index - (self._ends[tar - 1] if tar else 0)
        data = self.place.read(self.names[tar], start=offsets[row], length=offsets[row + 1] - offsets[row])
        return _grouped(data, f"{self.place.at(self.names[tar])}, sample {row}")

    def _where(self, tar: int) -> tuple[int, ...]:
        """Where the samples of a tar begin, and where the last one ends."""
        if tar not in self._offsets:
            try:
                data = self.place.read(f"{self.names[tar]}.idx")
                self._offsets[tar] = struct.unpack(f"<{len(data) // 8}Q", data)
            except NotFound:
                self._offsets[tar] = self._walked(self.names[tar])
            if len(self._offsets[tar]) != self.counts[tar] + 1:
                raise SpecError(
                    f"its index has {len(self._offsets[tar]) - 1} samples, {self.counts[tar]} were told",
                    where=self.place.at(self.names[tar]),
                    hint="reelmill check names every file that does not fit",
                )
        return self._offsets[tar]

    def _walked(self, name: str) -> tuple[int, ...]:
        store, key = self.place.store(name)
        with tempfile.TemporaryDirectory(prefix="reelmill-tar-") as folder:
            found = contents(store.fetch(key, Path(folder)))
        if not found.offsets or found.end <= found.offsets[-1]:
            words = found.problems[0].message if found.problems else "it has no sample"
            raise SpecError(words, where=self.place.at(name), hint="reelmill check says more")
        return (*found.offsets, found.end)

    def _listed(self) -> tuple[list[str], list[int]]:
        store, key = self.place.store("")
        prefix = key.rstrip("/") + "/"
        names = [stat.key.removeprefix(prefix) for stat in store.list(prefix) if stat.key.endswith(".tar")]
        if not names:
            raise NotFound("there is no tar here", where=self.place.uri, hint="name an export, or a folder of tars")
        self._offsets = {}
        counts = []
        for number, name in enumerate(names):
            self._offsets[number] = self._walked(name)
            counts.append(len(self._offsets[number]) - 1)
        return names, counts


def _is_there(place: SampleFolder, name: str) -> bool:
    try:
        place.read(name)
    except NotFound:
        return False
    return True


def _grouped(data: bytes, where: str) -> Grouped:
    """The one sample whose members these bytes are."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data + _MEMBER_TRAILER), mode="r:") as tar:
            members = [Member(one.name, one.offset, one.offset_data, one.size) for one in tar if one.isreg()]
        (sample,) = samples(members)
    except (tarfile.TarError, ValueError) as error:
        raise SpecError(
            f"there is no sample where the index says: {error}", where=where, hint="the tar is another one"
        ) from error
    parts = {name: data[one.data : one.data + one.size] for name, one in sample.parts.items()}
    try:
        fields = json.loads(parts.pop("json", b"{}"))
    except ValueError as error:
        raise SpecError(f"its json cannot be read: {error}", where=where, hint="reelmill check says more") from error
    return Grouped(sample.key, fields if isinstance(fields, dict) else {}, parts)

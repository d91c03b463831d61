"""A tar that is being written, with its index."""

import hashlib
from typing import Any

from reelmill_stages.stage import Assembled, File, Kept, NewItem, Shard
from reelmill_stages.stages.pack.sample import document
from reelmill_stages.tar.write import TarWriter


class SampleTar:
    """Writes `shard-{machine}-{start}-{end}-{tar}.tar`.

    As in the packing pipeline, `machine` is the shard, `start` and `end` (exclusive) are the range of its input
    numbers, and `tar` counts from 0. Input numbers are unique in a data set, so names are, too.
    """

    def __init__(self, shard: Shard, number: int) -> None:
        self.number = number
        end = shard.first_number + shard.count
        self.name = f"shard-{shard.index}-{shard.first_number}-{end}-{number}"
        self._writer = TarWriter(shard.scratch / f"{self.name}.tar")
        self._numbers: list[int] = []
        self._kinds: set[str] = set()
        self._keys = hashlib.sha256()

    def add(self, one: Kept, key: str) -> None:
        """Write a sample: its json, then its parts in order."""
        fields, parts = one.done.fields, one.done.payload
        names = tuple(part.name for part in parts)
        self._writer.begin()
        self._writer.add(f"{key}.json", document(fields["json"], fields["names_as"], names, key))
        for part in parts:
            self._writer.add(f"{key}.{part.name}", part.path)
        self._numbers.append(one.input.number)
        self._kinds.add(fields["names_as"])
        self._keys.update(f"{key}\n".encode())

    def finish(self) -> Assembled:
        """Close the tar and write its `.tar.idx`, which belongs to the same item."""
        self._writer.close()
        tar = File(f"{self.name}.tar", self._writer.path)
        index = File(f"{self.name}.tar.idx", self._writer.path.with_suffix(".tar.idx"))
        index.path.write_bytes(self._writer.index())
        fields: dict[str, Any] = {
            "samples": len(self._numbers),
            "first": self._numbers[0],
            "last": self._numbers[-1],
            "kinds": sorted(self._kinds),
            "keys_digest": f"sha256:{self._keys.hexdigest()}",
        }
        size = float(tar.path.stat().st_size)
        item = NewItem(self.name, self.name, size, media=tar.name, files=(index,), fields=fields)
        return Assembled(tar, (item,), through=self._numbers[-1])

    def discard(self) -> None:
        """Close an unfinished tar."""
        self._writer.close(complete=False)

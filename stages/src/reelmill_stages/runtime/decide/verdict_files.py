"""Files of verdicts: for each shard, its filtered inputs and the positions of their rows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.segment import Object
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.decide.order import SignedInput
from reelmill_stages.runtime.shards.shard_commit import SignaturePlace
from reelmill_stages.stage import Filtered
from reelmill_stages.store import Store


@dataclass(frozen=True, slots=True)
class Verdict:
    """A filtered input: its row in the ledger gets this reason and message, and its items are left out."""

    key: str
    place: SignaturePlace
    reason: str
    message: str

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Verdict":
        """The verdict of a row. Raises ValueError for an invalid row."""
        try:
            place = SignaturePlace(row["row"], row["first"], row["items"], row.get("input_bytes"))
            found = cls(row["key"], place, row["reason"], row["message"])
        except KeyError as error:
            raise ValueError(f"not a verdict: {error}") from error
        if not (
            str is type(found.key) is type(found.reason) is type(found.message)
            and int is type(place.row) is type(place.first) is type(place.items)
            and type(place.input_bytes) in (int, type(None))
        ):
            raise ValueError("a field of a verdict has another type")
        return found


class _Row(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """A row of a file, with its fields in the order of canonical JSON."""

    first: int
    input_bytes: int | None = None
    items: int
    key: str
    message: str
    reason: str
    row: int


class _Placed(msgspec.Struct, gc=False):
    row: int


_ENCODER = msgspec.json.Encoder()
_PLACE = msgspec.json.Decoder(_Placed)


class VerdictFiles:
    """Collects verdicts in local files, one per shard; none of them stays open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: set[int] = set()

    def add(self, filtered: Iterable[tuple[SignedInput, Filtered]]) -> None:
        """Add verdicts, in any order of shards."""
        lines = defaultdict[int, list[bytes]](list)
        for given, verdict in filtered:
            lines[given.shard] += _ENCODER.encode(_row(given, verdict)), b"\n"
        self._shards |= lines.keys()
        for shard, some in lines.items():
            with self._file(shard).open("ab") as file:
                file.writelines(some)

    def upload(self, store: Store, paths: SegmentPaths, run: str) -> dict[int, Object]:
        """Upload the files; returns the object of each shard that has one. Rows are in the order of the ledger."""
        uploaded = {}
        for shard in sorted(self._shards):
            rows = RowFile(self._folder / f"{shard:05d}.sorted.jsonl")
            for line in sorted(self._file(shard).read_bytes().splitlines(), key=_row_number):
                rows.append_line(line)
            uploaded[shard] = rows.upload(store, paths.verdicts(shard, run))
        return uploaded

    def _file(self, shard: int) -> Path:
        return self._folder / f"{shard:05d}.jsonl"


def _row(given: SignedInput, verdict: Filtered) -> _Row:
    return _Row(
        first=given.first,
        input_bytes=given.input_bytes,
        items=given.items,
        key=given.key,
        message=verdict.message,
        reason=verdict.reason,
        row=given.row,
    )


def _row_number(line: bytes) -> int:
    return _PLACE.decode(line).row

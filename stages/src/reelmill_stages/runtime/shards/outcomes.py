"""The outcome of one input: its ledger row, the rows of its items, and its counters.

Checkpoints and frozen outcomes are files of these. For a stage without `assemble`, a shard can be committed from them
without processing any input again.
"""

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from reelmill.contract.digest import canonical
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill_stages.records.rows.encoded_item import EncodedItem, encoded
from reelmill_stages.records.rows.json_line import decoded_unambiguous
from reelmill_stages.records.rows.ledger_line import ledger_line
from reelmill_stages.results import Signature
from reelmill_stages.store.damage import unreadable

G = TypeVar("G")

AGAIN = "restore it from a backup, or delete it: the next run works on the items of its shard again"
"""How to fix damaged outcomes of an open pass."""


@dataclass(frozen=True)
class SettledInput:
    """The outcome of one input. `items` are its items, whose files are already uploaded."""

    ledger: LedgerRow
    items: tuple[EncodedItem, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    signature: Signature | None = None

    @property
    def key(self) -> str:
        return self.ledger.key

    @property
    def input(self) -> tuple[str, int]:
        """Key and ordinal of the input."""
        return self.ledger.key, self.ledger.ordinal

    @property
    def is_done(self) -> bool:
        return self.ledger.outcome == Outcome.DONE

    @cached_property
    def ledger_line(self) -> bytes:
        """The row of the ledger in canonical JSON."""
        return ledger_line(self.ledger)

    @cached_property
    def line(self) -> bytes:
        """The row in canonical JSON, with the ordinal 0 for every item."""
        attempt, _, rest = self.ledger_line.partition(b",")  # the first key is `attempt`
        items = b",".join([item.at(0) for item in self.items])
        counters = canonical(dict(self.counters)) if self.counters else b"{}"
        if self.signature:  # the last key
            rest = b'%b,"signature":%b}' % (rest[:-1], canonical(signature_json(self.signature)))
        return b'%b,"counters":%b,"items":[%b],%b' % (attempt, counters, items, rest)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "SettledInput":
        """The inverse of `to_json`. Raises ValueError for an invalid row."""
        if type(row) is not dict or type(row.get("items")) is not list or type(row.get("counters")) is not dict:
            raise ValueError("not the outcome of an input")
        rest = dict(row)
        items, counters, signed = rest.pop("items"), rest.pop("counters"), rest.pop("signature", None)
        made = tuple([encoded(Item.from_json(item), item) for item in items])
        if not all(type(count) is int for count in counters.values()):
            raise ValueError("a counter is no whole number")
        signature = None if signed is None else read_signature(signed)
        return cls(LedgerRow.from_json(rest), made, counters, signature)


def signature_json(signature: Signature) -> dict[str, Any]:
    """A signature as JSON values."""
    return {"data": b64encode(signature.data).decode(), "rank": signature.rank}


def read_signature(row: Mapping[str, Any]) -> Signature:
    """The inverse of `signature_json`; other fields are ignored. Raises ValueError for an invalid row."""
    try:
        return Signature(b64decode(row["data"], validate=True), float(row["rank"]))
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"not a signature: {error}") from error


class SettledInputFiles:
    """Outcomes in local files, looked up by the input's key and ordinal; only positions are kept in memory."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._places: dict[tuple[str, int], tuple[int, int, bool]] = {}

    def add(self, path: Path, where: str, *, below: str = "") -> None:
        """Add a file. Of several rows of the same input, the first done one is used, otherwise the first.

        `where` is the address of the object in messages, and `below` is the required prefix of the keys of outputs.
        Raises StoreDamaged for an invalid line, and for outputs elsewhere.
        """
        self._files.append(path)
        place = 0
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                settled = _parse(line, where, number, below)
                known = self._places.get(settled.input)
                if known is None or (settled.is_done and not known[2]):
                    self._places[settled.input] = (len(self._files) - 1, place, settled.is_done)
                place += len(line)

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: str, ordinal: int) -> SettledInput | None:
        """The outcome of an input, or None."""
        found = self._places.get((key, ordinal))
        if found is None:
            return None
        with self._files[found[0]].open("rb") as file:
            file.seek(found[1])
            return SettledInput.from_json(json.loads(file.readline()))


def read_settled(path: Path, where: str = "", *, below: str = "") -> Iterator[SettledInput]:
    """The rows of one file, in order. Arguments and errors as for `SettledInputFiles.add`."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield _parse(line, where or str(path), number, below)


def each_with_outcome(
    inputs: Iterable[G], settled: Iterable[SettledInput], identity: Callable[[G], tuple[str, int]], where: str
) -> Iterator[tuple[G, SettledInput]]:
    """The inputs of a shard with their outcomes. `identity` returns key and ordinal of an input.

    Raises StoreDamaged if the outcomes at `where` are those of other inputs.
    """
    for given, one in zip_longest(inputs, settled):
        if given is None or one is None or identity(given) != one.input:
            raise unreadable(where, "these are outcomes of inputs that are not in the shard", AGAIN)
        yield given, one


def _parse(line: bytes, where: str, number: int, below: str) -> SettledInput:
    try:
        settled = SettledInput.from_json(decoded_unambiguous(line))
    except (ValueError, RecursionError) as error:
        raise unreadable(where, f"line {number} cannot be read as the outcome of an item", AGAIN) from error
    for item in settled.items:
        for output in item.outputs:
            if not output.key.startswith(below):
                raise unreadable(where, f"line {number} names a file of another pass, {output.key}", AGAIN)
    return settled

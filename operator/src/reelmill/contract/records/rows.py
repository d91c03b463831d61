"""The rows that stages exchange: items, their outcomes, and the location of their media.

Rows are structs of msgspec rather than models because a data set has millions of them. Fields that a stage adds (`vid`,
`text`, `start`, …) are kept in `fields` and are top-level fields of the JSON row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, make_dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

from msgspec import Struct, convert, field
from msgspec.structs import force_setattr

from reelmill.contract.text.messages import safe_message

Fields = Mapping[str, Any]
"""Field name -> JSON value, set by a stage or source for an item."""

T = TypeVar("T")


def sent_by_fields(kind: type[T]) -> type[T]:
    """Pickle instances of a frozen dataclass as a call with their fields, three times as fast as the default.

    Millions of them are exchanged between a shard's process and its workers.
    """
    values = attrgetter(*(field.name for field in fields(kind)))  # type: ignore[arg-type]
    kind.__reduce__ = lambda self: (kind, values(self))  # type: ignore[method-assign]
    return kind


def replaceable(kind: type[T]) -> type[T]:
    """Make `dataclasses.replace` and `dataclasses.fields` accept a struct: users' stages call them with rows."""
    names: tuple[str, ...] = kind.__struct_fields__  # type: ignore[attr-defined]
    kind.__dataclass_fields__ = make_dataclass(kind.__name__, names).__dataclass_fields__  # type: ignore[attr-defined]
    return kind


POSITION = "_position"
"""Name of an item's position in its row."""


class Outcome(StrEnum):
    """The outcome of an input item in a stage. The number of inputs always equals the sum over the outcomes."""

    DONE = "done"
    FILTERED = "filtered"
    FAILED = "failed"
    SKIPPED = "skipped"


@replaceable
class Media(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """The location and version of an item's file.

    `uri` is absolute (`s3://…`, `/folder/…`) for a source object, and relative to the root of the store for an output
    of a stage. `size` is in bytes. `source` is the name of the source whose connection reads an absolute uri. `etag`
    (and `version` in a bucket with versioning) identify the version of a source object, `digest` (`sha256:<hex>`) that
    of an output; reading another version fails with `failed(changed)`. With `span`, the item is a virtual clip: only
    this part of the file belongs to it.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    uri: str
    size: int
    etag: str = ""
    version: str = ""
    digest: str = ""
    source: str = ""
    span: Span | None = None

    def to_json(self) -> dict[str, Any]:
        """The row, as JSON values."""
        row: dict[str, Any] = {"uri": self.uri, "size": self.size}
        if self.etag:
            row["etag"] = self.etag
        if self.version:
            row["version"] = self.version
        if self.digest:
            row["digest"] = self.digest
        if self.source:
            row["source"] = self.source
        if self.span:
            row["span"] = [self.span.start, self.span.end]
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Media:
        """The inverse of `to_json`. Raises ValueError if the row is invalid."""
        try:
            return convert(row, cls)
        except ValueError as error:
            raise ValueError(f"not a file of an item: {error}") from error


@replaceable
class Span(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A part of a video, [start, end), on its presentation time line, which begins at 0."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    start: int | float
    """In seconds."""
    end: int | float
    """In seconds; the frame that begins there is not part of the span."""


@replaceable
class Output(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A file that a stage wrote."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    key: str
    """Key, relative to the root of the store."""
    size: int
    """Size in bytes."""
    digest: str
    """`sha256:<hex>` of the content."""

    def to_json(self) -> dict[str, Any]:
        """The form in an item's row."""
        return {"key": self.key, "size": self.size, "digest": self.digest}


@replaceable
class Item(Struct, frozen=True):
    """One record of a data set.

    `key` is unique within the stage. `ordinal` is the position in the stage's segments, counted from 0; it never
    changes. Items of one `group` are processed together. `weight` is the duration in seconds, or the size in bytes if
    no duration is known. `media` is the file that the next stage reads, `outputs` are all files of the item,
    `provenance` describes where it came from, and `fields` holds the stage's own fields.

    `position` is the position in the order of the metadata that the items come from, counted from 0 and unique in the
    data set; later stages number their inputs by it. None: the order is that of the ordinals. The two differ if items
    that are processed together are apart in the metadata.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    key: str
    ordinal: int
    group: str
    weight: float
    media: Media | None = None
    outputs: tuple[Output, ...] = ()
    provenance: Fields = field(default_factory=dict)
    fields: Fields = field(default_factory=dict)
    position: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The row, as JSON values."""
        return {
            **self.fields,
            "key": self.key,
            "ordinal": self.ordinal,
            **({} if self.position is None else {POSITION: self.position}),
            "group": self.group,
            "weight": self.weight,
            **({"media": self.media.to_json()} if self.media else {}),
            "outputs": [output.to_json() for output in self.outputs],
            "provenance": self.provenance,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any], ordinal: int | None = None) -> Item:
        """The inverse of `to_json`; `ordinal` replaces the row's ordinal. Raises ValueError if the row is invalid."""
        try:
            item_row = convert(row, _ItemRow)
        except ValueError as error:
            raise ValueError(f"not an item: {error}") from error
        provenance = item_row.provenance
        if type(provenance) is not dict:
            raise ValueError("the provenance of the item is no object")
        rest = dict(row)
        del rest["key"], rest["ordinal"], rest["group"], rest["weight"]
        take = rest.pop
        take("media", None)
        take("outputs", None)
        take("provenance", None)
        position = take(POSITION) if POSITION in rest and type(rest[POSITION]) is int else None
        placed = item_row.ordinal if ordinal is None else ordinal
        return cls(
            item_row.key,
            placed,
            item_row.group,
            item_row.weight,
            item_row.media,
            item_row.outputs,
            provenance,
            rest,
            position,
        )


class _ItemRow(Struct, gc=False):
    """Keys of an item's row other than its fields and position."""

    key: str
    ordinal: int
    group: str
    weight: int | float
    media: Media | None = None
    outputs: tuple[Output, ...] = ()
    provenance: Any = {}


@dataclass(frozen=True, slots=True)
class ListRows:
    """The rows of a source's lists that refer to one file, as of a listing. They are not part of any item.

    `source` is the name of the source and `uri` that of the file, as in `Media`; `uri` is empty for rows that refer to
    no file, because they are invalid or the file is missing. `rows` has the fields of each row.
    """

    source: str
    uri: str
    rows: tuple[Fields, ...]

    @classmethod
    def from_json(cls, source: str, row: Mapping[str, Any]) -> ListRows:
        """Decode a file of list rows. Raises ValueError if a row is invalid."""
        uri, rows = row.get("uri"), row.get("rows")
        if not isinstance(uri, str) or not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
            raise ValueError("a row of lists has an `uri` and `rows`")
        return cls(source, uri, tuple(rows))


@replaceable
class LedgerRow(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The `outcome` of one input item, by its `key`. `reason` is the class of the outcome (empty if done), `message`
    one line of text.

    `ordinal` is the item's ordinal in its upstream, `seconds` the wall time, and `attempt` the number of passes and
    runs that processed it, counted from 1.

    Key and ordinal together identify an input of a stage, because a user's code may give items of two passes one key.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    key: str
    ordinal: int
    outcome: Outcome
    reason: str = ""
    message: str = ""
    seconds: int | float = 0.0
    attempt: int = 1

    def __post_init__(self) -> None:
        if self.message and (kept := safe_message(self.message)) != self.message:
            force_setattr(self, "message", kept)

    def to_json(self) -> dict[str, Any]:
        """The row, as JSON values."""
        return {
            "key": self.key,
            "ordinal": self.ordinal,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "message": self.message,
            "seconds": round(self.seconds, 4),
            "attempt": self.attempt,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> LedgerRow:
        """The inverse of `to_json`. Raises ValueError if the row is invalid."""
        try:
            return convert(row, cls)
        except ValueError as error:
            raise ValueError(f"not a row of a ledger: {error}") from error


def load_rows(data: bytes) -> list[dict[str, Any]]:
    """Decode the rows of a JSON lines file."""
    return [json.loads(line) for line in data.splitlines() if line.strip()]

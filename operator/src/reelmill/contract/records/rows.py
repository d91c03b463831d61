"""The rows that stages exchange: items, their outcomes, and the location of their media.

Rows are plain dataclasses rather than models because a data set has millions of them. Fields that a stage adds (`vid`,
`text`, `start`, …) are kept in `fields` and are top-level fields of the JSON row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar

from reelmill.contract.records.quick_init import quick_init
from reelmill.contract.text.messages import told

Fields = Mapping[str, Any]
"""Field name -> JSON value: what a stage or source says about an item."""
_NUMBER = (int, float)

T = TypeVar("T")


def sent_by_fields(kind: type[T]) -> type[T]:
    """Let instances of a frozen dataclass be pickled as a call with their fields, three times as fast as by default.

    Millions of them pass between a shard's process and its workers.
    """
    values = attrgetter(*(field.name for field in fields(kind)))  # type: ignore[arg-type]
    kind.__reduce__ = lambda self: (kind, values(self))  # type: ignore[method-assign]
    return kind


POSITION = "_position"
"""Name of an item's position in its row."""


class Outcome(StrEnum):
    """The outcome of an input item in a stage. The number of inputs always equals the sum over the outcomes."""

    DONE = "done"
    FILTERED = "filtered"
    FAILED = "failed"
    SKIPPED = "skipped"


_OUTCOMES = {str(outcome): outcome for outcome in Outcome}


@sent_by_fields
@quick_init
@dataclass(frozen=True, slots=True)
class Media:
    """The location and version of an item's file.

    `uri` is absolute (`s3://…`, `/folder/…`) for a source object, and relative to the root of the store for an output
    of a stage. `size` is in bytes. `source` is the name of the source whose connection reads an absolute uri. `etag`
    (and `version` in a bucket with versioning) identify the version of a source object, `digest` (`sha256:<hex>`) that
    of an output; reading another version fails with `failed(changed)`. With `span`, the item is a virtual clip: only
    this part of the file belongs to it.
    """

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
        """The inverse of `to_json`. Raises ValueError for a row that is none."""
        try:
            span = Span(*row["span"]) if row.get("span") else None
            media = cls(**{**row, "span": span}) if "span" in row else cls(**row)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a file of an item: {error}") from error
        texts = str is type(media.uri) is type(media.etag) is type(media.version) is type(media.digest)
        if not (texts and type(media.source) is str and type(media.size) is int):
            raise ValueError("a field of the file of an item has another type")
        if span and not (type(span.start) in _NUMBER and type(span.end) in _NUMBER):
            raise ValueError("the span of an item is not of numbers")
        return media


@sent_by_fields
@quick_init
@dataclass(frozen=True, slots=True)
class Span:
    """A part of a video, [start, end), on its presentation time line, which begins at 0."""

    start: float
    """In seconds."""
    end: float
    """In seconds; the frame that begins there is not part of the span."""


@sent_by_fields
@quick_init
@dataclass(frozen=True, slots=True)
class Output:
    """A file that a stage wrote."""

    key: str
    """Key, relative to the root of the store."""
    size: int
    """Size in bytes."""
    digest: str
    """`sha256:<hex>` of the content."""

    def to_json(self) -> dict[str, Any]:
        """The form in an item's row."""
        return {"key": self.key, "size": self.size, "digest": self.digest}


@sent_by_fields
@quick_init
@dataclass(frozen=True, slots=True)
class Item:
    """One record of a data set.

    `key` is unique within the stage. `ordinal` is the position in the stage's segments, counted from 0; it never
    changes. Items of one `group` are processed together. `weight` is the duration in seconds, or the size in bytes if
    no duration is known. `media` is the file that the next stage reads, `outputs` are all files of the item,
    `provenance` describes where it came from, and `fields` holds the stage's own fields.

    `position` is the place in the order of the metadata that the items come from, counted from 0 and unique in the data
    set; later stages number their inputs by it. None: that order is the one of the ordinals. It differs where items
    that are processed together are apart in the metadata.
    """

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
        """The inverse of `to_json`; with `ordinal`, that is its ordinal. Raises ValueError for a row that is none."""
        try:
            rest = dict(row)
            take = rest.pop
            media, outputs = take("media", None), take("outputs", ())
            position = take(POSITION) if POSITION in rest and isinstance(rest[POSITION], int) else None
            key, placed = take("key"), take("ordinal")
            item = cls(
                key,
                placed if ordinal is None else ordinal,
                take("group"),
                take("weight"),
                Media.from_json(media) if media else None,
                tuple([Output(**output) for output in outputs]),
                take("provenance", {}),
                rest,
                position,
            )
        except (TypeError, KeyError) as error:
            raise ValueError(f"not an item: {error}") from error
        if not (
            str is type(item.key) is type(item.group) and type(item.ordinal) is int and type(item.weight) in _NUMBER
        ):
            raise ValueError("a field of the item has another type")
        for output in item.outputs:
            if not (str is type(output.key) is type(output.digest) and type(output.size) is int):
                raise ValueError("a field of an output has another type")
        if type(item.provenance) is not dict:
            raise ValueError("the provenance of the item is no object")
        return item


@dataclass(frozen=True, slots=True)
class ListRows:
    """The rows of a source's lists that point at one file, as of a listing. They are no part of any item.

    `source` is the name of the source and `uri` that of the file, as in `Media`; an empty `uri` is that of rows that
    point at no file, because they are invalid or the file is missing. `rows` are what the source says of each.
    """

    source: str
    uri: str
    rows: tuple[Fields, ...]

    @classmethod
    def from_json(cls, source: str, row: Mapping[str, Any]) -> ListRows:
        """The rows of a file of list rows. Raises ValueError for a row that is none."""
        uri, rows = row.get("uri"), row.get("rows")
        if not isinstance(uri, str) or not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
            raise ValueError("a row of lists has an `uri` and `rows`")
        return cls(source, uri, tuple(rows))


@quick_init
@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The `outcome` of one input item, by its `key`. `reason` is the class of the outcome (empty if done), `message`
    one line of text.

    `ordinal` is the item's ordinal in its upstream, `seconds` the wall time, and `attempt` the number of passes and
    runs that processed it, counted from 1.

    Key and ordinal together identify an input of a stage: code of a user's own may give items of two passes one key.
    """

    key: str
    ordinal: int
    outcome: Outcome
    reason: str = ""
    message: str = ""
    seconds: float = 0.0
    attempt: int = 1

    def __post_init__(self) -> None:
        if self.message and (kept := told(self.message)) != self.message:
            object.__setattr__(self, "message", kept)

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
        """The inverse of `to_json`. Raises ValueError for a row that is none."""
        try:
            found = cls(**{**row, "outcome": _OUTCOMES[row["outcome"]]})
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a row of a ledger: {error}") from error
        texts = str is type(found.key) is type(found.reason) is type(found.message)
        if not (texts and int is type(found.ordinal) is type(found.attempt) and type(found.seconds) in _NUMBER):
            raise ValueError("a field of the row of a ledger has another type")
        return found


def load_rows(data: bytes) -> list[dict[str, Any]]:
    """Decode the rows of a JSON lines file."""
    return [json.loads(line) for line in data.splitlines() if line.strip()]

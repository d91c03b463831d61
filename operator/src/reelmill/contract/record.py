"""The rows that flow between stages: items, what became of them, and where their media is.

Rows are plain dataclasses, not models: a data set has millions of them. Each knows its JSON form and ignores
nothing: fields that a stage adds (`vid`, `text`, `start`, …) travel in `fields` and lie flat in the JSON row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Fields = Mapping[str, Any]


class Outcome(StrEnum):
    """What became of an input item in a stage. In = done + filtered + failed + skipped, always."""

    DONE = "done"
    FILTERED = "filtered"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Media:
    """Where the bytes of an item are and which version of them was meant.

    `uri` is absolute (`s3://…`, `/folder/…`) for a source object and relative to the root of the store for an output of
    a stage. `source` names the source entry whose connection reads an absolute uri. `etag` (and `version` where
    the bucket keeps versions) pin a source object, `digest` an output; a read that finds another is `failed(changed)`.
    `span` makes it a virtual clip: only this stretch of the file is meant.
    """

    uri: str
    size: int
    etag: str = ""
    version: str = ""
    digest: str = ""
    source: str = ""
    span: Span | None = None

    def to_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {"uri": self.uri, "size": self.size}
        row |= {name: getattr(self, name) for name in ("etag", "version", "digest", "source") if getattr(self, name)}
        if self.span:
            row["span"] = [self.span.start, self.span.end]
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Media:
        span = row.get("span")
        return cls(**{**row, "span": Span(*span) if span else None})


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a video on its presentation time line, which begins at 0: [start, end) in seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a stage wrote: key relative to the root of the store, size in bytes, digest `sha256:<hex>`."""

    key: str
    size: int
    digest: str

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "size": self.size, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a data set.

    `key` is unique in its stage; `ordinal` is its position in the stage's segments and never changes; items of one
    `group` are processed together; `weight` is seconds of video, or bytes where no duration is known.
    """

    key: str
    ordinal: int
    group: str
    weight: float
    media: Media | None = None
    outputs: tuple[Output, ...] = ()
    provenance: Fields = field(default_factory=dict)
    fields: Fields = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            **self.fields,
            "key": self.key,
            "ordinal": self.ordinal,
            "group": self.group,
            "weight": self.weight,
            **({"media": self.media.to_json()} if self.media else {}),
            "outputs": [output.to_json() for output in self.outputs],
            "provenance": self.provenance,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Item:
        rest = dict(row)
        media = rest.pop("media", None)
        return cls(
            key=rest.pop("key"),
            ordinal=rest.pop("ordinal"),
            group=rest.pop("group"),
            weight=rest.pop("weight"),
            media=Media.from_json(media) if media else None,
            outputs=tuple(Output(**output) for output in rest.pop("outputs", ())),
            provenance=rest.pop("provenance", {}),
            fields=rest,
        )


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What became of one input item. `reason` is a fixed word (empty when done), `message` one line for a person.

    `ordinal` is the input item's ordinal in its upstream; `seconds` is wall time; `attempt` counts the passes and
    runs that tried it.
    """

    key: str
    ordinal: int
    outcome: Outcome
    reason: str = ""
    message: str = ""
    seconds: float = 0.0
    attempt: int = 1

    def to_json(self) -> dict[str, Any]:
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
        return cls(**{**row, "outcome": Outcome(row["outcome"])})


def load_rows(data: bytes) -> list[dict[str, Any]]:
    """The rows of a JSON lines file."""
    return [json.loads(line) for line in data.splitlines() if line.strip()]

"""The columns of a lineage table, and the rows of a way in it: one for each source object."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from reelmill.contract.commands.lineage_rows import SourceTime
from reelmill.contract.records.rows import Item, Media, Span
from reelmill.contract.task import SourceDef, StageDef
from reelmill_stages.media.timeline.item_span import known_span
from reelmill_stages.records.lineage.ancestry import ItemStep, Way
from reelmill_stages.records.lineage.source_time import source_objects, source_time

_NUMBERS = (int, float)
Versions = Mapping[tuple[int, int], Mapping[str, str]]
"""(number of the source or stage, segment) -> versions of the tools in that pass."""

ABOUT = "reelmill"
"""Key of the file metadata that describes how the items were made."""


def is_lineage(path: Path) -> bool:
    """Whether a file is a lineage table. Raises OSError."""
    arrow: Any = import_module("pyarrow")
    with path.open("rb") as file:
        try:
            return ABOUT.encode() in (import_module("pyarrow.parquet").read_schema(file).metadata or {})
        except (arrow.ArrowException, ValueError):
            return False


def schema(metadata: Mapping[str, str]) -> Any:
    """The Arrow schema; `metadata` is stored in the file unchanged."""
    arrow: Any = import_module("pyarrow")
    text, whole = arrow.string(), arrow.int64()
    file = arrow.struct([("key", text), ("size", whole), ("digest", text)])
    step = arrow.struct(
        [
            ("stage", text),
            ("stage_key", text),
            ("data_version", arrow.int32()),
            ("segment", arrow.int32()),
            ("item", text),
            ("outcome", text),
            ("reason", text),
            ("versions", arrow.map_(text, text)),
        ]
    )
    columns = [
        ("item", text),
        ("ordinal", whole),
        ("outcome", text),
        ("reason", text),
        ("message", text),
        ("known", arrow.bool_()),
        ("first_number", whole),
        ("source", text),
        ("source_item", text),
        ("source_uri", text),
        ("source_size", whole),
        ("source_etag", text),
        ("source_version", text),
        ("start", arrow.float64()),
        ("end", arrow.float64()),
        ("in_pts", whole),
        ("out_pts", whole),
        ("time_base", text),
        ("first_frame", whole),
        ("end_frame", whole),
        ("frames", arrow.list_(whole)),
        ("files", arrow.list_(file)),
        ("steps", arrow.list_(step)),
        ("source_row", text),
    ]
    return arrow.schema(columns, metadata=dict(metadata))


class LineageRows:
    """Makes the rows of ways between these sources and stages."""

    def __init__(self, entries: Sequence[SourceDef | StageDef], versions: Versions) -> None:
        self._entries = entries
        self._versions = versions

    def of(self, way: Way, ordinal: int | None) -> Iterator[dict[str, Any]]:
        """The rows of a way. `ordinal` is that of the item; None if the way ended without one."""
        last = way.steps[-1]
        row = {
            "item": None if ordinal is None else last.key,
            "ordinal": ordinal,
            "outcome": last.outcome,
            "reason": last.reason or None,
            "message": last.message or None,
            "known": way.known,
            "files": last.row.get("outputs", []),
            "first_number": _first_number(last.row),
            "steps": [self._step(step) for step in way.steps],
        }
        first = way.steps[0]
        if not way.known:
            yield row
            return
        row |= {"source": self._entries[first.entry].name, "source_item": first.key}
        if not first.row:
            yield row
            return
        row["source_row"] = json.dumps(first.row, ensure_ascii=False)
        listed = Item.from_json(first.row)
        objects = source_objects(listed)
        for media in objects:
            yield {**row, **_media_columns(media), **_times(way.steps, media, media.span or known_span(listed))}
        if not objects:
            yield row

    def _step(self, step: ItemStep) -> dict[str, Any]:
        entry = self._entries[step.entry]
        return {
            "stage": entry.name,
            "stage_key": entry.key,
            "data_version": entry.data_version if isinstance(entry, StageDef) else None,
            "segment": step.segment or None,
            "item": step.key,
            "outcome": step.outcome,
            "reason": step.reason or None,
            "versions": list(self._versions.get((step.entry, step.segment), {}).items()),
        }


def _first_number(row: Mapping[str, Any]) -> int | None:
    first = row.get("first")
    return first if type(first) is int and type(row.get("last")) is int else None


def _media_columns(media: Media) -> dict[str, Any]:
    return {
        "source_uri": media.uri,
        "source_size": media.size,
        "source_etag": media.etag or None,
        "source_version": media.version or None,
    }


def _times(steps: Sequence[ItemStep], media: Media, part: Span | None) -> dict[str, Any]:
    """The part of the source object that the last step shows, from the last stage that recorded it.

    If no stage did, it is the `part` that the source lists.
    """
    for step in reversed(steps):
        if found := source_time(step.row.get("provenance", {}), media.uri):
            return {**_limits(step.row), **_ticks(found)}
    return {"start": part.start, "end": part.end} if part else {}


def _limits(row: Mapping[str, Any]) -> dict[str, Any]:
    """The limits in seconds, if the item has them as fields."""
    limits = {name: row.get(name) for name in ("start", "end")}
    return limits if all(type(value) in _NUMBERS for value in limits.values()) else {}


def _ticks(time: SourceTime) -> dict[str, Any]:
    frames = list(time.frames) or None
    return {**time.model_dump(exclude={"frames"}), "frames": frames}

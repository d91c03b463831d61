"""What counts below a folder: where reelmill wrote the files, only those that its commits name.

A data set of reelmill is known by its `_reelmill` folders: one in each segment, one beside the segments. Below them a
file counts when a segment that was closed as committed names it; records, views, half-finished passes and the data
sets of former keys (where `latest.json` names the current one) do not.
"""

import json
import re
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from reelmill.contract.errors import SpecError
from reelmill.contract.layout import INTERNAL, DataSetPaths
from reelmill.contract.record import load_rows
from reelmill.contract.segment import Segment
from reelmill_stages.sources import Bucket
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.store import Stat

_MARK = f"/{INTERNAL}/"
_DATA_SET = re.compile(r"^(.*/[0-9a-f]{10})/(?:\d{4,}/|_reelmill/)")
_SEGMENT = re.compile(r"^(.*/[0-9a-f]{10}/\d{4,})/")


def objects(bucket: Bucket, uri: str) -> Iterator[tuple[str, Stat]]:
    """(absolute uri, stat) of every object below a folder that may be read as data, sorted by uri."""
    folder = absolute(uri).rstrip("/") + "/"
    inside = _records_above(bucket, folder)
    records = inside if inside is not None else (found for found, _ in bucket.list(uri) if _MARK in found)
    owned, committed = _commits(bucket, records)
    stale = _stale(bucket, folder)
    for found, stat in bucket.list(uri):
        if _MARK in found or found.startswith(stale):
            continue
        if found in committed or not found.startswith(owned):
            yield found, stat


def segment_folder(uri: str) -> str | None:
    """The folder of the segment that an absolute uri lies in by its looks, or None."""
    segment = _SEGMENT.match(uri)
    return f"{segment[1]}/" if segment else None


def _records_above(bucket: Bucket, path: str) -> list[str] | None:
    """The records of the segment that a path lies in, or None when it lies in none."""
    segment = segment_folder(path)
    if not segment:
        return None
    record = f"{segment}{INTERNAL}/segment.json"
    opened = f"{segment}{INTERNAL}/pass.json"
    return [found for found in (record, opened) if bucket.stat(found)] or None


def _commits(bucket: Bucket, records: Iterable[str]) -> tuple[tuple[str, ...], set[str]]:
    """(folders that reelmill owns, files that its committed segments name)."""
    owned: set[str] = set()
    committed: set[str] = set()
    for record in records:
        data_set = _DATA_SET.match(record)
        folder = record[: record.index(_MARK) + 1]
        owned.add(f"{data_set[1]}/" if data_set else folder)
        if record == f"{folder}{INTERNAL}/segment.json":
            committed.update(_outputs(bucket, record))
    return tuple(sorted(owned)), committed


def _outputs(bucket: Bucket, record: str) -> Iterator[str]:
    """Absolute uris of the files that a segment names; none when it is not committed."""
    try:
        segment = Segment.model_validate_json(bucket.read(record))
    except ValidationError as error:
        raise SpecError(
            "this record of a reelmill data set cannot be read", where=record, hint="is it of a newer version?"
        ) from error
    if segment.state != "committed":
        return
    place = DataSetPaths(segment.stage, segment.key).segment(segment.segment).segment_json
    root = record.removesuffix(place)
    if root == record:
        raise SpecError(
            "this reelmill data set was moved or renamed", where=record, hint=f"its place is <store>/{place}"
        )
    for part in segment.parts:
        yield from (root + output.key for output in part.outputs)
        if part.items:
            for row in load_rows(bucket.read(root + part.items.key)):
                yield from (root + output["key"] for output in row.get("outputs", ()))


def _stale(bucket: Bucket, folder: str) -> tuple[str, ...]:
    """Data sets below a folder that are not their stage's current one. One that the folder itself names is meant."""
    data_sets = {match[1] for found, _ in bucket.list(folder) if _MARK in found and (match := _DATA_SET.match(found))}
    data_sets = {data_set for data_set in data_sets if data_set.rpartition("/")[0].startswith(folder.rstrip("/"))}
    stages = {data_set.rpartition("/")[0] for data_set in data_sets}
    current = {stage: _latest(bucket, f"{stage}/latest.json") for stage in stages}
    return tuple(
        f"{stage}/{key10}/"
        for stage, _, key10 in (data_set.rpartition("/") for data_set in sorted(data_sets))
        if current[stage] and not current[stage].startswith(key10)
    )


def _latest(bucket: Bucket, uri: str) -> str:
    """The key that `latest.json` points at, or nothing."""
    if not bucket.stat(uri):
        return ""
    try:
        record = json.loads(bucket.read(uri))
    except ValueError:
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("key"), str):
        raise SpecError(
            "this record of a reelmill data set cannot be read", where=uri, hint="is it of a newer version?"
        )
    return str(record["key"])

"""Lists the files in a folder; in data sets of reelmill, only committed ones.

A data set of reelmill is recognized by its `_reelmill` folders, one in each segment and one beside the segments. Of its
files, only those are listed that a committed segment refers to; records, views, unfinished passes and data sets with
other keys than that in `latest.json` are ignored.
"""

import json
import re
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from reelmill.contract.digest import sha256
from reelmill.contract.errors import SpecError
from reelmill.contract.records.layout import INTERNAL, DataSetPaths
from reelmill.contract.records.rows import load_rows
from reelmill.contract.records.segment import Segment
from reelmill_stages.sources import Bucket
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.store import Stat
from reelmill_stages.store.damage import changed

_MARK = f"/{INTERNAL}/"
_DATA_SET = re.compile(r"^(.*/[0-9a-f]{10})/(?:\d{4,}/|_reelmill/)")
_SEGMENT = re.compile(r"^(.*/[0-9a-f]{10}/\d{4,})/")


def objects(bucket: Bucket, uri: str) -> Iterator[tuple[str, Stat]]:
    """(absolute URI, stat) of every data object below a folder, sorted by URI."""
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
    """The folder of the segment that contains an absolute URI, judging by its path, or None."""
    segment = _SEGMENT.match(uri)
    return f"{segment[1]}/" if segment else None


def _records_above(bucket: Bucket, path: str) -> list[str] | None:
    """The records of the segment that contains a path, or None."""
    segment = segment_folder(path)
    if not segment:
        return None
    record = f"{segment}{INTERNAL}/segment.json"
    opened = f"{segment}{INTERNAL}/pass.json"
    return [found for found in (record, opened) if bucket.stat(found)] or None


def _commits(bucket: Bucket, records: Iterable[str]) -> tuple[tuple[str, ...], set[str]]:
    """(folders of reelmill data sets, files that their committed segments refer to)."""
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
    """Absolute URIs of the files that a segment refers to; empty if it is not committed."""
    try:
        segment = Segment.model_validate_json(bucket.read(record))
    except ValidationError as error:
        raise SpecError(
            "cannot read this record of a reelmill data set", where=record, hint="was it written by a newer version?"
        ) from error
    if segment.state != "committed":
        return
    place = DataSetPaths(segment.stage, segment.key).segment(segment.segment).segment_json
    root = record.removesuffix(place)
    if root == record:
        raise SpecError(
            "this reelmill data set was moved or renamed", where=record, hint=f"it belongs at <store>/{place}"
        )
    for part in segment.parts:
        yield from (root + output.key for output in part.outputs)
        if part.items:
            rows = bucket.read(root + part.items.key)
            if (found := sha256(rows)) != part.items.digest:
                raise changed(root + part.items.key, part.items.digest, found)
            for row in load_rows(rows):
                yield from (root + output["key"] for output in row.get("outputs", ()))


def _stale(bucket: Bucket, folder: str) -> tuple[str, ...]:
    """Data sets below a folder that are not the latest of their stage, except for the folder itself."""
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
    """The key in `latest.json`, or empty."""
    if not bucket.stat(uri):
        return ""
    try:
        record = json.loads(bucket.read(uri))
    except ValueError:
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("key"), str):
        raise SpecError(
            "cannot read this record of a reelmill data set", where=uri, hint="was it written by a newer version?"
        )
    return str(record["key"])

"""Lists the files in a folder; in data sets of reelmill, only committed ones.

A data set of reelmill is recognized by the content of its records, never by names alone, because other folders may also
be called `_reelmill` or 2026010112. Of its files, only those that a committed segment refers to are listed. Records,
views, unfinished passes and data sets with other keys than that in `latest.json` are hidden, and counted.

If a record of a segment cannot be read, this is a problem of the folder, and the segment stays hidden.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TypeVar

from reelmill.contract.digest import sha256
from reelmill.contract.errors import ReelmillError, TransientError
from reelmill.contract.model import Model
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.layout import INTERNAL, KEY_DIGITS, DataSetPaths
from reelmill.contract.records.record_json import parse_record
from reelmill.contract.records.segment import Object, Pass, Segment, StageRecord
from reelmill_stages.sources import Bucket
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.store import Problem, Stat
from reelmill_stages.store.keys import key_problem
from reelmill_stages.store.probe import MARKER

_MARK = f"/{INTERNAL}/"
_PLACE = re.compile(rf"^(?P<root>.*/(?P<name>[^/]+)/(?P<key>[0-9a-f]{{{KEY_DIGITS}}}))/(?:(?P<segment>\d{{4,}})/)?$")
_SEGMENT = re.compile(r"^(.*/[0-9a-f]{10}/\d{4,})/")
_RECORD = re.compile(rf"/{INTERNAL}/(?:(?P<name>stage|segment|pass)|(?P<users>users)/[^/]+)\.json$")
_MODELS: dict[str, type[Model]] = {"stage": StageRecord, "segment": Segment, "pass": Pass, "users": Claim}
_REASON = ItemReason.BAD_RECORD

M = TypeVar("M", bound=Model)


def objects(bucket: Bucket, uri: str) -> Iterator[tuple[str, Stat]]:
    """Yield (absolute URI, stat) of every data object below a folder, sorted by URI."""
    return FolderContents(bucket, uri).objects()


def segment_folder(uri: str) -> str | None:
    """Return the folder of the segment that contains an absolute URI, judging by its path, or None."""
    segment = _SEGMENT.match(uri)
    return f"{segment[1]}/" if segment else None


class FolderContents:
    """The data in a folder, and its entries that cannot be used."""

    def __init__(self, bucket: Bucket, uri: str) -> None:
        self._bucket = bucket
        self._uri = uri
        self._folder = absolute(uri).rstrip("/") + "/"
        self._hidden: set[str] = set()
        """Folders of which only committed files are listed."""
        self._committed: set[str] = set()
        self._problems: list[tuple[str, Problem]] = []
        places: dict[str, list[str]] = defaultdict(list)
        for record in self._records():
            places[record[: record.index(_MARK) + 1]].append(record)
        data_sets: dict[str, list[str]] = defaultdict(list)
        for folder, records in places.items():
            if place := _PLACE.match(folder):
                data_sets[f"{place['root']}/"] += records
            elif f"{folder}{MARKER}" in records and self._is_marker(f"{folder}{MARKER}"):
                self._hidden.add(f"{folder}{INTERNAL}/")
        ours = [root for root, records in data_sets.items() if self._is_data_set(root, records)]
        self._hidden.update(ours)
        for root, records in data_sets.items():
            self._read_segments(root, records)
        self._stale = self._outdated_data_sets(ours)

    def objects(self, wanted: Callable[[str], object] = bool) -> Iterator[tuple[str, Stat]]:
        """Yield (absolute URI, stat) of every data object.

        The number of hidden objects that are `wanted`, by URI, is passed to the bucket.
        """
        hidden = 0
        for found, stat in self._bucket.list(self._uri):
            if self._is_hidden(found):
                hidden += bool(_MARK not in found and wanted(found))
            else:
                yield found, stat
        self._bucket.hide(self._folder, hidden)

    def problems(self) -> Iterator[tuple[str, Problem]]:
        """Yield (absolute URI, problem) of every entry that cannot be used, and of every damaged record."""
        for found, problem in self._bucket.problems(self._uri):
            if not self._is_hidden(found):
                yield found, problem
        yield from self._problems

    def _is_hidden(self, uri: str) -> bool:
        if uri.startswith(self._stale):
            return True
        return uri not in self._committed and any(folder in self._hidden for folder in _folders_above(uri))

    def _records(self) -> Iterator[str]:
        """Yield the records that determine what is data: those in the folder, or that of the segment around it."""
        if segment := segment_folder(self._folder):
            above = [f"{segment}{INTERNAL}/{name}" for name in ("segment.json", "pass.json")]
            if found := [record for record in above if self._bucket.stat(record)]:
                yield from found
                return
        yield from (found for found, _ in self._bucket.list(self._uri) if _MARK in found)

    def _is_data_set(self, root: str, records: list[str]) -> bool:
        """Return whether a record in a folder belongs to the data set after which the folder is named."""
        *_, name, key = root.rstrip("/").split("/")
        telling = [(model, record) for model, record in map(_model, records) if model]
        for model, record in sorted(telling, key=lambda each: each[0] is not StageRecord):
            match self._load(record, model):
                case (
                    StageRecord(stage=owner, key=whole) | Segment(stage=owner, key=whole) | Pass(stage=owner, key=whole)
                ):
                    pass
                case Claim(data_set=owner, key=whole):
                    pass
                case _:
                    continue
            if owner == name and whole[:KEY_DIGITS] == key:
                return True
        return False

    def _read_segments(self, root: str, records: list[str]) -> None:
        """Collect what committed segments refer to; hide the segments whose records are damaged."""
        segments: dict[str, set[str]] = defaultdict(set)
        for record in records:
            segments[record[: record.index(_MARK) + 1]].add(record)
        for folder, inside in segments.items():
            closed, opened = (f"{folder}{INTERNAL}/{name}.json" for name in ("segment", "pass"))
            if folder == root:
                continue
            if closed in inside:
                self._read_segment(folder, closed)
            elif opened in inside:
                self._checked_root(folder, opened, self._load(opened, Pass), "pass.json")

    def _read_segment(self, folder: str, record: str) -> None:
        segment = self._load(record, Segment)
        store = self._checked_root(folder, record, segment, "segment.json")
        if store is None or segment is None or segment.state != "committed":
            return
        outputs: set[str] = set()
        for part in segment.parts:
            outputs.update(store + output.key for output in part.outputs)
            if part.items:
                found = self._outputs(store, folder, part.items)
                if found is None:
                    self._report_damage(
                        folder, store + part.items.key, "the rows of a committed segment are damaged or missing"
                    )
                    return
                outputs |= found
        self._committed |= outputs

    def _checked_root(self, folder: str, record: str, record_read: Segment | Pass | None, name: str) -> str | None:
        """Return the root of the store if the record of a segment is in its place; otherwise hide the segment."""
        if record_read is None:
            self._report_damage(
                folder, record, "a record of a reelmill data set cannot be read; is it of a newer version?"
            )
            return None
        place = f"{DataSetPaths(record_read.stage, record_read.key).segment(record_read.segment).internal}/{name}"
        if not record.endswith(f"/{place}"):
            self._report_damage(
                folder, record, f"the reelmill data set was moved or renamed; it belongs at <store>/{place}"
            )
            return None
        self._hidden.add(folder)
        return record.removesuffix(place)

    def _outputs(self, store: str, folder: str, rows_file: Object) -> set[str] | None:
        """Return absolute URIs of the outputs in a rows file, or None if the file differs from what was committed."""
        key = rows_file.key
        if key_problem(key) or not f"{store}{key}".startswith(folder):
            return None
        data = self._read(store + key)
        if data is None or sha256(data) != rows_file.digest:
            return None
        try:
            rows = [json.loads(line) for line in data.splitlines() if line.strip()]
            return {store + output["key"] for row in rows for output in row.get("outputs", ())}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def _report_damage(self, folder: str, uri: str, message: str) -> None:
        self._hidden.add(folder)
        self._problems.append((uri, Problem(_REASON, message, is_folder=True)))

    def _outdated_data_sets(self, data_sets: list[str]) -> tuple[str, ...]:
        """Return the data sets below the folder that are not the latest of their stage, except the folder itself."""
        stages: dict[str, list[str]] = defaultdict(list)
        for root in data_sets:
            stage = root.rstrip("/").rpartition("/")[0]
            if stage.startswith(self._folder.rstrip("/")):
                stages[stage].append(root)
        stale: list[str] = []
        for stage, roots in stages.items():
            uri = f"{stage}/latest.json"
            if not self._bucket.stat(uri):
                continue
            current = self._latest(uri)
            if current:
                stale += [root for root in roots if root != f"{stage}/{current[:KEY_DIGITS]}/"]
                continue
            self._problems.append(
                (
                    uri,
                    Problem(_REASON, "a record cannot be read: the current data set is unknown", is_folder=True),
                )
            )
            stale += roots if len(roots) > 1 else []
        return tuple(sorted(stale))

    def _latest(self, uri: str) -> str:
        """Return the key in `latest.json`; empty if it cannot be read."""
        try:
            record = json.loads(self._read(uri) or b"")
        except (ValueError, RecursionError):
            return ""
        key = record.get("key") if isinstance(record, dict) else None
        return key if isinstance(key, str) else ""

    def _is_marker(self, uri: str) -> bool:
        """Return whether this is the marker that a store writes at its root."""
        try:
            record = json.loads(self._read(uri) or b"")
        except (ValueError, RecursionError):
            return False
        return isinstance(record, dict) and "conditional" in record

    def _load(self, uri: str, model: type[M]) -> M | None:
        data = self._read(uri)
        try:
            return None if data is None else parse_record(model, data)
        except (ValueError, RecursionError):
            return None

    def _read(self, uri: str) -> bytes | None:
        try:
            return self._bucket.read(uri)
        except TransientError:
            raise
        except ReelmillError:
            return None


def _model(record: str) -> tuple[type[Model] | None, str]:
    """Return the model of a record with this name, if the name determines to which data set it belongs."""
    found = _RECORD.search(record)
    return (_MODELS[found["users"] or found["name"]] if found else None), record


def _folders_above(uri: str) -> Iterator[str]:
    """Yield the folders above a URI, each with a slash at its end."""
    at = uri.find("/", 1)
    while at >= 0:
        yield uri[: at + 1]
        at = uri.find("/", at + 1)

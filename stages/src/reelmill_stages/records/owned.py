"""The objects at a place in the store that reelmill wrote, so that deletion affects no others.

An object belongs to reelmill in three cases:

- It is a record with a known name and can be read as one.
- A record names it, and nothing indicates that it has been replaced by another object.
- It carries the mark that reelmill adds to its outputs, for this data set.

Everything else belongs to others, at any location. Names in records are only looked up among the objects listed below
the data set, so they cannot refer to anything outside it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from reelmill.contract.errors import NotFound
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.layout import INTERNAL, KEY_DIGITS, DataSetPaths
from reelmill.contract.records.segment import PLAN_BLOCK, Object, Pass, PlanBlock, Segment, ShardCommit, StageRecord
from reelmill_stages.records import record_names
from reelmill_stages.records.inventory import Found
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Stat, Store
from reelmill_stages.store.digests import object_digest

_THREADS = 16
"""Number of objects inspected concurrently."""

Named = dict[str, tuple[int, str]]
"""Key in the store -> size in bytes and digest, from a record."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A data set and its objects that belong to reelmill. Names are relative to its root."""

    key: str
    names: tuple[str, ...]
    """Objects in a safe order of deletion: concurrent readers see fewer objects, but never an inconsistent state.

    Records are deleted after the outputs that they name, and claims last, so an interrupted deletion can be continued.
    """
    left: tuple[str, ...]
    """Objects that do not belong to reelmill."""
    bytes: int
    """Total size of `names`."""


def owned(store: Store, found: Found) -> Owned | None:
    """The objects of reelmill at a place; None if no record identifies it as a data set."""
    key = data_set_key(store, found)
    if not key:
        return None
    views = _views(store, found)
    names = DataSetPaths(found.names.name, key)
    mine = {name for name in found.objects if _is_record(store, found.objects[name], name, names)}
    outputs: set[str] = set()
    for segment in _segments(found).values():
        named = _named(store, found, segment)
        candidates = [name for name in segment if name not in mine]
        stats = (found.objects[name] for name in candidates)
        with ThreadPoolExecutor(_THREADS) as pool:
            are_named = pool.map(partial(is_named, store, named), stats)
            outputs |= {name for name, is_named in zip(candidates, are_named, strict=True) if is_named}
    for name in found.objects.keys() - mine - outputs - views:
        if is_marked(store, found.objects[name], key):
            outputs.add(name)
    ordered = _in_order(mine, outputs, views)
    return Owned(
        key,
        ordered,
        tuple(sorted(found.objects.keys() - set(ordered))),
        sum(found.objects[name].size for name in ordered),
    )


def data_set_key(store: Store, found: Found) -> str:
    """The full key of the data set at a place, from a record in it; empty if there is none."""
    for name in (record_names.STAGE_JSON, *found.objects):
        if (stat := found.objects.get(name)) and (owner := _owner_of_record(store, name, stat)):
            data_set, key = owner
            if data_set == found.names.name and key[:KEY_DIGITS] == found.names.key:
                return key
    return ""


def _owner_of_record(store: Store, name: str, stat: Stat) -> tuple[str, str] | None:
    """Name and key of the data set that a record belongs to."""
    model = record_names.record_model(name)
    if model not in (StageRecord, Segment, Pass, Claim) or is_link(stat):
        return None
    match peek(store, stat.key, model):
        case StageRecord() | Segment() | Pass() as record:
            return record.stage, record.key
        case Claim() as claim:
            return claim.data_set, claim.key
    return None


def _is_record(store: Store, stat: Stat, name: str, names: DataSetPaths) -> bool:
    """Whether an object is a record of this data set, at the location stated in it."""
    if record_names.is_rows(name):
        return not stat.foreign
    model = record_names.record_model(name)
    record = None if model is None or is_link(stat) else peek(store, stat.key, model)
    match record:
        case None:
            return False
        case StageRecord():
            return (record.stage, record.key) == (names.name, names.key)
        case Pass():
            return stat.key == DataSetPaths(record.stage, record.key).segment(record.segment).pass_json
        case Segment():
            return stat.key == DataSetPaths(record.stage, record.key).segment(record.segment).segment_json
        case PlanBlock():
            plan = record.plan
            block = DataSetPaths(plan.stage, plan.key).segment(plan.segment).plan_block(record.first // PLAN_BLOCK)
            return stat.key == block
        case ShardCommit():
            return name.endswith(f"/{record.shard:05d}.json")
        case Claim():
            return stat.key == names.user(record.uid) and record.data_set in ("", names.name)
    return True


def _views(store: Store, found: Found) -> set[str]:
    """Views that `stage.json` names and that carry the metadata of a view."""
    stat = found.objects.get(record_names.STAGE_JSON)
    record = peek(store, stat.key, StageRecord) if stat and not is_link(stat) else None
    return {view for view in record.views if is_view(store, found.objects.get(view))} if record else set()


def is_view(store: Store, stat: Stat | None) -> bool:
    """Whether a listed object is a view that reelmill wrote."""
    if stat is None or stat.foreign or INTERNAL in stat.key.split("/"):
        return False
    try:
        return store.stat(stat.key).metadata.keys() >= {"segment", "digest"}
    except NotFound:
        return False


def _segments(found: Found) -> dict[str, list[str]]:
    segments: dict[str, list[str]] = defaultdict(list)
    for name in found.objects:
        segment, _, rest = name.partition("/")
        if rest and segment.isdecimal():
            segments[segment].append(name)
    return segments


def _named(store: Store, found: Found, names: Iterable[str]) -> Named:
    """All objects that the records of a segment name: outputs, rows, and uploads of unfinished shards."""
    named: Named = {}
    committed: set[str] = set()
    rows: list[str] = []
    settled: list[tuple[str, str]] = []
    for name in names:
        stat = found.objects[name]
        if is_link(stat):
            continue
        if shard := record_names.SHARD.fullmatch(name):
            if commit := peek(store, stat.key, ShardCommit):
                committed.add(shard[1])
                _add_objects(named, commit.outputs)
                _add_objects(named, [each for each in (commit.items, commit.ledger) if each])
                rows += [commit.items.key] if commit.items else []
        elif record_names.SEGMENT.fullmatch(name):
            record = peek(store, stat.key, Segment)
            if record and record.list_rows:
                _add_objects(named, [record.list_rows])
            for part in record.parts if record else ():
                _add_objects(named, [*part.outputs, *(each for each in (part.items, part.ledger) if each)])
                rows += [part.items.key] if part.items else []
        elif shard := record_names.SETTLED.fullmatch(name):
            settled.append((shard[1] or shard[2], stat.key))
    prefix = f"{found.root}/"
    for key in dict.fromkeys(rows):
        stat_of_rows = found.objects.get(key.removeprefix(prefix)) if key.startswith(prefix) else None
        if stat_of_rows and not is_link(stat_of_rows):
            _add_objects(named, _outputs(_rows(store, key)))
    for shard_number, key in settled:
        if shard_number not in committed:
            items = (item for row in _rows(store, key) for item in _list(row.get("items")) if isinstance(item, dict))
            _add_objects(named, _outputs(items))
    return named


def _add_objects(named: Named, objects: Iterable[Object]) -> None:
    named.update({each.key: (each.size, each.digest) for each in objects})


def _outputs(rows: Iterable[dict[str, Any]]) -> Iterator[Object]:
    for row in rows:
        for output in _list(row.get("outputs")):
            try:
                yield Object(**output)
            except (TypeError, ValueError):
                continue


def _rows(store: Store, key: str) -> Iterator[dict[str, Any]]:
    """Rows of a file, except those that cannot be read."""
    try:
        with store.open(key) as file:
            for line in file:
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict):
                    yield row
    except NotFound:
        return


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def is_named(store: Store, named: Named, stat: Stat) -> bool:
    """Whether a record names an object, and the object has not been replaced.

    A listing of a bucket does not show who wrote an object. Its metadata is checked, where the writer of an output
    stores the digest; objects without it are read.
    """
    if stat.key not in named or is_link(stat):
        return False
    size, digest = named[stat.key]
    if stat.size != size:
        return False
    return (not stat.foreign and _recorded_digest(store, stat.key) == digest) or _content_digest(
        store, stat.key
    ) == digest


def is_marked(store: Store, stat: Stat, key: str) -> bool:
    """Whether an object that no record names was left by a killed writer of this data set."""
    if stat.foreign or stat.copied:
        return False
    try:
        return store.stat(stat.key).metadata.get("stage") == key
    except NotFound:
        return False


def is_link(stat: Stat) -> bool:
    """Whether this cannot be an object of reelmill: a link, or a key that is not valid in a store."""
    return stat.foreign and not stat.etag


def _recorded_digest(store: Store, key: str) -> str:
    try:
        return store.stat(key).metadata.get("digest", "")
    except NotFound:
        return ""


def _content_digest(store: Store, key: str) -> str:
    try:
        return object_digest(store, key)[0]
    except NotFound:
        return ""


def _in_order(records: set[str], outputs: set[str], views: set[str]) -> tuple[str, ...]:
    closed = {name for name in records if record_names.SEGMENT.fullmatch(name)}
    opened = {name for name in records if record_names.PASS.fullmatch(name)}
    claims = {name for name in records if record_names.CLAIM.fullmatch(name)}
    first = {record_names.STAGE_JSON} & records
    rest = records - closed - opened - claims - first
    groups = (views, first, closed, outputs, rest, opened, claims)
    return tuple(name for group in groups for name in sorted(group, reverse=group is closed))

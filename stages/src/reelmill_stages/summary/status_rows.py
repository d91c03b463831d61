"""The rows of `reelmill status`: the state of each source and stage in the store at one moment."""

import time
from typing import Literal

from reelmill.contract.commands.result_rows import FormerKey, OpenPassRow, StatusRow
from reelmill.contract.errors import NotFound
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.layout import DataSetPaths, SegmentPaths
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import SourceDef, StageDef
from reelmill_stages.host.local_process import is_dead
from reelmill_stages.records.claims import claims_on
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.record_files import load
from reelmill_stages.store import Store
from reelmill_stages.summary.consistent_cut import ConsistentCut


def status_rows(store: Store, cut: ConsistentCut) -> list[StatusRow]:
    """One row for each source and stage, in the order of the pipeline."""
    return [_row(store, entry, cut) for entry in cut.entries]


def _row(store: Store, entry: SourceDef | StageDef, cut: ConsistentCut) -> StatusRow:
    data = cut.data[entry.name]
    last = data.last
    counts = data.totals
    weight = seconds = 0.0
    written = 0
    for segment in data.segments():
        weight, seconds, written = weight + segment.weight, seconds + segment.seconds, written + segment.bytes
    following = data.paths((last.segment if last else 0) + 1)
    opened = open_pass(store, following) if isinstance(entry, StageDef) else None
    uncovered = cut.uncovered(entry) if isinstance(entry, StageDef) else {}
    closed: Literal["behind", "current"] = "behind" if uncovered else "current"
    return StatusRow(
        name=entry.name,
        kind="stage" if isinstance(entry, StageDef) else "source",
        type=entry.type,
        key=entry.key,
        state="working" if opened else closed if last else "empty",
        segments=last.segment if last else 0,
        items=data.item_count,
        weight=round(weight, 3),
        in_=counts.in_,
        done=counts.done,
        filtered=counts.filtered,
        failed=counts.failed,
        skipped=counts.skipped,
        reasons=dict(last.reasons) if last else {},
        counters=dict(last.counters) if last else {},
        uncovered=uncovered,
        pass_=opened,
        latest=_other_key(store, entry),
        uri=f"{store.uri.rstrip('/')}/{data.root}",
        worker_seconds=round(seconds, 3),
        written=written,
        flow=last.flow if last else None,
        usage=(usage := last.total_usage if last else None),
        bound=(usage.bound or "") if usage else "",
        listed=isinstance(entry, SourceDef) and (last is not None or bool(claims_on(store, data.names))),
    )


def open_pass(store: Store, paths: SegmentPaths) -> OpenPassRow | None:
    """The pass that makes a segment; None if none was opened. Raises StoreDamaged if its record is damaged."""
    opened = load(store, paths.pass_json, Pass)
    if opened is None:
        return None
    last = load(store, paths.heartbeat, Runner)
    return OpenPassRow(
        segment=opened.segment,
        shards=len(opened.shards),
        committed=sum(paths.shard_number(stat.key) is not None for stat in store.list(paths.shards)),
        by=opened.runner.name,
        seconds_ago=_seconds_since_heartbeat(store, paths) if last else None,
        ended=last is not None and last.process is not None and is_dead(last.process),
    )


def _seconds_since_heartbeat(store: Store, paths: SegmentPaths) -> float | None:
    try:
        return max(0.0, round(time.time() - store.stat(paths.heartbeat).modified, 1))
    except NotFound:
        return None


def _other_key(store: Store, entry: SourceDef | StageDef) -> FormerKey | None:
    """Key and definition of the latest data set, if it differs from the current definition."""
    latest = load(store, DataSetPaths(entry.name, "").latest, LatestKey)
    if latest is None or latest.key == entry.key:
        return None
    record = DataSet(store, DataSetPaths(entry.name, latest.key)).record()
    return FormerKey(key=latest.key, definition=record.definition if record else {})

"""The closed segments of a data set over time: when each was opened and closed, and by which processes."""

import re
from collections.abc import Iterator

from reelmill.contract.commands.summary import PassRow, RunPart
from reelmill.contract.errors import NotFound
from reelmill.contract.records.layout import RUN, SegmentPaths
from reelmill.contract.records.segment import Pass, Segment
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Store

MOST_PASSES = 200
"""Maximum number of segments of one data set; the last ones are returned."""
_MOST_PARTS = 200
_LATEST = 7_258_118_400.0
"""The year 2200."""
_RUN = re.compile(rf"/(\d{{5,}})-({RUN})\.jsonl$")


def passes(store: Store, data: DataSet) -> list[PassRow]:
    """The last `MOST_PASSES` committed segments, in order."""
    last = data.last.segment if data.last else 0
    return [_row(store, data, segment) for segment in data.segments(after=max(0, last - MOST_PASSES))]


def _row(store: Store, data: DataSet, segment: Segment) -> PassRow:
    paths = data.paths(segment.segment)
    opened = peek(store, paths.pass_json, Pass) if segment.kind != "listing" else None
    counts = segment.counts
    return PassRow(
        name=data.name,
        segment=segment.segment,
        kind=segment.kind,
        in_=counts.in_,
        done=counts.done,
        filtered=counts.filtered,
        failed=counts.failed,
        skipped=counts.skipped,
        items=segment.items,
        worker_seconds=round(segment.seconds, 3),
        written=segment.bytes,
        opened=_time_modified(store, paths.pass_json) if opened else None,
        closed=_time_modified(store, paths.segment_json),
        shards=len(segment.parts),
        parts=list(_parts(store, paths, segment))[:_MOST_PARTS] if opened else [],
        by=opened.runner.name if opened else "",
    )


def _parts(store: Store, paths: SegmentPaths, segment: Segment) -> Iterator[RunPart]:
    """The processes that committed shards, by the time of their first commit."""
    times = {
        paths.shard_number(stat.key): stat.modified
        for stat in store.list(paths.shards)
        if 0 <= stat.modified <= _LATEST
    }
    found: dict[str, list[float]] = {}
    for number, part in enumerate(segment.parts):
        rows = part.ledger or part.items
        run = _RUN.search(rows.key) if rows else None
        if run and number in times:
            found.setdefault(run[2], []).append(times[number])
    for run_id, moments in sorted(found.items(), key=lambda pair: (min(pair[1]), pair[0])):
        yield RunPart(id=run_id, shards=len(moments), first=min(moments), last=max(moments))


def _time_modified(store: Store, key: str) -> float | None:
    """When an object was written; None if it is missing or its time is implausible."""
    try:
        moment = store.stat(key).modified
    except NotFound:
        return None
    return round(moment, 3) if 0 <= moment <= _LATEST else None

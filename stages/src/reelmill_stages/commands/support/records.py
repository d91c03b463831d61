"""The records of a store that a bug report needs: those of the newest segments, and the ends of their logs."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from reelmill.contract.commands.support import SupportRecord
from reelmill.contract.errors import NotFound, ReelmillError
from reelmill.contract.records.layout import INTERNAL, DataSetPaths, SegmentPaths, run
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import entries, store_of
from reelmill_stages.commands.logs import last_lines_of
from reelmill_stages.store import Store

SEGMENTS = 3
"""Number of newest segments of a source or stage, including open passes."""
MOST_BYTES = 256 << 10
"""Maximum size of one record in bytes; longer ones are cut at the end."""
LINES = 300
"""Number of log lines per stage."""
LISTED = 1000
"""Number of objects listed per segment."""


def support_records(task: Task, env: Mapping[str, str]) -> Iterator[SupportRecord]:
    """Records and logs of all sources and stages. An unreadable one is returned as a record with a problem."""
    store = store_of(task, env)
    yield from _record(store, f"{INTERNAL}/store.json")
    if task.owner.uid:
        yield from _record(store, run(task.owner.uid))
    for entry in entries(task):
        paths = DataSetPaths(entry.name, entry.key)
        for key in (paths.latest, paths.stage_json, paths.drift_json):
            yield from _record(store, key)
        yield from _records_or_problem(paths.users, partial(_records_below, store, paths.users))
        yield from _records_or_problem(paths.root, partial(_segments, store, paths))
        yield from _records_or_problem(f"{paths.root}/log", partial(_log, store, paths))


def _segments(store: Store, paths: DataSetPaths) -> Iterator[SupportRecord]:
    numbers = sorted(int(name) for name in store.folders(f"{paths.root}/") if name.isdecimal())
    for number in numbers[-SEGMENTS:]:
        segment = paths.segment(number)
        for key in (segment.pass_json, segment.heartbeat, segment.segment_json, segment.verdicts_json):
            yield from _record(store, key)
        yield from _records_or_problem(f"{segment.root}/objects", partial(_objects, store, segment))


def _objects(store: Store, segment: SegmentPaths) -> Iterator[SupportRecord]:
    """Sizes and keys of the segment's records."""
    lines: list[str] = []
    for stat in store.list(f"{segment.internal}/"):
        if len(lines) == LISTED:
            lines.append("… and more")
            break
        lines.append(f"{stat.size:>12} {stat.key}")
    yield SupportRecord(key=f"{segment.root}/objects.txt", text="\n".join(lines))


def _log(store: Store, paths: DataSetPaths) -> Iterator[SupportRecord]:
    lines = [row.line for row in last_lines_of(store, paths, LINES)]
    if lines:
        yield SupportRecord(key=f"{paths.root}/log.jsonl", text="\n".join(lines))


def _records_below(store: Store, prefix: str) -> Iterator[SupportRecord]:
    for stat in store.list(prefix):
        yield from _record(store, stat.key)


def _record(store: Store, key: str) -> Iterator[SupportRecord]:
    def read() -> Iterator[SupportRecord]:
        try:
            large = store.stat(key).size > MOST_BYTES
            data = store.read(key, length=MOST_BYTES) if large else store.read(key)
        except NotFound:
            return
        yield SupportRecord(key=key, text=data.decode(errors="replace"))

    yield from _records_or_problem(key, read)


def _records_or_problem(key: str, read: Callable[[], Iterator[SupportRecord]]) -> Iterator[SupportRecord]:
    try:
        yield from read()
    except ReelmillError as error:
        yield SupportRecord(key=key, problem=str(error))

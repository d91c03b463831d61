"""`reelmill logs`: the logs that the shards and the commit step of a pass saved in the store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reelmill.contract.commands.result_rows import LogLine
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import stage_of, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.store import Stat, Store

_END = 4 << 20
"""Number of bytes read from the end of a file for its last lines."""


def logs(
    task: Task, env: Mapping[str, str], *, stage: str, shard: int | None = None, segment: int | None = None
) -> Iterator[LogLine]:
    """Lines ordered by shard and by the time of its runs, then those of the commit step; with `shard`, only its lines.

    Without `segment`, the latest segment with logs is used.
    """
    entry = stage_of(task, stage)
    yield from lines_of(store_of(task, env), DataSetPaths(entry.name, entry.key), shard=shard, segment=segment)


def lines_of(
    store: Store, names: DataSetPaths, *, shard: int | None = None, segment: int | None = None
) -> Iterator[LogLine]:
    """The same lines, for a data set in an open store."""
    for file in _files(store, names, shard, segment):
        yield from _lines(file, store.read(file.stat.key))


def last_lines_of(store: Store, names: DataSetPaths, most: int, *, shard: int | None = None) -> list[LogLine]:
    """The last of these lines, at most `most`. Reads only as many files as needed, and only the end of each."""
    found: list[LogLine] = []
    for file in reversed(_files(store, names, shard, None)):
        start = max(0, file.stat.size - _END)
        found[:0] = _lines(file, store.read(file.stat.key, start=start))
        if len(found) >= most:
            break
    return found[-most:]


@dataclass(frozen=True, slots=True)
class _LogFile:
    segment: int
    shard: int | None
    run: str
    stat: Stat


def _files(store: Store, names: DataSetPaths, shard: int | None, segment: int | None) -> list[_LogFile]:
    """The files, in the order of their lines."""
    data = DataSet(store, names)
    last = data.last.segment if data.last else 0
    for number in [segment] if segment is not None else [last + 1, last]:
        if not number:
            continue
        paths = data.paths(number)
        kept = [
            _LogFile(number, *found, stat)
            for stat in store.list(paths.logs)
            if (found := paths.log_of(stat.key)) and shard in (None, found[0])
        ]
        commits = store.list(paths.commit_logs) if shard is None else ()
        logs_of_commits = [
            _LogFile(number, None, name, stat) for stat in commits if (name := paths.commit_log_of(stat.key))
        ]
        if kept or logs_of_commits:
            return [
                *sorted(kept, key=lambda each: (each.shard or 0, each.stat.modified)),
                *sorted(logs_of_commits, key=lambda each: each.stat.modified),
            ]
    return []


def _lines(file: _LogFile, data: bytes) -> Iterator[LogLine]:
    for line in data.decode(errors="replace").splitlines():
        yield LogLine(segment=file.segment, shard=file.shard, run=file.run, line=line)

"""`reelmill logs`: the logs that the shards and the commit step of a pass saved in the store."""

from collections.abc import Iterator, Mapping

from reelmill.contract.commands.result_rows import LogLine
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import stage_of, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.store import Store


def logs(
    task: Task, env: Mapping[str, str], *, stage: str, shard: int | None = None, segment: int | None = None
) -> Iterator[LogLine]:
    """Lines ordered by shard and by the time of its runs, and those of the commit step last; with `shard`, its lines.

    Without `segment`, the latest segment with logs is used.
    """
    entry = stage_of(task, stage)
    yield from lines_of(store_of(task, env), DataSetPaths(entry.name, entry.key), shard=shard, segment=segment)


def lines_of(
    store: Store, names: DataSetPaths, *, shard: int | None = None, segment: int | None = None
) -> Iterator[LogLine]:
    """The same of a data set in an open store."""
    data = DataSet(store, names)
    last = data.last.segment if data.last else 0
    for number in [segment] if segment is not None else [last + 1, last]:
        paths = data.paths(number)
        kept = [(found, stat) for stat in store.list(paths.logs) if (found := paths.log_of(stat.key))] if number else []
        kept = [each for each in kept if shard in (None, each[0][0])]
        for (index, run), stat in sorted(kept, key=lambda each: (each[0][0], each[1].modified)):
            for line in store.read(stat.key).decode(errors="replace").splitlines():
                yield LogLine(segment=number, shard=index, run=run, line=line)
        commits = [] if shard is not None or not number else store.list(paths.commit_logs)
        told = [(name, stat) for stat in commits if (name := paths.commit_log_of(stat.key))]
        for name, stat in sorted(told, key=lambda each: each[1].modified):
            for line in store.read(stat.key).decode(errors="replace").splitlines():
                yield LogLine(segment=number, shard=None, run=name, line=line)
        if kept or told:
            return

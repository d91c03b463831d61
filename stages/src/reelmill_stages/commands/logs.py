"""`reelmill logs`: the logs that the shards of a pass saved in the store."""

from collections.abc import Iterator, Mapping

from reelmill.contract.commands.rows import LogLine
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import data_set, stage_of, store_of
from reelmill_stages.store import Stat


def logs(
    task: Task, env: Mapping[str, str], *, stage: str, shard: int | None = None, segment: int | None = None
) -> Iterator[LogLine]:
    """Lines ordered by shard and by the time of its runs.

    Without `segment`, the latest segment with logs is used.
    """
    store = store_of(task, env)
    data = data_set(store, stage_of(task, stage))
    last = data.last.segment if data.last else 0
    for number in [segment] if segment is not None else [last + 1, last]:
        kept = [stat for stat in store.list(data.paths(number).logs) if shard in (None, _shard(stat))] if number else []
        for stat in sorted(kept, key=lambda stat: (_shard(stat), stat.modified)):
            for line in store.read(stat.key).decode(errors="replace").splitlines():
                yield LogLine(segment=number, shard=_shard(stat), run=_run(stat), line=line)
        if kept:
            return


def _shard(stat: Stat) -> int:
    return int(_name(stat).partition("-")[0])


def _run(stat: Stat) -> str:
    return _name(stat).partition("-")[2].removesuffix(".jsonl")


def _name(stat: Stat) -> str:
    return stat.key.rpartition("/")[2]

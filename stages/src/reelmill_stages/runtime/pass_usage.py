"""The usage of a pass: its open step, the runs that committed its shards, all other runs, and the commit step."""

import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from reelmill.contract.records.layout import RUN, SegmentPaths
from reelmill.contract.records.segment import Pass, ShardCommit
from reelmill.contract.records.usage import Usage, UsageRecord, sum_of_usages
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Store

_READERS = 16
_RECORD = re.compile(rf"(\d{{5,}})-({RUN})\.json")


def pass_usage(store: Store, paths: SegmentPaths, opened: Pass | None, committed: "CommittedUsage") -> Usage | None:
    """The usage of a pass, without the calling step; None if nothing is known."""
    opening = opened.usage if opened else None
    return sum_of_usages(
        [opening, committed.usage, *_other_runs(store, paths, committed.ledgers), _lost_runs_usage(store, paths)]
    )


def open_usage(store: Store, paths: SegmentPaths) -> Usage | None:
    """The usage so far of a pass that is not closed, from the commits of its shards; None if nothing is known."""
    committed = CommittedUsage()
    keys = [stat.key for stat in store.list(paths.shards) if paths.shard_number(stat.key) is not None]
    with ThreadPoolExecutor(_READERS) as pool:
        for commit in pool.map(lambda key: peek(store, key, ShardCommit), keys):
            if commit:
                committed.add(commit)
    return pass_usage(store, paths, peek(store, paths.pass_json, Pass), committed)


class CommittedUsage:
    """The usage of the runs whose commits are valid."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.ledgers: set[str] = set()
        """Keys of their ledgers, which distinguish them from other runs."""

    def add(self, commit: ShardCommit) -> None:
        """Add a commit as its run wrote it, without verdicts, which name the ledgers of another run.

        Duplicates are ignored.
        """
        if commit.usage and commit.ledger.key not in self.ledgers:
            self.usage = sum_of_usages([self.usage, commit.usage])
            self.ledgers.add(commit.ledger.key)


def _other_runs(store: Store, paths: SegmentPaths, ledgers: Collection[str]) -> list[Usage]:
    found = []
    for stat in store.list(paths.usages):
        name = _RECORD.fullmatch(stat.key.removeprefix(paths.usages))
        if name is None or paths.ledger(int(name[1]), name[2]) in ledgers:
            continue
        if record := peek(store, stat.key, UsageRecord):
            found.append(record.usage)
    return found


def _lost_runs_usage(store: Store, paths: SegmentPaths) -> Usage | None:
    """The runs that never ended: their notes still exist."""
    count = sum(paths.is_flight(stat.key) for stat in store.list(paths.all_flights))
    return Usage(lost_runs=count) if count else None

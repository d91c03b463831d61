"""`reelmill ledger`: the outcome of each item and its reason."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

from reelmill.contract.commands.result_rows import LedgerCount, StageLedgerRow
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import data_set, entries, must_exist, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.summary.one_moment import at_one_moment


def rows(
    task: Task,
    env: Mapping[str, str],
    *,
    stages: Collection[str] = (),
    classes: Collection[str] = (),
    outcomes: Collection[str] = (),
    item: str = "",
    history: bool = False,
) -> Iterator[StageLedgerRow]:
    """Ledger rows, with the name of their `stage`. Empty filters select all rows.

    `item` is a key or a pattern with `*`. With `history`, replaced rows are included, in order of their commit. Raises
    SpecError for a store that has none of these data sets.
    """
    for name, data in _data_sets(task, env, stages):
        for row in data.raw_ledger() if history else data.ledger():
            if _matches(row, classes, outcomes, item):
                yield StageLedgerRow(stage=name, **row.to_json())


@at_one_moment
def summary(task: Task, env: Mapping[str, str], *, stages: Collection[str] = ()) -> list[LedgerCount]:
    """Counts per source or stage and outcome, the largest first, with the counters of done items.

    Raises SpecError for a store that has none of these data sets.
    """
    found: list[LedgerCount] = []
    for name, data in _data_sets(task, env, stages):
        last = data.last
        if last is None:
            continue
        counts = Counter({tuple(name.partition(":")[::2]): number for name, number in last.reasons.items()})
        if last.totals.done or last.counters:
            counts["done", ""] = last.totals.done
        found += [
            LedgerCount(
                stage=name,
                outcome=outcome,
                reason=reason,
                items=number,
                counters=dict(last.counters) if outcome == Outcome.DONE else {},
            )
            for (outcome, reason), number in counts.most_common()
        ]
    return found


def _data_sets(task: Task, env: Mapping[str, str], names: Collection[str]) -> list[tuple[str, DataSet]]:
    """The data sets of these sources and stages, by default of all, with their names."""
    store = store_of(task, env)
    found = [(entry.name, data_set(store, entry)) for entry in entries(task) if not names or entry.name in names]
    if all(data.last is None for _, data in found):
        must_exist(store, task, names)
    return found


def _matches(row: LedgerRow, classes: Collection[str], outcomes: Collection[str], item: str) -> bool:
    return (
        (not classes or row.reason in classes)
        and (not outcomes or row.outcome in outcomes)
        and (not item or row.key == item or fnmatchcase(row.key, item))
    )

"""`reelmill prune`: data sets that nobody claims any more.

Every run writes a claim on each data set that it uses. A data set may go when no pipeline but this one claims it and
this pipeline's file no longer makes it, or when there is no claim at all. What somebody works on is left alone.
"""

from collections.abc import Mapping
from typing import Any

from reelmill.contract.layout import KEY_DIGITS
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import entries, store_of
from reelmill_stages.records.inventory import data_sets


def prune(task: Task, env: Mapping[str, str], *, delete: bool, now: float) -> list[dict[str, Any]]:
    """Data sets that nobody claims: `name`, `key`, `objects`, `bytes`, `deleted`. Only with `delete` they go.

    `now` is the present time in seconds: an open pass that was written to ten minutes before it is being worked on.
    """
    store = store_of(task, env)
    kept = {f"{entry.name}/{entry.key[:KEY_DIGITS]}" for entry in entries(task)}
    rows = []
    for found in data_sets(store.list()):
        if found.root in kept or found.claims - {task.owner.uid} or found.is_worked_on(now):
            continue
        if delete:
            found.delete(store)
        name, _, key = found.root.partition("/")
        rows.append(
            {"name": name, "key": key, "objects": len(found.objects), "bytes": found.bytes, "deleted": delete}
        )  # fmt: skip
    return rows

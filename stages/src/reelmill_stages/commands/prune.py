"""`reelmill prune`: data sets that nobody claims any more.

Every run writes a claim on each data set that it uses. A data set may go when no pipeline but this one claims it and
this pipeline's file no longer makes it, or when there is no claim at all. What somebody works on is left alone.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reelmill.contract.layout import INTERNAL, KEY_DIGITS
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import entries, store_of
from reelmill_stages.runtime.heartbeat import YOUNG_SECONDS
from reelmill_stages.store import Stat, Store

_DATA_SET = re.compile(rf"^([^/]+)/([0-9a-f]{{{KEY_DIGITS}}})/")
_CLAIM = re.compile(rf"^{INTERNAL}/users/(.+)\.json$")
_CLOSED = re.compile(rf"^(\d{{4,}})/{INTERNAL}/segment\.json$")


@dataclass
class _Found:
    """One data set as the listing shows it."""

    root: str
    objects: list[str] = field(default_factory=list)
    bytes: int = 0
    claims: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    written: dict[str, float] = field(default_factory=dict)
    """Segment -> when something was last written in it."""

    def add(self, stat: Stat) -> None:
        name = stat.key.removeprefix(f"{self.root}/")
        self.objects.append(name)
        self.bytes += stat.size
        segment = name.partition("/")[0]
        self.written[segment] = max(self.written.get(segment, 0.0), stat.modified)
        if closed := _CLOSED.match(name):
            self.closed.add(closed[1])
        if claim := _CLAIM.match(name):
            self.claims.add(claim[1])

    def is_worked_on(self, now: float) -> bool:
        """Whether a pass is open and something of it was written lately."""
        return any(
            segment.isdigit() and segment not in self.closed and now - moment < YOUNG_SECONDS
            for segment, moment in self.written.items()
        )


def prune(task: Task, env: Mapping[str, str], *, delete: bool, now: float) -> list[dict[str, Any]]:
    """Data sets that nobody claims: `name`, `key`, `objects`, `bytes`, `deleted`. Only with `delete` they go.

    `now` is the present time in seconds: an open pass that was written to ten minutes before it is being worked on.
    """
    store = store_of(task, env)
    kept = {f"{entry.name}/{entry.key[:KEY_DIGITS]}" for entry in entries(task)}
    rows = []
    for found in _data_sets(store.list()):
        if found.root in kept or found.claims - {task.owner.uid} or found.is_worked_on(now):
            continue
        if delete:
            _delete(store, found)
        name, _, key = found.root.partition("/")
        rows.append(
            {"name": name, "key": key, "objects": len(found.objects), "bytes": found.bytes, "deleted": delete}
        )  # fmt: skip
    return rows


def _data_sets(stats: Iterable[Stat]) -> list[_Found]:
    found: dict[str, _Found] = {}
    for stat in stats:
        if match := _DATA_SET.match(stat.key):
            root = f"{match[1]}/{match[2]}"
            found.setdefault(root, _Found(root)).add(stat)
    return list(found.values())


def _delete(store: Store, found: _Found) -> None:
    """Records first, segments from the last to the first: whoever looks meanwhile sees a smaller, not a broken one."""
    closed = sorted((name for name in found.objects if _CLOSED.match(name)), reverse=True)
    first = [f"{INTERNAL}/stage.json", *closed]
    rest = [name for name in found.objects if name not in set(first)]
    for name in [*first, *rest]:
        store.delete(f"{found.root}/{name}")

"""Data sets as a listing of the whole store shows them: their objects, who claims them, who works there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from reelmill.contract.layout import INTERNAL, KEY_DIGITS
from reelmill_stages.records.heartbeat import YOUNG_SECONDS
from reelmill_stages.store import Stat, Store

_DATA_SET = re.compile(rf"^([^/]+)/([0-9a-f]{{{KEY_DIGITS}}})/")
_CLAIM = re.compile(rf"^{INTERNAL}/users/(.+)\.json$")
_CLOSED = re.compile(rf"^(\d{{4,}})/{INTERNAL}/segment\.json$")


@dataclass
class Found:
    """One data set as the listing shows it."""

    root: str
    objects: list[str] = field(default_factory=list)
    bytes: int = 0
    claims: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    written: dict[str, float] = field(default_factory=dict)
    """Segment -> when something was last written in it."""

    def add(self, stat: Stat) -> None:
        """One of its objects."""
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

    def delete(self, store: Store) -> None:
        """Records first, segments from last to first: whoever looks meanwhile sees a smaller, not a broken one.

        Claims go last: a deletion that was cut off is found again by whoever claimed.
        """
        closed = sorted((name for name in self.objects if _CLOSED.match(name)), reverse=True)
        first = [f"{INTERNAL}/stage.json", *closed]
        last = [name for name in self.objects if _CLAIM.match(name)]
        rest = [name for name in self.objects if name not in {*first, *last}]
        for name in [*first, *rest, *last]:
            store.delete(f"{self.root}/{name}")


def data_sets(stats: Iterable[Stat]) -> list[Found]:
    """The data sets that a listing of a store shows."""
    found: dict[str, Found] = {}
    for stat in stats:
        if match := _DATA_SET.match(stat.key):
            root = f"{match[1]}/{match[2]}"
            found.setdefault(root, Found(root)).add(stat)
    return list(found.values())

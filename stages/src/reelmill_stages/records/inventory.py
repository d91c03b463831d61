"""Places in a listing of the whole store that may be data sets: their objects, claims and signs of activity.

A place is not a data set because of its name alone: people also name folders 2026010112. `owned` checks its records.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from reelmill.contract.errors import StoreError
from reelmill.contract.records.layout import INTERNAL, KEY_DIGITS, DataSetPaths
from reelmill_stages.records.heartbeat import is_young
from reelmill_stages.store import Stat
from reelmill_stages.store.keys import check_new_key

_PLACE = re.compile(rf"([^/]+)/([0-9a-f]{{{KEY_DIGITS}}})/(?=[^/])")
_CLAIM = re.compile(rf"{INTERNAL}/users/([^/]+)\.json")
_CLOSED = re.compile(rf"(\d{{4,}})/{INTERNAL}/segment\.json")


@dataclass
class Found:
    """One place in the store. Names are relative to its root."""

    root: str
    objects: dict[str, Stat] = field(default_factory=dict)
    claims: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    written: dict[str, float] = field(default_factory=dict)
    """Segment -> time of the last write in it."""

    @property
    def names(self) -> DataSetPaths:
        """Name of the data set, and the part of its key that the folder name contains."""
        name, _, key = self.root.partition("/")
        return DataSetPaths(name, key)

    @property
    def has_records(self) -> bool:
        """Whether the place has objects under the names of reelmill's records."""
        return any(INTERNAL in name.split("/")[:2] for name in self.objects)

    def add(self, stat: Stat) -> None:
        """Add one of its objects."""
        name = stat.key.removeprefix(f"{self.root}/")
        self.objects[name] = stat
        segment = name.partition("/")[0]
        if not stat.foreign:
            self.written[segment] = max(self.written.get(segment, 0.0), stat.modified)
        if closed := _CLOSED.fullmatch(name):
            self.closed.add(closed[1])
        if claim := _CLAIM.fullmatch(name):
            self.claims.add(claim[1])

    def is_worked_on(self, now: float) -> bool:
        """Whether a pass is open and one of its objects was written recently."""
        return any(
            segment.isdigit() and segment not in self.closed and is_young(moment, now)
            for segment, moment in self.written.items()
        )


def places(stats: Iterable[Stat]) -> list[Found]:
    """Group a listing of a store by place."""
    found: dict[str, Found] = {}
    for stat in stats:
        if match := _PLACE.match(stat.key):
            root = f"{match[1]}/{match[2]}"
            found.setdefault(root, Found(root)).add(
                stat if _is_valid_key(stat.key) else replace(stat, foreign=True, etag="")
            )
    return list(found.values())


def _is_valid_key(key: str) -> bool:
    """Whether reelmill could have written this key: a bucket may hold keys that are not valid in a store."""
    try:
        return bool(check_new_key(key))
    except StoreError:
        return False

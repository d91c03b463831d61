"""Selects how a query starts: with the few items that an index proposes, or with all items in the requested order.

SQLite does not know how many items meet a condition, and would sort half of all items to find the first 48. So the
matches of each condition are counted first, up to a bound. If one has few, only these are read and sorted; if all have
many, the first ones are found soon by walking in the order.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from reelmill_stages.dashboard.index.conditions import ItemCondition, comparison
from reelmill_stages.dashboard.index.trigrams import may_contain
from reelmill_stages.dashboard.index.values import Scalar

RARE = 10_000
"""Maximum number of matches of a condition that count as few."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """A query for the ordinals, named `place`, of all items that can meet a condition."""

    count: int
    query: str
    values: list[Scalar]


def rarest(db: sqlite3.Connection, where: Sequence[tuple[ItemCondition, str]], most: int = RARE) -> Candidates | None:
    """Return the candidates of the (condition, column) with the fewest; None: more than `most` for all, or no index."""
    found = [each for one, name in where if (each := _candidates(db, one, name, most))]
    return min(found, key=lambda each: each.count, default=None)


def _candidates(db: sqlite3.Connection, one: ItemCondition, column: str, most: int) -> Candidates | None:
    asked: tuple[str, list[Scalar]] | None = None
    if one.operator == "~":
        asked = may_contain(db, column, one.value)
    elif one.operator != "!=" and _has_index(db, column):
        text, values = comparison(one, column)
        asked = f"SELECT ordinal AS place FROM items WHERE {text}", values  # noqa: S608 - known columns
    if asked is None:
        return None
    query, values = asked
    counted = f"SELECT COUNT(*) FROM (SELECT 1 FROM ({query}) LIMIT ?)"  # noqa: S608 - a query made here
    count: int = db.execute(counted, (*values, most + 1)).fetchone()[0]
    return Candidates(count, query, values) if count <= most else None


def _has_index(db: sqlite3.Connection, column: str) -> bool:
    names = {"ordinal": "items", "key": "items_by_key"}
    return (
        db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (names.get(column, f"by_{column}"),)).fetchone()
        is not None
    )

"""Queries of an index: pages of items by order and conditions, losses, and the history of a key.

Pages are found by keyset: a page begins after the (value, ordinal) at which the previous one ended, so a late page
takes as long as the first one. Items without the field come last. Before the secondary indexes are complete, a scan
returns the same result.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.dashboard.index.candidates import rarest
from reelmill_stages.dashboard.index.conditions import ItemCondition, ItemOrder, comparison
from reelmill_stages.dashboard.index.cursor import LARGEST, decode_cursor, encode_cursor, fits
from reelmill_stages.dashboard.index.schema import column
from reelmill_stages.dashboard.index.values import Scalar

NAMES = {"key": "key", "ordinal": "ordinal"}
"""Fields of every item with separate columns."""


@dataclass(frozen=True, slots=True)
class Place:
    """The location of the row of an item in the store."""

    ordinal: int
    key: str
    file: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field for sorting and filtering, and how many items have a number or a text in it."""

    name: str
    numbers: int
    texts: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A ledger row."""

    id: int
    segment: int
    key: str
    ordinal: int
    outcome: str
    reason: str
    message: str
    seconds: float
    attempt: int
    replaced: bool


class Reader:
    """Reads one index, in one thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._columns = {**NAMES, **{name: column(field) for name, field in db.execute("SELECT name, id FROM fields")}}

    def fields(self) -> list[FieldInfo]:
        """Return all fields, by name."""
        return [FieldInfo(*row) for row in self._db.execute("SELECT name, numbers, texts FROM fields ORDER BY name")]

    def columns(self, names: Sequence[str]) -> list[str]:
        """Return the columns of fields, with separate secondary indexes. Raises SpecError for an unknown field."""
        return sorted({self._column(name) for name in names if name not in NAMES})

    def items_read(self) -> int:
        """Return the number of items in the index."""
        count: int = self._db.execute("SELECT COALESCE(SUM(items_read), 0) FROM parts").fetchone()[0]
        return count

    def problems(self) -> list[str]:
        """Return the problems of parts that could not be read."""
        rows = self._db.execute("SELECT problem FROM parts WHERE problem <> '' ORDER BY id LIMIT 20")
        return [line for (text,) in rows for line in str(text).split("\n")]

    def page(self, where: Sequence[ItemCondition], order: ItemOrder, after: str, limit: int) -> tuple[list[Place], str]:
        """Return (places, cursor of the next page; empty at the end). `after` is such a cursor, or empty."""
        name = self._column(order.field)
        source, conditions, values = self._source_and_conditions(where)
        compare, direction = ("<", "DESC") if order.descending else (">", "ASC")
        last = decode_cursor(after)
        found: list[tuple[Any, ...]] = []
        if last is None or last[0] is not None:
            parts, bound = list(conditions), list(values)
            if name != "ordinal":
                parts.append(f"{name} IS NOT NULL")
            if last is not None and name == "ordinal":
                parts.append(f"ordinal {compare} ?")
                bound.append(last[1])
            elif last is not None:
                parts.append(f"({name}, ordinal) {compare} (?, ?)")
                bound += last
            found = self._rows(
                source,
                parts,
                f"{name} {direction}" + ("" if name == "ordinal" else f", ordinal {direction}"),
                bound,
                name,
                limit + 1,
            )
        if len(found) <= limit and name != "ordinal":
            parts, bound = [*conditions, f"{name} IS NULL"], list(values)
            if last is not None and last[0] is None:
                parts.append(f"ordinal {compare} ?")
                bound.append(last[1])
            found += self._rows(source, parts, f"ordinal {direction}", bound, name, limit + 1 - len(found))
        places = [Place(*row[:5]) for row in found[:limit]]
        return places, encode_cursor(found[limit - 1][5], found[limit - 1][0]) if len(found) > limit else ""

    def count(self, where: Sequence[ItemCondition], most: int) -> int:
        """Return the number of items under conditions; at most `most`."""
        source, conditions, values = self._source_and_conditions(where)
        count: int = self._db.execute(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {source} {_where_clause(conditions)} LIMIT ?)",  # noqa: S608 - known columns
            (*values, most),
        ).fetchone()[0]
        return count

    def place(self, ordinal: int) -> Place | None:
        """Return the location of an item."""
        rows = self._rows("items", ["ordinal = ?"], "ordinal", [ordinal], "ordinal", 1) if fits(ordinal) else []
        return Place(*rows[0][:5]) if rows else None

    def place_of_key(self, key: str) -> Place | None:
        """Return the location of the item with a key."""
        rows = self._rows("items", ["key = ?"], "ordinal", [key], "ordinal", 1)
        return Place(*rows[0][:5]) if rows else None

    def bounds(self, field: str) -> tuple[float, float, int] | None:
        """Return the smallest and the largest number in a field, and how many items have a number in it."""
        name = self._column(field)
        low, high, numbers = self._db.execute(
            f"SELECT MIN({name}), MAX({name}), COUNT(*) FROM items WHERE {name} < ''"  # noqa: S608 - texts sort last
        ).fetchone()
        return None if low is None else (low, high, numbers)

    def histogram(self, field: str, bins: int) -> tuple[list[float], list[int]]:
        """Return (edges, numbers of items between them) of the numbers in a field; both are empty if it has none."""
        found = self.bounds(field)
        if found is None:
            return [], []
        low, high, numbers = float(found[0]), float(found[1]), found[2]
        width = (high - low) / bins
        if not 0 < width < float("inf"):
            return [low, high], [numbers if low == high else 0]
        name = self._column(field)
        counts = [0] * bins
        rows = self._db.execute(
            f"SELECT MIN(CAST(({name} - ?) / ? AS INTEGER), ?), COUNT(*) FROM items WHERE {name} < '' GROUP BY 1",  # noqa: S608
            (low, width, bins - 1),
        )
        for number, count in rows:
            counts[int(number)] = count
        return [low + width * number for number in range(bins + 1)], counts

    def losses(self, reason: str, outcome: str, after: int, limit: int) -> list[LedgerEntry]:
        """Return rows of inputs that were not kept and that no later row replaced, in the order of their commit."""
        parts = ["outcome <> 'done'", "id > ?"]
        bound: list[Scalar] = [after if fits(after) else LARGEST]
        if reason:
            parts.append("reason = ?")
            bound.append(reason)
        if outcome:
            parts.append("outcome = ?")
            bound.append(outcome)
        later = "later.key = row.key AND later.ordinal = row.ordinal AND later.id > row.id"
        parts.append(f"NOT EXISTS (SELECT 1 FROM ledger later WHERE {later})")  # noqa: S608 - fixed texts
        rows = self._db.execute(
            f"SELECT {_LEDGER} FROM ledger row {_where_clause(parts)} ORDER BY id LIMIT ?",  # noqa: S608 - fixed texts
            (*bound, limit),
        )
        return [LedgerEntry(*(*row, False)) for row in rows]

    def history(self, key: str) -> list[LedgerEntry]:
        """Return all rows of a key, in the order of their commit."""
        rows = self._db.execute(f"SELECT {_LEDGER} FROM ledger WHERE key = ? ORDER BY id LIMIT 100", (key,)).fetchall()  # noqa: S608
        return [LedgerEntry(*(*row, number < len(rows))) for number, row in enumerate(rows, 1)]

    def _rows(
        self, source: str, conditions: Sequence[str], order: str, values: Sequence[Any], name: str, limit: int
    ) -> list[tuple[Any, ...]]:
        return self._db.execute(
            f"SELECT ordinal, key, (SELECT items FROM parts WHERE parts.id = part), start, size, {name}"  # noqa: S608
            f" FROM {source} {_where_clause(conditions)} ORDER BY {order} LIMIT ?",
            (*values, limit),
        ).fetchall()

    def _source_and_conditions(self, where: Sequence[ItemCondition]) -> tuple[str, list[str], list[Any]]:
        """Return (source of the items, conditions, values of both)."""
        named = [(one, self._column(one.field)) for one in where]
        compared = [comparison(one, name, walked=True) for one, name in named]
        conditions, values = [text for text, _ in compared], [value for _, some in compared for value in some]
        found = rarest(self._db, named)
        if found is None:
            return "items", conditions, values
        # CROSS JOIN keeps the order of the loops, with the few candidates first.
        return f"({found.query}) CROSS JOIN items ON ordinal = place", conditions, [*found.values, *values]

    def _column(self, field: str) -> str:
        try:
            return self._columns[field]
        except KeyError:
            known = ", ".join(sorted(self._columns)[:12])
            raise SpecError(f"no item has a field {field[:100]!r}", hint=f"fields are {known} …") from None


_LEDGER = "id, segment, key, ordinal, outcome, reason, message, seconds, attempt"


def _where_clause(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""

"""Which column of a metadata file holds what, and the error when none does."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason

Row = Mapping[str, Any]


def as_row(value: object) -> Row:
    """A row as an object. Raises ItemError(`bad_row`) for a number, a list and the like."""
    if not isinstance(value, Mapping):
        raise ItemError(ItemReason.BAD_ROW, f"the row is a {type(value).__name__}, not an object")
    return value


def cell(row: Row, *names: str) -> Any:
    """The first of a column's spellings that the row has, or None."""
    for name in names:
        value = row.get(name)
        if value is not None:
            return value
    return None


def seen_rows(rows: Iterable[Any], where: str, *columns: tuple[str, ...]) -> Iterator[Any]:
    """The rows; after the last one, SpecError when no row has any spelling of a column."""
    seen = KnownColumns()
    for row in rows:
        seen.add(row)
        yield row
    for spellings in columns:
        seen.demand(where, *spellings, hint="is this the right kind of file?")


class KnownColumns:
    """Which columns a file has, learnt row by row: JSON rows need not all have the same."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(known)
        self._rows = 0

    def add(self, value: object) -> None:
        """Take a row into account."""
        self._rows += 1
        if isinstance(value, Mapping):
            self._names.update(dict.fromkeys(map(str, value)))

    def demand(self, where: str, *spellings: str, hint: str = "") -> None:
        """Raises SpecError when no row has any of the spellings; a file without rows lacks nothing."""
        if (not self._rows and not self._names) or any(name in self._names for name in spellings):
            return
        near = get_close_matches(spellings[0], self._names, n=1, cutoff=0.5)
        there = ", ".join(list(self._names)[:12]) or "none"
        raise SpecError(
            f"no column {spellings[0]!r}" + (f", but there is {near[0]!r}" if near else ""),
            where=where,
            hint=f"{hint or 'name the column'}; columns there: {there}",
        )

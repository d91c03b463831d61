"""Access to the columns of metadata files, with an error for missing columns."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason

Row = Mapping[str, Any]


def as_row(value: object) -> Row:
    """A row as a mapping. Raises ItemError with the reason `bad_row` for any other value."""
    if not isinstance(value, Mapping):
        raise ItemError(ItemReason.BAD_ROW, f"the row is a {type(value).__name__}, not an object")
    return value


def cell(row: Row, *names: str) -> Any:
    """The value of the first of the column names that the row has, or None."""
    for name in names:
        value = row.get(name)
        if value is not None:
            return value
    return None


def seen_rows(rows: Iterable[Any], where: str, *columns: tuple[str, ...]) -> Iterator[Any]:
    """The rows. Raises SpecError after the last one if no row has a column by any of its names."""
    seen = KnownColumns()
    for row in rows:
        seen.add(row)
        yield row
    for spellings in columns:
        seen.demand(where, *spellings, hint="is this the right kind of file?")


class KnownColumns:
    """The columns of a file, collected row by row, because JSON rows may differ."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(known)
        self._rows = 0

    def add(self, value: object) -> None:
        """Add the columns of a row."""
        self._rows += 1
        if isinstance(value, Mapping):
            self._names.update(dict.fromkeys(map(str, value)))

    def demand(self, where: str, *spellings: str, hint: str = "") -> None:
        """Raises SpecError if no row has any of the names; does nothing for a file without rows."""
        if (not self._rows and not self._names) or any(name in self._names for name in spellings):
            return
        near = get_close_matches(spellings[0], self._names, n=1, cutoff=0.5)
        there = ", ".join(list(self._names)[:12]) or "none"
        raise SpecError(
            f"no column {spellings[0]!r}" + (f", but there is {near[0]!r}" if near else ""),
            where=where,
            hint=f"{hint or 'set the name of the column'}; existing columns: {there}",
        )

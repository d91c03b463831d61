"""Access to the columns of metadata files, with an error for missing columns."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.sources.tables import cells
from reelmill_stages.untrusted.nested import JsonError, check_depth

Row = Mapping[str, Any]
_COMPARED = 1000
"""Maximum number of columns that are compared with a missing name."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line, or a row of a format without lines, that cannot be read as a row.

    `text` identifies the row: the unchanged line, or its value if it is JSON other than an object. `unit` is what
    `line` counts from 1: `line` or `row`.
    """

    line: int = field(repr=False)
    what: str
    text: object
    unit: str = field(default="line", repr=False)


def refuse_bad_line(value: object) -> None:
    """Raise ItemError with the reason `bad_row` for a line that cannot be read as a row."""
    if isinstance(value, BadLine):
        raise ItemError(ItemReason.BAD_ROW, f"{value.unit} {value.line}: {value.what}")


def as_row(value: object) -> Row:
    """Return a row as a mapping. Raises ItemError with the reason `bad_row` for other values and deep nesting."""
    refuse_bad_line(value)
    try:
        check_depth(value)
    except JsonError as error:
        raise ItemError(ItemReason.BAD_ROW, f"the row cannot be read: {error}") from error
    if not isinstance(value, Mapping):
        raise ItemError(ItemReason.BAD_ROW, what_is_no_object(value))
    return value


def what_is_no_object(value: object) -> str:
    """Return the message about a row that is a JSON value other than an object."""
    return f"the row is {cells.shown(value)}, not an object"


def cell(row: Row, *names: str) -> Any:
    """Return the value of the first of the column names that the row has, or None."""
    for name in names:
        value = row.get(name)
        if value is not None:
            return value
    return None


def seen_rows(rows: Iterable[Any], where: str, *columns: tuple[str, ...]) -> Iterator[Any]:
    """Yield the rows. Raises SpecError after the last one if no row has a column by any of its names."""
    seen = KnownColumns()
    for row in rows:
        seen.add(row)
        yield row
    for spellings in columns:
        seen.demand(where, *spellings, hint="is this the right kind of file?")


def refuse_twice(names: Iterable[str], where: str) -> None:
    """Raise SpecError if a header contains a column twice; several columns may have no name."""
    twice = next((name for name, count in Counter(names).items() if name and count > 1), None)
    if twice is not None:
        raise SpecError(f"column {cells.shown(twice)} appears twice", where=where, hint="rename one of them")


def _printable(name: str) -> str:
    """Return the start of a column's name, with escapes for what is not valid Unicode."""
    return name[:80].encode(errors="backslashreplace").decode()


class KnownColumns:
    """The columns of a file, collected row by row, because JSON rows may differ."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(known)
        self._rows = 0

    def __bool__(self) -> bool:
        return bool(self._names)

    def add(self, value: object) -> None:
        """Add the columns of a row."""
        self._rows += 1
        if isinstance(value, Mapping):
            self._names.update(dict.fromkeys(map(str, value)))

    def demand(self, where: str, *spellings: str, hint: str = "") -> None:
        """Raise SpecError if no row has any of the names; do nothing for a file without rows."""
        if (not self._rows and not self._names) or any(name in self._names for name in spellings):
            return
        near = get_close_matches(spellings[0], islice(self._names, _COMPARED), n=1, cutoff=0.5)
        there = ", ".join(map(_printable, islice(self._names, 12))) or "none"
        raise SpecError(
            f"no column {spellings[0]!r}" + (f", but there is {near[0]!r}" if near else ""),
            where=where,
            hint=f"{hint or 'set the name of the column'}; existing columns: {there}",
        )

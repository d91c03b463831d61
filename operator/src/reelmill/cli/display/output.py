"""Results on standard output as a table, JSON or YAML; everything else goes to standard error.

rich and yaml are imported where they are used.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelmill.cli.display.terminal import say
from reelmill.contract.text.terminal import json_text, printable

if TYPE_CHECKING:
    from rich.text import Text

NARROW = 100
"""Terminal width in columns below which tables drop their last column or are split into several lines."""

_COLOURS = {"failed": "red", "stalled": "red", "done": "green", "filtered": "yellow", "skipped": "yellow"}


class Format(StrEnum):
    """Output formats."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"

    @property
    def for_people(self) -> bool:
        return self in (Format.TABLE, Format.WIDE)


ROWS = 50
"""Number of rows that a table shows without --limit."""

RowLimit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=0, help=f"Maximum number of rows; 0 means all. Default: {ROWS} in a table, otherwise all."
    ),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="Output format.")]

Row = Mapping[str, Any]


def emit(value: Any, form: Format) -> None:
    """Print a value as JSON or YAML."""
    if form is Format.JSON:
        print(json_text(value, indent=2))
        return
    import yaml

    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    if printable(text, keep="\n") != text or not _encodable(text):
        # Everything that is not ASCII is then escaped.
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=False)
    print(text, end="")


def _encodable(text: str) -> bool:
    """Whether the encoding of standard output has all characters of a text."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def prepare(form: Format) -> None:
    """Import what `show` needs, while the command waits for something else anyway."""
    if form.for_people:
        import rich.table  # noqa: F401

        import reelmill.cli.display.console  # noqa: F401


def show(rows: Sequence[Row], form: Format, *, columns: Sequence[str]) -> None:
    """Print rows as a table with the named columns; JSON and YAML contain all fields of each row."""
    if not form.for_people:
        emit([dict(row) for row in rows], form)
        return
    from rich.table import Table

    from reelmill.cli.display.console import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        values = [row.get(column) for row in rows]
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        title = column.upper().replace("_", " ")
        table.add_column(title, overflow="fold", justify="right" if rows and numbers else "left", no_wrap=numbers)
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console().print(table)


def show_first(rows: Iterable[Row], limit: int | None, form: Format, *, columns: Sequence[str]) -> int:
    """Show the first `limit` rows (0: all; None: some in a table, otherwise all), and report if there are more.

    Returns how many were shown.
    """
    rows = iter(rows)
    limit = (ROWS if form.for_people else 0) if limit is None else limit
    shown = list(islice(rows, limit or None))
    show(shown, form, columns=columns)
    if limit and next(rows, None) is not None:
        say(f"only the first {limit} rows are shown; show all with --limit 0")
    return len(shown)


def _cell(value: Any) -> "Text":
    from rich.text import Text

    if isinstance(value, Mapping):
        value = " ".join(f"{name}={part}" for name, part in value.items())
    elif isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, float):
        value = f"{value:.2f}"
    text = "" if value is None else printable(str(value))
    return Text(text, style=_COLOURS.get(text, ""))


def size(count: float) -> str:
    """Format a number of bytes in decimal units: `1.4 GB`."""
    from rich.filesize import decimal

    return decimal(round(count))


def duration(seconds: float) -> str:
    """Format seconds: `42s`, `3m 20s`, `5h 07m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"

"""Results on standard output as a table, JSON or YAML; everything else goes to standard error."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from reelmill.cli.display.terminal import console
from reelmill.contract.text.terminal import json_text, printable

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


Output = Annotated[Format, typer.Option("--output", "-o", help="Output format.")]

Row = Mapping[str, Any]


def program() -> str:
    """The name under which this program was started: `reelmill`, or `kubectl reelmill` as a plugin."""
    return "kubectl reelmill" if Path(sys.argv[0]).name.startswith("kubectl-reelmill") else "reelmill"


def emit(value: Any, form: Format) -> None:
    """Print a value as JSON or YAML."""
    if form is Format.JSON:
        print(json_text(value, indent=2))
        return
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    if printable(text, keep="\n") != text:
        # All that is not ASCII is then an escape of YAML.
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=False)
    print(text, end="")


def show(rows: Sequence[Row], form: Format, *, columns: Sequence[str]) -> None:
    """Print rows as a table with the named columns; JSON and YAML contain all fields of each row."""
    if not form.for_people:
        emit([dict(row) for row in rows], form)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        values = [row.get(column) for row in rows]
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        title = column.upper().replace("_", " ")
        table.add_column(title, overflow="fold", justify="right" if rows and numbers else "left", no_wrap=numbers)
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console().print(table)


def _cell(value: Any) -> Text:
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
    return decimal(round(count))


def duration(seconds: float) -> str:
    """Format seconds: `42s`, `3m 20s`, `5h 07m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"

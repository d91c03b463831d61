"""Results on standard output: a table for people, JSON or YAML for programs. Everything else goes to standard error."""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

NARROW = 100
"""Columns of a terminal below which what can stand elsewhere is left out of a line."""

PIPE_WIDTH = 240
"""Columns of a table that nobody's terminal bounds."""
_COLOURS = {"failed": "red", "stalled": "red", "done": "green", "filtered": "yellow", "skipped": "yellow"}


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"

    @property
    def for_people(self) -> bool:
        return self in (Format.TABLE, Format.WIDE)


Output = Annotated[Format, typer.Option("--output", "-o", help="How the result is written.")]

Row = Mapping[str, Any]


def program() -> str:
    """How this program was called: by its own name, or as kubectl's plugin."""
    return "kubectl reelmill" if Path(sys.argv[0]).name.startswith("kubectl-reelmill") else "reelmill"


def say(line: str) -> None:
    """A word to the person, on standard error."""
    print(line, file=sys.stderr, flush=True)


def console() -> Console:
    """Standard output, as wide as its terminal."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, soft_wrap=False)


def emit(value: Any, form: Format) -> None:
    """A value as JSON or YAML."""
    if form is Format.JSON:
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        print(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), end="")


def show(rows: Sequence[Row], form: Format, *, columns: Sequence[str]) -> None:
    """Rows with the named columns; JSON and YAML hold all fields of each row."""
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
    text = "" if value is None else str(value)
    return Text(text, style=_COLOURS.get(text, ""))


def size(count: float) -> str:
    """Bytes for people: `1.4 GB`."""
    return decimal(round(count))


def duration(seconds: float) -> str:
    """Seconds for people: `42s`, `3m 20s`, `5h 07m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"

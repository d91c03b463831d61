"""Records of CSV and TSV files. An invalid line does not affect the lines around it.

There are three rules for quotes:

- `standard` (RFC 4180, the default of CSV): a cell that begins with a quote ends at the next quote that is not doubled.
  It may contain separators, line breaks and doubled quotes, and a separator or the end of the line must follow it.
  Quotes in other cells are text. If a cell violates the rule or is never closed, only the first line of the record is
  invalid, and parsing resumes with the line after it. So an unbalanced quote costs one line and not the rest of the
  file. A record of several lines is also invalid if it has not as many cells as the header.
- `cell` (the default of TSV): a cell that is in quotes from its first to its last character is unquoted, any other
  quote is text, and no cell contains a line break. This reads what spreadsheets write and text that begins with quotes.
- `none`: quotes are text.

Lines are decoded one by one, so invalid UTF-8 makes one line invalid. Parsing takes linear time: at most one quote is
open at a time, and the next line that would open another one closes it or makes it invalid.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reelmill_stages.sources.tables.column_lookup import BadLine

Quoting = Literal["standard", "cell", "none"]
MAX_CELL = 1 << 20
"""Maximum number of characters of a cell; a longer one makes its line invalid."""
_OPENED = "a quote opens a cell that is not closed"
_LONG = f"a cell has more than {MAX_CELL} characters"

LINE = re.compile(rb"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
"""A line of a file with its end: LF, CR LF or CR."""
_BOM = "\ufeff"
_OPEN = re.compile(r'(?:[^"]++|"")*+')
"""The inside of a quoted cell, up to the quote that ends it or to the end of the text."""


@dataclass(frozen=True, slots=True)
class TableRecord:
    """The cells of a record, and the number of its first line."""

    line: int
    cells: list[str]


def records(data: bytes, separator: str, quoting: Quoting) -> Iterator[TableRecord | BadLine]:
    """Yield the records of a file in order, without empty lines. The first one is the header, if there is one."""
    lines = _Lines(data)
    width = 0
    while (line := lines.take()) is not None:
        number = lines.number
        text = _decoded(line, first=number == 1)
        if text is None:
            yield BadLine(number, "it is not UTF-8", line.decode("utf-8", "backslashreplace"))
            continue
        content = text.rstrip("\r\n")
        if not content:
            continue
        mark = lines.mark()
        cells = _cells(content, text, separator, quoting, lines)
        wrong = cells if isinstance(cells, str) else _cell_problem(cells, width if lines.mark() != mark else 0)
        if isinstance(cells, str) or wrong:
            lines.back_to(mark)
            yield BadLine(number, wrong, content)
            continue
        width = width or len(cells)
        yield TableRecord(number, cells)


def _cells(content: str, text: str, separator: str, quoting: Quoting, lines: "_Lines") -> list[str] | str:
    """Return the cells of a record, or a text that describes the error.

    `content` is its first line without its end, `text` with it.
    """
    if quoting == "none" or '"' not in content:
        return content.split(separator)
    if quoting == "cell":
        return _whole_cells(content, separator)
    try:
        # Most records are one valid line, for which Python's reader is several times faster.
        return next(csv.reader((content,), delimiter=separator, strict=True))
    except csv.Error:
        return _standard(text, separator, lines)


def _cell_problem(cells: list[str], width: int) -> str:
    """Describe the error in the cells of a record. `width` is the required number of cells if it has several lines."""
    if width and len(cells) != width:
        return f"a quote opens a cell of several lines, and the record has {len(cells)} cells instead of {width}"
    return _LONG if any(len(cell) > MAX_CELL for cell in cells) else ""


class _Lines:
    """The lines of a file with their ends (LF, CR LF or CR), with a way back to an earlier one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.number = 0

    def take(self) -> bytes | None:
        found = LINE.match(self._data, self._at)
        if found is None:
            return None
        self._at = found.end()
        self.number += 1
        return found[0]

    def mark(self) -> tuple[int, int]:
        return self._at, self.number

    def back_to(self, mark: tuple[int, int]) -> None:
        self._at, self.number = mark


def _decoded(line: bytes, *, first: bool = False) -> str | None:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    return text.removeprefix(_BOM) if first else text


def _standard(text: str, separator: str, lines: _Lines) -> list[str] | str:
    """Return the cells of the record that begins with this line, or the error. A quoted cell may take further lines."""
    begin = text
    cells: list[str] = []
    at, end_of_line = 0, len(text.rstrip("\r\n"))
    while True:
        if not text.startswith('"', at):
            end = text.find(separator, at)
            cells.append(text[at:end] if end >= 0 else text[at:].rstrip("\r\n"))
            if end < 0:
                return cells
            at = end + 1
            continue
        parts: list[str] = []
        size, at = 0, at + 1
        while True:
            inside = _OPEN.match(text, at)
            assert inside is not None
            parts.append(inside[0])
            at, size = inside.end(), size + len(inside[0])
            if at < len(text):
                break
            line = lines.take() if size <= MAX_CELL else b""
            if not line:
                return _OPENED if size <= MAX_CELL else _LONG
            following = _decoded(line)
            if following is None:
                return _OPENED
            text, at = following, 0
            end_of_line = len(text.rstrip("\r\n"))
        cells.append("".join(parts).replace('""', '"'))
        at += 1
        if at >= end_of_line:
            return cells
        if not text.startswith(separator, at):
            return _OPENED if text is not begin else "text follows the quote that closes a cell"
        at += 1


def _whole_cells(line: str, separator: str) -> list[str]:
    """Return the cells of a line: those in quotes from end to end unquoted, quotes in the others as text."""
    cells: list[str] = []
    at = 0
    while True:
        inside = _OPEN.match(line, at + 1) if line.startswith('"', at) else None
        end = inside.end() + 1 if inside else 0
        if inside and end <= len(line) and (end == len(line) or line.startswith(separator, end)):
            cells.append(inside[0].replace('""', '"'))
        else:
            end = line.find(separator, at)
            end = len(line) if end < 0 else end
            cells.append(line[at:end])
        if end == len(line):
            return cells
        at = end + 1

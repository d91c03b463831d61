"""The values of a JSON array or of JSON lines, one at a time.

A metadata file of some gigabytes is decoded in windows, so it is never in memory as one text or one tree.

In JSON lines (https://jsonlines.org), a line that is not JSON affects no other line. A damaged array is refused as a
whole, because the beginning of its next element is unknown. An element that Python cannot hold, because it is nested
too deeply or has a number with too many digits, affects no other element.
"""

import codecs
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.tables.column_lookup import BadLine
from reelmill_stages.sources.tables.separated import LINE

_WINDOW = 1 << 20
_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"
_SPACES = re.compile(rb"[ \t\r\n]*")
_LINES = (".jsonl", ".ndjson")
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)
_NOT_IN_NUMBER = re.compile(r"[^-+.0-9eE]")


def values(data: bytes, where: str, *, lines: bool | None = None) -> Iterator[Any]:
    """Yield the elements of a top-level array, or consecutive values (JSON lines, or a single one).

    With `lines`, by default if the extension is `.jsonl` or `.ndjson`, a line that is not JSON is a `BadLine`; so is
    always a value that Python cannot hold. Raises SpecError with file and line for anything else that is not JSON or
    ends too early. Outside of JSON lines, bytes that are not UTF-8 are surrogates in the values.
    """
    return (value for _, value in numbered_values(data, where, lines=lines))


def numbered_values(data: bytes, where: str, *, lines: bool | None = None) -> Iterator[tuple[int, Any]]:
    """Like `values`, each with its line number if each line contains one value, otherwise with 0."""
    lines = where.lower().endswith(_LINES) if lines is None else lines
    if lines and not _is_read_as_a_whole(data, where):
        yield from _lines(data)
        return
    text = _Window(data, where)
    if text.peek() == "[":
        yield from ((0, value) for value in _elements(text))
    else:
        while text.peek():
            yield 0, text.value()
    if text.peek():
        text.refuse("text after the end of the array")


def _is_read_as_a_whole(data: bytes, where: str) -> bool:
    """Return whether a file with an extension of JSON lines contains an array, or values of several lines each."""
    text = _Window(data, where)
    try:
        if text.peek() == "[":
            for _ in _elements(text):
                pass
            return not text.peek()
        text.value()
    except SpecError:
        return False
    return text.lines > 1 + _blank_lines(data)


def _blank_lines(data: bytes) -> int:
    """Return the number of line ends before the first value."""
    spaces = _SPACES.match(data.removeprefix(codecs.BOM_UTF8))
    return _line_ends(spaces[0].decode()) if spaces else 0


def _line_ends(text: str, end: int | None = None) -> int:
    return text.count("\n", 0, end) + text.count("\r", 0, end) - text.count("\r\n", 0, end)


def _lines(data: bytes) -> Iterator[tuple[int, Any]]:
    for number, found in enumerate(LINE.finditer(data), 1):
        line = found[0]
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip(_SPACE)
            yield from [(number, value) for value in _values_of(text)]
        except json.JSONDecodeError as error:
            yield number, _bad_line(number, f"not JSON: {error.msg} at character {error.pos + 1}", line)
        except UnicodeDecodeError as error:
            yield number, _bad_line(number, f"not UTF-8 at byte {error.start + 1}", line)
        except (ValueError, RecursionError) as error:
            yield number, _bad_line(number, _limit(error), line)


def _values_of(line: str) -> Iterator[Any]:
    at = 0
    while at < len(line):
        found, at = _DECODER.raw_decode(line, at)
        yield found
        while at < len(line) and line[at] in _SPACE:
            at += 1


def _limit(error: ValueError | RecursionError) -> str:
    """Describe what of a valid JSON value exceeds a limit of Python."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"a number has more than {sys.get_int_max_str_digits()} digits"


def _end_of_value(text: str, at: int) -> int | None:
    """Return the end of the value that begins in a text, which may be an element of an array; None if it is missing."""
    if text[at] not in "[{":
        after = _NOT_IN_NUMBER.search(text, at)
        return after.start() if after else None
    depth = 0
    for mark in _MARKS.finditer(text, at):
        sign = text[mark.start()]
        if sign in "[{":
            depth += 1
        elif sign != '"' and not depth:
            return mark.start()
        elif sign in "]}":
            depth -= 1
            if not depth:
                return mark.end()
    return None


def _bad_line(number: int, what: str, line: bytes) -> BadLine:
    return BadLine(number, what, line.decode("utf-8", "backslashreplace").rstrip("\r\n"))


def _elements(text: "_Window") -> Iterator[Any]:
    text.take()
    if text.peek() == "]":
        text.take()
        return
    while True:
        yield text.value()
        separator = text.peek()
        if separator == "]":
            text.take()
            return
        if separator != ",":
            text.refuse("the file ends inside the array" if not separator else "a comma or ] is missing")
        text.take()


class _Window:
    """A moving window of decoded text over the file."""

    def __init__(self, data: bytes, where: str) -> None:
        self._data = memoryview(data)
        self._where = where
        # Bytes that are not UTF-8 become surrogates, which cells refuse, so they affect only the rows that use them.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._next = 0
        self._text = ""
        self._at = 0
        self._lines = 1

    @property
    def lines(self) -> int:
        """The number of the line at the current position."""
        return self._lines + _line_ends(self._text, self._at)

    def peek(self) -> str:
        """Return the next character that is not a space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more(_WINDOW):
                return ""

    def take(self) -> None:
        self._at += 1

    def value(self) -> Any:
        if not self.peek():
            self.refuse("the file ends where a value should be")
        size = _WINDOW
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._more(size):
                    size *= 2
                    continue
                self.refuse(error.msg, error.pos)
            except (ValueError, RecursionError) as error:
                stop = _end_of_value(self._text, self._at)
                if stop is None and self._more(size):
                    size *= 2
                    continue
                if stop is None:
                    self.refuse(_limit(error))
                bad = BadLine(self.lines, _limit(error), self._text[self._at : stop])
                self._at = stop
                return bad
            else:
                # A number may continue in the next window.
                if end == len(self._text) and self._more(size):
                    continue
                self._at = end
                return found

    def refuse(self, what: str, at: int | None = None) -> NoReturn:
        line = self._lines + _line_ends(self._text, self._at if at is None else at)
        raise SpecError(f"not JSON: {what}", where=f"{self._where}:{line}", hint="write a JSON array or JSON lines")

    def _more(self, size: int) -> bool:
        """Decode more text and drop the text before the position. Returns False at the end of the file."""
        if self._next >= len(self._data):
            return False
        chunk = self._data[self._next : self._next + size]
        self._next += len(chunk)
        self._lines += _line_ends(self._text, self._at)
        decoded = self._decoder.decode(bytes(chunk), final=self._next >= len(self._data))
        self._text = self._text[self._at :] + decoded
        self._at = 0
        return True

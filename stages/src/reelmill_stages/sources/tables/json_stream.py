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
_TEXT_SPACES = re.compile(r"[ \t\r\n]*")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
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
        if _begins_with_a_value(data):
            return False
        text.value()
    except SpecError:
        return False
    return True


def _begins_with_a_value(data: bytes) -> bool:
    """Return whether the first line that is not blank begins with a whole value. Without any LF, lines end with CR."""
    spaces = _SPACES.match(data.removeprefix(codecs.BOM_UTF8))
    at = len(data) - len(data.removeprefix(codecs.BOM_UTF8)) + (spaces.end() if spaces else 0)
    end = data.find(b"\n" if b"\n" in data else b"\r", at)
    try:
        _DECODER.raw_decode(data[at : None if end < 0 else end].decode("utf-8", "surrogateescape"))
    except json.JSONDecodeError:
        return False
    except (ValueError, RecursionError):
        return True
    return True


def _line_ends(text: str, end: int | None = None) -> int:
    return text.count("\n", 0, end) + text.count("\r", 0, end) - text.count("\r\n", 0, end)


def _lines(data: bytes) -> Iterator[tuple[int, Any]]:
    first = 1
    for found in (_LINE if b"\n" in data else LINE).finditer(data):
        line = found[0]
        try:
            yield from list(_values_of(line, first))
        except (ValueError, RecursionError):
            # CR is white space between the tokens of a value, and ends the lines of some systems.
            for number, part in enumerate(LINE.finditer(line), first):
                yield from _values_or_bad_line(part[0], number)
        first += line.count(b"\n") + line.count(b"\r") - line.count(b"\r\n")


def _values_or_bad_line(line: bytes, number: int) -> list[tuple[int, Any]]:
    try:
        return list(_values_of(line, number))
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg} at character {error.pos + 1}"
    except UnicodeDecodeError as error:
        what = f"not UTF-8 at byte {error.start + 1}"
    except (ValueError, RecursionError) as error:
        what = _limit(error)
    return [(number, _bad_line(number, what, line))]


def _values_of(line: bytes, number: int) -> Iterator[tuple[int, Any]]:
    """Yield the values in a line, each with its line number; those after a CR have the number of a further line."""
    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    at = 0
    while True:
        begin = _TEXT_SPACES.match(text, at)
        assert begin is not None
        number += _line_ends(begin[0])
        if begin.end() == len(text):
            return
        found, at = _DECODER.raw_decode(text, begin.end())
        yield number, found
        number += _line_ends(text[begin.end() : at])


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

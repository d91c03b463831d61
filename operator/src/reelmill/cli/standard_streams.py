"""Standard streams of a command: closed ones are opened, and every failure to write has a defined effect."""

import codecs
import errno
import io
import json
import os
import select
import sys
from typing import Any

from reelmill.contract.errors import StoreError

_ESCAPES = "reelmill.escapes"
"""Name of the error handler of encodings."""


class ReaderGone(Exception):
    """The process that read standard output has ended, as `head` does. Later output is discarded."""


def protect_standard_streams() -> None:
    """Replace `sys.stdin`, `sys.stdout` and `sys.stderr` of a command.

    A closed stream is opened on the null device: otherwise the next file that is opened would get its number, and
    libraries that write messages to standard error would write them into that file. Writing to standard output raises
    ReaderGone or StoreError; messages on standard error that cannot be written are lost. Characters that the encoding
    does not have are escaped as in JSON.
    """
    codecs.register_error(_ESCAPES, _json_escapes)
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _text_stream(_Output(1, "wb", closefd=False), sys.stdout)
    sys.stderr = _text_stream(_Messages(2, "wb", closefd=False), sys.stderr, line_buffering=True)


class _Output(io.FileIO):
    """Standard output."""

    def write(self, data: Any, /) -> int:
        try:
            return _write_when_ready(super(), data)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            if error.errno == errno.EPIPE:
                raise ReaderGone from error
            what = f"cannot be written: {os.strerror(error.errno or 0)}"
            raise StoreError(what, where="standard output", hint="write it to another place") from error


class _Messages(io.FileIO):
    """Standard error."""

    def write(self, data: Any, /) -> int:
        try:
            return _write_when_ready(super(), data)
        except OSError:
            return len(data)


def _write_when_ready(file: Any, data: Any) -> int:
    """Write to a file, which may be a pipe that does not block. Returns the number of bytes. Raises OSError."""
    while (count := file.write(data)) is None:
        select.select([], [file.fileno()], [])
    return int(count)


def _text_stream(raw: io.FileIO, given: Any, *, line_buffering: bool = False) -> io.TextIOWrapper:
    """A stream with the encoding of the given one, which is None if it was closed."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=given.encoding if given else "utf-8",
        errors=_ESCAPES,
        line_buffering=line_buffering or (given is not None and given.line_buffering),
        write_through=given is not None and given.write_through,
    )


def _json_escapes(error: UnicodeError) -> tuple[str, int]:
    """Return escapes for characters that cannot be encoded, and where to continue."""
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end

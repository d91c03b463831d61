"""The file to which events are appended, a line each: new, empty, or begun by an earlier run."""

import json
import os
from pathlib import Path

from reelmill.contract.errors import SpecError

_PRODUCER = "urn:reelmill:"
_LINE = 1 << 20
"""Bytes of a file in which its first event ends."""
_BEGINNING = b'{"eventTime"'


def has_our_events(path: Path) -> bool:
    """Whether a file is empty, or begins with an event that reelmill told.

    Raises SpecError for a first event that was cut, and so does not say who told it.
    """
    with path.open("rb") as file:
        line = file.readline(_LINE)
    try:
        first = json.loads(line) if line else {"producer": _PRODUCER}
    except (ValueError, RecursionError):
        if line.startswith(_BEGINNING) and not line.endswith(b"\n"):
            raise SpecError(
                "the first event in the file is truncated, so no events are appended to it",
                where=str(path),
                hint="delete the file if it was left by a killed run, or name another one",
            ) from None
        return False
    return isinstance(first, dict) and str(first.get("producer", "")).startswith(_PRODUCER)


def ends_in_a_line(path: Path) -> None:
    """End the last line of a file, if a run that was killed has not, so that the next event is a line of its own."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")

"""The file that events are appended to, one per line: new, empty, or written by an earlier run."""

import json
import os
from pathlib import Path

from reelmill.contract.errors import SpecError

_PRODUCER = "urn:reelmill:"
_LINE = 1 << 20
"""Maximum length in bytes of the first event of a file."""
_BEGINNING = b'{"eventTime"'


def has_our_events(path: Path) -> bool:
    """Whether a file is empty or begins with an event from reelmill.

    Raises SpecError if the first event is truncated, so that its producer is unknown.
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
    """End the last line of a file if a killed run has not, so that the next event is on a separate line."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")

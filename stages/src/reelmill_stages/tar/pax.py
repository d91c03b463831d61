"""Extended headers of a tar (pax): records of `length key=value` before the member to which they apply.

The format is that of POSIX.1-2001; keys of GNU tar's sparse files are in `sparse`.
"""

import re
from collections.abc import Sequence

from reelmill_stages.tar.header import MAX_NUMBER, BadTar

_LENGTH = re.compile(rb"(\d{1,20}) ")

Records = list[tuple[bytes, bytes]]
"""Key and value of each record, in order; a key may occur more than once."""


def records(data: bytes, position: int, *, strict: bool = True) -> Records:
    """Parse the records of an extended header.

    Raises BadTar(`corrupt_header`) for invalid records; if `strict` is False, the records before them are returned.
    """
    found: Records = []
    at, end = 0, len(data.rstrip(b"\0"))
    while at < end:
        length = _LENGTH.match(data, at)
        stop = at + int(length[1]) if length else 0
        key, equals, value = data[length.end() : stop].partition(b"=") if length else (b"", b"", b"")
        damaged = not equals or stop > len(data) or not value.endswith(b"\n")
        if damaged and not strict:
            break
        if damaged:
            raise BadTar("corrupt_header", f"the extended header at byte {position} is damaged")
        found.append((key, value[:-1]))
        at = stop
    return found


def last(found: Sequence[tuple[bytes, bytes]], key: bytes) -> bytes | None:
    """Return the value of a key's last record; None if there is none."""
    return next((value for name, value in reversed(found) if name == key), None)


def whole(value: bytes, position: int) -> int:
    """Parse a whole number from 0 to 2**63-1 in decimal digits. Raises BadTar(`corrupt_header`)."""
    if not value.isdigit() or len(value) > 19 or int(value) > MAX_NUMBER:
        raise BadTar("corrupt_header", f"the extended header before byte {position} has no valid size")
    return int(value)

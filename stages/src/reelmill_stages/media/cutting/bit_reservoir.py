"""The bit reservoir of MP3: the data of a frame may begin in the frames before it (ISO/IEC 11172-3, 2.4.2.7)."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

LONGEST = Fraction(1)
"""Seconds; more than any frame's data reaches back: 24 frames of 24 ms at 8 kbit/s."""

_HEADER = 4
_CHECKSUM = 2
_MPEG_1 = 3
_LAYER_3 = 1
_MONO = 3


class _Frame(NamedTuple):
    behind: int
    """Bytes of data before this frame's own with which its data begins."""
    data: int
    """Bytes of data in this frame."""


def first_needed(frames: Sequence[memoryview], wanted: int) -> int | None:
    """Return the number of the first frame that contains data of frame `wanted`; None if it is before the frames."""
    read = _read_frame(frames[wanted])
    missing = read.behind if read else 0
    while missing > 0 and wanted > 0:
        wanted -= 1
        before = _read_frame(frames[wanted])
        missing -= before.data if before else 0
    return wanted if missing <= 0 else None


def _read_frame(frame: memoryview) -> _Frame | None:
    """Read the header of a frame; None for other bytes than a frame of layer 3."""
    if len(frame) <= _HEADER + _CHECKSUM + 1 or frame[0] != 0xFF or (frame[1] >> 1 & 3) != _LAYER_3:
        return None
    mpeg_1, mono = frame[1] >> 3 & 3 == _MPEG_1, frame[3] >> 6 == _MONO
    side = _HEADER + (0 if frame[1] & 1 else _CHECKSUM)
    length = (17 if mono else 32) if mpeg_1 else (9 if mono else 17)
    behind = frame[side] << 1 | frame[side + 1] >> 7 if mpeg_1 else frame[side]
    return _Frame(behind, max(0, len(frame) - side - length))

"""Supplemental enhancement information of H.264 and HEVC: display orientation and recovery points.

Payloads: ITU-T H.264, D.1, and H.265, D.2. The fields that are read have the same layout in both.
"""

from collections.abc import Iterator

from reelmill_stages.media.bitstream.bits import Bits, OutOfBits, unescaped

_RECOVERY_POINT, _DISPLAY_ORIENTATION = 6, 47

Turn = tuple[int, bool]
"""(quarter turns counter-clockwise, mirrored left to right first)."""


class TurnOfStream:
    """Orientation of the pictures of a stream, from the first message that has one.

    Messages are often written for the first pictures only, and apply to all later ones.
    """

    def __init__(self) -> None:
        self.turn: Turn | None = None
        self.changes = False
        """Whether entry pictures have different orientations, or only later pictures have a message."""
        self._begun = False

    def add_picture(self, signalled: Turn | None, *, entry: bool) -> None:
        """Register the next picture and the orientation of its messages."""
        if signalled is not None:
            before = self.turn or ((0, False) if self._begun else signalled)
            self.changes = self.changes or signalled != before
            self.turn = self.turn or signalled
        self._begun = self._begun or entry


def messages(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (type, payload) of each message of a unit, after the unit's header."""
    data, place = unescaped(payload), 0
    while place + 2 < len(data):
        numbers = []
        for _ in range(2):
            value = 0
            while place < len(data) and data[place] == 255:
                value, place = value + 255, place + 1
            numbers.append(value + (data[place] if place < len(data) else 0))
            place += 1
        kind, size = numbers
        yield kind, data[place : place + size]
        place += size


def recovers_exactly(kind: int, data: bytes) -> bool:
    """Whether an H.264 message states that all pictures from here on, in display order, are exact."""
    if kind != _RECOVERY_POINT:
        return False
    bits = Bits(data)
    try:
        return bits.ue() == 0 and bits.u(1) == 1 and bits.u(1) == 0
    except OutOfBits:
        return False


def turn(kind: int, data: bytes) -> Turn | None:
    """Return the orientation that a message sets, rounded to quarter turns."""
    if kind != _DISPLAY_ORIENTATION:
        return None
    bits = Bits(data)
    try:
        if bits.u(1):
            return None
        across, upside, angle = bits.u(1), bits.u(1), bits.u(16)
    except OutOfBits:
        return None
    return (round(angle * 4 / (1 << 16)) + 2 * upside) % 4, across != upside

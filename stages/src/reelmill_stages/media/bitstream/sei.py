"""Supplemental enhancement information of H.264 and HEVC: which way up, and where a decoder recovers.

Payloads: ITU-T H.264, D.1, and H.265, D.2, which write both messages the same way up to what is read here.
"""

from collections.abc import Iterator

from reelmill_stages.media.bitstream.bits import Bits, OutOfBits, unescaped

_RECOVERY_POINT, _DISPLAY_ORIENTATION = 6, 47

Turn = tuple[int, bool]
"""(quarter turns counter-clockwise, mirrored left to right first)."""


class TurnOfStream:
    """Which way up the pictures of a stream are, by the first message that tells.

    Messages are often written for the first pictures only, and hold for all that follow.
    """

    def __init__(self) -> None:
        self.turn: Turn | None = None
        self.changes = False
        """Pictures at which decoding begins tell it differently, or only later ones tell it."""
        self._begun = False

    def picture(self, told: Turn | None, *, entry: bool) -> None:
        """The next picture, and what its messages tell."""
        if told is not None:
            before = self.turn or ((0, False) if self._begun else told)
            self.changes = self.changes or told != before
            self.turn = self.turn or told
        self._begun = self._begun or entry


def messages(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, payload) of each message of a unit, behind the unit's header."""
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
    """Whether a message of H.264 says: from here on, in order of presentation, all pictures are exact."""
    if kind != _RECOVERY_POINT:
        return False
    bits = Bits(data)
    try:
        return bits.ue() == 0 and bits.u(1) == 1 and bits.u(1) == 0
    except OutOfBits:
        return False


def turn(kind: int, data: bytes) -> Turn | None:
    """How a message says that pictures are to be turned, to the next quarter."""
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

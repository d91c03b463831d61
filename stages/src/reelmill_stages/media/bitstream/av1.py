"""AV1: frame headers (AV1 bitstream specification, 5.3 to 5.9).

Decoding may begin at a key frame that is shown at once, because it renews all references. A key frame that is shown
later does not qualify.
"""

from __future__ import annotations

from collections.abc import Iterator

from reelmill_stages.media.bitstream.units import DamagedPacket, Unit, Unknown

_SEQUENCE, _DELIMITER, _HEADER, _FRAME, _REDUNDANT = 1, 2, 3, 6, 7
_KEY = 0


class Av1Reader:
    """Implements `units.UnitReader`."""

    def __init__(self, extradata: bytes) -> None:
        self._count = 0
        self._sequence = b""
        self._still = False
        if len(extradata) > 4 and extradata[0] == 0x81:
            for kind, payload in _units(memoryview(extradata)[4:]):
                if kind == _SEQUENCE:
                    self._sequence = bytes(payload)

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        shown, entry = 0, False
        first = True
        sent = False
        for kind, payload in _units(data):
            if kind == _SEQUENCE:
                sequence = bytes(payload)
                sent = True
                changed = bool(self._sequence) and sequence != self._sequence
                self._sequence = sequence
                self._still = len(sequence) > 0 and bool(sequence[0] >> 3 & 1)
                if changed and self._count > 1:
                    raise Unknown("the settings of the stream change")
            elif kind in {_HEADER, _FRAME} and len(payload):
                if self._still:
                    return Unit(shown=True, entry=True, order=(self._count,))
                byte = payload[0]
                existing = byte >> 7
                frame_type, show = byte >> 5 & 3, byte >> 4 & 1
                if existing or show:
                    shown += 1
                if first:
                    entry = not existing and frame_type == _KEY and bool(show) and (sent or bool(self._sequence))
                first = False
        if shown > 1:
            raise Unknown("a packet holds several pictures")
        return Unit(shown=shown == 1, entry=entry, order=(self._count,))


def _units(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield (type, payload) of each unit. Raises Unknown for sizes that exceed the packet."""
    place = 0
    while place < len(data):
        head = data[place]
        place += 1 + (head >> 2 & 1)
        size = len(data) - place
        if head >> 1 & 1:
            size = 0
            for number in range(8):
                if place >= len(data):
                    raise DamagedPacket("a packet is damaged")
                byte, place = data[place], place + 1
                size |= (byte & 127) << 7 * number
                if not byte >> 7:
                    break
        if size < 0 or place + size > len(data):
            raise DamagedPacket("a packet is damaged")
        yield head >> 3 & 15, data[place : place + size]
        place += size

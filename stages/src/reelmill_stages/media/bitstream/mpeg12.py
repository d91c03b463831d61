"""MPEG-1 and MPEG-2 video: picture headers (ISO/IEC 13818-2, 6.2).

Decoding may begin at an intra picture after a sequence header. B pictures that follow it directly need the picture
before it, unless their group is marked as closed. An MPEG-2 picture has slices for each of its rows; decoders fill lost
rows from earlier pictures without reporting an error.
"""

import re

from reelmill_stages.media.bitstream.anchors import Anchors
from reelmill_stages.media.bitstream.units import DamagedPacket, Unit, Unknown

_CODES = re.compile(rb"\x00\x00\x01([\x00-\xaf\xb3\xb5\xb8])", re.DOTALL)
_PICTURE, _LAST_SLICE, _SEQUENCE, _EXTENSION, _GROUP = 0x00, 0xAF, 0xB3, 0xB5, 0xB8
_SEQUENCE_EXTENSION, _CODING_EXTENSION, _FRAME = 1, 8, 3
_INTRA, _B = 1, 3
_HIGHEST = 2800
"""Lines; slices of higher pictures are numbered differently."""


class Mpeg12Reader:
    """Implements `units.UnitReader`."""

    def __init__(self, extradata: bytes) -> None:
        self._anchors = Anchors()
        self._closed = False
        self._height = 0
        self._rows = 0
        """Rows of macroblocks in an MPEG-2 picture; 0 if unknown, and for MPEG-1, where a slice may span rows."""

    def read(self, data: memoryview) -> Unit:
        kinds: list[int] = []
        sequence = False
        closed = False
        slices: set[int] = set()
        raw = bytes(data)
        for found in _CODES.finditer(raw):
            at, code = found.end(), raw[found.end() - 1]
            if code == _PICTURE and at + 1 < len(raw):
                kinds.append(raw[at + 1] >> 3 & 7)
            elif code <= _LAST_SLICE:
                slices.add(code)
            elif code == _SEQUENCE:
                sequence = True
                self._rows = 0
                self._height = int.from_bytes(raw[at + 1 : at + 3]) & 0xFFF
            elif code == _EXTENSION and at + 2 < len(raw) and raw[at] >> 4 == _SEQUENCE_EXTENSION:
                self._rows = _macroblock_rows(
                    self._height | (raw[at + 2] >> 5 & 3) << 12, progressive=bool(raw[at + 1] >> 3 & 1)
                )
            elif code == _GROUP and at + 3 < len(raw):
                closed = bool(raw[at + 3] >> 6 & 1)
            elif (
                code == _EXTENSION
                and at + 2 < len(raw)
                and raw[at] >> 4 == _CODING_EXTENSION
                and raw[at + 2] & 3 != _FRAME
            ):
                raise Unknown("fields are coded as pictures of their own")
        if len(kinds) != 1:
            raise Unknown("a packet holds several pictures") if kinds else DamagedPacket("a packet holds no picture")
        if not slices.issuperset(range(1, self._rows + 1)):
            raise DamagedPacket("a picture lacks rows")
        is_b = kinds[0] == _B
        if not is_b:
            self._closed = kinds[0] == _INTRA and closed
        order = self._anchors.place(is_b=is_b)
        entry = kinds[0] == _INTRA and sequence
        return Unit(shown=True, entry=entry, order=order, independent=is_b and self._closed, droppable=is_b)


def _macroblock_rows(height: int, *, progressive: bool) -> int:
    """Return the rows of macroblocks in a picture (6.3.3); 0 if slices are numbered differently."""
    if height > _HIGHEST:
        return 0
    return -(-height // 16) if progressive else 2 * -(-height // 32)

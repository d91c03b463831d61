"""MPEG-4 part 2: headers of video object planes (ISO/IEC 14496-2, 6.2).

Decoding may begin at an intra plane. B planes that follow it directly need the plane before it, unless their group is
marked as closed.
"""

import re

from reelmill_stages.media.bitstream.anchors import Anchors
from reelmill_stages.media.bitstream.units import DamagedPacket, Unit, Unknown

_CODES = re.compile(rb"\x00\x00\x01([\x20-\x2f\xb3\xb6])", re.DOTALL)
_PLANE, _GROUP = 0xB6, 0xB3
_INTRA, _B = 0, 2
_NOT_CODED = 9
"""Maximum bytes of the header of a plane that is not coded and repeats the previous picture."""


class Mpeg4Reader:
    """Implements `units.UnitReader`."""

    def __init__(self, extradata: bytes) -> None:
        self._anchors = Anchors()
        self._closed = False
        self._layer = _layer_header(extradata)

    def read(self, data: memoryview) -> Unit:
        raw = bytes(data)
        planes: list[int] = []
        closed = False
        for found in _CODES.finditer(raw):
            at, code = found.end(), raw[found.end() - 1]
            if code == _PLANE:
                planes.append(at)
            elif code == _GROUP:
                closed = at + 2 < len(raw) and bool(raw[at + 2] >> 5 & 1)
        if len(planes) != 1:
            raise Unknown("a packet holds several pictures") if planes else DamagedPacket("a packet holds no picture")
        if len(raw) - planes[0] + 4 < _NOT_CODED:
            raise Unknown("a packet repeats a picture")
        if layer := _layer_header(raw):
            if self._layer and layer != self._layer:
                raise Unknown("the settings of the stream change")
            self._layer = layer
        kind = raw[planes[0]] >> 6
        is_b = kind == _B
        if not is_b:
            self._closed = kind == _INTRA and closed
        order = self._anchors.place(is_b=is_b)
        return Unit(shown=True, entry=kind == _INTRA, order=order, independent=is_b and self._closed, droppable=is_b)


def _layer_header(data: bytes) -> bytes:
    """Return the header of the video object layer; empty if there is none."""
    found = re.search(rb"\x00\x00\x01[\x20-\x2f]", data)
    if found is None:
        return b""
    following = data.find(b"\x00\x00\x01", found.end())
    return data[found.start() : following if following >= 0 else len(data)].rstrip(b"\x00")

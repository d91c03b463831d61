"""VP8 (RFC 6386, 9.1), VP9 (bitstream specification, 6.2), Theora: key frames, and frames that are only references."""

from reelmill_stages.media.bitstream.units import DamagedPacket, Unit, Unknown


class Vp8:
    """Reader for VP8: a key frame resets everything; pictures are shown as they are decoded."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        first = data[0]
        return Unit(shown=not vp8_hidden(first), entry=not first & 1, order=(self._count,))


class Theora:
    """Reader for Theora: a key frame resets everything (specification, 7.1).

    In joined files, headers (6) are packets, too.
    """

    def __init__(self) -> None:
        self._count = 0

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        is_header = bool(data[0] & 0x80)
        return Unit(shown=not is_header, entry=not data[0] & 0xC0, order=(self._count,))


class Vp9:
    """Reader for VP9: a key frame renews all references; intra-only frames do not."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        frames = _frames(data)
        shown = sum(not vp9_hidden(frame[0], 0) for frame in frames)
        if shown > 1:
            raise Unknown("a packet holds several pictures")
        return Unit(shown=shown == 1, entry=_is_key(frames[0][0]), order=(self._count,))


def _frames(data: memoryview) -> list[memoryview]:
    """Return the frames of a packet; several for a superframe, whose index is at its end (Annex B)."""
    last = data[-1]
    if last >> 5 != 0b110:
        return [data]
    count, width = (last & 7) + 1, (last >> 3 & 3) + 1
    index = 2 + count * width
    if len(data) < index or data[-index] != last:
        return [data]
    frames, place = [], 0
    for number in range(count):
        at = len(data) - index + 1 + number * width
        size = int.from_bytes(data[at : at + width], "little")
        if size and place + size <= len(data) - index:
            frames.append(data[place : place + size])
        place += size
    return frames or [data]


def _is_key(first: int) -> bool:
    if first >> 6 != 0b10:
        raise DamagedPacket("a frame header is damaged")
    bit = 2 if first >> 4 & 3 == 3 else 3
    shows_existing = first >> bit & 1
    return not shows_existing and not first >> (bit - 1) & 1


def vp8_hidden(first: int) -> bool:
    """Whether a frame is hidden, by its first byte: bit 4 is show_frame."""
    return not first >> 4 & 1


def vp9_hidden(first: int, last: int) -> bool:
    """Whether a packet is hidden, by its first header byte and its last byte.

    A last byte that marks a superframe means that one of its frames is shown.
    """
    if last >> 5 == 0b110:
        return False
    profile = (first >> 5 & 1) | (first >> 4 & 1) << 1
    bit = 2 if profile == 3 else 3
    shows_existing = first >> bit & 1
    return not shows_existing and not first >> (bit - 2) & 1

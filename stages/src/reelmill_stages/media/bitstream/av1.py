"""AV1: frame headers (AV1 bitstream specification, 5.3 to 5.9).

Decoding may begin at a key frame that is shown at once, because it renews all references. A key frame that is shown
later does not qualify. A frame that refreshes no reference leaves nothing behind in the decoder, so its packet does not
have to be decoded to decode others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reelmill_stages.media.bitstream.bits import Bits, OutOfBits
from reelmill_stages.media.bitstream.units import DamagedPacket, Unit, Unknown

_SEQUENCE, _HEADER, _FRAME = 1, 3, 6
"""Types of units: the header of a sequence, the header of a frame, and a whole frame."""
_HARMLESS = frozenset({2, 4, 5, 7, 15})
"""Types of units that change no state: delimiters, tiles, metadata, repeated frame headers, padding."""
_KEY, _INTRA_ONLY, _SWITCH = 0, 2, 3
"""Types of frames."""
_CHOSEN_PER_FRAME = 2
"""Value of a setting of the sequence that each frame header contains."""
_HEADER_BYTES = 16
"""Number of bytes of a frame header that contain everything that is read."""


class Av1Reader:
    """Implements `units.UnitReader`."""

    def __init__(self, extradata: bytes) -> None:
        self._count = 0
        self._sequence = b""
        self._still = False
        for kind, payload in _units_of_config(extradata):
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


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Settings of a sequence that determine the form of frame headers."""

    screen_content: int
    integer_vectors: int
    order_bits: int


class Av1References:
    """Reads the packets of one stream in decode order. `extradata` is the configuration in the container."""

    def __init__(self, extradata: bytes) -> None:
        self._sequence: _Sequence | None = None
        try:
            for kind, payload in _units_of_config(extradata):
                if kind == _SEQUENCE:
                    self._sequence = _parse_sequence_header(bytes(payload))
        except (Unknown, OutOfBits):
            self._sequence = None

    def is_unreferenced(self, data: memoryview) -> bool:
        """Whether the packet holds one picture, which no other refers to; False also if its headers do not tell."""
        frames, unreferenced = 0, False
        try:
            for kind, payload in _units(data):
                if kind == _SEQUENCE:
                    self._sequence = None
                    self._sequence = _parse_sequence_header(bytes(payload))
                    frames += 2  # a packet that begins a sequence is always decoded
                elif kind in {_HEADER, _FRAME}:
                    frames += 1
                    unreferenced = self._sequence is not None and _refreshes_no_reference(payload, self._sequence)
                elif kind not in _HARMLESS:
                    return False
        except (Unknown, OutOfBits):
            return False
        return frames == 1 and unreferenced


def _parse_sequence_header(payload: bytes) -> _Sequence:
    """Read a sequence header. Raises Unknown for one whose frame headers have other fields, and OutOfBits."""
    bits = Bits(payload)
    bits.u(3)  # profile
    if bits.u(2):
        raise Unknown("the stream is a still picture")
    if bits.u(1):
        bits.u(64)  # time base
        if bits.u(1):
            bits.ue()
        if bits.u(1):
            raise Unknown("frame headers contain times of the decoder model")
    has_delay = bits.u(1)
    if bits.u(5):
        raise Unknown("the stream has several operating points")
    bits.u(12)
    if bits.u(5) > 7:
        bits.u(1)
    if has_delay and bits.u(1):
        bits.u(4)
    width, height = bits.u(4) + 1, bits.u(4) + 1
    bits.u(width + height)
    if bits.u(1):
        raise Unknown("frames have numbers")
    bits.u(7)
    has_order = bits.u(1)
    if has_order:
        bits.u(2)
    screen_content = _CHOSEN_PER_FRAME if bits.u(1) else bits.u(1)
    integer_vectors = _CHOSEN_PER_FRAME
    if screen_content:
        integer_vectors = _CHOSEN_PER_FRAME if bits.u(1) else bits.u(1)
    return _Sequence(screen_content, integer_vectors, bits.u(3) + 1 if has_order else 0)


def _refreshes_no_reference(payload: memoryview, sequence: _Sequence) -> bool:
    """Whether a frame is shown and does not become a reference. Raises OutOfBits."""
    bits = Bits(bytes(payload[:_HEADER_BYTES]))
    shows_existing, kind, is_shown = bits.u(1), bits.u(2), bits.u(1)
    if shows_existing or not is_shown or kind in {_KEY, _SWITCH}:
        return False
    is_resilient = bits.u(1)
    bits.u(1)
    allows_screen_content = bits.u(1) if sequence.screen_content == _CHOSEN_PER_FRAME else sequence.screen_content
    if allows_screen_content and sequence.integer_vectors == _CHOSEN_PER_FRAME:
        bits.u(1)
    bits.u(1)
    bits.u(sequence.order_bits)
    if kind != _INTRA_ONLY and not is_resilient:
        bits.u(3)
    return bits.u(8) == 0


def _units_of_config(extradata: bytes) -> Iterator[tuple[int, memoryview]]:
    """Yield (type, payload) of the units in the configuration of a container (`av1C`). Raises as `_units`."""
    if len(extradata) > 4 and extradata[0] == 0x81:
        yield from _units(memoryview(extradata)[4:])


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

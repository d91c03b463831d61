"""HEVC: NAL unit types and slice headers (ITU-T H.265, 7.3 and 8.3.1).

The types are sufficient: decoding may begin at IRAP pictures. Their leading pictures are either decodable from there
(RADL) or need earlier pictures (RASL). RASL pictures of the first IRAP picture are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from reelmill_stages.media.bitstream.bits import Bits, OutOfBits, unescaped
from reelmill_stages.media.bitstream.nal_lengths import length_size
from reelmill_stages.media.bitstream.nal_units import ParameterSets, has_hole, of_packet, of_stream
from reelmill_stages.media.bitstream.sei import Turn, TurnOfStream, messages, turn
from reelmill_stages.media.bitstream.units import DamagedPacket, Unit, Unknown

_RADL, _RASL = {6, 7}, {8, 9}
_BLA, _IDR, _CRA = {16, 17, 18}, {19, 20}, 21
_LAST_PICTURE, _FIRST_IRAP, _LAST_IRAP, _LAST_NON_REFERENCE = 31, 16, 23, 14
_VPS, _SPS, _PPS = 32, 33, 34
_ENDS, _SEI = {36, 37}, 39
_HEAD = 64


@dataclass(slots=True)
class _Pps:
    sps: int
    output_flag: bool
    extra_bits: int


class HevcReader:
    """Implements `units.UnitReader`."""

    def __init__(self, extradata: bytes) -> None:
        self._size = length_size("hevc", extradata)
        self._sps: dict[int, tuple[int, bool]] = {}
        """By number: bits of a picture order count, and whether colour planes are coded separately."""
        self._pps: dict[int, _Pps] = {}
        self._sets = ParameterSets()
        self.turned = TurnOfStream()
        self._epoch = 0
        self._reference = 0
        self._first = True
        """Whether the next IRAP picture is the first, or follows an end of sequence."""
        self._drops_leading = False
        self.layered = False
        """Whether there are temporal layers; unit types then do not show which pictures can be dropped."""
        for unit in _header_units(extradata) if self._size else of_stream(extradata):
            self._register_parameter_set(bytes(unit), header=True)

    def read(self, data: memoryview) -> Unit:
        made: Unit | None = None
        here: set[tuple[int, int]] = set()
        signalled_turn: Turn | None = None
        holed = False
        ends = False
        for unit in of_packet(data, self._size):
            if len(unit) < 3:
                ends = ends or unit[0] >> 1 & 63 in _ENDS
                continue
            kind, layer = unit[0] >> 1 & 63, (unit[0] & 1) << 5 | unit[1] >> 3
            if layer:
                continue
            if kind <= _LAST_PICTURE:
                holed = holed or has_hole(unit, self._size)
            if kind <= _LAST_PICTURE and unit[2] >> 7:
                if made is not None:
                    raise Unknown("a packet holds several pictures")
                try:
                    made = self._picture_unit(kind, bytes(unit[:_HEAD]))
                except (OutOfBits, KeyError):
                    raise DamagedPacket("a slice header is damaged") from None
            elif kind == _SEI:
                for message in messages(bytes(unit[2:])):
                    signalled_turn = signalled_turn or turn(*message)
            elif kind in {_VPS, _SPS, _PPS}:
                here.add(self._register_parameter_set(bytes(unit)))
        if made is None:
            raise DamagedPacket("a packet holds no picture")
        made.entry = made.entry and self._sets.includes_all_changes(here)
        self.turned.add_picture(signalled_turn, entry=made.entry)
        self._first = self._first or ends
        if holed:
            raise DamagedPacket("a slice has a hole")
        return made

    def _picture_unit(self, kind: int, head: bytes) -> Unit:
        irap = _FIRST_IRAP <= kind <= _LAST_IRAP
        temporal = (head[1] & 7) - 1
        self.layered = self.layered or temporal > 0
        bits = Bits(unescaped(head[2:]))
        bits.u(1)
        if irap:
            bits.u(1)
        pps = self._pps[bits.ue()]
        poc_bits, planes = self._sps[pps.sps]
        bits.u(pps.extra_bits)
        bits.ue()
        shown = not pps.output_flag or bool(bits.u(1))
        if planes:
            bits.u(2)
        if irap:
            self._drops_leading = kind in _BLA or (kind == _CRA and self._first)
            if kind != _CRA or self._first:
                self._epoch += 1
                self._reference = 0
            self._first = False
        count = 0 if kind in _IDR else self._picture_order_count(bits.u(poc_bits), poc_bits)
        if irap and (kind in _BLA or self._drops_leading):
            count &= (1 << poc_bits) - 1
        leading = kind in _RADL or kind in _RASL
        droppable = kind <= _LAST_NON_REFERENCE and kind % 2 == 0
        if temporal == 0 and not leading and not droppable:
            self._reference = count
        shown = shown and not (kind in _RASL and self._drops_leading)
        return Unit(shown, irap, (self._epoch, count), independent=kind in _RADL, droppable=droppable)

    def _picture_order_count(self, low: int, size: int) -> int:
        """Return the full picture order count."""
        before, high = self._reference % (1 << size), self._reference >> size << size
        if low < before and before - low >= 1 << (size - 1):
            high += 1 << size
        elif low > before and low - before > 1 << (size - 1):
            high -= 1 << size
        return high + low

    def _register_parameter_set(self, unit: bytes, *, header: bool = False) -> tuple[int, int]:
        """Register a parameter set."""
        kind = unit[0] >> 1 & 63
        number = -1
        try:
            if kind == _SPS:
                number, *found = _read_sps(unescaped(unit))
                self._sps[number] = (found[0], bool(found[1]))
            elif kind == _PPS:
                bits = Bits(unescaped(unit[2:_HEAD]))
                number, sps = bits.ue(), bits.ue()
                bits.u(1)
                self._pps[number] = _Pps(sps, bool(bits.u(1)), bits.u(3))
            elif kind == _VPS:
                number = unit[2] >> 4
        except (OutOfBits, IndexError):
            raise DamagedPacket("a parameter set is damaged") from None
        if header:
            self._sets.register_header_set(kind, number, unit)
        return self._sets.register_packet_set(kind, number, unit)


def _header_units(extradata: bytes) -> list[bytes]:
    """Return the parameter sets of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3)."""
    units: list[bytes] = []
    if len(extradata) < 23:
        return units
    place = 23
    for _ in range(extradata[22]):
        kind, count = extradata[place : place + 1], int.from_bytes(extradata[place + 1 : place + 3], "big")
        place += 3
        for _ in range(count):
            length = int.from_bytes(extradata[place : place + 2], "big")
            unit = extradata[place + 2 : place + 2 + length]
            if len(unit) < 3 or not kind:
                return units
            if kind[0] & 63 in {_VPS, _SPS, _PPS}:
                units.append(unit)
            place += 2 + length
    return units


def _read_sps(unit: bytes) -> tuple[int, int, bool]:
    """Return the number, the bits of a picture order count, and whether colour planes are coded separately."""
    bits = Bits(unit[2:])
    bits.u(4)
    layers = bits.u(3)
    bits.u(1)
    bits.u(96)
    present = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    if layers:
        bits.u(2 * (8 - layers))
    for profile, level in present:
        bits.u(88 * profile + 8 * level)
    number = bits.ue()
    planes = bits.ue() == 3 and bool(bits.u(1))
    bits.ue(), bits.ue()
    if bits.u(1):
        bits.ue(), bits.ue(), bits.ue(), bits.ue()
    bits.ue(), bits.ue()
    size = bits.ue() + 4
    if size > 16:
        raise OutOfBits
    return number, size, planes

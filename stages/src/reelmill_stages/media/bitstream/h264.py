"""H.264: slice headers and recovery points (ITU-T H.264, 7.3 and D.2.8).

Decoding may begin at an IDR picture, or at an intra picture with a recovery point that promises exact pictures at once.
Other intra pictures do not qualify: later pictures may refer to pictures before them.
"""

from __future__ import annotations

from dataclasses import dataclass

from reelmill_stages.media.bitstream.bits import Bits, OutOfBits, unescaped
from reelmill_stages.media.bitstream.nal_lengths import length_size
from reelmill_stages.media.bitstream.nal_units import ParameterSets, has_hole, of_packet, of_stream
from reelmill_stages.media.bitstream.sei import Turn, TurnOfStream, messages, recovers_exactly, turn
from reelmill_stages.media.bitstream.units import DamagedPacket, Order, Unit, Unknown

_SLICE, _PARTITION, _IDR, _SEI, _SPS, _PPS = 1, 2, 5, 6, 7, 8
_INTRA = {2, 4, 7, 9}
_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles whose sequence parameter sets have a chroma format."""
_HEAD = 24
"""Bytes at the start of a slice that contain all header fields that are read."""


@dataclass(slots=True)
class _Sps:
    separate_planes: bool
    frame_num_bits: int
    poc_type: int
    poc_bits: int
    frames_only: bool


class H264Reader:
    """Implements `units.UnitReader`."""

    def __init__(self, extradata: bytes) -> None:
        self._size = length_size("h264", extradata)
        self._sps: dict[int, _Sps] = {}
        self._pps: dict[int, int] = {}
        self._sets = ParameterSets()
        self.turned = TurnOfStream()
        self._epoch = self._count = 0
        self._reference = (0, 0)
        """Picture order count of the last reference picture: high and low part."""
        for unit in _header_units(extradata) if self._size else of_stream(extradata):
            self._register_parameter_set(bytes(unit), header=True)

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        pictures = 0
        intra, recovers = True, False
        here: set[tuple[int, int]] = set()
        first: tuple[int, Bits] | None = None
        signalled_turn: Turn | None = None
        holed = False
        for unit in of_packet(data, self._size):
            kind = unit[0] & 31
            if kind in {_SLICE, _IDR, _PARTITION}:
                holed = holed or has_hole(unit, self._size)
                bits = Bits(unescaped(bytes(unit[1:_HEAD])))
                try:
                    begins, slice_type = bits.ue() == 0, bits.ue()
                except OutOfBits:
                    raise DamagedPacket("a slice header is damaged") from None
                intra = intra and slice_type in _INTRA
                if begins:
                    pictures += 1
                    first = first or (unit[0], bits)
            elif kind in {_SPS, _PPS}:
                here.add(self._register_parameter_set(bytes(unit)))
            elif kind == _SEI:
                for message in messages(bytes(unit[1:])):
                    recovers = recovers or recovers_exactly(*message)
                    signalled_turn = signalled_turn or turn(*message)
        if pictures != 1 or first is None:
            raise Unknown("a packet holds several pictures") if pictures else DamagedPacket("a packet holds no picture")
        try:
            order = self._display_order(*first)
        except (OutOfBits, KeyError):
            raise DamagedPacket("a slice header is damaged") from None
        idr = first[0] & 31 == _IDR
        entry = (idr or (recovers and intra)) and self._sets.includes_all_changes(here)
        self.turned.add_picture(signalled_turn, entry=entry)
        if holed:
            raise DamagedPacket("a slice has a hole")
        return Unit(shown=True, entry=entry, order=order, droppable=not first[0] >> 5 & 3)

    def _display_order(self, head: int, bits: Bits) -> Order:
        """Return the display order of a picture (ITU-T H.264, 8.2.1).

        `head` is the first byte of its first slice, and `bits` follow the slice type.
        """
        sps = self._sps[self._pps[bits.ue()]]
        if sps.separate_planes:
            bits.u(2)
        bits.u(sps.frame_num_bits)
        if not sps.frames_only and bits.u(1):
            raise Unknown("fields are coded as pictures of their own")
        if head & 31 == _IDR:
            bits.ue()
            self._epoch += 1
            self._reference = (0, 0)
        if sps.poc_type == 2:
            return (self._epoch, self._count)
        if sps.poc_type:
            raise Unknown("picture order counts of type 1 are not read")
        low, size = bits.u(sps.poc_bits), 1 << sps.poc_bits
        high, before = self._reference
        if low < before and before - low >= size // 2:
            high += size
        elif low > before and low - before > size // 2:
            high -= size
        if head >> 5 & 3:
            self._reference = (high, low)
        return (self._epoch, high + low)

    def _register_parameter_set(self, unit: bytes, *, header: bool = False) -> tuple[int, int]:
        """Register a parameter set."""
        kind = unit[0] & 31
        try:
            if kind == _SPS:
                number, sps = _read_sps(unescaped(unit))
                self._sps[number] = sps
            elif kind == _PPS:
                bits = Bits(unescaped(unit[1:48]))
                number = bits.ue()
                self._pps[number] = bits.ue()
            else:
                return (kind, -1)
        except OutOfBits:
            raise DamagedPacket("a parameter set is damaged") from None
        if header:
            self._sets.register_header_set(kind, number, unit)
        return self._sets.register_packet_set(kind, number, unit)


def _header_units(extradata: bytes) -> list[bytes]:
    """Return the parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3)."""
    units, place = [], 5
    for mask in (31, 255):
        if place >= len(extradata):
            break
        count, place = extradata[place] & mask, place + 1
        for _ in range(count):
            length = int.from_bytes(extradata[place : place + 2], "big")
            unit = extradata[place + 2 : place + 2 + length]
            place += 2 + length
            if unit:
                units.append(unit)
    return units


def _read_sps(unit: bytes) -> tuple[int, _Sps]:
    """Return the number and contents of a sequence parameter set."""
    bits = Bits(unit[1:])
    profile = bits.u(8)
    bits.u(16)
    number = bits.ue()
    planes = False
    if profile in _HIGH:
        chroma = bits.ue()
        planes = bool(chroma == 3 and bits.u(1))
        bits.ue(), bits.ue(), bits.u(1)
        if bits.u(1):
            for place in range(8 if chroma != 3 else 12):
                if bits.u(1):
                    _skip_scaling_list(bits, 16 if place < 6 else 64)
    frame_num_bits = bits.ue() + 4
    poc_type, poc_bits = bits.ue(), 0
    if poc_type == 0:
        poc_bits = bits.ue() + 4
    elif poc_type == 1:
        bits.u(1), bits.se(), bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()
    bits.ue(), bits.u(1), bits.ue(), bits.ue()
    frames_only = bool(bits.u(1))
    if max(frame_num_bits, poc_bits) > 16:
        raise OutOfBits
    return number, _Sps(planes, frame_num_bits, poc_type, poc_bits, frames_only)


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last

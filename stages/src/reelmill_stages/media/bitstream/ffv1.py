"""FFV1 (RFC 9043): key frames, and the checksums of slices, which decoders look at without telling.

From version 3 on, each slice ends with its length and, in streams with checksums, a status and a CRC (section 4.8).
Which of the two a stream has is told by the lengths: they must add up to the packet.
"""

from reelmill_stages.media.bitstream.units import DamagedPacket, Unit
from reelmill_stages.media.crc import crc_from_highest

_KEY = 0x7F80
"""The first bit of a packet is whether it is a key frame; half of the range of its arithmetic coder is for each."""
_PLAIN, _CHECKED = 3, 8
"""Bytes behind a slice."""
_REGISTERS = (0, 0x7A8C4079)
"""What the register of the CRC holds before and after a slice: two kinds of checksums."""


class Ffv1Reader:
    """Implements `units.UnitReader`."""

    def __init__(self, extradata: bytes) -> None:
        self._has_slices = bool(extradata)
        self._count = 0

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        if self._has_slices:
            _check(bytes(data))
        return Unit(shown=True, entry=int.from_bytes(data[:2]) >= _KEY, order=(self._count,))


def _check(packet: bytes) -> None:
    slices = _slices(packet, _CHECKED)
    if slices:
        if not all(_is_right(packet[each.start : each.stop]) for each in slices):
            raise DamagedPacket("the checksum of a slice is wrong")
    elif not _slices(packet, _PLAIN):
        raise DamagedPacket("the lengths of its slices are not that of the packet")


def _slices(packet: bytes, behind: int) -> list[range]:
    """The slices with what is behind each; none if their lengths do not add up to the packet."""
    found: list[range] = []
    end = len(packet)
    while end:
        begin = end - behind - int.from_bytes(packet[max(0, end - behind) : end - behind + 3])
        if begin < 0 or end < behind:
            return []
        found.append(range(begin, end))
        end = begin
    return found


def _is_right(checked: bytes) -> bool:
    """Whether the CRC of a slice, which is its last part, leaves the register as it was."""
    return any(crc_from_highest(checked, register) == register for register in _REGISTERS)

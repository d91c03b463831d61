"""FFV1 (RFC 9043): key frames, and the checksums of slices, whose errors decoders do not report.

From version 3 on, each slice ends with its length and, in streams with checksums, a status and a CRC (section 4.8). The
variant of a stream is detected by the lengths, which must add up to the packet.
"""

from reelmill_stages.media.bitstream.units import DamagedPacket, Unit
from reelmill_stages.media.crc import crc_from_highest

_KEY = 0x7F80
"""Threshold of the first bit, the key frame flag: the arithmetic coder gives each value half of its range."""
_PLAIN, _CHECKED = 3, 8
"""Bytes after a slice, without and with checksums."""
_REGISTERS = (0, 0x7A8C4079)
"""CRC register before and after a slice, for the two kinds of checksums."""


class Ffv1Reader:
    """Implements `units.UnitReader`."""

    def __init__(self, extradata: bytes) -> None:
        self._has_slices = bool(extradata)
        self._count = 0

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        if self._has_slices:
            _check_checksums(bytes(data))
        return Unit(shown=True, entry=int.from_bytes(data[:2]) >= _KEY, order=(self._count,))


def _check_checksums(packet: bytes) -> None:
    slices = _slices(packet, _CHECKED)
    if slices:
        if not all(_has_right_checksum(packet[each.start : each.stop]) for each in slices):
            raise DamagedPacket("the checksum of a slice is wrong")
    elif not _slices(packet, _PLAIN):
        raise DamagedPacket("the lengths of its slices are not that of the packet")


def _slices(packet: bytes, behind: int) -> list[range]:
    """Return the slices with their trailing bytes; empty if their lengths do not add up to the packet."""
    found: list[range] = []
    end = len(packet)
    while end:
        begin = end - behind - int.from_bytes(packet[max(0, end - behind) : end - behind + 3])
        if begin < 0 or end < behind:
            return []
        found.append(range(begin, end))
        end = begin
    return found


def _has_right_checksum(checked: bytes) -> bool:
    """Whether the CRC at the end of a slice is correct: it then leaves the register unchanged."""
    return any(crc_from_highest(checked, register) == register for register in _REGISTERS)

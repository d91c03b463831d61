"""Bit reader for headers, most significant bit first, with the codes of ITU-T H.264 to H.266 (9.1: ue(v))."""


class OutOfBits(ValueError):
    """The header ends too early."""


class Bits:
    """Bits from the start of `data`; use `unescaped` first if it may contain emulation prevention bytes."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def u(self, count: int) -> int:
        """Read an unsigned number of `count` bits. Raises OutOfBits."""
        if count > self._left:
            raise OutOfBits
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def ue(self) -> int:
        """Read an unsigned Exp-Golomb number. Raises OutOfBits."""
        left = self._left
        rest = self._value & (1 << left) - 1
        # The first one bit is followed by as many bits as there are zeros before it.
        self._left = left = 2 * rest.bit_length() - left - 1
        if left < 0:
            raise OutOfBits
        return (rest >> left) - 1

    def se(self) -> int:
        """Read a signed Exp-Golomb number. Raises OutOfBits."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def unescaped(data: bytes) -> bytes:
    """Remove the emulation prevention bytes, which keep start codes out of a NAL unit."""
    return data.replace(b"\x00\x00\x03", b"\x00\x00") if b"\x00\x00\x03" in data else data

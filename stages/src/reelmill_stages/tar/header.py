"""Parser for the 512-byte header of a tar member: POSIX ustar, and the variants of GNU tar and pax.

Numbers are checked: no size is negative or larger than any file can be.
"""

import zlib

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason

BLOCK = 512
MAX_NUMBER = (1 << 63) - 1
_ADLER_BASE = 65521


class BadTar(ItemError):
    """A tar that a trainer cannot use. `rule` is the fixed name of the broken rule; `problem` describes it."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(ItemReason.BAD_TAR, f"{rule}: {what}")
        self.rule, self.problem = rule, what


def verify(block: bytes, position: int) -> None:
    """Raise BadTar(`corrupt_header`) if the checksum (of unsigned or of signed bytes) is wrong."""
    # The low half of Adler-32 is one plus the sum of all bytes, modulo 65521: a checksum at the speed of C.
    field = block[148:156]
    expected = number(field, position, what="checksum") - 8 * 32 + sum(field)
    if (zlib.adler32(block) & 0xFFFF) == (1 + expected) % _ADLER_BASE:
        return
    if sum(byte - 256 if byte > 127 else byte for byte in block) == expected:
        return
    raise BadTar("corrupt_header", f"there is no valid header at byte {position}")


def number(field: bytes, position: int, what: str = "size") -> int:
    """Parse a number from 0 to 2**63-1, in octal digits or (GNU) in base 256. Raises BadTar(`corrupt_header`)."""
    if field[0] in (0x80, 0xFF):
        found = int.from_bytes(field[1:], "big") if field[0] == 0x80 else -1
    else:
        digits = field.partition(b"\0")[0].strip(b" ")
        found = _octal(digits or b"0")
    if not 0 <= found <= MAX_NUMBER:
        raise BadTar("corrupt_header", f"the header at byte {position} has no valid {what}")
    return found


def _octal(digits: bytes) -> int:
    """Parse octal digits; -1 if invalid. `int` alone would accept signs, underscores, `0o` and spaces."""
    try:
        return int(digits, 8) if digits.isdigit() else -1
    except ValueError:
        return -1


def name_of(block: bytes) -> str:
    """Return the member's name with its prefix; GNU's headers (`ustar` and a space) have other fields there."""
    name = text(block[:100])
    if block[345] and block[257:263] == b"ustar\0":
        return f"{text(block[345:500])}/{name}"
    return name


def text(field: bytes) -> str:
    """Return a field's text up to the first zero byte; bytes that are not UTF-8 become surrogates."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")

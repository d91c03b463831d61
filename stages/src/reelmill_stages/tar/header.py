"""Parser for the 512-byte header of a tar member: POSIX ustar, and the variants of GNU tar and pax.

Numbers are checked: no size is negative or larger than any file can be.
"""

import zlib

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason

BLOCK = 512
MAX_NUMBER = (1 << 63) - 1
_ADLER_BASE = 65521
_ATTRIBUTES = (
    ("mode", 100, 108), ("owner", 108, 116), ("group", 116, 124), ("time", 136, 148),
    ("device number", 329, 337), ("device number", 337, 345),
)  # fmt: skip
_GNU_TYPES = b"LKS"


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


def check_attributes(block: bytes, position: int) -> None:
    """Raise BadTar(`corrupt_header`) if the mode, owner, time or device of a member is not a number.

    No reader needs them, but Python's tarfile, and thus webdataset, ends without an error at such a header.
    """
    # Nearly all writers use only digits and zero bytes, in all fields together.
    if not (block[100:124] + block[136:148] + block[329:345]).translate(None, b"01234567\0"):
        return
    for name, begin, end in _ATTRIBUTES:
        field = block[begin:end]
        if field[0] not in (0x80, 0xFF) and not _is_octal(field.partition(b"\0")[0]):
            raise BadTar(
                "corrupt_header", f"the header at byte {position} has no valid {name}: webdataset reads no further"
            )


def _is_octal(digits: bytes) -> bool:
    """Return whether tarfile reads a field as a number; it accepts signs, underscores and spaces around it."""
    try:
        int(digits.strip() or b"0", 8)
    except ValueError:
        return False
    return True


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
    """Return the member's name with its prefix, as Python's tarfile reads it.

    Incremental archives of GNU tar have times in place of the prefix; tarfile, and thus webdataset, adds them too.
    """
    name = text(block[:100])
    if block[345] and block[156] not in _GNU_TYPES:
        return f"{text(block[345:500])}/{name}"
    return name


def text(field: bytes) -> str:
    """Return a field's text up to the first zero byte; bytes that are not UTF-8 become surrogates."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")

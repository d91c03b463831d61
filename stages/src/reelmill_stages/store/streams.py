"""Raw streams of objects."""

import io

_PIECE = 1 << 20
"""Bytes of one read."""


class LargeReads(io.RawIOBase):
    """A raw stream whose rest is read in pieces of a megabyte; `io.RawIOBase` reads 8 KiB at a time."""

    def readable(self) -> bool:
        return True

    def readall(self) -> bytes:
        """Return the remaining bytes."""
        return b"".join(iter(lambda: self.read(_PIECE) or b"", b""))

"""Interface of codec readers, and the contents of one packet as they report it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Order = tuple[int, ...]
"""Sort key for display order; the values have no other meaning."""


class Unknown(Exception):
    """The bits lack information that a plan needs; the message says what, as part of a sentence."""


class DamagedPacket(Unknown):
    """A packet violates the codec's specification; neighbouring packets may be intact."""


@dataclass(slots=True)
class Unit:
    """One packet: nothing visible, or one picture.

    `entry`: decoding may begin here, and gives this picture and all that are shown after it bit for bit. `independent`:
    shown before the entry that it follows, but decodable from there. `droppable`: no other picture depends on it.
    `order` is None if the packet is damaged.
    """

    shown: bool
    entry: bool
    order: Order | None
    independent: bool = False
    droppable: bool = False


class UnitReader(Protocol):
    """Reader of the packets of one stream in decode order."""

    def read(self, data: memoryview) -> Unit:
        """Read the next packet. Raises DamagedPacket, and Unknown unless it is one picture with a known position."""
        ...

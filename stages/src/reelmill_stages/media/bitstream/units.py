"""What one packet of a video stream holds, as a reader of its codec tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Order = tuple[int, ...]
"""Compares as pictures are shown; values mean nothing else."""


class Unknown(Exception):
    """The bits do not tell what a plan must know; the message says what, as part of a sentence."""


class DamagedPacket(Unknown):
    """One packet is not what the codec prescribes; those around it may be."""


@dataclass(slots=True)
class Unit:
    """One packet: nothing to see, or one picture.

    `entry`: decoding may begin here, and gives this picture and all that are shown after it bit for bit.
    `independent`: shown before the entry that it follows, and yet decodable from there.
    `droppable`: no other picture depends on it. `order` is None where the packet is damaged.
    """

    shown: bool
    entry: bool
    order: Order | None
    independent: bool = False
    droppable: bool = False


class UnitReader(Protocol):
    """Reads the packets of one stream in decode order."""

    def read(self, data: memoryview) -> Unit:
        """The next packet. Raises Unknown where it is not one picture in a place that is told, and DamagedPacket."""
        ...

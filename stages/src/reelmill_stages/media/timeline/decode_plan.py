"""Decode planning: the packets to decode for given frames, from the packet table. No I/O.

A frame needs the packets from its key frame on, in decode order. Leading frames of an open GOP (decoded after a key
frame, shown before it) belong to the previous key frame, because they refer back to it, unless the codec marks them as
independent. This module is independent of files and decoders.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

_TICK_TOLERANCE = Fraction(1, 1000)
"""Tolerance in ticks: seconds are floats, and a frame exactly at the requested moment must not be lost to rounding."""


@dataclass(frozen=True, slots=True)
class Run:
    """Packets `first` to `last` (inclusive, in decode order) to feed to a fresh decoder, and the wanted ones."""

    first: int
    last: int
    wanted: frozenset[int]


def start_keys(
    order: Sequence[Any], keys: Sequence[bool], independent: Sequence[bool] | None = None
) -> list[int | None]:
    """Return, for each packet, the key packet from which it can be decoded; None if the file begins too late for it.

    `order` has sort keys of the display order, or None if unknown. `independent` marks packets that are shown before
    the key packet that they follow but need nothing from before it.
    """
    starts: list[int | None] = []
    current: int | None = None
    previous: list[int] = []
    for packet, is_key in enumerate(keys):
        if is_key:
            if current is not None:
                previous.append(current)
            current = packet
            starts.append(packet)
        elif (
            current is None
            or order[packet] is None
            or order[packet] >= order[current]
            or (independent is not None and independent[packet])
        ):
            starts.append(current)
        else:
            starts.append(next((key for key in reversed(previous) if order[key] <= order[packet]), None))
    return starts


def runs(wanted: Iterable[int], starts: Sequence[int | None]) -> list[Run]:
    """Return the fewest packets that give the wanted ones, as runs in decode order.

    A run continues until packets can be left out between two wanted ones; the next run begins at a key packet.
    """
    made: list[Run] = []
    for packet in sorted(set(wanted)):
        start = starts[packet]
        if start is None:
            raise ValueError(f"packet {packet} has no key packet to start from")
        if made and start <= made[-1].last + 1:
            run = made[-1]
            made[-1] = Run(run.first, packet, run.wanted | {packet})
        else:
            made.append(Run(start, packet, frozenset({packet})))
    return made


def separate_runs(wanted: Iterable[int], starts: Sequence[int | None]) -> list[Run]:
    """Return a run for each key packet that wanted packets are decoded from, however close they are."""
    groups: dict[int, list[int]] = {}
    for packet in sorted(set(wanted)):
        groups.setdefault(starts[packet] or 0, []).append(packet)
    return [Run(start, packets[-1], frozenset(packets)) for start, packets in sorted(groups.items())]


def first_tick_at(seconds: float, time_base: Fraction) -> int:
    """Return the first tick at or after a moment, tolerating rounding of the float."""
    ticks = Fraction(seconds) / time_base
    nearest = round(ticks)
    return nearest if abs(ticks - nearest) <= _TICK_TOLERANCE else ceil(ticks)

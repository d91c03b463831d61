"""Which packets must be decoded for which frames: pure, over the packet table.

A frame needs the packets from its key frame on, in decode order. Leading frames of an open GOP (decoded after a key
frame, shown before it) belong to the key frame before: they refer back to it, unless the codec says that they do not.
Knows nothing of files or decoders.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

_TICK_TOLERANCE = Fraction(1, 1000)
"""Of a tick: seconds are floats, and a frame that lies on the asked moment must not be lost to rounding."""


@dataclass(frozen=True, slots=True)
class Run:
    """Packets `first` to `last` (inclusive, decode order) that are fed to a fresh decoder, and which are wanted."""

    first: int
    last: int
    wanted: frozenset[int]


def start_keys(
    order: Sequence[Any], keys: Sequence[bool], independent: Sequence[bool] | None = None
) -> list[int | None]:
    """Of every packet the key packet from which it can be decoded; None where the file begins too late for it.

    `order` tells when packets are shown, by comparison, None where it is not known; `independent` which of those that
    are shown before the key that they follow need nothing from before it.
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
    """The fewest packets that give the wanted ones, as runs in decode order.

    A run goes on as long as nothing could be left out between two wanted packets; else the next begins at a key.
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
    """A run for each key packet that the wanted ones are decoded from, however close they are."""
    groups: dict[int, list[int]] = {}
    for packet in sorted(set(wanted)):
        groups.setdefault(starts[packet] or 0, []).append(packet)
    return [Run(start, packets[-1], frozenset(packets)) for start, packets in sorted(groups.items())]


def first_tick_at(seconds: float, time_base: Fraction) -> int:
    """The first tick at or after a moment, forgiving a float's last digits."""
    ticks = Fraction(seconds) / time_base
    nearest = round(ticks)
    return nearest if abs(ticks - nearest) <= _TICK_TOLERANCE else ceil(ticks)

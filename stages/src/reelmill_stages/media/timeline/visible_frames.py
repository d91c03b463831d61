"""Mapping of packets to visible frames: order, times, and where decoding of each begins. No I/O.

Losses do not invalidate a stream: between a damaged packet and the next one at which decoding may begin, packets may
contradict each other, and their frames are refused individually on request. Anywhere else, a contradiction means that
packets do not determine the frames.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reelmill_stages.media.bitstream.units import Order, Unit
from reelmill_stages.media.timeline.decode_plan import start_keys
from reelmill_stages.media.timeline.last_frame import usual_step
from reelmill_stages.media.timeline.packet_table import Row

LOST = Unit(shown=True, entry=False, order=None)
"""Placeholder for a packet whose bits cannot be trusted."""


@dataclass(frozen=True, slots=True)
class VisibleFrames:
    """Visible frames in presentation order."""

    numbers: tuple[int, ...]
    """Packet of each frame."""
    ticks: tuple[int, ...]
    """When each frame is shown; ascending."""
    starts: tuple[int | None, ...]
    """For every packet, the key packet from which it is decoded."""


def visible_frames(rows: Sequence[Row], units: Sequence[Unit], damaged: Collection[int]) -> VisibleFrames | str:
    """Return the frames of a stream, one unit per row; `damaged` packets are not trusted.

    If a plan is impossible, returns the reason, as part of a sentence.
    """
    affected = after_damage(units, damaged)
    orders: list[Order | None] = [
        None if lost and not unit.entry else unit.order for unit, lost in zip(units, affected, strict=True)
    ]
    starts = start_keys(orders, [unit.entry for unit in units], [unit.independent for unit in units])
    shown = [
        number
        for number, (row, unit) in enumerate(zip(rows, units, strict=True))
        if unit.shown and not row.hidden and starts[number] is not None
    ]
    if not shown:
        return "no picture is one to begin at"
    sound = [number for number in shown if not affected[number]]
    if any(rows[number].pts is None for number in sound):
        return "packets have no time of presentation"
    sound.sort(key=lambda number: (rows[number].pts, number))
    if any(rows[before].pts == rows[after].pts for before, after in pairwise(sound)):
        return "two pictures have one time"
    sorted_orders = [order for order in (orders[number] for number in sound) if order is not None]
    if any(before >= after for before, after in pairwise(sorted_orders)):
        return "times of presentation are in another order than the pictures"
    times = _presentation_times(rows, sound, [number for number in shown if affected[number]])
    if not times:
        return "packets have no time of presentation"
    numbers = sorted(times, key=lambda number: times[number])
    return VisibleFrames(tuple(numbers), tuple(times[number] for number in numbers), tuple(starts))


def with_first(rows: Sequence[Row], units: Sequence[Unit], damaged: Collection[int]) -> list[Unit]:
    """Return the units; if the first is damaged, it counts as a key frame, as marked by the container.

    The frames that depend on it therefore keep their numbers and times, and are refused individually.
    """
    if units and 0 in damaged and rows[0].key and not units[0].entry:
        return [Unit(shown=True, entry=True, order=()), *units[1:]]
    return list(units)


def after_damage(units: Sequence[Unit], damaged: Collection[int]) -> list[bool]:
    """Return, for each packet, whether it is damaged or lies between damage and the next entry."""
    affected: list[bool] = []
    for number, unit in enumerate(units):
        before = bool(affected) and affected[-1] and not unit.entry
        affected.append(before or number in damaged)
    return affected


def _presentation_times(rows: Sequence[Row], sound: Sequence[int], affected: Sequence[int]) -> dict[int, int]:
    """Return when each packet is shown.

    After damage, a packet with a missing or duplicate time follows the previous one.
    """
    times = {number: tick for number in sound if (tick := rows[number].pts) is not None}
    taken = set(times.values())
    untimed = []
    for number in affected:
        tick = rows[number].pts
        if tick is None or tick in taken:
            untimed.append(number)
        else:
            times[number] = tick
            taken.add(tick)
    ordered = sorted(taken)
    step = usual_step(ordered)
    before: int | None = None
    for number in sorted([*times, *untimed]):
        if number in times:
            before = times[number]
            continue
        if before is None:
            continue
        place = bisect_right(ordered, before)
        after = ordered[place] if place < len(ordered) else before + 2 * step
        made = before + min(step, (after - before) // 2)
        if made > before:
            times[number] = before = made
            ordered.insert(place, made)
    return times

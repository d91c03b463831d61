"""Where frames that are counted are known again after damage: a lost packet costs the pictures up to there alone.

A frame that is told apart by its number is lost with the first damaged packet: nobody knows how many frames went with
it. It is known again at a packet at which decoding may begin and whose time of presentation the container tells, if a
decoder that begins there gives the same frames, at the same times, as the one that came from the start of the file.
Containers of bare streams tell no times, and where recordings are joined, each has a clock of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reelmill_stages.media.timeline.clock import Clock
from reelmill_stages.media.timeline.full_decode import Frame
from reelmill_stages.media.timeline.packet_table import Row

_REORDER = 17
"""More packets than any codec takes in before a picture comes out."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """Frame `frame`, and all after it up to the next damage, are decoded from packet `packet` on."""

    packet: int
    frame: int


def candidates(rows: Sequence[Row], damaged: Collection[int], clock: Clock | None) -> list[int]:
    """Packets at which frames may be known again: after each damage the first one at which decoding may begin."""
    found: list[int] = []
    lost: int | None = None
    for number, row in enumerate(rows):
        if number in damaged:
            lost = number if lost is None else lost
        elif (
            lost is not None
            and row.unit is not None
            and row.unit.entry
            and row.pts is not None
            and not (clock is not None and _jumps(clock, rows[max(0, lost - 1) : number + 1]))
        ):
            found.append(number)
            lost = None
    return found


def _jumps(clock: Clock, rows: Sequence[Row]) -> bool:
    jump = clock.jump([row.dts for row in rows], [row.pts for row in rows], [row.key for row in rows])
    return jump is not None


def resumptions(
    rows: Sequence[Row],
    damaged: Collection[int],
    packets: Sequence[int],
    frames: Sequence[Frame],
    anew: Sequence[Frame],
    times: Sequence[tuple[int | None, int]],
) -> list[Resumption]:
    """Those of the candidates `packets` at which frames are known again.

    `frames` are those of a decoding from the start, `anew` those of one that began anew at each candidate; `times` are
    those of the first: as the decoder tells them, and as the timeline has them.
    """
    found: list[Resumption] = []
    for place, packet in enumerate(packets):
        after = packets[place + 1] if place + 1 < len(packets) else len(rows)
        until = min((number for number in damaged if number > packet), default=len(rows))
        first = _own(rows[packet].pts, packet, frames)
        begin = _own(rows[packet].pts, packet, [*anew])
        if first is None or begin is None:
            continue
        old = [frame for frame in frames[first:] if frame.fed < until]
        new = [frame for frame in anew[begin:] if frame.fed < min(until, after)]
        same = all(one.pts == other.pts for one, other in zip(old, new, strict=False))
        if until == len(rows) and len(old) != len(new):
            continue
        if same and _agree(times[first : first + len(old)]):
            found.append(Resumption(packet, first))
    return found


def _own(pts: int | None, packet: int, frames: Sequence[Frame]) -> int | None:
    """Which frame a packet shows; None where that is not certain."""
    near = [
        index for index, frame in enumerate(frames) if frame.pts == pts and packet <= frame.fed <= packet + _REORDER
    ]
    return near[0] if len(near) == 1 else None


def _agree(times: Sequence[tuple[int | None, int]]) -> bool:
    """Whether frames have the times that the decoder tells: in this order or, where it tells all, as a set."""
    told = [(tick, made) for tick, made in times if tick is not None]
    if len(told) == len(times):
        return sorted(tick for tick, _ in told) == sorted(made for _, made in told)
    return all(tick == made for tick, made in told)

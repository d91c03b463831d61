"""Detection of clock jumps: recordings that were joined byte by byte, or restarted, begin their clock anew.

A time in such a file can mean several moments, so times must not be sorted: the parts of the file follow each other in
file order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

_SLACK = Fraction(1, 2)
"""Seconds by which decode times may go back, because some muxers round carelessly."""
_REORDERED = Fraction(2)
"""Seconds by which pictures wrongly marked as key frames may be out of order."""
_GAP = 10
"""Seconds; a transport stream without a picture for longer was interrupted (FFmpeg's own threshold)."""
_BROADCAST = {"mpegts", "mpeg"}
"""Containers of broadcasting and discs, whose clocks run without gaps."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A clock jump: before packet `packet` the clock jumps from `before` to `after` seconds."""

    packet: int
    before: float
    after: float

    def __str__(self) -> str:
        way = "back" if self.after < self.before else "forward"
        return f"the clock goes {way} from {self.before:.3f} s to {self.after:.3f} s at packet {self.packet}"


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a container, whose ticks last `time_base` seconds."""

    container: str
    time_base: Fraction

    def jump(self, decoded: Sequence[int | None], shown: Sequence[int | None], keys: Sequence[bool]) -> Jump | None:
        """Return the first jump, by the times of packets in decode order (in ticks; None if unknown).

        A movie has a single clock by design. Matroska stores no decode times, but its key frames are in order.
        """
        if "mov" in self.container:
            return None
        if "matroska" in self.container:
            times = [tick if key else None for tick, key in zip(shown, keys, strict=True)]
            return self._first_jump(times, _REORDERED)
        return self._first_jump(decoded, _SLACK)

    def continued(self, times: Sequence[int | None]) -> list[int | None]:
        """Return the times of frames in presentation order; those after a jump continue from the frames before it."""
        steps = [after - before for before, after in pairwise(tick for tick in times if tick is not None)]
        usual = median_low([step for step in steps if step > 0] or [1])
        made: list[int | None] = []
        offset, latest = 0, None
        for tick in times:
            if tick is None:
                made.append(None)
                continue
            if latest is not None and self._is_jump(latest, tick, _SLACK):
                offset += latest + usual - tick
                latest = None
            made.append(tick + offset)
            latest = tick if latest is None else max(latest, tick)
        return made

    def _first_jump(self, times: Sequence[int | None], slack: Fraction) -> Jump | None:
        latest: int | None = None
        for packet, tick in enumerate(times):
            if tick is None:
                continue
            if latest is not None and self._is_jump(latest, tick, slack):
                return Jump(packet, float(latest * self.time_base), float(tick * self.time_base))
            latest = tick if latest is None else max(latest, tick)
        return None

    def _is_jump(self, latest: int, tick: int, slack: Fraction) -> bool:
        forward = (tick - latest) * self.time_base
        return forward < -slack or (self.container in _BROADCAST and forward > _GAP)

"""Which decoded frames may be handed on: wanted, in order, and untouched by damage.

A decoder marks a frame that it patched up, but not the later ones that were predicted from it, and frames come out in
another order than they were decoded in. So a frame is held back until all that it may depend on has come out, and is
refused if any packet between its key frame and itself was broken. Knows nothing of files or codecs.

Frames are handed on in bursts. A decoder and the code that looks at pictures drive each other's instructions out of the
caches of a CPU; in bursts, each of them runs for several frames before the other does.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import av

from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.timeline.decode_plan import Run
from reelmill_stages.media.timeline.timeline import Timeline

_REORDER = 17
"""More than the deepest picture buffer of any codec (16): frames decoded before this one are out by then."""
_BURST = 32
"""Frames of a burst, at most."""
_BURST_PIXELS = 1 << 23
"""Pixels of the frames of a burst, at most: larger frames wait in smaller bursts, and fill no more memory."""


class Damaged(Exception):
    """Frame `index` is not to be had this way. `reason` is the item's, should no other way be left."""

    def __init__(self, index: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.index = index
        self.reason = reason


class Delivery:
    """Takes what a decoder gives, hands on what was wanted."""

    def __init__(self, timeline: Timeline, wanted: Iterable[int]) -> None:
        self._timeline = timeline
        self._wanted = deque(wanted)
        self._indices = {} if timeline.counted else {pts: index for index, pts in enumerate(timeline.pts)}
        self._begins = {point.packet: point.frame for point in timeline.resumptions}
        self._held: deque[tuple[int, int, av.VideoFrame]] = deque()
        self._broken: list[int] = []
        self._out = 0
        self._next: int | None = None
        """Number of the next frame where they are counted; None before the first of a run."""
        self._latest: int | None = None
        self._burst = 0

    def broken(self, number: int, run: Run) -> None:
        """Packet `number` could not be decoded, or came out patched up."""
        start = self._timeline.packets.starts[number]
        # Leading frames of the run's first key frame lack their references: nobody asked for them.
        if start is not None and start >= run.first:
            self._broken.append(number)

    def take(self, frame: av.VideoFrame, run: Run) -> Iterator[tuple[int, av.VideoFrame]]:
        """The next frame out of the decoder; yields (index, frame) that are certain, once they make a burst."""
        if frame.is_corrupt:
            # It may refuse all that are held: not those of which it came too late to be a reference.
            yield from self._certain()
        try:
            self._add(frame, run)
        except Damaged:
            yield from self._certain()
            raise
        if len(self._held) >= self._burst and self._is_certain(self._held[self._burst - 1]):
            yield from self._certain()

    def _add(self, frame: av.VideoFrame, run: Run) -> None:
        index = self._index(frame, run)
        self._out += 1
        if frame.is_corrupt:
            self._patched_up(index, run)
        if index is not None and self._wanted and index >= self._wanted[0]:
            if index > self._wanted[0]:
                raise self._missing()
            self._held.append((self._out, self._wanted.popleft(), frame))
        self._burst = min(_BURST, max(1, _BURST_PIXELS // (frame.width * frame.height or 1)))

    def _patched_up(self, index: int | None, run: Run) -> None:
        """Frame `index` came out patched up; None: one that is not visible.

        Where frames are counted, its packet is not known, and frames that were predicted from it may have come out
        before it. So all that are held are refused.
        """
        if self._timeline.counted:
            index = self._held[0][1] if self._held else index
            if index is None:  # it comes before the first frame of the run, or after the last
                return
        self.broken(run.first if index is None else self._timeline.numbers[index], run)

    def _is_certain(self, held: tuple[int, int, av.VideoFrame]) -> bool:
        return self._out - held[0] >= _REORDER

    def _certain(self) -> Iterator[tuple[int, av.VideoFrame]]:
        while self._held and self._is_certain(self._held[0]):
            yield self._release()

    def end(self, run: Run) -> Iterator[tuple[int, av.VideoFrame]]:
        """The decoder was drained: all of the run that is wanted must have come."""
        while self._held:
            yield self._release()
        if self._wanted and self._timeline.numbers[self._wanted[0]] <= run.last:
            raise self._missing()
        self._latest = None
        self._next = None

    def _index(self, frame: av.VideoFrame, run: Run) -> int | None:
        """Which frame this is; None for one that is not visible."""
        if self._timeline.counted:
            return self._count(frame, run)
        if frame.pts is None:
            return None
        if self._latest is not None and frame.pts <= self._latest:
            raise Damaged(
                self._indices.get(frame.pts, 0),
                ItemReason.CORRUPT,
                "frames are decoded in another order than the container lists",
            )
        self._latest = frame.pts
        return self._indices.get(frame.pts)

    def _count(self, frame: av.VideoFrame, run: Run) -> int | None:
        """The number of a frame: a run that begins in the middle begins with the frame of its first packet."""
        if self._next is None:
            if run.first and frame.pts != self._timeline.packets.pts[run.first]:
                return None
            self._next = self._begins[run.first] if run.first else 0
        index = self._next
        self._next += 1
        # At the end of a run, a decoder may give frames that it drops when it is fed the packets of the next one.
        numbers = self._timeline.numbers
        return index if index < len(numbers) and numbers[index] <= run.last else None

    def _release(self) -> tuple[int, av.VideoFrame]:
        _, index, frame = self._held.popleft()
        if (packet := self._spoiling(index)) is not None:
            raise Damaged(index, ItemReason.CORRUPT, self._timeline.why_spoiled(packet))
        return index, frame

    def _spoiling(self, index: int) -> int | None:
        """The first damaged packet that a frame depends on."""
        starts = self._timeline.packets.starts
        number = self._timeline.numbers[index]
        start = starts[number] or 0
        return next((packet for packet in self._broken if packet <= number and (starts[packet] or 0) >= start), None)

    def _missing(self) -> Damaged:
        index = self._wanted[0]
        if (packet := self._spoiling(index)) is not None:
            return Damaged(index, ItemReason.CORRUPT, self._timeline.why_spoiled(packet))
        reason = ItemReason.CORRUPT if self._broken else ItemReason.DECODE_ERROR
        return Damaged(index, reason, "the decoder does not return it")

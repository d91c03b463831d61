"""Filtering of decoded frames: only those that are wanted, in order, and untouched by damage.

A decoder marks a frame that it concealed, but not later frames predicted from it, and the output order differs from the
decode order. A frame is therefore held back until everything it may depend on has been output, and is refused if any
packet between its key frame and itself was damaged. This module is independent of files and codecs.

Frames are delivered in bursts. A decoder and the code that processes pictures evict each other's instructions from the
CPU caches; in bursts, each runs for several frames before the other does.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import av

from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.timeline.decode_plan import Run
from reelmill_stages.media.timeline.timeline import Timeline

_REORDER = 17
"""More than the deepest picture buffer of any codec (16): frames decoded before this one are output by then."""
_BURST = 32
"""Maximum number of frames in a burst."""
_BURST_PIXELS = 1 << 23
"""Maximum number of pixels in a burst: larger frames come in smaller bursts, to limit memory."""


class Damaged(Exception):
    """Frame `index` cannot be decoded this way. `reason` is the item's reason if no other way is left."""

    def __init__(self, index: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.index = index
        self.reason = reason


class Delivery:
    """Collects frames from a decoder and delivers the wanted ones."""

    def __init__(self, timeline: Timeline, wanted: Iterable[int]) -> None:
        self._timeline = timeline
        self._wanted = deque(wanted)
        self._indices = {} if timeline.counted else {pts: index for index, pts in enumerate(timeline.pts)}
        self._begins = {point.packet: point.frame for point in timeline.resumptions}
        self._held: deque[tuple[int, int, av.VideoFrame]] = deque()
        self._broken: list[int] = []
        self._out = 0
        self._next: int | None = None
        """Number of the next frame if frames are counted; None before the first of a run."""
        self._latest: int | None = None
        self._burst = 0

    def record_damage(self, number: int, run: Run) -> None:
        """Record that packet `number` could not be decoded or was concealed."""
        start = self._timeline.packets.starts[number]
        # Leading frames of the run's first key frame lack references, but are not wanted.
        if start is not None and start >= run.first:
            self._broken.append(number)

    def take(self, frame: av.VideoFrame, run: Run) -> Iterator[tuple[int, av.VideoFrame]]:
        """Take the next frame from the decoder; yield (index, frame) of certain ones once they fill a burst."""
        if frame.is_corrupt:
            # This may refuse all held frames, so first deliver those that are certain: they cannot depend on this one.
            yield from self._release_certain()
        try:
            self._hold(frame, run)
        except Damaged:
            yield from self._release_certain()
            raise
        if len(self._held) >= self._burst and self._is_certain(self._held[self._burst - 1]):
            yield from self._release_certain()

    def _hold(self, frame: av.VideoFrame, run: Run) -> None:
        index = self._frame_index(frame, run)
        self._out += 1
        if frame.is_corrupt:
            self._record_concealment(index, run)
        if index is not None and self._wanted and index >= self._wanted[0]:
            if index > self._wanted[0]:
                raise self._missing_error()
            self._held.append((self._out, self._wanted.popleft(), frame))
        self._burst = min(_BURST, max(1, _BURST_PIXELS // (frame.width * frame.height or 1)))

    def _record_concealment(self, index: int | None, run: Run) -> None:
        """Record that frame `index` was concealed; None: a frame that is not visible.

        If frames are counted, its packet is unknown, and frames predicted from it may have been output before it. All
        held frames are then refused.
        """
        if self._timeline.counted:
            index = self._held[0][1] if self._held else index
            if index is None:  # it comes before the first frame of the run, or after the last
                return
        self.record_damage(run.first if index is None else self._timeline.numbers[index], run)

    def _is_certain(self, held: tuple[int, int, av.VideoFrame]) -> bool:
        return self._out - held[0] >= _REORDER

    def _release_certain(self) -> Iterator[tuple[int, av.VideoFrame]]:
        while self._held and self._is_certain(self._held[0]):
            yield self._release()

    def end(self, run: Run) -> Iterator[tuple[int, av.VideoFrame]]:
        """Finish a run after the decoder was drained: all wanted frames of the run must have been output."""
        while self._held:
            yield self._release()
        if self._wanted and self._timeline.numbers[self._wanted[0]] <= run.last:
            raise self._missing_error()
        self._latest = None
        self._next = None

    def _frame_index(self, frame: av.VideoFrame, run: Run) -> int | None:
        """Return the index of a frame; None for one that is not visible."""
        if self._timeline.counted:
            return self._frame_number(frame, run)
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

    def _frame_number(self, frame: av.VideoFrame, run: Run) -> int | None:
        """Return the number of a frame: a run that begins in the middle begins with the frame of its first packet."""
        if self._next is None:
            if run.first and frame.pts != self._timeline.packets.pts[run.first]:
                return None
            self._next = self._begins[run.first] if run.first else 0
        index = self._next
        self._next += 1
        # At the end of a run, a decoder may output frames that it drops when it is fed the next run's packets.
        numbers = self._timeline.numbers
        return index if index < len(numbers) and numbers[index] <= run.last else None

    def _release(self) -> tuple[int, av.VideoFrame]:
        _, index, frame = self._held.popleft()
        if (packet := self._damaged_dependency(index)) is not None:
            raise Damaged(index, ItemReason.CORRUPT, self._timeline.why_spoiled(packet))
        return index, frame

    def _damaged_dependency(self, index: int) -> int | None:
        """Return the first damaged packet that a frame depends on."""
        starts = self._timeline.packets.starts
        number = self._timeline.numbers[index]
        start = starts[number] or 0
        return next((packet for packet in self._broken if packet <= number and (starts[packet] or 0) >= start), None)

    def _missing_error(self) -> Damaged:
        index = self._wanted[0]
        if (packet := self._damaged_dependency(index)) is not None:
            return Damaged(index, ItemReason.CORRUPT, self._timeline.why_spoiled(packet))
        reason = ItemReason.CORRUPT if self._broken else ItemReason.DECODE_ERROR
        return Damaged(index, reason, "the decoder does not return it")

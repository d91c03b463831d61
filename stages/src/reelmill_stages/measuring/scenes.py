"""Measures scenes in the decode that finds them.

Where a scene ends is known when it has ended, so its frames are chosen as if it went on, and those of the last `BEHIND`
frames wait for the detector's word. A scene that turns out otherwise, because it was cut later than that, is divided or
has a margin, does not have what its clip needs: `SceneFrames.of` gives None, and the clip is decoded by itself.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from reelmill.contract.measures import Measure, MeasureFamily
from reelmill.contract.spec.stages.measure import FrameChoice, MeasureBlock
from reelmill_stages.measuring.container import seen
from reelmill_stages.measuring.frames import MeasuredFrames, MeasuredScene
from reelmill_stages.measuring.pictures.look import look
from reelmill_stages.measuring.pictures.planes import planes_of
from reelmill_stages.measuring.selection import chosen
from reelmill_stages.media.decoding.decode import Picture
from reelmill_stages.media.decoding.picture import Turned
from reelmill_stages.media.timeline.selection import TINY
from reelmill_stages.media.timeline.timeline import Stretch, Timeline

BEHIND = 16
"""Frames that are kept until they are measured: as many as a detector needs to merge short scenes by its default."""


class SceneFrames:
    """The frames of a video, in which scenes are found; implements `media.decoding.scenes.Watcher`."""

    def __init__(self, block: MeasureBlock, timeline: Timeline) -> None:
        self._block = block
        self._timeline = timeline
        self._turned = Turned(timeline.shape)
        self._waiting: deque[Picture] = deque()
        self._scene: _Scene | None = None
        self._scenes: dict[int, _Scene] = {}

    def see(self, picture: Picture) -> None:
        """The next frame."""
        self._waiting.append(picture)
        if len(self._waiting) > BEHIND:
            self._take()

    def cut(self, index: int) -> None:
        """A scene begins with this frame, which was seen already."""
        while self._waiting and self._waiting[0].index < index:
            self._take()
        self._end()

    def of(self, shown: Stretch) -> MeasuredScene | None:
        """What the frames of a clip have told; None unless exactly those that it needs were measured. At the end."""
        while self._waiting:
            self._take()
        self._end()
        scene = self._scenes.get(shown.frames.start)
        if scene is None or scene.shape is None:
            return None
        wanted = chosen(self._block.frames, self._timeline, shown) if self._measures else Counter()
        fits = wanted == scene.frames.counts and shown.start <= self._timeline.pts[shown.frames.start]
        return MeasuredScene(scene.frames, scene.shape) if fits and self._ends(shown) else None

    def _end(self) -> None:
        if self._scene is not None:
            self._scene.frames.end()
        self._scene = None

    @property
    def _measures(self) -> bool:
        return not self._block.families.isdisjoint({MeasureFamily.PICTURE, MeasureFamily.MOTION})

    def _ends(self, shown: Stretch) -> bool:
        """Whether the last frame is on screen until the next one is, as was taken for granted."""
        return shown.end == self._tick(shown.frames.stop)

    def _tick(self, index: int) -> int:
        return self._timeline.pts[index] if index < len(self._timeline) else self._timeline.end

    def _seconds(self, index: int) -> float:
        return self._timeline.seconds_at(self._tick(index))

    def _take(self) -> None:
        picture = self._waiting.popleft()
        index = picture.index
        upright = self._turned.of(picture.frame)
        if self._scene is None:
            self._scene = _Scene(MeasuredFrames(self._block), _Choice(self._block.frames, self._seconds(index)))
            self._scene.shape = seen(picture.frame, upright)
            self._scenes[index] = self._scene
        if not self._measures:
            return
        at, until = self._seconds(index), self._seconds(index + 1)
        if times := self._scene.choice.times(until):
            planes = planes_of(picture.frame, upright.shape.crop, upright.turns)
            values = look(planes) if MeasureFamily.PICTURE in self._block.families else {}
            self._scene.frames.add(index, times, planes, values, at, until)


class _Choice:
    """How often each frame of a clip is chosen, by `all` or `fps`, while its end is not known (`selection.chosen`)."""

    def __init__(self, choice: FrameChoice, begin: float) -> None:
        self._choice = choice
        self._begin = begin
        self._number = 0

    def times(self, until: float) -> int:
        """How often the next frame is chosen, which is shown until a second."""
        if self._choice.fps is None:
            return 1
        before = self._number
        while self._begin + self._number / self._choice.fps < until - TINY:
            self._number += 1
        return self._number - before


@dataclass(slots=True)
class _Scene:
    frames: MeasuredFrames
    choice: _Choice
    shape: Mapping[Measure, float | str] | None = None

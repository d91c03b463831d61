"""Decoding of a file once for all of its clips."""

from collections.abc import Iterator, Mapping, Sequence

from reelmill.contract.errors import ItemError
from reelmill.contract.measures import Measure, MeasureFamily
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill_stages.measuring.clip import Clip
from reelmill_stages.measuring.models import FrameModel
from reelmill_stages.measuring.pictures.look import look
from reelmill_stages.measuring.pictures.planes import planes_of
from reelmill_stages.media.decoding.decode import Picture, decode
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile


class Film:
    """An open video and the models that process it."""

    def __init__(self, path: MediaFile, timeline: Timeline, block: MeasureBlock, models: Sequence[FrameModel]) -> None:
        self.path = path
        self.timeline = timeline
        self._looks = MeasureFamily.PICTURE in block.families
        self._models = models

    def show(self, clips: Sequence[Clip]) -> Iterator[tuple[Clip, ItemError]]:
        """Decode the file once for all clips; yield those that cannot be decoded, with their errors.

        After an error, each incomplete clip is decoded alone, so that only the clips that need damaged frames fail.
        """
        try:
            self._show(clips)
        except ItemError as error:
            for clip in clips:
                if clip.complete:
                    continue
                if len(clips) == 1:
                    yield clip, error
                    continue
                clip.restart()
                yield from self.show([clip])

    def _show(self, clips: Sequence[Clip]) -> None:
        takers: dict[int, list[Clip]] = {}
        for clip in clips:
            for index in clip.needed:
                takers.setdefault(index, []).append(clip)
        turned = Turned(self.timeline.shape)
        for picture in decode(self.path, self.timeline, list(takers)):
            wanted = takers[picture.index]
            for clip in wanted:
                clip.see(picture, turned.of(picture.frame))
            self._measure(picture, turned, [clip for clip in wanted if picture.index in clip.measured])
            self._judge(picture, turned, [clip for clip in wanted if picture.index in clip.judged])

    def _measure(self, picture: Picture, turned: Turned, clips: Sequence[Clip]) -> None:
        if not clips:
            return
        upright = turned.of(picture.frame)
        planes = planes_of(picture.frame, upright.shape.crop, upright.turns)
        values: Mapping[Measure, float] = look(planes) if self._looks else {}
        for clip in clips:
            clip.measure(picture.index, planes, values)

    def _judge(self, picture: Picture, turned: Turned, clips: Sequence[Clip]) -> None:
        if not clips:
            return
        upright = turned.of(picture.frame)
        width, height = shown_size(picture.frame, upright)
        pixels = render(picture.frame, width=width, height=height, color="bgr", turned=upright)
        for clip in clips:
            for model in self._models:
                clip.judge(picture.index, *model.look(pixels, clip.item))

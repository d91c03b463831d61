"""Clips with measures, which are computed during the decoding that finds their scenes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill_stages.measuring.packages import require
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.stage import Done, Failed, NewItem, Result, no_files
from reelmill_stages.stages.clip.cutter import Clipped, Cutter

if TYPE_CHECKING:
    from reelmill_stages.measuring.measurer import Measurer
    from reelmill_stages.measuring.scenes import SceneFrames


class ClipMeasurer:
    """Measures the clips of a block with `measure`. OpenCV is imported for the first video."""

    def __init__(self, block: ClipBlock) -> None:
        assert block.measure is not None
        self._block = block.measure.stage
        self._measurer: Measurer | None = None

    def check(self) -> None:
        """Raise SpecError if a package is not installed."""
        require(self._block)

    def frames(self, timeline: Timeline) -> SceneFrames:
        """Return the observer of the decoding of a video."""
        from reelmill_stages.measuring.scenes import SceneFrames

        return SceneFrames(self._block, timeline)

    def measured(
        self, video: Cutter, frames: SceneFrames, clips: Sequence[Clipped]
    ) -> tuple[list[Clipped], Counter[str]]:
        """Return the clips with their measures, and counters. Raises ItemError for a clip that cannot be measured.

        A clip that was encoded is decoded again, because its pictures differ from those of the video.
        """
        known = [
            None if clip.reencoded else frames.of(video.timeline.stretch(*(clip.item.fields[at] for at in _SPAN)))
            for clip in clips
        ]
        items = [_measured_item(clip.item) for clip in clips]
        measurer = self._loaded_measurer()
        results: list[Result] = []
        if all(not clip.item.files for clip in clips):
            results += measurer.clips(video.path, video.timeline, items, known)
        else:
            for clip, item, one in zip(clips, items, known, strict=True):
                path = clip.item.files[0].path
                results += measurer.clips(path, read_timeline(path), [item], [one])
        found = [_with_measures(clip, result) for clip, result in zip(clips, results, strict=True)]
        counters: Counter[str] = Counter()
        for _, counted in found:
            counters.update(counted)
        return [clip for clip, _ in found], counters

    def _loaded_measurer(self) -> Measurer:
        if self._measurer is None:
            from reelmill_stages.measuring.measurer import Measurer

            self._measurer = Measurer(self._block, lambda ref: no_files(ref.uri))
        return self._measurer


_SPAN = "start", "end"


def _measured_item(made: NewItem) -> Item:
    """Return the item in the form that a stage `measure` would read."""
    media = made.media
    if not isinstance(media, Media):
        path = made.files[0].path
        media = Media(str(path), path.stat().st_size)
    return Item(made.key, 0, made.group, made.weight, media, fields=made.fields, provenance=made.provenance)


def _with_measures(clip: Clipped, result: Result) -> tuple[Clipped, dict[str, int]]:
    if isinstance(result, Failed):
        raise ItemError(result.reason, f"{clip.item.key}: {result.message}")
    assert isinstance(result, Done)
    (item,) = result.items
    made = replace(clip.item, fields=item.fields, provenance=item.provenance)
    return replace(clip, item=made), dict(result.counters)

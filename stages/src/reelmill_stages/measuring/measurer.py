"""Measurement of the clips of one file after another, with the models of a block in memory."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.measuring.clip import Clip
from reelmill_stages.measuring.frames import MeasuredScene
from reelmill_stages.measuring.models import load_models
from reelmill_stages.measuring.shared_decode import Film
from reelmill_stages.measuring.sound.shared_decode import HeardSound, expect_heard, hear, listens
from reelmill_stages.media.timeline.item_span import shown_in, span
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.stage import Done, NewItem, Result

FIELD = "measures"
"""The field of an item that contains its measures."""
_MEASURED = "measured"
"""The provenance field with the way in which they were computed."""


class Measurer:
    """Measures items with models that are loaded once per worker. Raises SpecError for unsuitable weights."""

    def __init__(self, block: MeasureBlock, read: Callable[[FileRef], Path]) -> None:
        self._block = block
        self._models = load_models(block, read)
        # A pod has one worker per CPU.
        cv2.setNumThreads(1)

    def file(self, path: MediaFile, items: Sequence[Item]) -> Sequence[Result]:
        """Return the results of items that are parts of one file. Raises ItemError for a file that cannot be read."""
        return self.clips(path, read_timeline(path), items, [None] * len(items))

    def clips(
        self, path: MediaFile, timeline: Timeline, items: Sequence[Item], measured: Sequence[MeasuredScene | None]
    ) -> Sequence[Result]:
        """Return the results of items, reusing what was already measured; the other items are decoded."""
        results: dict[int, Result] = {}
        clips: dict[int, Clip] = {}
        for place, (item, frames) in enumerate(zip(items, measured, strict=True)):
            try:
                _earlier_measures(item)
                shown = shown_in(timeline, span(item))
                clip = Clip(self._block, item, timeline, shown, models=bool(self._models.frames))
                clips[place] = clip
                if frames is not None:
                    clip.takes(frames)
            except ItemError as error:
                results[place] = failed(error)
        if listens(self._block):
            expect_heard(path, timeline, [clip.shown for clip in clips.values()])
        film = Film(path, timeline, self._block, self._models.frames)
        broken = dict(film.show([clip for clip in clips.values() if not clip.complete]))
        for place, clip in clips.items():
            try:
                if clip in broken:
                    raise broken[clip]
                results[place] = self._done(path, timeline, clip)
            except ItemError as error:
                results[place] = failed(error)
        return [results[place] for place in range(len(items))]

    def _done(self, path: MediaFile, timeline: Timeline, clip: Clip) -> Done:
        item = clip.item
        sound = HeardSound()
        counters: dict[str, int] = dict.fromkeys(timeline.special_properties(), 1)
        if listens(self._block):
            whole = span(item) is None
            sound = hear(path, timeline, clip.shown, whole=whole, voices=self._models.voices)
            clip.record(sound.told)
            counters[StageCounter.NO_SOUND] = int(sound.stream is None)
            counters[StageCounter.DAMAGED_SOUND] = int(bool(sound.damaged))
        earlier = {name: value for name, value in _earlier_measures(item).items() if name not in self._block.measured}
        made = NewItem(
            key=item.key,
            group=item.group,
            weight=item.weight,
            media=item.media,
            fields={**item.fields, FIELD: {**earlier, **clip.fields()}},
            provenance={**item.provenance, _MEASURED: self._provenance(clip, sound, timeline)},
        )
        return Done((made,), counters={name: count for name, count in counters.items() if count})

    def _provenance(self, clip: Clip, sound: HeardSound, timeline: Timeline) -> dict[str, Any]:
        before = clip.item.provenance.get(_MEASURED)
        return {
            "params": self._block.canonical(),
            "frames": clip.measured.total(),
            "model_frames": clip.judged.total(),
            "stream": timeline.stream,
            **({} if sound.stream is None else {"audio_stream": sound.stream}),
            **({} if not sound.damaged else {"damaged_packets": sound.damaged}),
            "versions": _versions(),
            **({} if before is None else {"from": before}),
        }


def _earlier_measures(item: Item) -> Mapping[str, Any]:
    """Return the measures that an item already has. Raises ItemError with reason `bad_value`."""
    found = item.fields.get(FIELD)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise ItemError(
            ItemReason.BAD_VALUE, f"the item has a field {FIELD} from elsewhere, which is no object: rename it"
        )
    return found


@cache
def _versions() -> dict[str, str]:
    return {"av": av.__version__, "opencv": cv2.__version__}

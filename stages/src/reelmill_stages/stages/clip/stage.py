"""The `clip` stage: cuts clips by copying packets, by encoding, or as spans of the source."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.log import event
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.listed_order import listed_order
from reelmill_stages.media import ffmpeg
from reelmill_stages.media.cutting.encode import ENCODERS
from reelmill_stages.stage import (
    DataSetReader,
    Done,
    File,
    Filtered,
    Input,
    Result,
    Stage,
    Work,
)
from reelmill_stages.stages.clip.cutter import Clipped, Cutter, cutter
from reelmill_stages.stages.clip.measured import ClipMeasurer
from reelmill_stages.stages.clip.pairs import PAIRS, absolute_paths, write_pairs
from reelmill_stages.stages.clip.pieces import Piece, Pieces, pieces_of
from reelmill_stages.stages.clip.scene_finder import SceneFinder
from reelmill_stages.weight import Weight

_log = logging.getLogger(__name__)


class ClipStage(Stage):
    """Cuts videos into clips, opening each video once.

    Reasons: those of `read_timeline`, `bad_span`, `span_outside`, `clock_jumps`, `unverified`, `ffmpeg_failed`,
    `encode_timeout`; filtered `too_short`, `too_long`. Counters: `reencoded`: clips that copied packets
    cannot show exactly in mp4; `overhang`: spans cut off at the end of their video; `too_short`: omitted pieces;
    `gpu_fallback`: videos whose scenes a CPU detected in place of a GPU; and the words of
    `Timeline.special_properties`. With `measure`, reasons and counters are also those of a stage `measure`.
    """

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, ClipBlock)
        self.params = block
        self._scenes = SceneFinder(block)
        self._measurer = ClipMeasurer(block) if block.measure else None

    def check(self) -> None:
        if self.params.by == "scenes":
            self._scenes.check()
        if self._measurer:
            self._measurer.check()
        if self.params.mode != "reencode":
            return
        encoder = ENCODERS[self.params.codec]
        if not ffmpeg.has_encoder(encoder):
            raise SpecError(
                f"{ffmpeg.binary().path} has no encoder {encoder}", hint="choose another codec, or another ffmpeg"
            )
        if self.params.codec == "h264_nvenc":
            event(_log, "GPU encoders have few sessions: use few workers per GPU", level=logging.WARNING)

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        results: dict[int, Result] = {}
        places: dict[Media | None, list[int]] = {}
        for place, one in enumerate(group):
            places.setdefault(_media_file(one.item.media), []).append(place)
        for media, members in places.items():
            try:
                if media is None:
                    raise ItemError(ItemReason.MISSING, "the item has no media")
                lend = work.fetch if self._needs_whole_videos else work.open
                with cutter(lend(media), media, self.params, work.scratch) as video:
                    self._announce_reads([group[place].item for place in members], video)
                    results |= {place: self._process_input(group[place], video, work.gpu) for place in members}
            except ItemError as error:
                results |= {place: failed(error) for place in members if place not in results}
        return [results[place] for place in range(len(group))]

    def _announce_reads(self, items: Sequence[Item], video: Cutter) -> None:
        """Decide from all clips together whether their video is read by ranges."""
        if self.params.mode != "copy" or self._needs_whole_videos or isinstance(video.path, Path):
            return
        pieces: list[Piece] = []
        for item in items:
            with suppress(ItemError):  # reported when it is cut
                found = pieces_of(item, video.timeline, self.params, lambda _: [])
                pieces += found.pieces if isinstance(found, Pieces) else ()
        video.expect(pieces)

    @property
    def _needs_whole_videos(self) -> bool:
        return self.params.mode == "reencode" or self.params.by in {"scenes", "keyframes"}

    def _process_input(self, one: Input, video: Cutter, gpu: int | None) -> Result:
        """Process one input; if one of its clips fails, the item fails."""
        files: list[File] = []
        try:
            frames = self._measurer.frames(video.timeline) if self._measurer else None
            find = partial(self._scenes.find, video.path, video.timeline, gpu=gpu, watcher=frames)
            found = pieces_of(one.item, video.timeline, self.params, find)
            if isinstance(found, Filtered):
                return found
            clips: list[Clipped] = []
            for piece in found.pieces:
                clips.append(video.clip(one.item, piece))
                files += clips[-1].item.files
            counted: Counter[str] = Counter()
            if self._measurer and frames:
                clips, counted = self._measurer.measured(video, frames, clips)
        except ItemError as error:
            for file in files:
                file.path.unlink()
            return failed(error)
        counters = {
            **counted,
            StageCounter.REENCODED: sum(clip.reencoded for clip in clips),
            StageCounter.OVERHANG: sum(piece.overhang > 0 for piece in found.pieces),
            StageCounter.TOO_SHORT: found.short,
            **(self._scenes.fallback.counters() if self._scenes.fallback else {}),
            **dict.fromkeys(video.timeline.special_properties(), 1),
        }
        return Done(
            items=tuple(clip.item for clip in clips),
            counters={name: count for name, count in counters.items() if count},
        )

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        path = data.scratch / PAIRS
        write_pairs(path, listed_order(data.items()), data.root)
        yield File(PAIRS, path)

    def localise(self, view: Path, folder: Path) -> None:
        if view.name == PAIRS:
            absolute_paths(view, folder)

    def forecast(self, items: int, weight: Weight) -> int | None:
        return 0 if self.params.mode == "virtual" else None


def _media_file(media: Media | None) -> Media | None:
    """Return the media without a span: virtual clips of one video share a file."""
    return media and replace(media, span=None)

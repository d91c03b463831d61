"""The pictures that the stages take of one stream: virtual clips, and from those frames, packed images, chunks and the
frames of an embedding.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cliprig import Rig, done
from media.streams import SIZE, frame_number
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Failed, Input, Result
from reelmill_stages.stages.embed.towers.frames import frames_of, middles
from reelmill_stages.stages.pack.samplers.un import segment_middles
from reelmill_stages.untrusted.images import open_image

_FRAMES, _CHUNK, _OVERLAP = 5, 7, 2


class Refused(Exception):
    """A stage refused the item: `reason` is the class of its outcome."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


def paths(path: Path, timeline: Timeline, clip: range, folder: Path) -> Iterator[tuple[str, Sequence[int], list[int]]]:
    """(path, indices of the frames that it should show, numbers that they show) for a clip of these frames."""
    rig = Rig(folder / "stages")
    item = _virtual(rig, path, timeline, clip)
    yield "virtual frames", [*clip], _frames(rig, item)[: len(clip)]
    yield "packed", [clip[place] for place in segment_middles(len(clip), _FRAMES)], _packed(rig, item)
    chunks = [range(first, min(first + _CHUNK, len(clip))) for first in _begins(len(clip))]
    yield "chunks", [clip[place] for chunk in chunks for place in chunk], _chunks(rig, item)
    embedded = [_number(pixels) for pixels in frames_of(item, rig, _FRAMES)]
    yield "embedded", [clip[place] for place in middles(len(clip), _FRAMES)], embedded


def _virtual(rig: Rig, path: Path, timeline: Timeline, clip: range) -> Item:
    end = timeline.seconds(clip.stop) if clip.stop < len(timeline) else timeline.duration
    given = rig.item("a", path, start=timeline.seconds(clip.start), end=end, vid="a", name="a", text="t")
    (made,) = _made(rig, "clip", given, mode="virtual").items
    assert isinstance(made.media, Media)
    return Item(made.key, 0, made.group, made.weight, made.media, fields=made.fields)


def _frames(rig: Rig, item: Item) -> list[int]:
    made = _made(rig, "frames", item, all=True, layout="npy", width=SIZE[0], height=SIZE[1])
    (array,) = (file.path for file in made.items[0].files if file.path.suffix == ".npy")
    return [_number(pixels) for pixels in np.load(array)]


def _packed(rig: Rig, item: Item) -> list[int]:
    made = _made(rig, "pack", item, sampler="un", frames=_FRAMES)
    numbers = []
    for part in made.payload:
        with open_image(part.path) as image:
            numbers.append(_number(np.asarray(image.convert("RGB"))))
    return numbers


def _chunks(rig: Rig, item: Item) -> list[int]:
    block = {"output": "npy", "maxFrames": _CHUNK, "overlap": _OVERLAP, "labels": False, "keypoints": False}
    made = _made(rig, "chunk", item, **block)
    return [_number(pixels) for chunk in made.items for pixels in np.load(chunk.files[0].path)]


def _begins(frames: int) -> list[int]:
    """Where chunks begin: as long as frames are left that the one before has not."""
    return [0, *range(_CHUNK - _OVERLAP, max(frames - _OVERLAP, 1), _CHUNK - _OVERLAP)]


def _made(rig: Rig, type_: str, item: Item, **params: Any) -> Done:
    shutil.rmtree(rig.scratch, ignore_errors=True)
    rig.scratch.mkdir(parents=True)
    (result,) = stage(type_, params).process([Input(item, 0)], rig)
    return _done(result)


def _done(result: Result) -> Done:
    if isinstance(result, Failed):
        raise Refused(result.reason, result.message)
    return done(result)


def _number(pixels: np.ndarray[Any, Any]) -> int:
    """The number that a picture shows; its green is as bright as its luma."""
    return frame_number(np.ascontiguousarray(pixels[..., 1]).tobytes(), pixels.shape[1])

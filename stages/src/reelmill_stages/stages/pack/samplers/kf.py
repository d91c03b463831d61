"""The sampler `kf`: key frames and other frames, each with its position in time.

Key frames (including the last frame) are thinned evenly, other frames are added up to the total, and all are in order
of time.
"""

from collections.abc import Sequence
from typing import Literal

from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stages.pack.pictures import info, pictures
from reelmill_stages.stages.pack.sample import PackInput, UnkeyedSample

COUNT = 24
SCALE = 1000
"""Maximum position; positions start at 0."""

Kind = Literal["I", "P"]


def thinned(places: Sequence[int], count: int) -> list[int]:
    """At most `count` of ascending positions, evenly spaced from the first to the last; a single one is the first."""
    if len(places) <= count:
        return list(places)
    if count < 2:
        return list(places[:count])
    step = (len(places) - 1) / (count - 1)
    return [places[round(step * place)] for place in range(count)]


def chosen(frames: int, keys: Sequence[int], count: int, key_count: int) -> list[tuple[int, Kind]]:
    """(index, kind) of the selected frames, ascending: at most `key_count` key frames, and `count` frames in total."""
    anchors = sorted({*keys, frames - 1})
    images = thinned(anchors, min(key_count, count))
    known = set(anchors)
    others = thinned([place for place in range(frames) if place not in known], count - len(images))
    kinds: dict[int, Kind] = dict.fromkeys(others, "P")
    kinds |= dict.fromkeys(images, "I")
    return sorted(kinds.items())


def position(place: int, frames: int) -> int:
    """The position of a frame in the video, from 0 to 1000."""
    return int(place / (frames - 1) * SCALE) if frames > 1 else 0


class KeyFrames:
    """`{"prompt", "txt", "info", "image_name_list"}` and one jpg per frame; the prompt is `<Iimage>#0<Pimage>#43…`.

    If the item has a conversation, it is added as `conversations`.
    """

    def __init__(self, block: PackBlock) -> None:
        self.block = block

    def sample(self, clip: PackInput) -> UnkeyedSample:
        frames = clip.frames
        keys = [index - frames[0] for index, key in enumerate(clip.timeline.keys) if key and index in frames]
        taken = chosen(len(frames), keys, self.block.frames or COUNT, self.block.key_frames)
        wanted = [frames[place] for place, _ in taken]
        parts = pictures(clip, wanted, quality=self.block.jpeg_quality, max_side=self.block.max_side)
        prompt = "".join(f"<{kind}image>#{position(place, len(frames))}" for place, kind in taken)
        return UnkeyedSample({"prompt": prompt, "txt": clip.text, "info": info(clip), **clip.talk}, parts)

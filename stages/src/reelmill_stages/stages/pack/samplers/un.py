"""`un`: frames at equal distance, the middle of equal parts of the video."""

from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stages.pack.pictures import info, pictures
from reelmill_stages.stages.pack.sample import PackInput, UnkeyedSample

COUNT = 16


def segment_middles(frames: int, count: int) -> list[int]:
    """Positions of `count` frames among `frames`: int(s / 2 + round(s * j)) with s = (frames - 1) / count.

    Ascending and never beyond the last; a video shorter than `count` gives some of its frames twice, so that every
    sample has the same parts.
    """
    step = (frames - 1) / count
    return [min(frames - 1, int(step / 2 + round(step * place))) for place in range(count)]


def strided(frames: int, rate: int) -> list[int]:
    """As the sampler's first version: every second (`rate` frames) below 12 seconds, else every (frames - 1) // 11-th.

    11 or 12 of a long video, one a second of a short one; the last frame never, but where it is the only one.
    """
    step = max(1, rate if frames < 12 * rate else (frames - 1) // 11)
    return list(range(0, frames - 1, step)) or [0]


class Uniform:
    """`{"prompt", "txt", "info", "image_name_list"}` and one jpg a frame; the prompt is `<image>` for each.

    A conversation that the item has goes along as `conversations`.
    """

    def __init__(self, block: PackBlock) -> None:
        self.block = block

    def sample(self, clip: PackInput) -> UnkeyedSample:
        frames = clip.frames
        wanted = [frames[place] for place in self.places(clip, len(frames))]
        parts = pictures(clip, wanted, quality=self.block.jpeg_quality, max_side=self.block.max_side)
        return UnkeyedSample(
            {"prompt": "<image>" * len(parts), "txt": clip.text, "info": info(clip), **clip.talk}, parts
        )

    def places(self, clip: PackInput, frames: int) -> list[int]:
        """Which of so many frames are taken, in order."""
        return segment_middles(frames, self.block.frames or COUNT)


class FirstUniform(Uniform):
    """The same of the frames that the first version took; how many they are depends on the video."""

    def places(self, clip: PackInput, frames: int) -> list[int]:
        # Its library gave a whole number of frames a second, cut off.
        rate = len(clip.timeline) / clip.timeline.duration if clip.timeline.duration else 1.0
        return strided(frames, max(1, int(rate + 1e-6)))

"""The sampler `un`: frames at the centres of equal parts of the video."""

from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stages.pack.pictures import info, pictures
from reelmill_stages.stages.pack.sample import PackInput, UnkeyedSample

COUNT = 16


def segment_middles(frames: int, count: int) -> list[int]:
    """Positions of `count` frames among `frames`: int(s / 2 + round(s * j)) with s = (frames - 1) / count.

    In ascending order; frames of a video with fewer than `count` frames are repeated, so that all samples have the same
    parts.
    """
    step = (frames - 1) / count
    return [min(frames - 1, int(step / 2 + round(step * place))) for place in range(count)]


def strided(frames: int, rate: int) -> list[int]:
    """Return the frames of the first version of the sampler.

    These are one frame per second (`rate` frames) if the video is shorter than 12 seconds, otherwise every (frames - 1)
    // 11-th frame, which are 11 or 12. The last frame is not used, unless it is the only one.
    """
    step = max(1, rate if frames < 12 * rate else (frames - 1) // 11)
    return list(range(0, frames - 1, step)) or [0]


class Uniform:
    """`{"prompt", "txt", "info", "image_name_list"}` and one jpg per frame; the prompt has an `<image>` for each.

    If the item has a conversation, it is added as `conversations`.
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
        """Indices of the selected frames, in order."""
        return segment_middles(frames, self.block.frames or COUNT)


class FirstUniform(Uniform):
    """Like `Uniform`, with the frames of the first version, whose number depends on the video."""

    def places(self, clip: PackInput, frames: int) -> list[int]:
        # The original rounds the frame rate down.
        rate = len(clip.timeline) / clip.timeline.duration if clip.timeline.duration else 1.0
        return strided(frames, max(1, int(rate + 1e-6)))

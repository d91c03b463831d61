"""`un`: frames at equal distance, the middle of equal parts of the video."""

from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.pack.pictures import info, pictures
from reelmill_stages.pack.sample import Clip, Sample

COUNT = 16


def segment_middles(frames: int, count: int) -> list[int]:
    """Positions of `count` frames among `frames`: int(s / 2 + round(s * j)) with s = (frames - 1) / count.

    Ascending and never beyond the last; a video shorter than `count` gives some of its frames twice, so that every
    sample has the same parts.
    """
    step = (frames - 1) / count
    return [min(frames - 1, int(step / 2 + round(step * place))) for place in range(count)]


class Uniform:
    """`{"prompt", "txt", "info", "image_name_list"}` and one jpg a frame; the prompt is `<image>` for each.

    A conversation that the item has goes along as `conversations`.
    """

    def __init__(self, block: PackBlock) -> None:
        self.block = block

    def sample(self, clip: Clip) -> Sample:
        frames = clip.frames
        wanted = [frames[place] for place in segment_middles(len(frames), self.block.frames or COUNT)]
        parts = pictures(clip, wanted, quality=self.block.jpeg_quality, max_side=self.block.max_side)
        return Sample({"prompt": "<image>" * len(parts), "txt": clip.text, "info": info(clip), **clip.talk}, parts)

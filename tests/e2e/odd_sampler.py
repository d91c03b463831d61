"""A sampler of one's own for `pack` that hangs, crashes or waits for the file $GO, as the file's name says."""

import os
import time
from pathlib import Path

from reelmill_stages.stages.pack.sample import PackInput, UnkeyedSample
from reelmill_stages.stages.pack.samplers.video_only import VideoOnly

__reelmill__ = ["Odd"]


class Odd(VideoOnly):
    def sample(self, clip: PackInput) -> UnkeyedSample:
        if clip.item.key.startswith("hang"):
            time.sleep(600)
        if clip.item.key.startswith("crash"):
            os.abort()
        while clip.item.key.startswith("waiting") and not Path(os.environ["GO"]).exists():
            time.sleep(0.01)
        return super().sample(clip)

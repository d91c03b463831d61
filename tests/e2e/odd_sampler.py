"""A sampler of one's own for `pack` that hangs, crashes or takes its time, as the file's name says."""

import os
import time

from reelmill_stages.stages.pack.sample import PackInput, UnkeyedSample
from reelmill_stages.stages.pack.samplers.video_only import VideoOnly

__reelmill__ = ["Odd"]


class Odd(VideoOnly):
    def sample(self, clip: PackInput) -> UnkeyedSample:
        if clip.item.key.startswith("hang"):
            time.sleep(600)
        if clip.item.key.startswith("crash"):
            os.abort()
        if clip.item.key.startswith("slow"):
            time.sleep(1.0)
        return super().sample(clip)

"""A stage with items that end the whole pod, as one that fills the node's memory does."""

import os
import signal
import time
from collections.abc import Sequence

from toy_stages import ToyBlock, Upper

from reelmill_stages.stage import Input, Result, Work

__reelmill__ = ["Poison"]


class Poison(Upper):
    block_type = ToyBlock

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        if any("poison" in one.item.key for one in group):
            pod = os.getppid()  # that of an orphan would be another process
            time.sleep(0.1)
            os.kill(pod, signal.SIGKILL)
            time.sleep(60)
        return super().process(group, work)

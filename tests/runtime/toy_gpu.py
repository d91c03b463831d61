"""A stage that tells which GPU it was lent. Importable in worker processes."""

import time
from collections.abc import Sequence
from pathlib import Path

from reelmill.contract.spec.block import StageBlock
from reelmill_stages.stage import Done, File, Input, NewItem, Result, Stage, Work

__reelmill__ = ["WhichGpu"]


class GpuBlock(StageBlock):
    trace: str
    workers: int


class WhichGpu(Stage):
    block_type = GpuBlock
    block: GpuBlock

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        trace = Path(self.block.trace)
        (trace / f"{work.gpu}-{group[0].item.key}").touch()
        while len(list(trace.iterdir())) < self.block.workers:  # every worker takes an item
            time.sleep(0.01)
        path = work.scratch / "x"
        path.write_text("x")
        item = group[0].item
        name = f"out/{item.key}.txt"
        return [Done((NewItem(item.key, item.group, 1.0, name, (File(name, path),)),))]

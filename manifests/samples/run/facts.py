"""A custom stage: writes one JSON file per video and filters out small videos."""

import json
from collections.abc import Sequence

from reelmill_stages.media import probe
from reelmill_stages.stage import Done, Failed, File, Filtered, Input, NewItem, Result, Stage, StageBlock, Work

__reelmill__ = ["Facts"]


class FactsBlock(StageBlock):
    min_width: int = 64
    """Minimum width in pixels; narrower videos are `filtered(too_small)`."""


class Facts(Stage):
    block_type = FactsBlock
    block: FactsBlock

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._one(given, work) for given in group]

    def _one(self, given: Input, work: Work) -> Result:
        item = given.item
        if item.media is None:
            return Failed("no_media", f"{item.key} has no video")
        seen = probe(work.fetch(item.media)).main
        if seen.width < self.block.min_width:
            return Filtered("too_small", f"{seen.width} pixels wide")
        path = work.scratch / f"{given.number}.json"
        path.write_text(json.dumps({"width": seen.width, "height": seen.height}))
        facts = File(f"facts/{given.number:06d}.json", path)
        return Done((NewItem(item.key, item.group, item.weight, media=item.media, files=(facts,)),))

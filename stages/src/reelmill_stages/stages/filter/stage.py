"""The `filter` stage: each item is passed on unchanged, or dropped by a rule."""

from collections.abc import Sequence

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.stages.filter import FilterBlock
from reelmill_stages.stage import Done, Input, NewItem, Result, Stage, Work
from reelmill_stages.stages.filter.rules import judge, ready
from reelmill_stages.weight import Weight


class FilterStage(Stage):
    """Filters items. It reads only rows, so inputs of different groups are judged together."""

    pace = 0.0
    reads_media = False

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, FilterBlock)
        self._rules = ready(block.rules)

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(input_) for input_ in group]

    def forecast(self, items: int, weight: Weight) -> int:
        return 0

    def _process_input(self, input_: Input) -> Result:
        item = input_.item
        verdict = judge(self._rules, item)
        if verdict is not None:
            return verdict
        return Done(
            (NewItem(item.key, item.group, item.weight, item.media, fields=item.fields, provenance=item.provenance),)
        )

"""The `dedup` stage: keeps one of several items with the same content, over the whole data set."""

from collections.abc import Sequence

from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.dedup import DedupBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.records.rows.item_values import value_of
from reelmill_stages.stage import (
    Done,
    Filtered,
    Input,
    KeptSignatures,
    NewItem,
    Result,
    Signature,
    Signed,
    Stage,
    StageBlock,
    Terms,
    Work,
)
from reelmill_stages.stages.dedup.clips import clip_of
from reelmill_stages.stages.dedup.greedy import decide
from reelmill_stages.stages.dedup.rule import DuplicateRule
from reelmill_stages.weight import Weight

_LAST = 1e300
"""Rank of an item without a value to rank by."""


class DedupStage(Stage):
    """Signs items, and filters duplicates when the pass is closed."""

    block: DedupBlock
    decides = True

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        self._rule = _new_rule(self.block)
        self._measure = value_of(self.block.measure) if self.block.measure else None

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [
            failed(signed) if isinstance(signed, ItemError) else self._process_item(given.item, signed)
            for given, signed in zip(group, self._rule.sign(group, work), strict=True)
        ]

    def terms(self, signatures: Sequence[bytes]) -> Terms:
        return self._rule.terms(signatures)

    def decide(self, given: Sequence[Signed], kept: KeptSignatures) -> Sequence[Filtered | None]:
        return decide(self._rule, given, kept)

    def forecast(self, items: int, weight: Weight) -> int | None:
        return self._rule.signature_bytes(items, weight)

    def _process_item(self, item: Item, signed: bytes) -> Result:
        try:
            return self._done(clip_of(item) if self.block.returns_inputs else item, signed)
        except ItemError as error:
            return failed(error)

    def _done(self, item: Item, signed: bytes) -> Done:
        passed = NewItem(
            key=item.key,
            group=item.group,
            weight=item.weight,
            media=item.media,
            fields=item.fields,
            provenance=item.provenance,
        )
        return Done((passed,), signature=Signature(signed, self._rank(item)))

    def _rank(self, item: Item) -> float:
        """Return the rank of an item; items of a pass are decided in ascending order."""
        if self._measure is None:
            return 0.0
        value = self._measure(item)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= _LAST or value != value:
            return _LAST
        return float(-value if self.block.best == "highest" else value)


def _new_rule(block: DedupBlock) -> DuplicateRule:
    # Imported here, because each method needs other libraries.
    match block.by:
        case "exact":
            from reelmill_stages.stages.dedup.exact import ExactRule

            return ExactRule()
        case "perceptual":
            from reelmill_stages.stages.dedup.perceptual import PerceptualRule

            return PerceptualRule(fps=block.fps, limit=block.limit, overlap=block.overlap, mirror=block.mirror)
        case "semantic":
            from reelmill_stages.stages.dedup.semantic import SemanticRule

            return SemanticRule(limit=block.limit)

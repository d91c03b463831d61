"""The `select` stage: keeps a number or a share of the items of each group, over the whole data set."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.select import SelectBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.records.rows.item_values import ABSENT, value_of
from reelmill_stages.sampling.positions import position
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
from reelmill_stages.stages.select.groups import ID_BYTES, LARGEST, ItemGroups, group_name, group_of_name
from reelmill_stages.weight import Weight


class SelectStage(Stage):
    """Signs each item with its group, and filters those beyond the limits of their groups when the pass is closed."""

    block: SelectBlock
    pace = 0.0
    reads_media = False
    decides = True

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        self._groups = ItemGroups(self.block.per)
        self._measure = value_of(self.block.measure) if self.block.measure else None
        self._quotas = {
            group: most for name, most in self.block.quotas.items() for group in group_of_name(self.block.per[0], name)
        }
        self._shares_left: dict[bytes, int] = {}
        """With `share`: group -> number of items of the pass that are still kept."""

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(given.item) for given in group]

    def terms(self, signatures: Sequence[bytes]) -> Terms:
        if self.block.share is not None:  # decided without what was kept
            return np.zeros(0, np.uint64), np.zeros(0, np.int64)
        return _terms(signatures), np.arange(len(signatures))

    def prepare(self, given: Iterable[Signed]) -> None:
        if self.block.share is None:
            return
        counts: Counter[bytes] = Counter()
        first_keys: dict[bytes, str] = {}
        for one in given:
            counts[_group_id(one)] += 1
            first_keys.setdefault(_group_id(one), one.key)
        self._shares_left = {
            group: share_of(self.block.share, count, first_keys[group]) for group, count in counts.items()
        }

    def decide(self, given: Sequence[Signed], kept: KeptSignatures) -> Sequence[Filtered | None]:
        left = self._shares_left if self.block.share is not None else self._counts_left(given, kept)
        return [self._verdict(one, left) for one in given]

    def forecast(self, items: int, weight: Weight) -> int:
        return items * 100

    def _counts_left(self, given: Sequence[Signed], kept: KeptSignatures) -> dict[bytes, int]:
        """Return for each group of these inputs how many more items of it are kept."""
        groups = list(dict.fromkeys(map(_group_id, given)))
        counts = kept.count(_terms(groups)).tolist()
        return {group: self._limit(group) - count for group, count in zip(groups, counts, strict=True)}

    def _limit(self, group: bytes) -> int:
        return self._quotas.get(group, self.block.count or 0)

    def _verdict(self, given: Signed, left: dict[bytes, int]) -> Filtered | None:
        group = _group_id(given)
        if left[group] > 0:
            left[group] -= 1
            return None
        name = group_name(given.data)
        of = f"of {name}, " if name else ""
        limit = f"{self.block.share:.15g} of a pass" if self.block.share is not None else f"{self._limit(group)} in all"
        return Filtered(ItemReason.NOT_SELECTED, f"{of}others are kept: {limit}")

    def _process_input(self, item: Item) -> Result:
        try:
            signature = Signature(self._groups.of(item), self._rank(item))
        except ItemError as error:
            return failed(error)
        passed = NewItem(item.key, item.group, item.weight, item.media, fields=item.fields, provenance=item.provenance)
        return Done((passed,), signature=signature)

    def _rank(self, item: Item) -> float:
        """Return the rank of an item: those with the lowest ones are kept. Raises ItemError."""
        if self._measure is None:
            return position(item.key, self.block.seed)
        value = self._measure(item)
        if value is ABSENT:
            if self.block.missing == "last":
                return LARGEST
            raise ItemError(ItemReason.NO_FIELD, f"the item has no field {self.block.measure}, the measure")
        if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST:
            raise ItemError(ItemReason.BAD_FIELD, f"the measure {self.block.measure} is not a finite number")
        return float(-value if self.block.best == "highest" else value)


def share_of(share: float, count: int, key: str) -> int:
    """Return a share of `count` items as a whole number.

    It is rounded up or down by a hash of the key, so that the sum over many small passes is the share, too.
    """
    return math.floor(share * count + position(key, 0))


def _group_id(given: Signed) -> bytes:
    """Return the part of a signature that identifies the group; shards of another version may name it differently."""
    return given.data[:ID_BYTES]


def _terms(groups: Sequence[bytes]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    ids = b"".join(group[:8] for group in groups)
    return np.frombuffer(ids, "<u8").astype(np.uint64)

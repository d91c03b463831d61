"""Toy stages that decide over the whole data set: by the content of text files. Importable in worker processes."""

import os
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from toy_stages import obey

from reelmill.contract.spec.block import StageBlock
from reelmill_stages.stage import Done, Filtered, Input, KeptSignatures, NewItem, Result, Signature, Signed, Stage, Work

__reelmill__ = ["Near", "Both"]


class NearBlock(StageBlock):
    within: int = 0
    at_once: int = 1 << 30


class Near(Stage):
    """A file is a number, and a duplicate if a kept one is as near as `within`; `rank N` or `unsigned` may follow."""

    decides = True
    block_type = NearBlock

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._one(given, work) for given in group]

    def terms(self, signatures: Sequence[bytes]) -> Any:
        width = self.block.within + 1
        numbers = np.array([int(data) for data in signatures], np.int64)
        cells = np.concatenate([numbers // width - 1, numbers // width, numbers // width + 1])
        return cells.astype(np.uint64), np.tile(np.arange(len(signatures)), 3)

    def decide(self, given: Sequence[Signed], kept: KeptSignatures) -> Sequence[Filtered | None]:
        if os.environ.get("TOY_NO_DECISION"):
            raise RuntimeError("nobody should have to decide again")
        given = given[: self.block.at_once]
        verdicts: list[Filtered | None] = []
        fresh: list[Signed] = []
        values, owners = self.terms([one.data for one in given])
        places, numbers = kept.find(values)
        pairs = sorted(set(zip(owners[places].tolist(), numbers.tolist(), strict=True)))
        for place, one in enumerate(given):
            same = (kept.get(number) for at, number in pairs if at == place)
            near = [other.key for other in same if self._same(one.data, other.data)]
            near += [other.key for other in fresh if self._same(one.data, other.data)]
            verdicts.append(Filtered("duplicate", f"of {near[0]}") if near else None)
            if not near:
                fresh.append(one)
        return verdicts

    def _same(self, one: bytes, other: bytes) -> bool:
        return abs(int(one) - int(other)) <= int(self.block.within)

    def _one(self, given: Input, work: Work) -> Result:
        item = given.item
        assert item.media is not None
        text = work.fetch(item.media).read_text()
        if found := obey(text, grouped=False):
            return found
        words = text.split()
        rank = float(words[words.index("rank") + 1]) if "rank" in words else 0.0
        data = words[0] if words[0].isdecimal() else str(zlib.crc32(text.encode()))
        signature = None if "unsigned" in words else Signature(data.encode(), rank)
        made = NewItem(item.key, item.group, item.weight, item.media, fields=item.fields)
        return Done((made,), signature=signature)


class Both(Near):
    """Decides, and assembles."""

    spans = True

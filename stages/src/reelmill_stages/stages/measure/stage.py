"""The `measure` stage: every item passes with its media unchanged, and gets fields `measures.<name>`.

All items of a group that share a file are decoded in one pass. The meaning of the measures is declared in
`reelmill.contract.measures`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.measuring.packages import require
from reelmill_stages.stage import Input, Result, Stage, Work
from reelmill_stages.weight import Weight

if TYPE_CHECKING:
    from reelmill_stages.measuring.measurer import Measurer


class MeasureStage(Stage):
    """Measures videos and clips.

    Reasons: those of `read_timeline` and `decode`, `no_media`, `bad_span`, `bad_value`. Counters: `no_sound`,
    `damaged_sound`, and the words of `Timeline.special_properties`.
    """

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, MeasureBlock)
        self._block = block
        self._measurer: Measurer | None = None
        self._hears = block.sound or block.speech is not None
        self.pace = 0.5 if block.models else 0.05

    def check(self) -> None:
        require(self._block)

    def check_files(self, read: Callable[[FileRef], Path]) -> None:
        from reelmill_stages.measuring.models import load_models

        load_models(self._block, read)

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        results: dict[int, Result] = {}
        places: dict[Media | None, list[int]] = {}
        for place, given in enumerate(group):
            media = given.item.media
            places.setdefault(media and replace(media, span=None), []).append(place)
        for media, members in places.items():
            try:
                if media is None:
                    raise ItemError(ItemReason.NO_MEDIA, "the item has no file")
                items = [group[place].item for place in members]
                lend = work.fetch if self._hears and any(map(_is_whole, items)) else work.open
                found = self._loaded_measurer(work).file(lend(media), items)
                results |= zip(members, found, strict=True)
            except ItemError as error:
                results |= {place: failed(error) for place in members}
        return [results[place] for place in range(len(group))]

    def forecast(self, items: int, weight: Weight) -> int | None:
        """Only rows are written."""
        return 0

    def _loaded_measurer(self, work: Work) -> Measurer:
        # Importing OpenCV and the runtimes of models takes longer than other steps take in total.
        if self._measurer is None:
            from reelmill_stages.measuring.measurer import Measurer

            self._measurer = Measurer(self._block, lambda ref: work.read(ref.uri, ref.digest or ""))
        return self._measurer


def _is_whole(item: Item) -> bool:
    """Return whether an item is its whole file, whose sound would be transferred completely even by ranges."""
    return item.media is not None and item.media.span is None and not {"start", "end"} & set(item.fields)
